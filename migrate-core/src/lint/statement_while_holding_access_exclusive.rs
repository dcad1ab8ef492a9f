//! L30: slow work behind a statement that locked a table ACCESS EXCLUSIVE.

use super::{Check, Findings, Rule, Subject, example, tables, writes};
use crate::catalog::QualifiedName;
use crate::command::{Action, AlterTable, ColumnChange, LockMode, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L30",
    name: "statement-while-holding-access-exclusive",
    level: Some(Severity::Warning),
    summary: "slow work behind a statement that locked a table ACCESS EXCLUSIVE",
    why: "The lock is held until the transaction ends: every read and write of that table waits for the slow \
          work too.",
    instead: "do the slow work in a migration of its own, or before the lock is taken",
    bad: &[
        example::TABLES,
        (
            "00002_fill.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN paid boolean;\n\
         UPDATE invoices SET paid = false;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN paid;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN paid boolean;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN paid;\n",
        ),
        (
            "00003_fill.sql",
            "\
         -- +goose Up\n\
         UPDATE invoices SET paid = false WHERE id < 100000;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut locks = subject.transaction.locks.iter();
    let held = locks.find(|(_, mode, _)| *mode == LockMode::AccessExclusive);
    let Some((relation, _, line)) = held.filter(|_| is_slow(subject)) else { return };
    let message = format!("every read and write of `{relation}` waits for this statement as well");
    let label = format!("ACCESS EXCLUSIVE on {relation} is held since line {line}");
    findings.report(subject.command.span, relation.as_str(), message, label);
}

/// Work that grows with a table, and that no rule about that work reports as an error by itself.
fn is_slow(subject: &Subject<'_>) -> bool {
    match &subject.command.action {
        Action::Write(write) => {
            let is_insert = write.verb == "insert";
            (is_insert || subject.is_existing(&write.table)) && writes::is_unbounded(subject, write)
        }
        Action::CreateTableAs { with_data: true, query, .. } => query.reads.iter().any(|read| subject.is_existing(read)),
        Action::Refresh { with_data, .. } => *with_data,
        Action::AlterTable(alter) if subject.is_existing(&alter.name) => {
            let table: QualifiedName = subject.before.qualify(&alter.name);
            let is_older = |name: &String| !subject.transaction.not_valid.contains(&(table.clone(), name.clone()));
            alter.changes.iter().any(|(_, change)| match change {
                TableChange::ValidateConstraint(name) => is_older(name),
                TableChange::AlterColumn { column, change: ColumnChange::SetNotNull } => {
                    scans_new_column(subject, alter, column)
                }
                _ => false,
            })
        }
        _ => false,
    }
}

/// Whether SET NOT NULL is about a column that this file made.
fn scans_new_column(subject: &Subject<'_>, alter: &AlterTable, column: &str) -> bool {
    let known = tables::column_of(subject, &alter.name, column);
    let proven = subject.relation(&alter.name).is_some_and(|(_, it)| tables::stays_proven_not_null(it, column, alter));
    !proven && known.is_some_and(|known| subject.is_new_since(known.since))
}
