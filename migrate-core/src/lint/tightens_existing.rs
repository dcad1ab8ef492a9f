//! B07: A new demand on columns that a running version writes.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{Action, ColumnChange, ConstraintKind, IndexColumn, Name, TableChange};

pub(super) static RULE: Rule = Rule {
    id: "B07",
    name: "tightens-existing",
    level: None,
    summary: "a new CHECK, UNIQUE, NOT NULL or EXCLUDE on columns that a running version writes",
    why: "The version that is still running may write what is refused from then on; NOT VALID spares old rows, not new ones.",
    instead: "release a version that writes only what the constraint accepts, and add it one release later",
    bad: &[
        example::TABLES,
        (
            "00002_total.sql",
            "\
-- +goose Up
ALTER TABLE invoices ADD CONSTRAINT total_check CHECK (total >= 0) NOT VALID;

-- +goose Down
ALTER TABLE invoices DROP CONSTRAINT total_check;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
-- +goose Up
ALTER TABLE invoices ADD COLUMN paid integer;
ALTER TABLE invoices ADD CONSTRAINT paid_check CHECK (paid >= 0) NOT VALID;

-- +goose Down
ALTER TABLE invoices DROP COLUMN paid;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::AddConstraint(constraint) = &change.entry.1 else { continue };
        let added = tables::Added { change, constraint, column: None };
        let (what, columns): (_, &[String]) = match &constraint.kind {
            ConstraintKind::Check { expression, .. } => ("CHECK", &expression.columns),
            ConstraintKind::Unique { columns, using_index: None, .. } => ("UNIQUE", columns),
            ConstraintKind::Exclude { columns } => ("EXCLUDE", columns),
            ConstraintKind::NotNull(column) => ("NOT NULL", std::slice::from_ref(column)),
            _ => continue,
        };
        if is_written(subject, &added.change.alter.name, columns) {
            let table = subject.shown(&added.change.alter.name);
            let message = format!("writes to `{table}` that this {what} does not accept fail after this");
            findings.report(added.span(), added.object(subject), message, "old versions do not know of it");
        }
    }
    for change in tables::changes(subject) {
        let TableChange::AlterColumn { column, change: ColumnChange::SetNotNull } = &change.entry.1 else { continue };
        let known = subject.relation(&change.alter.name);
        let is_proven = known.is_some_and(|(_, relation)| tables::is_proven_not_null(relation, column));
        if !is_proven && is_written(subject, &change.alter.name, std::slice::from_ref(column)) {
            let object = format!("{}.{column}", subject.shown(&change.alter.name));
            let message = format!("writes that leave `{object}` NULL fail after this");
            findings.report(change.span(), object, message, "old versions do not know of it");
        }
    }
    if let Action::CreateIndex(index) = &subject.command.action
        && index.unique
        && subject.is_existing(&index.table)
    {
        let columns = index.columns.iter().filter_map(|column| match column {
            IndexColumn::Column(name) => Some(name.clone()),
            IndexColumn::Expression(_) => None,
        });
        if is_written(subject, &index.table, &columns.collect::<Vec<_>>()) {
            let table = subject.shown(&index.table);
            let message = format!("writes to `{table}` that this UNIQUE does not accept fail after this");
            findings.report(index.table.span.0, table, message, "old versions do not know of it");
        }
    }
}

/// Whether a running version may write one of the columns: not all of them are new.
fn is_written(subject: &Subject<'_>, table: &Name, columns: &[String]) -> bool {
    let is_new = |column: &String| {
        tables::column_of(subject, table, column).is_some_and(|known| subject.is_new_since(known.since))
    };
    columns.is_empty() || !columns.iter().all(is_new)
}
