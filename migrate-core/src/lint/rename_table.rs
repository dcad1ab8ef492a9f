//! B02: RENAME or SET SCHEMA of a table that a running version uses.

use super::{Check, Findings, Rule, Subject, example, rename_other, tables};
use crate::catalog::RelationKind;
use crate::command::{Action, Kind, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B02",
    name: "rename-table",
    level: Some(Severity::Error),
    summary: "RENAME or SET SCHEMA of a table that a running version uses",
    why: "The version that is still running names the old table and fails from the moment the rename commits.",
    instead: "in the same file make an updatable view with the old name (CREATE VIEW old AS SELECT * FROM new), \
          and drop it some releases later",
    bad: &[
        example::TABLES,
        (
            "00002_rename.sql",
            "\
-- +goose Up
ALTER TABLE clients RENAME TO customers;

-- +goose Down
ALTER TABLE customers RENAME TO clients;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_rename.sql",
            "\
-- +goose Up
ALTER TABLE clients RENAME TO customers;
CREATE VIEW clients AS SELECT * FROM customers;

-- +goose Down
DROP VIEW clients;
ALTER TABLE customers RENAME TO clients;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::SetSchema(schema) = &change.entry.1 else { continue };
        let is_table = matches!(change.alter.kind, Kind::Table | Kind::ForeignTable);
        if is_table && !rename_other::is_made_again(subject, &change.alter.name.name) {
            let table = subject.shown(&change.alter.name);
            let message = format!("whoever still uses `{table}` fails after this, unless it looks in both schemas");
            findings.report(change.span(), table, message, format!("is in {schema} from then on"));
        }
    }
    let Action::Rename(rename) = &subject.command.action else { return };
    if !matches!(rename.what, Kind::Table | Kind::ForeignTable) || !subject.is_existing(&rename.object) {
        return;
    }
    let known = subject.relation(&rename.object);
    let is_table = known
        .is_none_or(|(_, relation)| matches!(relation.kind, RelationKind::Table { .. } | RelationKind::ForeignTable));
    if is_table && !rename_other::is_made_again(subject, &rename.object.name) {
        let table = subject.shown(&rename.object);
        let message = format!("whoever still uses `{table}` fails after this");
        findings.report(rename.object.span.0, table, message, format!("is called {} from then on", rename.to));
    }
}
