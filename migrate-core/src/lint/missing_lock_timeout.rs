//! L33: A lock that others wait for, without a `lock_timeout` in force.

use super::{Check, Findings, Rule, Subject, example, timeouts};

pub(super) static RULE: Rule = Rule {
    id: "L33",
    name: "missing-lock-timeout",
    level: None,
    summary: "a lock that others wait for, without a lock_timeout in force",
    why: "A statement that waits for its lock behind a long query makes every later query of the table wait behind it. Off by \
          default: the runner sets a lock_timeout for every migration, which a file cannot show.",
    instead: "SET LOCAL lock_timeout = '2s' as the first statement, where the file runs without a runner that sets it",
    bad: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
-- +goose Up
ALTER TABLE invoices ADD COLUMN paid boolean;

-- +goose Down
ALTER TABLE invoices DROP COLUMN paid;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
-- +goose Up
SET LOCAL lock_timeout = '2s';
ALTER TABLE invoices ADD COLUMN paid boolean;

-- +goose Down
ALTER TABLE invoices DROP COLUMN paid;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let strong = subject.effect.locks.iter().filter(|lock| lock.mode.blocks_writes());
    let mut used = strong.filter(|lock| !subject.is_new_relation(&lock.relation));
    let new = used.next().map(|lock| (&lock.relation, lock.mode));
    let already = subject.transaction.locks.iter().any(|(_, mode, _)| mode.blocks_writes());
    let is_set = timeouts::in_force(subject, "lock_timeout").is_some_and(|time| time > 0);
    if let (Some((relation, mode)), false, false) = (new, already, is_set) {
        let message = format!("{} on `{relation}` is waited for without a lock_timeout", mode.sql());
        findings.report(subject.command.span, relation.as_str(), message, "no lock_timeout is set before it");
    }
}
