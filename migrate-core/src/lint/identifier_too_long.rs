//! F08: A name of more than 63 bytes.

use squawk_lexer::TokenKind;

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Column, Constraint, Name, TableChange};
use crate::diagnostic::Severity;
use crate::text::{Span, saturate};

pub(super) static RULE: Rule = Rule {
    id: "F08",
    name: "identifier-too-long",
    level: Some(Severity::Warning),
    summary: "a name of more than 63 bytes",
    why: "PostgreSQL cuts it at 63 bytes without an error: it is not found under its full name in the \
          catalogs, and two long names may become one (SQLSTATE 42P07).",
    instead: "choose a name of at most 63 bytes",
    bad: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
-- +goose Up
CREATE TABLE a_table_with_a_name_by_which_somebody_wanted_to_explain_everything (id bigint PRIMARY KEY);

-- +goose Down
DROP TABLE a_table_with_a_name_by_which_somebody_wanted_to_explain_everything;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
-- +goose Up
CREATE TABLE a_short_name (id bigint PRIMARY KEY);

-- +goose Down
DROP TABLE a_short_name;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

/// `NAMEDATALEN` without its zero byte.
const LONGEST: usize = 63;

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    // Commands hold names as PostgreSQL keeps them: only the text tells what was written.
    if !made(&subject.command.action).iter().any(|name| name.len() + 4 > LONGEST) {
        return;
    }
    let made = made(&subject.command.action);
    let mut reported: Vec<String> = Vec::new();
    for (span, name) in long_names(subject) {
        let kept = kept(&name);
        if made.contains(&kept) && !reported.contains(&name) {
            let message = format!("`{name}` has {} bytes: PostgreSQL calls it `{kept}`", name.len());
            findings.report(span, kept, message, "at most 63 bytes are kept").without_facts();
            reported.push(name);
        }
    }
}

/// The names in the command's text that are too long, as they would be in full.
fn long_names(subject: &Subject<'_>) -> Vec<(Span, String)> {
    let command = subject.command.span;
    let sql = command.of(subject.sql());
    let mut start = 0;
    let mut found = Vec::new();
    for token in squawk_lexer::tokenize(sql) {
        let end = start + token.len as usize;
        let text = sql.get(start..end).unwrap_or_default();
        let name = match token.kind {
            TokenKind::Ident => text.to_ascii_lowercase(),
            TokenKind::QuotedIdent { .. } => text.trim_matches('"').replace("\"\"", "\""),
            _ => String::new(),
        };
        if name.len() > LONGEST {
            let span = Span::new(command.start + saturate(start), command.start + saturate(end));
            found.push((span, name));
        }
        start = end;
    }
    found
}

/// What PostgreSQL keeps of a name: whole characters of at most 63 bytes.
fn kept(name: &str) -> &str {
    let ends = name.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST);
    name.get(..ends.last().unwrap_or(0)).unwrap_or_default()
}

/// The names that the command gives.
fn made(action: &Action) -> Vec<&str> {
    match action {
        Action::CreateTable(create) => {
            let columns = create.columns.iter().flat_map(of_column);
            let constraints = create.constraints.iter().filter_map(of_constraint);
            [create.name.name.as_str()].into_iter().chain(columns).chain(constraints).collect()
        }
        Action::AlterTable(alter) => alter.changes.iter().flat_map(|(_, change)| of_change(change)).collect(),
        Action::CreateIndex(create) => create.name.iter().map(|name| name.name.as_str()).collect(),
        Action::CreateView(create) => vec![&create.name.name],
        Action::CreateType(create) => vec![&create.name.name],
        Action::CreateSequence(create) => vec![&create.name.name],
        Action::CreateFunction(create) => vec![&create.name.name],
        Action::CreateTrigger(create) => vec![&create.name],
        Action::CreatePolicy { name, .. } => vec![name],
        Action::CreateTableAs { name, .. } | Action::CreateSchema { name: name @ Name { .. }, .. } => vec![&name.name],
        Action::Rename(rename) => vec![&rename.to],
        _ => Vec::new(),
    }
}

fn of_change(change: &TableChange) -> Vec<&str> {
    match change {
        TableChange::AddColumn { column, .. } => of_column(column),
        TableChange::AddConstraint(constraint) => of_constraint(constraint).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn of_column(column: &Column) -> Vec<&str> {
    [column.name.as_str()].into_iter().chain(column.constraints.iter().filter_map(of_constraint)).collect()
}

fn of_constraint(constraint: &Constraint) -> Option<&str> {
    constraint.name.as_deref()
}
