//! D04: TRUNCATE of a table that holds data.

use super::{Check, Findings, Rule, Subject, example, truncate_cascade};
use crate::command::Action;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D04",
    name: "truncate",
    level: Some(Severity::Error),
    summary: "TRUNCATE of a table that holds data",
    why: "Every row is gone for good, and ACCESS EXCLUSIVE makes all readers and writers of the table wait.",
    instead: "delete what has to go in batches by key (DELETE FROM t WHERE id BETWEEN 1 AND 10000), or allow it \
          with a reason where the table is known to be a cache",
    bad: &[
        example::TABLES,
        (
            "00002_empty.sql",
            "\
-- +goose Up
TRUNCATE clients;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_import.sql",
            "\
-- +goose Up
CREATE TABLE import (id bigint PRIMARY KEY);
TRUNCATE import;

-- +goose Down
DROP TABLE import;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Truncate { tables, cascade, .. } = &subject.command.action else { return };
    for name in tables.iter().filter(|name| subject.is_existing(name)) {
        if *cascade && truncate_cascade::victims(subject, name, tables).is_none_or(|victims| !victims.is_empty()) {
            continue;
        }
        let table = subject.shown(name);
        let message = format!("TRUNCATE loses every row of `{table}`");
        findings.report(name.span.0, table, message, "everything in it is gone");
    }
}
