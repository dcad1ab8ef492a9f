//! F01: An object that does not exist at this point of the history.

use super::{Check, Findings, Rule, Subject, absent, example};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "F01",
    name: "unknown-object",
    level: Some(Severity::Error),
    summary: "an object that does not exist at this point of the history",
    why: "PostgreSQL refuses the command with SQLSTATE 42P01, 42703 or 42704, and the whole migration fails.",
    instead: "correct the name or the order; what another project makes is declared in migrate.toml under \
          [external]; IF EXISTS where both cases are right",
    bad: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE client ADD COLUMN fax text;

-- +goose Down
SELECT 1;
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
ALTER TABLE IF EXISTS client ADD COLUMN fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for failure in absent::absent(subject) {
        findings.report(failure.span, failure.object, failure.message, failure.label).without_facts();
    }
}
