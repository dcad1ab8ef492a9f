//! B06: DROP NOT NULL of a column that clients read.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{ColumnChange, TableChange};

pub(super) static RULE: Rule = Rule {
    id: "B06",
    name: "drop-not-null",
    level: None,
    summary: "DROP NOT NULL of a column that clients read",
    why: "The version that is still running may get NULL where it never had to expect it, and typed code fails to decode the row.",
    instead: "release a version that reads NULL first",
    bad: &[
        example::TABLES,
        (
            "00002_name.sql",
            "\
-- +goose Up
ALTER TABLE clients ALTER COLUMN name DROP NOT NULL;

-- +goose Down
ALTER TABLE clients ALTER COLUMN name SET NOT NULL;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_email.sql",
            "\
-- +goose Up
ALTER TABLE clients ALTER COLUMN email DROP NOT NULL;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::AlterColumn { column, change: ColumnChange::DropNotNull } = &change.entry.1 else { continue };
        let known = tables::column_of(subject, &change.alter.name, column);
        if known.is_some_and(|known| !known.not_null || subject.is_new_since(known.since)) {
            continue;
        }
        let object = format!("{}.{column}", subject.shown(&change.alter.name));
        let message = format!("clients that read `{object}` may get NULL after this");
        findings.report(change.span(), object, message, "never NULL before");
    }
}
