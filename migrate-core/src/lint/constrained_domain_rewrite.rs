//! L16: a column of a domain with constraints, on a table that is in use.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{ColumnChange, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L16",
    name: "constrained-domain-rewrite",
    level: Some(Severity::Error),
    summary: "a column of a domain with constraints, on a table that is in use",
    why: "Adding such a column writes the table anew under ACCESS EXCLUSIVE, even without a default; so does \
          changing a column to it.",
    instead: "the domain's base type, with a CHECK … NOT VALID that is validated in a later migration",
    bad: &[
        example::TABLES,
        (
            "00002_domain.sql",
            "\
         -- +goose Up\n\
         CREATE DOMAIN amount AS numeric CHECK (VALUE >= 0);\n\
         \n\
         -- +goose Down\n\
         DROP DOMAIN amount;\n",
        ),
        (
            "00003_paid.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN paid amount;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN paid;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_domain.sql",
            "\
         -- +goose Up\n\
         CREATE DOMAIN amount AS numeric;\n\
         \n\
         -- +goose Down\n\
         DROP DOMAIN amount;\n",
        ),
        (
            "00003_paid.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN paid amount;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN paid;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    // PostgreSQL 19 adds such a column without writing the table anew.
    let adding_rewrites = subject.majors.min < 19;
    for change in tables::heavy_changes(subject) {
        let (name, kind) = match &change.entry.1 {
            TableChange::AddColumn { column, .. } if adding_rewrites => (&column.name, column.kind.as_ref()),
            TableChange::AlterColumn { column, change: ColumnChange::Type { to, .. } } => (column, Some(to)),
            _ => continue,
        };
        let Some(kind) = kind.filter(|kind| tables::is_constrained_domain(subject, kind)) else { continue };
        let table = subject.shown(&change.alter.name);
        let message = format!("the domain `{kind}` writes `{table}` anew while every read and write waits");
        findings.report(change.span(), format!("{table}.{name}"), message, format!("{kind} has constraints"));
    }
}
