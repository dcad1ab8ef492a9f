//! T04: A statement of a NO TRANSACTION file that could run in a transaction.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Command, Kind, TableChange};
use crate::effect::Runs;
use crate::migration::Mode;

pub(super) static RULE: Rule = Rule {
    id: "T04",
    name: "nontx-mixed-statements",
    level: None,
    summary: "a statement of a NO TRANSACTION file that could run in a transaction",
    why: "What could be undone together is not: a failure leaves the first statements done and the version not recorded.",
    instead: "move it into a file of its own, with goose's transaction",
    bad: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS invoices_client;
CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);
ALTER TABLE invoices ADD COLUMN IF NOT EXISTS paid boolean;

-- +goose Down
ALTER TABLE invoices DROP COLUMN IF EXISTS paid;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS invoices_client;
CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS invoices_client;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let is_alone = subject.section.iter().all(|(index, _)| *index == subject.index);
    let is_first = !subject.section.iter().take(subject.at).any(|(_, command)| could_be_undone(command));
    if subject.migration.mode == Mode::Transaction || is_alone || !is_first || subject.transaction.open {
        return;
    }
    if could_be_undone(subject.command) && subject.effect.runs == Runs::Anywhere {
        let message = "this statement could run in a transaction, and is not undone with the others of the file";
        findings.report(subject.command.span, "", message, "needs no NO TRANSACTION").without_facts();
    }
}

/// Whether a command changes something that a ROLLBACK would undo. Blocks may commit by themselves.
fn could_be_undone(command: &Command) -> bool {
    match &command.action {
        Action::CreateIndex(index) => !index.concurrently,
        Action::Drop(drop) => !drop.concurrently && drop.kind != Kind::Database,
        Action::AlterTable(alter) => !alter.changes.iter().any(|(_, change)| runs_alone(change)),
        Action::CreateTable(_)
        | Action::CreateTableAs { .. }
        | Action::Rename(_)
        | Action::CreateView(_)
        | Action::CreateType(_)
        | Action::AlterType { .. }
        | Action::AlterDomain { .. }
        | Action::CreateSequence(_)
        | Action::AlterSequence { .. }
        | Action::CreateFunction(_)
        | Action::CreateTrigger(_)
        | Action::CreatePolicy { .. }
        | Action::Grant(_)
        | Action::Truncate { .. }
        | Action::Write(_) => true,
        _ => false,
    }
}

/// VALIDATE gives up its lock where it is a transaction of its own.
const fn runs_alone(change: &TableChange) -> bool {
    matches!(change, TableChange::ValidateConstraint(_) | TableChange::DetachPartition { concurrently: true, .. })
}
