//! F02: An object that exists already, or that one command makes twice.

use super::{Check, Findings, Rule, Subject, example, taken, twice};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "F02",
    name: "already-exists",
    level: Some(Severity::Error),
    summary: "an object that exists already",
    why: "PostgreSQL refuses the command with SQLSTATE 42P07, 42701, 42710 or 42P16, and the whole migration fails.",
    instead: "choose another name, drop the old object first, or say IF NOT EXISTS or OR REPLACE where both cases \
          are right",
    bad: &[
        example::TABLES,
        (
            "00002_clients.sql",
            "\
-- +goose Up
CREATE TABLE clients (id bigint PRIMARY KEY);

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_clients.sql",
            "\
-- +goose Up
CREATE TABLE IF NOT EXISTS clients (id bigint PRIMARY KEY);

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for failure in taken::taken(subject).into_iter().chain(twice::twice(subject)) {
        findings.report(failure.span, failure.object, failure.message, failure.label).without_facts();
    }
}
