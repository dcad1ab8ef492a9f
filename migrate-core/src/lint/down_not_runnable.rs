//! G04: A Down that refers to what does not exist after Up, or makes what still exists.

use super::{Check, Findings, Rule, Subject, absent, blocked, example, taken};
use crate::diagnostic::Severity;
use crate::migration::Direction;

pub(super) static RULE: Rule = Rule {
    id: "G04",
    name: "down-not-runnable",
    level: Some(Severity::Error),
    summary: "a Down that refers to what does not exist after Up, or makes what still exists",
    why: "The rollback fails when it is needed, and leaves the database at the newer version.",
    instead: "undo in Down exactly what Up did, in the opposite order",
    bad: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN phone;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    if subject.direction == Direction::Up {
        return;
    }
    let failures = absent::absent(subject).into_iter().chain(taken::taken(subject)).chain(blocked::blocked(subject));
    for failure in failures {
        let message = format!("Down fails: {}", failure.message);
        findings.report(failure.span, failure.object, message, failure.label).without_facts();
    }
}
