//! G21: A file whose Up section holds no statement.

use super::{Check, File, Findings, Rule, example, missing_down};
use crate::diagnostic::Severity;
use crate::migration::{Body, Direction};

pub(super) static RULE: Rule = Rule {
    id: "G21",
    name: "empty-up",
    level: Some(Severity::Warning),
    summary: "a file whose Up section holds no statement",
    why: "It is recorded as applied and changes nothing: whatever was meant to be in it never runs.",
    instead: "write the statements under `-- +goose Up`, or delete the file",
    bad: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    check: Check::File(check),
    down: true,
};

fn check(file: &File<'_>, findings: &mut Findings<'_>) {
    let Body::Split { up, .. } = &file.migration.body else { return };
    if up.is_empty() {
        let span = missing_down::annotation(&file.migration.text, "up").unwrap_or_default();
        let message = format!("`{}` changes nothing when it is applied", file.migration.file);
        findings.report_in_file((Direction::Up, span), "", message, "no statement below this");
    }
}
