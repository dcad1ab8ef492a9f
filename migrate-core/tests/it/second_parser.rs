//! A parser that shares nothing with ours, as a witness: of every statement of other projects that `sqlparser`
//! understands, it and we name the same command and the same relations.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use migrate_core::catalog::{Catalog, External};
use migrate_core::command::{Action, Command, read};
use migrate_core::effect::{Effect, Majors, effect};
use migrate_core::migration::Direction;
use migrate_core::parse::{self, Environment, Substitution};
use sqlparser::ast::{ObjectName, ObjectType, Statement, visit_relations};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::shared;

fn statements(path: &Path) -> Vec<String> {
    let (text, environment) = (shared::text(path), Environment::default());
    let split = |direction| parse::split(&text, direction, Substitution::Fill(&environment, None)).unwrap();
    let both = [Direction::Up, Direction::Down].map(|direction| split(direction).statements);
    both.into_iter().flatten().map(|statement| statement.sql(&text).to_owned()).collect()
}

/// The words of a command as the witness has them; `None` for those whose variants say less than ours.
fn verb(statement: &Statement) -> Option<&'static str> {
    Some(match statement {
        Statement::CreateTable(create) if create.query.is_some() => "CREATE TABLE AS",
        Statement::CreateTable(_) => "CREATE TABLE",
        Statement::AlterTable(_) => "ALTER TABLE",
        Statement::CreateIndex(create) if create.concurrently => "CREATE INDEX CONCURRENTLY",
        Statement::CreateIndex(_) => "CREATE INDEX",
        Statement::CreateView(create) if create.materialized => "CREATE MATERIALIZED VIEW",
        Statement::CreateView(_) => "CREATE VIEW",
        Statement::CreateFunction(_) => "CREATE FUNCTION",
        Statement::CreateTrigger(_) => "CREATE TRIGGER",
        Statement::DropTrigger(_) => "DROP TRIGGER",
        Statement::CreateType { .. } => "CREATE TYPE",
        Statement::AlterType(_) => "ALTER TYPE",
        Statement::CreateExtension(_) => "CREATE EXTENSION",
        Statement::Insert(_) => "INSERT",
        Statement::Update(_) => "UPDATE",
        Statement::Delete(_) => "DELETE",
        Statement::Drop { object_type, .. } => match object_type {
            ObjectType::Table => "DROP TABLE",
            ObjectType::View => "DROP VIEW",
            ObjectType::Index => "DROP INDEX",
            ObjectType::Type => "DROP TYPE",
            ObjectType::Schema => "DROP SCHEMA",
            ObjectType::Sequence => "DROP SEQUENCE",
            _ => return None,
        },
        _ => return None,
    })
}

/// The relations of a statement, each with its last name only: how names are qualified is compared by nobody.
fn relations(statement: &Statement) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let _: ControlFlow<()> = visit_relations(statement, |name: &ObjectName| {
        let last = name.0.last().and_then(|part| part.as_ident());
        found.extend(last.map(|ident| match ident.quote_style {
            Some(_) => ident.value.clone(),
            None => ident.value.to_lowercase(),
        }));
        ControlFlow::Continue(())
    });
    found
}

/// The witness also calls the names of WITH relations.
fn is_common_table(name: &str, sql: &str) -> bool {
    let words = sql.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    words.contains(&format!("{name} as (")) || words.contains(&format!("{name} as materialized ("))
}

/// The relations that our command names, by the facts that it would have if all of them existed.
fn our_relations(command: &Command, effect: &Effect) -> BTreeSet<String> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let locked = effect.locks.iter().map(|lock| last(&lock.relation));
    let objects = effect.objects.iter().map(|(_, name)| last(name));
    let reads = match &command.action {
        Action::CreateView(view) => view.query.reads.clone(),
        Action::CreateTableAs { query, .. } => query.reads.clone(),
        Action::Write(write) => write.query.reads.clone(),
        Action::Rename(rename) => vec![rename.object.clone()],
        _ => Vec::new(),
    };
    locked.chain(objects).chain(reads.into_iter().map(|name| name.name)).collect()
}

/// For each command of a statement that the witness understands, how the two differ.
fn differences(sql: &str) -> Vec<Option<String>> {
    let ours = read(sql);
    let theirs = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap_or_default();
    // Where an empty command is counted, nothing can be set side by side.
    if ours.len() != theirs.len() {
        return Vec::new();
    }
    ours.iter()
        .zip(&theirs)
        .filter_map(|(command, statement)| Some(difference(sql, command, (verb(statement)?, statement))))
        .collect()
}

fn difference(sql: &str, command: &Command, (words, statement): (&str, &Statement)) -> Option<String> {
    let effect = effect(command, &Catalog::new(External::default()), Majors::default());
    let named = our_relations(command, &effect);
    let theirs = relations(statement);
    let missing: Vec<&String> = theirs.difference(&named).filter(|name| !is_common_table(name, sql)).collect();
    let same = effect.verb == words || effect.verb.starts_with(&format!("{words} "));
    let shown: String = sql.chars().take(300).collect();
    (!same || !missing.is_empty()).then(|| format!("{words}, ours {}, without {missing:?}: {shown}", effect.verb))
}

#[test]
fn a_parser_that_shares_nothing_with_ours_names_the_same_commands_and_relations() {
    let test = "a_parser_that_shares_nothing_with_ours_names_the_same_commands_and_relations";
    let Some(root) = shared::folder(test, "corpus") else { return };
    let (mut compared, mut differing) = (0_usize, Vec::new());
    for path in shared::files_below(&root, "sql") {
        let found: Vec<Option<String>> = statements(&path).iter().flat_map(|sql| differences(sql)).collect();
        compared += found.len();
        differing.extend(found.into_iter().flatten().map(|difference| format!("{}: {difference}", path.display())));
    }
    println!("{compared} commands compared");
    assert!(compared > 15_000, "{compared} commands were compared");
    assert!(differing.is_empty(), "{} of {compared} differ:\n{}", differing.len(), differing.join("\n"));
}
