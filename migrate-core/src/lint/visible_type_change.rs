//! B08: ALTER COLUMN TYPE to a type that clients decode differently.

use super::{Check, Findings, Rule, Subject, tables};
use crate::command::{ColumnChange, ColumnType, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B08",
    name: "visible-type-change",
    level: Some(Severity::Warning),
    summary: "ALTER COLUMN TYPE to a type that clients decode differently",
    why: "Drivers choose the type of a value by the column: typed code (a Rust struct, a scan into an integer) \
          fails to decode the new one, or a prepared statement is refused.",
    instead: "add a column of the new type, write both, move the readers over, and drop the old column some \
          releases later",
    bad: &[
        (
            "00001_a.sql",
            "\
-- +goose Up
CREATE TABLE hosts (id bigint PRIMARY KEY, net cidr);

-- +goose Down
DROP TABLE hosts;
",
        ),
        (
            "00002_net.sql",
            "\
-- +goose Up
ALTER TABLE hosts ALTER COLUMN net TYPE inet;

-- +goose Down
ALTER TABLE hosts ALTER COLUMN net TYPE cidr USING net::cidr;
",
        ),
    ],
    good: &[
        (
            "00001_a.sql",
            "\
-- +goose Up
CREATE TABLE hosts (id bigint PRIMARY KEY, name varchar(20));

-- +goose Down
DROP TABLE hosts;
",
        ),
        (
            "00002_name.sql",
            "\
-- +goose Up
ALTER TABLE hosts ALTER COLUMN name TYPE text;

-- +goose Down
ALTER TABLE hosts ALTER COLUMN name TYPE varchar(20);
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::AlterColumn { column, change: ColumnChange::Type { to, .. } } = &change.entry.1 else {
            continue;
        };
        let known = tables::column_of(subject, &change.alter.name, column);
        let Some((known, old)) = known.and_then(|known| Some((known, known.kind.as_ref()?))) else { continue };
        // Clients see the type below a domain.
        let read = |kind| family(subject.before.base_of(kind));
        if read(old) == read(to) || subject.is_new_since(known.since) {
            continue;
        }
        let object = format!("{}.{column}", subject.shown(&change.alter.name));
        let message = format!("clients that read `{object}` as {old} get {to}");
        let label = format!("is {old} since {}", subject.describe(known.changed));
        findings.report(change.span(), object, message, label);
    }
}

/// Types that clients decode alike have one name here.
fn family(kind: &ColumnType) -> (&str, u32) {
    let name = match kind.name.name.as_str() {
        "varchar" | "char" | "text" | "citext" | "name" | "bpchar" => "text",
        other => other,
    };
    (name, kind.dimensions)
}
