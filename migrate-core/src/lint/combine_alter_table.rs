//! L35: ALTER TABLE after ALTER TABLE of one table, of which one reads it in full.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, AlterTable, Command, LockMode, TableChange};
use crate::effect::{Effect, effect};

pub(super) static RULE: Rule = Rule {
    id: "L35",
    name: "combine-alter-table",
    level: None,
    summary: "ALTER TABLE after ALTER TABLE of one table, of which one reads it in full",
    why: "Each of them goes through the table by itself; the changes of one ALTER TABLE share one pass.",
    instead: "one ALTER TABLE with the changes behind commas",
    bad: &[
        example::TABLES,
        (
            "00002_two.sql",
            "\
-- +goose Up
-- migrate:allow type-change-rewrite reason=\"the table is small\"
ALTER TABLE clients ALTER COLUMN zip TYPE bigint;
-- migrate:allow type-change-rewrite reason=\"the table is small\"
ALTER TABLE clients ALTER COLUMN id TYPE integer;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_one.sql",
            "\
-- +goose Up
-- migrate:allow type-change-rewrite reason=\"the table is small\"
ALTER TABLE clients ALTER COLUMN zip TYPE bigint, ALTER COLUMN id TYPE integer;
ALTER TABLE invoices ADD COLUMN paid boolean;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::AlterTable(alter) = &subject.command.action else { return };
    let previous = subject.at.checked_sub(1).and_then(|at| subject.section.get(at));
    let Some((_, Command { action: Action::AlterTable(before), .. })) = previous else { return };
    let is_same = before.name == alter.name && before.kind == alter.kind && before.only == alter.only;
    if !is_same || !subject.is_existing(&alter.name) || stays_apart(before) || stays_apart(alter) {
        return;
    }
    let first = effect(&previous_command(subject), subject.before, subject.majors);
    let reads = |effect: &Effect| !effect.scans.is_empty() || !effect.rewrites.is_empty();
    if strongest(&first) == strongest(subject.effect) && (reads(&first) || reads(subject.effect)) {
        let table = subject.shown(&alter.name);
        let message = format!("this ALTER TABLE and the one before it each go through `{table}`");
        findings.report(subject.command.span, table, message, "could be one command with the one before it");
    }
}

fn previous_command(subject: &Subject<'_>) -> Command {
    let previous = subject.at.checked_sub(1).and_then(|at| subject.section.get(at));
    previous.map_or_else(|| subject.command.clone(), |(_, command)| command.clone())
}

fn strongest(effect: &Effect) -> Option<LockMode> {
    effect.locks.iter().map(|lock| lock.mode).max()
}

/// Whether a change is one that must not share a command: VALIDATE, and what it validates.
fn stays_apart(alter: &AlterTable) -> bool {
    alter.changes.iter().any(|(_, change)| match change {
        TableChange::ValidateConstraint(_) => true,
        TableChange::AddConstraint(constraint) => constraint.not_valid,
        _ => false,
    })
}
