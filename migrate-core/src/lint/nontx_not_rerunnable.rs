//! T02: a statement of a NO TRANSACTION file that fails or doubles its work when the file runs again.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Command, Kind, Name, TableChange, TypeChange};
use crate::diagnostic::Severity;
use crate::migration::Mode;

pub(super) static RULE: Rule = Rule {
    id: "T02",
    name: "nontx-not-rerunnable",
    level: Some(Severity::Warning),
    summary: "a statement of a NO TRANSACTION file that fails or doubles its work when the file runs again",
    why: "When a later statement fails, nothing is undone and goose runs the whole file again.",
    instead: "IF [NOT] EXISTS, DROP … IF EXISTS before, ON CONFLICT or WHERE NOT EXISTS; or one statement a file",
    bad: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN paid boolean;\n\
         ALTER TABLE invoices ADD COLUMN IF NOT EXISTS sent boolean;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN IF EXISTS paid;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN IF NOT EXISTS paid boolean;\n\
         ALTER TABLE invoices ADD COLUMN IF NOT EXISTS sent boolean;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN IF EXISTS paid;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let last = subject.section.last().map(|(index, _)| *index);
    let is_concurrent = matches!(&subject.command.action, Action::CreateIndex(index) if index.concurrently);
    let is_last = last == Some(subject.index) && !is_concurrent;
    if subject.migration.mode == Mode::Transaction || last == Some(0) || is_last || subject.transaction.open {
        return;
    }
    let earlier = subject.section.get(..subject.at).unwrap_or_default();
    if let Some(why) = fails_again(&subject.command.action, earlier) {
        let message = format!("this statement {why} when the file runs again after a failure");
        findings.report(subject.command.span, "", message, "not safe to run twice").without_facts();
    }
}

/// What a second run of the command does, where it is not the same as the first.
fn fails_again(action: &Action, earlier: &[(usize, Command)]) -> Option<&'static str> {
    const FAILS: Option<&str> = Some("fails");
    let fails = match action {
        Action::CreateTable(table) => !table.if_not_exists && !is_dropped(&table.name, earlier),
        Action::CreateTableAs { name, if_not_exists, .. } => !if_not_exists && !is_dropped(name, earlier),
        Action::CreateIndex(index) => match &index.name {
            Some(name) => !index.if_not_exists && !is_dropped(name, earlier),
            None => return Some("makes a second index"),
        },
        Action::CreateView(view) => !view.or_replace && !view.if_not_exists && !is_dropped(&view.name, earlier),
        Action::CreateType(created) => !is_dropped(&created.name, earlier),
        Action::CreateSequence(sequence) => !sequence.if_not_exists && !is_dropped(&sequence.name, earlier),
        Action::CreateFunction(function) => !function.or_replace && !is_dropped(&function.name, earlier),
        Action::CreateSchema { if_not_exists, .. } | Action::CreateExtension { if_not_exists, .. } => !if_not_exists,
        Action::CreateTrigger(trigger) => {
            !trigger.or_replace && !is_dropped_part(&trigger.name, Kind::Trigger, earlier)
        }
        Action::CreatePolicy { name, .. } => !is_dropped_part(name, Kind::Policy, earlier),
        Action::Drop(drop) => !drop.if_exists,
        Action::Rename(rename) => !rename.if_exists || rename.from.is_some(),
        Action::AlterType { changes, .. } => changes.iter().any(|change| match change {
            TypeChange::AddValue { if_not_exists, .. } => !if_not_exists,
            _ => false,
        }),
        Action::AlterTable(alter) => alter.changes.iter().any(|(_, change)| change_fails(change, earlier)),
        Action::Write(write) if write.verb == "insert" => {
            let is_guarded = write.on_conflict || write.query.text.to_ascii_lowercase().contains("not exists");
            return (!is_guarded).then_some("inserts its rows a second time, or fails,");
        }
        _ => false,
    };
    if fails { FAILS } else { None }
}

fn change_fails(change: &TableChange, earlier: &[(usize, Command)]) -> bool {
    match change {
        TableChange::AddColumn { if_not_exists, .. } => !if_not_exists,
        TableChange::DropColumn { if_exists, .. } | TableChange::DropConstraint { if_exists, .. } => !if_exists,
        TableChange::AddConstraint(constraint) => {
            let drops = |change: &TableChange| match change {
                TableChange::DropConstraint { name, if_exists: true, .. } => constraint.name.as_ref() == Some(name),
                _ => false,
            };
            let mut before = earlier.iter().filter_map(|(_, command)| match &command.action {
                Action::AlterTable(alter) => Some(alter),
                _ => None,
            });
            !before.any(|alter| alter.changes.iter().any(|(_, change)| drops(change)))
        }
        TableChange::AttachPartition { .. } | TableChange::DetachPartition { .. } => true,
        _ => false,
    }
}

/// Whether the file dropped the object before, so that a second run makes it anew.
fn is_dropped(name: &Name, earlier: &[(usize, Command)]) -> bool {
    earlier.iter().any(|(_, command)| match &command.action {
        Action::Drop(drop) => drop.if_exists && drop.names.contains(name),
        _ => false,
    })
}

fn is_dropped_part(name: &str, kind: Kind, earlier: &[(usize, Command)]) -> bool {
    earlier.iter().any(|(_, command)| match &command.action {
        Action::Drop(drop) => {
            drop.if_exists && drop.kind == kind && drop.names.iter().any(|dropped| dropped.name == name)
        }
        _ => false,
    })
}
