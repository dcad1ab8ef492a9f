//! L12: an EXCLUDE constraint on a table that is in use.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::ConstraintKind;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L12",
    name: "exclusion-built-under-lock",
    level: Some(Severity::Error),
    summary: "an EXCLUDE constraint on a table that is in use",
    why: "It builds its index and checks every row under ACCESS EXCLUSIVE, and has no NOT VALID form.",
    instead: "make a new table with the constraint, copy in batches and swap, or do it in a maintenance window",
    bad: &[
        example::TABLES,
        (
            "00002_exclude.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD CONSTRAINT one_due EXCLUDE USING btree (due_on WITH =);\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP CONSTRAINT one_due;\n",
        ),
    ],
    good: &[(
        "00001_rooms.sql",
        "\
         -- +goose Up\n\
         CREATE TABLE rooms (during tsrange);\n\
         ALTER TABLE rooms ADD CONSTRAINT once EXCLUDE USING gist (during WITH &&);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE rooms;\n",
    )],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for added in tables::added_constraints(subject) {
        if matches!(added.constraint.kind, ConstraintKind::Exclude { .. }) {
            let table = subject.shown(&added.change.alter.name);
            let message = format!("EXCLUDE builds an index on `{table}` while every read and write waits");
            findings.report(added.span(), added.object(subject), message, "has no online form");
        }
    }
}
