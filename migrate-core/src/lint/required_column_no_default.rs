//! B04: ADD COLUMN NOT NULL without a default.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::catalog::TypeKind;
use crate::command::{Column, ConstraintKind, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B04",
    name: "required-column-no-default",
    level: Some(Severity::Error),
    summary: "ADD COLUMN NOT NULL without a default",
    why: "PostgreSQL refuses it with SQLSTATE 23502 as soon as the table has a row, and each INSERT of the \
          version that is still running fails because it does not name the column.",
    instead: "give it a constant default (ADD COLUMN c text NOT NULL DEFAULT ''), or add it without NOT NULL, fill \
          it in batches, and set NOT NULL later",
    bad: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text NOT NULL;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (change, column) in tables::added_columns(subject) {
        let guarded = matches!(&change.entry.1, TableChange::AddColumn { if_not_exists: true, .. });
        let exists = guarded && tables::column_of(subject, &change.alter.name, &column.name).is_some();
        let is_key = column.constraints.iter().any(|it| matches!(it.kind, ConstraintKind::PrimaryKey { .. }));
        if !(column.not_null || is_key) || fills_itself(subject, column) || exists {
            continue;
        }
        let table = subject.shown(&change.alter.name);
        let message = format!("this fails if `{table}` has rows, and so do inserts that do not name `{}`", column.name);
        findings.report(change.span(), format!("{table}.{}", column.name), message, "NOT NULL without DEFAULT");
    }
}

fn fills_itself(subject: &Subject<'_>, column: &Column) -> bool {
    let has_value = column.default.as_ref().is_some_and(|default| !default.is_null);
    let is_domain = column.kind.as_ref().is_some_and(|kind| {
        let entry = subject.before.type_entry(&kind.name).known();
        entry.is_some_and(|(_, entry)| matches!(entry.kind, TypeKind::Domain { .. }))
    });
    has_value || column.generated.is_some() || tables::is_numbered(column) || is_domain
}
