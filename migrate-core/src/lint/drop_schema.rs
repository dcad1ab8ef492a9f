//! D07: DROP SCHEMA … CASCADE of a schema that others use.

use super::{Check, Findings, Rule, Subject};
use crate::command::{Action, Kind};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D07",
    name: "drop-schema",
    level: Some(Severity::Error),
    summary: "DROP SCHEMA … CASCADE of a schema that others use",
    why: "Every table, view, function and type in the schema is gone for good, also those that no migration \
          made.",
    instead: "drop the objects by name, and then the schema without CASCADE: PostgreSQL refuses while something is \
          left in it",
    bad: &[
        (
            "00001_app.sql",
            "\
-- +goose Up
CREATE SCHEMA app;
CREATE TABLE app.a (id bigint PRIMARY KEY);

-- +goose Down
DROP TABLE app.a;
DROP SCHEMA app;
",
        ),
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP SCHEMA app CASCADE;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        (
            "00001_app.sql",
            "\
-- +goose Up
CREATE SCHEMA app;

-- +goose Down
DROP SCHEMA app;
",
        ),
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP SCHEMA app;

-- +goose Down
CREATE SCHEMA app;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Drop(drop) = &subject.command.action else { return };
    if drop.kind != Kind::Schema || !drop.cascade {
        return;
    }
    for name in &drop.names {
        let since = subject.before.schemas.get(&name.name);
        let is_new = since.is_some_and(|since| subject.is_new_since(*since));
        let is_absent = drop.if_exists && since.is_none() && subject.before.clouded.is_none();
        if is_new || is_absent {
            continue;
        }
        let inside = subject.before.relations.keys().filter(|relation| relation.schema == name.name).count();
        let message = format!("DROP SCHEMA … CASCADE loses everything in `{name}`");
        let label = format!("the migrations know of {inside} tables, views, indexes and sequences in it");
        findings.report(name.span.0, name.name.clone(), message, label);
    }
}
