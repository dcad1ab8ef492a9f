//! L34: a `lock_timeout` that is off, longer than a minute, or set behind a lock.

use super::timeouts::{is_concurrent, milliseconds};
use super::{Check, Findings, Rule, Subject, example};
use crate::command::Action;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L34",
    name: "lock-timeout-bad-value",
    level: Some(Severity::Warning),
    summary: "a lock_timeout that is off, longer than a minute, or set behind a lock",
    why: "Without a short lock_timeout a statement that waits for its lock makes every later query of that \
          table wait behind it.",
    instead: "SET LOCAL lock_timeout = '2s' as the first statement, or leave it to the runner",
    bad: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
         -- +goose Up\n\
         SET LOCAL lock_timeout = 0;\n\
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
         SET LOCAL lock_timeout = '2s';\n\
         ALTER TABLE invoices ADD COLUMN paid boolean;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN paid;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

/// The longest that a statement should wait for a lock, in milliseconds.
const LONGEST: u64 = 60_000;

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Setting(setting) = &subject.command.action else { return };
    let value = setting.values.first().filter(|_| setting.name == "lock_timeout" && !setting.reset);
    let Some(value) = value else { return };
    let mut locks = subject.transaction.locks.iter();
    let label = match milliseconds(value) {
        // A concurrent build that is cancelled leaves an INVALID index: see rule T06.
        Some(0) if serves_concurrently(subject) => return,
        Some(0) => "0 waits forever".to_owned(),
        Some(time) if time > LONGEST => "longer than a minute".to_owned(),
        _ => match locks.find(|(_, mode, _)| mode.blocks_writes()) {
            Some((relation, _, line)) => format!("{relation} is already locked since line {line}"),
            None => return,
        },
    };
    let message = format!("lock_timeout = {value} does not protect what waits behind this migration");
    findings.report(subject.command.span, "lock_timeout", message, label).without_facts();
}

/// Whether the setting is for commands that wait for others without making anybody wait.
fn serves_concurrently(subject: &Subject<'_>) -> bool {
    let later = subject.section.get(subject.at..).unwrap_or_default();
    !subject.in_transaction() && later.iter().any(|(_, command)| is_concurrent(&command.action))
}
