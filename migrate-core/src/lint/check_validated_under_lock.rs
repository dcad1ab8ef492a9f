//! L07: a CHECK that is added and checked at once.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::ConstraintKind;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L07",
    name: "check-validated-under-lock",
    level: Some(Severity::Error),
    summary: "a CHECK that is added and checked at once",
    why: "ADD CHECK holds ACCESS EXCLUSIVE while it scans the table; a CHECK written with a new column scans \
          too, even without a default.",
    instead: "ADD CONSTRAINT … CHECK (…) NOT VALID, and VALIDATE CONSTRAINT in a later migration; with a new \
          column: ADD COLUMN first, the CHECK after",
    bad: &[
        example::TABLES,
        (
            "00002_check.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD CONSTRAINT invoices_total_check CHECK (total >= 0);\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP CONSTRAINT invoices_total_check;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_check.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD CONSTRAINT invoices_total_check CHECK (total >= 0) NOT VALID;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP CONSTRAINT invoices_total_check;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for added in tables::added_constraints(subject) {
        let is_check = matches!(added.constraint.kind, ConstraintKind::Check { .. });
        let rewrites = || !subject.effect_of(added.change.alter, added.change.entry).rewrites.is_empty();
        if !is_check || added.constraint.not_valid || added.constraint.not_enforced {
            continue;
        }
        if added.column.is_some() && rewrites() {
            continue;
        }
        let table = subject.shown(&added.change.alter.name);
        let message = format!("this CHECK scans `{table}` while every read and write waits");
        findings.report(added.span(), added.object(subject), message, "checked at once, without NOT VALID");
    }
}
