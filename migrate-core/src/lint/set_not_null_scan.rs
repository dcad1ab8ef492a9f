//! L09: SET NOT NULL on a column that nothing proves to be free of NULL.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{ColumnChange, ConstraintKind, TableChange};
use crate::diagnostic::Severity;
use crate::effect::Majors;

pub(super) static RULE: Rule = Rule {
    id: "L09",
    name: "set-not-null-scan",
    level: Some(Severity::Error),
    summary: "SET NOT NULL on a column that nothing proves to be free of NULL",
    why: "It scans the whole table under ACCESS EXCLUSIVE. A valid CHECK (column IS NOT NULL) saves the scan.",
    instead: "1) ADD CONSTRAINT name CHECK (column IS NOT NULL) NOT VALID\n2) in the next migration VALIDATE \
          CONSTRAINT name\n3) in a third one SET NOT NULL; DROP CONSTRAINT name",
    bad: &[
        example::TABLES,
        (
            "00002_due_on.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ALTER COLUMN due_on SET NOT NULL;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices ALTER COLUMN due_on DROP NOT NULL;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_check.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD CONSTRAINT due_on_nn CHECK (due_on IS NOT NULL) NOT VALID;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP CONSTRAINT due_on_nn;\n",
        ),
        (
            "00003_validate.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices VALIDATE CONSTRAINT due_on_nn;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
        (
            "00004_due_on.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ALTER COLUMN due_on SET NOT NULL;\n\
         ALTER TABLE invoices DROP CONSTRAINT due_on_nn;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices ALTER COLUMN due_on DROP NOT NULL;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::heavy_changes(subject) {
        let column = match &change.entry.1 {
            TableChange::AlterColumn { column, change: ColumnChange::SetNotNull } => column,
            TableChange::AddConstraint(constraint) if !constraint.not_valid => match &constraint.kind {
                ConstraintKind::NotNull(column) => column,
                _ => continue,
            },
            _ => continue,
        };
        let known = tables::column_of(subject, &change.alter.name, column);
        let relation = subject.relation(&change.alter.name);
        let proven = relation.is_some_and(|(_, it)| tables::stays_proven_not_null(it, column, change.alter));
        // The scan of a column that this file made is behind a lock that it holds already: rule L30 speaks of it.
        // A new parent may have old children, which are scanned unless they prove it.
        let is_parent = !subject.is_existing(&change.alter.name);
        let is_scanned = || !subject.effect_of(change.alter, change.entry).scans.is_empty();
        let is_new = known.is_some_and(|known| subject.is_new_since(known.since)) && !(is_parent && is_scanned());
        if proven || is_new {
            continue;
        }
        let table = subject.shown(&change.alter.name);
        let span = subject.from_word(change.span(), "set not null");
        let message = format!("SET NOT NULL scans `{table}` while every read and write waits");
        let label = format!("no valid CHECK ({column} IS NOT NULL) on {table}");
        let report = findings.report(span, format!("{table}.{column}"), message, label);
        let report = report.help(help(&table, column, subject.majors));
        if let Some(known) = known {
            report.history(format!("column {column} is nullable since {}", subject.describe(known.changed)));
        }
    }
}

/// The way out, with the names of the case.
fn help(table: &str, column: &str, majors: Majors) -> String {
    let name = format!("{}_{column}_nn", table.rsplit('.').next().unwrap_or(table));
    if majors.min >= 18 {
        return format!(
            "1) ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {column} NOT VALID\n\
             2) in the next migration ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
        );
    }
    format!(
        "1) ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID\n\
         2) in the next migration ALTER TABLE {table} VALIDATE CONSTRAINT {name}\n\
         3) in a third one ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL; ALTER TABLE {table} DROP CONSTRAINT {name}"
    )
}
