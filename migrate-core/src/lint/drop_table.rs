//! D01: DROP TABLE of a table that holds data.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::Lookup;
use crate::command::{Action, Kind, Name, Query};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D01",
    name: "drop-table",
    level: Some(Severity::Error),
    summary: "DROP TABLE of a table that holds data",
    why: "The rows are gone for good: Down can make the table again, but not fill it. A running version that \
          still reads it fails.",
    instead: "release a version that no longer uses the table, rename it (ALTER TABLE t RENAME TO t_unused), and \
          drop it some releases later with `-- migrate:allow drop-table(t) reason=\"…\"`",
    bad: &[
        example::TABLES,
        (
            "00002_drop_clients.sql",
            "\
-- +goose Up
DROP TABLE clients;

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
DROP TABLE import;
DROP TABLE IF EXISTS never_made;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

/// Whether an earlier command of the section fills another table from this one.
fn is_copied(subject: &Subject<'_>, table: &Name) -> bool {
    let earlier = subject.section.get(..subject.at).unwrap_or_default();
    let reads = |query: &Query| query.reads.iter().any(|read| read.name == table.name);
    earlier.iter().any(|(_, command)| match &command.action {
        Action::Write(write) => write.verb == "insert" && write.from_query && reads(&write.query),
        Action::CreateTableAs { query, with_data, .. } => *with_data && reads(query),
        _ => false,
    })
}

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Drop(drop) = &subject.command.action else { return };
    // A foreign table holds no rows itself: rule D12.
    if drop.kind != Kind::Table {
        return;
    }
    for name in drop.names.iter().filter(|name| subject.is_existing(name)) {
        let table = subject.shown(name);
        let label = match subject.before.relation(name) {
            Lookup::Known((_, relation)) => format!("made in {}", subject.describe(relation.since)),
            Lookup::Unknown | Lookup::Absent => "a table that these migrations did not make".to_owned(),
        };
        let message = format!("DROP TABLE loses every row of `{table}`");
        let report = findings.report(name.span.0, table, message, label);
        if is_copied(subject, name) {
            report.at_most(Severity::Warning).help(
                "its rows were copied before in this file; make sure that all were, and that the version which is \
                 still running finds what it needs under the old name",
            );
        }
    }
}
