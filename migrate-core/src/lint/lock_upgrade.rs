//! L32: a stronger lock on a table that the transaction already holds a weaker one on.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::LockMode;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L32",
    name: "lock-upgrade",
    level: Some(Severity::Warning),
    summary: "a stronger lock on a table that the transaction already holds a weaker one on",
    why: "Two sessions that each hold the weaker lock and wait for the stronger one deadlock; writers that \
          came in between make it likely.",
    instead: "take the strongest lock first: the ALTER TABLE before the INSERT or UPDATE, or in migrations of \
          their own",
    bad: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
         -- +goose Up\n\
         UPDATE invoices SET status = 'open' WHERE id < 1000;\n\
         ALTER TABLE invoices ADD COLUMN paid boolean;\n\
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
         UPDATE invoices SET status = 'open' WHERE id < 1000;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN paid;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

const WEAKER: [LockMode; 4] =
    [LockMode::RowShare, LockMode::RowExclusive, LockMode::Share, LockMode::ShareRowExclusive];

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let locks = &subject.transaction.locks;
    let in_use = |relation: &str| !subject.is_new_relation(relation);
    let upgrade = subject.effect.locks.iter().filter(|lock| lock.mode.blocks_writes() && in_use(&lock.relation));
    let upgrade = upgrade.into_iter().find_map(|lock| {
        let held = locks.iter().find(|(relation, ..)| *relation == lock.relation)?;
        (WEAKER.contains(&held.1) && held.1 < lock.mode).then_some((lock, held))
    });
    if let Some((lock, (relation, held, line))) = upgrade {
        let message =
            format!("the lock on `{relation}` grows from {} to {}, which can deadlock", held.sql(), lock.mode.sql());
        let label = format!("{} is held since line {line}", held.sql());
        findings.report(subject.command.span, relation.as_str(), message, label);
    }
}
