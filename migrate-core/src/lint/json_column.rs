//! B15: ADD COLUMN of type json.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B15",
    name: "json-column",
    level: Some(Severity::Warning),
    summary: "ADD COLUMN of type json",
    why: "json has no equality: SELECT DISTINCT, GROUP BY and UNION over rows of the table, as a running \
          version may use them, fail (SQLSTATE 42883).",
    instead: "jsonb",
    bad: &[
        example::TABLES,
        (
            "00002_data.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN data json;

-- +goose Down
ALTER TABLE clients DROP COLUMN data;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_data.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN data jsonb;

-- +goose Down
ALTER TABLE clients DROP COLUMN data;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (change, column) in tables::added_columns(subject) {
        let is_json = column.kind.as_ref().is_some_and(|kind| kind.name.name == "json" && kind.name.schema.is_none());
        if is_json {
            let table = subject.shown(&change.alter.name);
            let message = format!("DISTINCT and GROUP BY over rows of `{table}` fail with a json column");
            findings.report(change.span(), format!("{table}.{}", column.name), message, "jsonb has equality");
        }
    }
}
