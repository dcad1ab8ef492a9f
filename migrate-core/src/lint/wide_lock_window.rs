//! L31: ACCESS EXCLUSIVE on several tables in one transaction.

use std::collections::BTreeSet;

use super::{Check, Findings, Rule, Subject, example, names};
use crate::command::{Command, LockMode};

pub(super) static RULE: Rule = Rule {
    id: "L31",
    name: "wide-lock-window",
    level: None,
    summary: "ACCESS EXCLUSIVE on several tables in one transaction",
    why: "Every read and write of all of them waits until the transaction ends, and two transactions that lock them in another \
          order deadlock.",
    instead: "one table a migration",
    bad: &[
        example::TABLES,
        (
            "00002_two.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;
ALTER TABLE invoices ADD COLUMN paid boolean;

-- +goose Down
ALTER TABLE invoices DROP COLUMN paid;
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_one.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;
ALTER TABLE clients ADD COLUMN phone text;

-- +goose Down
ALTER TABLE clients DROP COLUMN phone;
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let is_exclusive = |mode: LockMode| mode == LockMode::AccessExclusive;
    let held = &subject.transaction.locks;
    let is_held = |table: &String| held.iter().any(|(name, mode, _)| name == table && is_exclusive(*mode));
    // A command that locks a table locks those that its foreign keys reference as well: only what is named counts.
    let earlier = subject.section.iter().take(subject.at).flat_map(|(_, command)| named(subject, command));
    let earlier: BTreeSet<String> = earlier.filter(is_held).collect();
    let takes = |table: &String| {
        subject.effect.locks.iter().any(|lock| lock.relation == *table && is_exclusive(lock.mode))
    };
    let mut new = named(subject, subject.command).into_iter().filter(|table| takes(table) && !earlier.contains(table));
    if let (1, Some(table), Some(first)) = (earlier.len(), new.next(), earlier.first()) {
        let message = format!("every read and write of both `{first}` and `{table}` waits until this transaction ends");
        let line = held.iter().find(|(name, ..)| name == first).map_or(0, |(.., line)| *line);
        findings.report(subject.command.span, table, message, format!("{first} is locked since line {line}"));
    }
}

/// The relations in use that a command changes.
fn named(subject: &Subject<'_>, command: &Command) -> Vec<String> {
    let changed = names::changed(&command.action).into_iter().filter(|name| subject.is_existing(name));
    changed.map(|name| subject.shown(name)).collect()
}
