//! M02: Changes of schema and of rows in one transaction.

use super::{Check, Findings, Rule, Subject, example, names};
use crate::command::{Action, Command};

pub(super) static RULE: Rule = Rule {
    id: "M02",
    name: "mixed-ddl-dml",
    level: None,
    summary: "changes of schema and of rows of tables in use, in one transaction",
    why: "The locks of the schema change last as long as the rows take, and ALTER TABLE fails on a table with pending trigger \
          events (SQLSTATE 55006).",
    instead: "two migrations: first the schema, then the rows",
    bad: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
-- +goose Up
ALTER TABLE invoices ADD COLUMN paid boolean;
UPDATE clients SET email = 'a@example.com' WHERE id = 5;

-- +goose Down
ALTER TABLE invoices DROP COLUMN paid;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_kinds.sql",
            "\
-- +goose Up
CREATE TABLE kinds (id bigint PRIMARY KEY);
INSERT INTO kinds (id) VALUES (1);

-- +goose Down
DROP TABLE kinds;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    if !subject.in_transaction() {
        return;
    }
    let Some(own) = what(subject, subject.command) else { return };
    let earlier = subject.section.get(..subject.at).unwrap_or_default();
    let mut kinds = earlier.iter().filter_map(|(_, command)| what(subject, command));
    let first = kinds.next();
    if first.is_some_and(|first| first != own) && kinds.all(|kind| Some(kind) == first) {
        let message = "one transaction changes both the schema and rows of tables in use";
        let label = if own == Kind::Rows { "the schema was changed before" } else { "rows were changed before" };
        findings.report(subject.command.span, "", message, label);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Schema,
    Rows,
}

/// What a command changes of tables in use.
fn what(subject: &Subject<'_>, command: &Command) -> Option<Kind> {
    match &command.action {
        Action::Write(write) => subject.is_existing(&write.table).then_some(Kind::Rows),
        Action::AlterTable(alter) => subject.is_existing(&alter.name).then_some(Kind::Schema),
        Action::CreateIndex(index) => subject.is_existing(&index.table).then_some(Kind::Schema),
        Action::Drop(drop) if names::is_relation(drop.kind) => {
            drop.names.iter().any(|name| subject.is_existing(name)).then_some(Kind::Schema)
        }
        _ => None,
    }
}
