//! L19: a change of type that leaves the rows alone but checks a constraint anew.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{ColumnChange, ConstraintKind, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L19",
    name: "type-change-rechecks-constraint",
    level: Some(Severity::Warning),
    summary: "a change of type that leaves the rows alone but checks a constraint anew",
    why: "A CHECK or foreign key on the column makes PostgreSQL scan the table (for a foreign key both tables) \
          under ACCESS EXCLUSIVE, even for varchar to text.",
    instead: "drop the constraint, change the type, add the constraint NOT VALID and validate it in a later \
          migration",
    bad: &[
        (
            "00001_people.sql",
            "-- +goose Up\nCREATE TABLE people (name varchar(40) CHECK (name <> ''));\n\n\
             -- +goose Down\nDROP TABLE people;\n",
        ),
        (
            "00002_name.sql",
            "-- +goose Up\nALTER TABLE people ALTER COLUMN name TYPE text;\n\n\
             -- +goose Down\nALTER TABLE people ALTER COLUMN name TYPE varchar(40);\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_name.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ALTER COLUMN name TYPE text;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::heavy_changes(subject) {
        let TableChange::AlterColumn { column, change: ColumnChange::Type { .. } } = &change.entry.1 else {
            continue;
        };
        let Some((table, relation)) = subject.relation(&change.alter.name) else { continue };
        if !subject.effect_of(change.alter, change.entry).rewrites.is_empty() {
            continue;
        }
        let own = relation.constraints.iter().find(|constraint| constraint.valid && names(&constraint.kind, column));
        let in_key = relation.primary_key().is_some_and(|key| key.contains(column));
        let refers = |kind: &ConstraintKind| refers(kind, column, in_key);
        let of_others = || subject.before.referencing(table).find(|(_, key)| key.valid && refers(&key.kind));
        let name = match own {
            Some(constraint) => Some(&constraint.name),
            None => of_others().map(|(_, constraint)| &constraint.name),
        };
        if let Some(name) = name {
            let message = format!("this change of type scans `{table}` for `{name}` while every read and write waits");
            let object = format!("{table}.{column}");
            findings.report(change.span(), object, message, format!("{column} is in {name}"));
        }
    }
}

fn names(kind: &ConstraintKind, column: &str) -> bool {
    match kind {
        ConstraintKind::Check { expression, .. } => expression.columns.iter().any(|name| name == column),
        ConstraintKind::ForeignKey { columns, .. } => columns.iter().any(|name| name == column),
        _ => false,
    }
}

/// Whether a foreign key references a column, which is in the primary key or not.
fn refers(kind: &ConstraintKind, column: &str, in_key: bool) -> bool {
    match kind {
        ConstraintKind::ForeignKey { referenced, .. } if referenced.is_empty() => in_key,
        ConstraintKind::ForeignKey { referenced, .. } => referenced.iter().any(|name| name == column),
        _ => false,
    }
}
