//! F06: A foreign key whose columns do not fit what it references.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::{QualifiedName, Relation};
use crate::command::{Action, ColumnType, Constraint, ConstraintKind, Name, TableChange};
use crate::diagnostic::Severity;
use crate::text::Span;

pub(super) static RULE: Rule = Rule {
    id: "F06",
    name: "fk-mismatch",
    level: Some(Severity::Warning),
    summary: "a foreign key whose columns do not fit what it references",
    why: "Without a UNIQUE or PRIMARY KEY over the referenced columns PostgreSQL refuses the key (SQLSTATE \
          42830); with other types each check has to convert, and values may not fit.",
    instead: "give both sides one type, and the referenced columns a UNIQUE constraint",
    bad: &[
        example::TABLES,
        (
            "00002_bills.sql",
            "\
-- +goose Up
CREATE TABLE bills (id bigint PRIMARY KEY, client integer REFERENCES clients (id));

-- +goose Down
DROP TABLE bills;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_bills.sql",
            "\
-- +goose Up
CREATE TABLE bills (id bigint PRIMARY KEY, client bigint REFERENCES clients (id));

-- +goose Down
DROP TABLE bills;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

/// A foreign key of the command: its columns, and what they reference.
struct Key<'a> {
    table: &'a Name,
    columns: &'a [String],
    references: &'a Name,
    referenced: &'a [String],
    span: Span,
}

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for key in keys(&subject.command.action) {
        if let Some(why) = mismatch(subject, &key) {
            let table = subject.before.qualify(key.table);
            let message = format!("the foreign key of `{table}` does not fit: {why}");
            let span = if key.span.start < key.span.end { key.span } else { subject.command.span };
            findings.report(span, table.to_string(), message, why).without_facts();
        }
    }
}

fn keys(action: &Action) -> Vec<Key<'_>> {
    match action {
        Action::CreateTable(create) => {
            let inline = create.columns.iter().flat_map(|column| &column.constraints);
            inline.chain(&create.constraints).filter_map(|constraint| key(&create.name, constraint)).collect()
        }
        Action::AlterTable(alter) => {
            let added = alter.changes.iter().flat_map(|(_, change)| match change {
                TableChange::AddConstraint(constraint) => std::slice::from_ref(constraint),
                TableChange::AddColumn { column, .. } => column.constraints.as_slice(),
                _ => &[],
            });
            added.filter_map(|constraint| key(&alter.name, constraint)).collect()
        }
        _ => Vec::new(),
    }
}

fn key<'a>(table: &'a Name, constraint: &'a Constraint) -> Option<Key<'a>> {
    match &constraint.kind {
        ConstraintKind::ForeignKey { columns, references, referenced } => {
            Some(Key { table, columns, references, referenced, span: constraint.span.0 })
        }
        _ => None,
    }
}

fn mismatch(subject: &Subject<'_>, key: &Key<'_>) -> Option<String> {
    let (_, own) = subject.after.relation(key.table).known()?;
    let (other, target) = subject.after.relation(key.references).known()?;
    if !target.complete || subject.after.clouded.is_some() {
        return None;
    }
    let referenced = if key.referenced.is_empty() { target.primary_key()? } else { key.referenced };
    if !is_unique(subject, other, target, referenced) {
        return Some(format!("{other} has no UNIQUE over ({})", referenced.join(", ")));
    }
    key.columns.iter().zip(referenced).find_map(|(column, referenced)| {
        let one = own.column(column)?.kind.as_ref()?;
        let two = target.column(referenced)?.kind.as_ref()?;
        let differ = family(one) != family(two);
        differ.then(|| format!("{column} is {one}, {other}.{referenced} is {two}"))
    })
}

fn is_unique(subject: &Subject<'_>, name: &QualifiedName, table: &Relation, columns: &[String]) -> bool {
    let same = |others: &[String]| others.len() == columns.len() && columns.iter().all(|one| others.contains(one));
    let mut constraints = table.constraints.iter().filter(|constraint| constraint.has_index());
    constraints.any(|constraint| same(constraint.columns()))
        || subject.after.indexes_of(name).any(|(_, index)| {
            index.unique && index.predicate.is_none() && index.expressions.is_empty() && same(&index.columns)
        })
}

fn family(kind: &ColumnType) -> &str {
    match kind.name.name.as_str() {
        "varchar" | "char" | "text" | "bpchar" => "text",
        other => other,
    }
}
