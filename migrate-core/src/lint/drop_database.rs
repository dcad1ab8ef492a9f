//! D08: DROP DATABASE in a migration.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Kind};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D08",
    name: "drop-database",
    level: Some(Severity::Error),
    summary: "DROP DATABASE in a migration",
    why: "A whole database is gone for good. goose runs the file on whatever server it is given.",
    instead: "drop databases by hand or with the tool that makes them, never in a migration",
    bad: &[
        example::TABLES,
        (
            "00002_drop.sql",
            "\
-- +goose NO TRANSACTION
-- +goose Up
DROP DATABASE reports;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP TABLE IF EXISTS reports;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let name = match &subject.command.action {
        Action::Drop(drop) if drop.kind == Kind::Database => drop.names.first().map(|name| name.name.clone()),
        Action::Other(other) if other.words == "DROP DATABASE" => {
            other.objects.first().map(|(_, name)| name.name.clone())
        }
        _ => return,
    };
    let name = name.unwrap_or_default();
    findings.report(subject.command.span, name.clone(), format!("this drops the whole database `{name}`"), "");
}
