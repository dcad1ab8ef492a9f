//! B05: DROP DEFAULT or DROP IDENTITY of a NOT NULL column.

use super::{Check, Findings, Rule, Subject, tables};
use crate::command::{Action, ColumnChange, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B05",
    name: "drop-default-on-required-column",
    level: Some(Severity::Warning),
    summary: "DROP DEFAULT or DROP IDENTITY of a NOT NULL column",
    why: "An INSERT of the version that is still running which leaves the column out fails from then on \
          (SQLSTATE 23502).",
    instead: "release a version that always writes the column, and drop the default one release later",
    bad: &[
        (
            "00001_a.sql",
            "\
-- +goose Up
CREATE TABLE jobs (id bigint PRIMARY KEY, state text NOT NULL DEFAULT 'open');

-- +goose Down
DROP TABLE jobs;
",
        ),
        (
            "00002_state.sql",
            "\
-- +goose Up
ALTER TABLE jobs ALTER COLUMN state DROP DEFAULT;

-- +goose Down
ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'open';
",
        ),
    ],
    good: &[
        (
            "00001_a.sql",
            "\
-- +goose Up
CREATE TABLE jobs (id bigint PRIMARY KEY, state text DEFAULT 'open');

-- +goose Down
DROP TABLE jobs;
",
        ),
        (
            "00002_state.sql",
            "\
-- +goose Up
ALTER TABLE jobs ALTER COLUMN state DROP DEFAULT;

-- +goose Down
ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'open';
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::AlterColumn { column, change: dropped } = &change.entry.1 else { continue };
        let Some(known) = tables::column_of(subject, &change.alter.name, column) else { continue };
        let (fills, word) = match dropped {
            ColumnChange::DropDefault => (tables::default_of(known).is_some() && known.identity.is_none(), "default"),
            ColumnChange::DropIdentity { .. } => (known.identity.is_some(), "identity"),
            _ => continue,
        };
        if !(known.not_null && fills) || subject.is_new_since(known.since) || gets_another(subject, column) {
            continue;
        }
        let object = format!("{}.{column}", subject.shown(&change.alter.name));
        let message = format!("inserts that leave `{object}` out fail after this");
        let label = format!("is NOT NULL, {word} from {}", subject.describe(known.changed));
        findings.report(change.span(), object, message, label);
    }
}

/// Whether the section gives the column another default, makes it nullable or drops it.
fn gets_another(subject: &Subject<'_>, column: &str) -> bool {
    let later = subject.section.get(subject.at..).unwrap_or_default();
    let changes = later.iter().filter_map(|(_, command)| match &command.action {
        Action::AlterTable(alter) => Some(&alter.changes),
        _ => None,
    });
    changes.flatten().any(|(_, change)| match change {
        TableChange::AlterColumn { column: other, change } => {
            let gives = matches!(
                change,
                ColumnChange::SetDefault(_) | ColumnChange::AddIdentity(_) | ColumnChange::DropNotNull
            );
            other == column && gives
        }
        TableChange::DropColumn { column: other, .. } => other == column,
        _ => false,
    })
}
