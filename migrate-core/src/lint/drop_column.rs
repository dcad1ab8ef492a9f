//! D02: DROP COLUMN of a column that holds data.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{Action, Kind, Name, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D02",
    name: "drop-column",
    level: Some(Severity::Error),
    summary: "DROP COLUMN of a column that holds data",
    why: "The values are gone for good, and the version that is still running fails as soon as it names the \
          column.",
    instead: "release a version that no longer names the column (for NOT NULL columns first: ALTER COLUMN c DROP \
          NOT NULL), and drop it in the release after that with `-- migrate:allow drop-column(t.c) \
          reason=\"…\"`",
    bad: &[
        example::TABLES,
        (
            "00002_drop_zip.sql",
            "\
-- +goose Up
ALTER TABLE clients DROP COLUMN zip;

-- +goose Down
ALTER TABLE clients ADD COLUMN zip integer;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;
ALTER TABLE clients DROP COLUMN fax;
ALTER TABLE clients DROP COLUMN IF EXISTS never_made;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

/// Whether the section drops the whole table afterwards, which is rule D01's.
fn is_dropped_later(subject: &Subject<'_>, table: &Name) -> bool {
    let later = subject.section.get(subject.at..).unwrap_or_default();
    later.iter().any(|(_, command)| {
        matches!(&command.action, Action::Drop(drop) if drop.kind == Kind::Table
            && drop.names.iter().any(|name| name.name == table.name && name.schema == table.schema))
    })
}

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::DropColumn { column, if_exists, .. } = &change.entry.1 else { continue };
        let known = tables::column_of(subject, &change.alter.name, column);
        if known.is_some_and(|known| subject.is_new_since(known.since)) || is_dropped_later(subject, &change.alter.name) {
            continue;
        }
        let relation = subject.relation(&change.alter.name);
        if *if_exists && known.is_none() && relation.is_some_and(|(_, relation)| relation.complete) {
            continue;
        }
        let object = format!("{}.{column}", subject.shown(&change.alter.name));
        let message = format!("DROP COLUMN loses every value of `{object}`");
        let label = known.map_or_else(
            || "a column that these migrations did not make".to_owned(),
            |known| format!("added in {}", subject.describe(known.since)),
        );
        findings.report(change.span(), object, message, label);
    }
}
