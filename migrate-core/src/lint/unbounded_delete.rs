//! D10: DELETE without a condition from a table that holds data.

use super::{Check, Findings, Rule, Subject, example, writes};
use crate::command::{Action, Write};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D10",
    name: "unbounded-delete",
    level: Some(Severity::Error),
    summary: "DELETE without a condition from a table that holds data",
    why: "Every row is gone for good, and every row stays locked until the migration commits.",
    instead: "say which rows (WHERE …) and delete them in batches; to empty a table on purpose, allow it with a \
          reason",
    bad: &[
        example::TABLES,
        (
            "00002_empty.sql",
            "\
-- +goose Up
DELETE FROM clients;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_empty.sql",
            "\
-- +goose Up
DELETE FROM clients WHERE id = 5;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let own: Option<&Write> = match &subject.command.action {
        Action::Write(write) => Some(write),
        _ => None,
    };
    let inner = match &subject.command.action {
        Action::Write(write) => write.query.writes.as_slice(),
        Action::Select(query) => query.writes.as_slice(),
        _ => &[],
    };
    for write in own.into_iter().chain(inner) {
        if writes::is_whole_delete(write) && subject.is_existing(&write.table) {
            let table = subject.shown(&write.table);
            let message = format!("this deletes every row of `{table}`");
            findings.report(write.table.span.0, table, message, "no condition");
        }
    }
}
