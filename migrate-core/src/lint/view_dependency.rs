//! F03: A change or DROP that PostgreSQL refuses because something depends on the object.

use super::{Check, Findings, Rule, Subject, blocked, example};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "F03",
    name: "view-dependency",
    level: Some(Severity::Error),
    summary: "a change or DROP that PostgreSQL refuses because something depends on the object",
    why: "The type of a column that a view, a generated column or a policy uses cannot change (SQLSTATE \
          0A000), and what others depend on cannot be dropped without CASCADE (2BP01).",
    instead: "drop the view or policy first, change the table, and make it again, all in one file",
    bad: &[
        example::ORDERS,
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP VIEW open_orders;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::ORDERS,
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP VIEW open_people;
DROP VIEW open_orders;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for failure in blocked::blocked(subject) {
        findings.report(failure.span, failure.object, failure.message, failure.label).without_facts();
    }
}
