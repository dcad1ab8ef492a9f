//! D05: TRUNCATE … CASCADE, which empties other tables as well.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::QualifiedName;
use crate::command::{Action, Name};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D05",
    name: "truncate-cascade",
    level: Some(Severity::Error),
    summary: "TRUNCATE … CASCADE, which empties other tables as well",
    why: "Every table with a foreign key to the truncated one is emptied too, and every one with a key to \
          those: none of them is named in the statement.",
    instead: "name every table that has to be emptied (TRUNCATE a, b), so that a reviewer sees them; PostgreSQL \
          refuses when one is missing",
    bad: &[
        example::ORDERS,
        (
            "00002_empty.sql",
            "\
-- +goose Up
TRUNCATE people CASCADE;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::ORDERS,
        (
            "00002_import.sql",
            "\
-- +goose Up
CREATE TABLE import (id bigint PRIMARY KEY);
TRUNCATE import CASCADE;

-- +goose Down
DROP TABLE import;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Truncate { tables, cascade: true, .. } = &subject.command.action else { return };
    for name in tables.iter().filter(|name| subject.is_existing(name)) {
        let table = subject.shown(name);
        let (message, label) = match victims(subject, name, tables) {
            Some(victims) if victims.is_empty() => continue,
            Some(victims) => {
                let list: Vec<String> = victims.iter().map(|victim| format!("`{victim}`")).collect();
                let list = list.join(", ");
                (format!("TRUNCATE … CASCADE empties `{table}` and with it {list}"), format!("also {list}"))
            }
            None => (
                format!("TRUNCATE … CASCADE empties `{table}` and every table that references it"),
                "which tables those are is not known to the migrations".to_owned(),
            ),
        };
        findings.report(name.span.0, table, message, label);
    }
}

/// The tables that CASCADE empties beside those that are named; `None` where that is not known.
pub(super) fn victims<'a>(subject: &'a Subject<'_>, name: &Name, named: &[Name]) -> Option<Vec<&'a QualifiedName>> {
    let (table, _) = subject.relation(name)?;
    let named: Vec<&QualifiedName> = named.iter().filter_map(|name| Some(subject.relation(name)?.0)).collect();
    let mut victims: Vec<&QualifiedName> = Vec::new();
    let mut open = vec![table];
    while let Some(table) = open.pop() {
        for (other, _) in subject.before.referencing(table) {
            if !named.contains(&other) && !victims.contains(&other) {
                victims.push(other);
                open.push(other);
            }
        }
    }
    Some(victims)
}
