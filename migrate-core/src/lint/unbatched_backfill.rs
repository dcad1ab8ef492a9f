//! M01: An UPDATE, DELETE or INSERT … SELECT over an unbounded part of a table.

use super::{Check, Findings, Rule, Subject, example, writes};
use crate::command::Action;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "M01",
    name: "unbatched-backfill",
    level: Some(Severity::Warning),
    summary: "an UPDATE, DELETE or INSERT … SELECT over an unbounded part of a table",
    why: "Every row that it touches stays locked until the migration commits, the write-ahead log and the \
          table grow by all of them, and other writers of those rows wait.",
    instead: "do it in batches by key, each in a transaction of its own: a file with `-- +goose NO TRANSACTION` \
          and a DO block that commits after each 1,000 to 10,000 rows, or a job of the application",
    bad: &[
        example::TABLES,
        (
            "00002_fill.sql",
            "\
-- +goose Up
UPDATE clients SET email = lower(email) WHERE email IS NOT NULL;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fill.sql",
            "\
-- +goose Up
UPDATE clients SET email = 'a@example.com' WHERE id = 5;
INSERT INTO clients (id, name) VALUES (1, 'a');

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let (write, query) = match &subject.command.action {
        Action::Write(write) => (Some(write.as_ref()), &write.query),
        Action::Select(query) => (None, query.as_ref()),
        _ => return,
    };
    for write in write.into_iter().chain(&query.writes) {
        // Without any condition it is D10.
        let is_elsewhere = writes::is_whole_delete(write) || !subject.is_existing(&write.table);
        if is_elsewhere || !writes::is_unbounded(subject, write) {
            continue;
        }
        let table = subject.shown(&write.table);
        let rows = if write.verb == "insert" { "as many rows as its query returns" } else { "any number of rows" };
        let message = format!("this {} touches {rows} of `{table}` in one transaction", write.verb.to_uppercase());
        findings.report(write.table.span.0, table, message, "its condition compares no full key with given values");
    }
}
