//! F05: A demand on rows that are there already.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{ColumnChange, ConstraintKind, TableChange};

pub(super) static RULE: Rule = Rule {
    id: "F05",
    name: "data-dependent-validate",
    level: None,
    summary: "VALIDATE, SET NOT NULL, a CHECK or a cast over rows that are there already",
    why: "It fails on the first row that does not fit, in the one database that has such a row.",
    instead: "correct such rows in a migration before it (UPDATE … in batches)",
    bad: &[
        example::TABLES,
        (
            "00002_due_on.sql",
            "\
-- +goose Up
-- migrate:allow set-not-null-scan reason=\"the table is small\"
ALTER TABLE invoices ALTER COLUMN due_on SET NOT NULL;

-- +goose Down
ALTER TABLE invoices ALTER COLUMN due_on DROP NOT NULL;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fill.sql",
            "\
-- +goose Up
UPDATE invoices SET due_on = '2026-01-01' WHERE due_on IS NULL;

-- +goose Down
SELECT 1;
",
        ),
        (
            "00003_due_on.sql",
            "\
-- +goose Up
-- migrate:allow set-not-null-scan reason=\"the table is small\"
ALTER TABLE invoices ALTER COLUMN due_on SET NOT NULL;

-- +goose Down
ALTER TABLE invoices ALTER COLUMN due_on DROP NOT NULL;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let table = &change.alter.name;
        let relation = subject.relation(table).map(|(_, relation)| relation);
        let (what, columns): (_, Vec<&String>) = match &change.entry.1 {
            TableChange::ValidateConstraint(name) => {
                let constraint = relation.and_then(|relation| relation.constraint(name));
                if constraint.is_some_and(|constraint| constraint.valid) {
                    continue;
                }
                ("VALIDATE", constraint.map_or_else(Vec::new, |constraint| constraint.columns().iter().collect()))
            }
            TableChange::AlterColumn { column, change: ColumnChange::SetNotNull } => {
                if relation.is_some_and(|relation| tables::is_proven_not_null(relation, column)) {
                    continue;
                }
                ("SET NOT NULL", vec![column])
            }
            TableChange::AlterColumn { column, change: ColumnChange::Type { .. } } => {
                if subject.effect_of(change.alter, change.entry).rewrites.is_empty() {
                    continue;
                }
                ("the cast", vec![column])
            }
            TableChange::AddConstraint(constraint) if !constraint.not_valid && !constraint.not_enforced => {
                match &constraint.kind {
                    ConstraintKind::Check { expression, .. } => ("CHECK", expression.columns.iter().collect()),
                    ConstraintKind::ForeignKey { columns, .. } => ("FOREIGN KEY", columns.iter().collect()),
                    _ => continue,
                }
            }
            _ => continue,
        };
        let is_cared_for = |column: &&String| {
            let known = tables::column_of(subject, table, column);
            known.is_some_and(|known| known.filled.is_some() || subject.is_new_since(known.since))
        };
        if !columns.iter().any(is_cared_for) {
            let table = subject.shown(table);
            let message = format!("this fails if a row of `{table}` does not fit");
            let label = format!("{what} is about rows that are there already");
            findings.report(change.span(), table, message, label).without_facts();
        }
    }
}
