//! M03: INSERT without a list of columns.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::Action;

pub(super) static RULE: Rule = Rule {
    id: "M03",
    name: "insert-without-columns",
    level: None,
    summary: "INSERT … VALUES without a list of columns",
    why: "It depends on the number and order of the table's columns, which differ where a column was added or dropped in another \
          order.",
    instead: "name the columns: INSERT INTO t (a, b) VALUES …",
    bad: &[
        example::TABLES,
        (
            "00002_client.sql",
            "\
-- +goose Up
INSERT INTO clients VALUES (1, 'a', NULL, NULL);

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_client.sql",
            "\
-- +goose Up
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
    let Action::Write(write) = &subject.command.action else { return };
    let is_default = write.query.text.to_ascii_lowercase().contains("default values");
    if write.verb == "insert" && !write.lists_columns && !write.from_query && !is_default {
        let table = subject.shown(&write.table);
        let message = format!("this INSERT depends on the order of the columns of `{table}`");
        findings.report(write.table.span.0, table, message, "no list of columns").without_facts();
    }
}
