//! L15: ADD COLUMN of serial or identity on a table that is in use.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L15",
    name: "serial-or-identity-rewrite",
    level: Some(Severity::Error),
    summary: "ADD COLUMN of serial or identity on a table that is in use",
    why: "Every row gets a number: the table and its indexes are written anew under ACCESS EXCLUSIVE.",
    instead: "ADD COLUMN as a nullable bigint, make a sequence, SET DEFAULT nextval(…), fill old rows in batches",
    bad: &[
        example::TABLES,
        (
            "00002_number.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN number bigserial;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN number;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_number.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD COLUMN number bigint;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN number;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (change, column) in tables::added_columns(subject) {
        if subject.is_emptied(&change.alter.name) {
            continue;
        }
        if tables::is_numbered(column) {
            let table = subject.shown(&change.alter.name);
            let message = format!("numbering every row writes `{table}` anew while every read and write waits");
            findings.report(change.span(), format!("{table}.{}", column.name), message, "a number for every row");
        }
    }
}
