//! G12: A time stamp as version after sequential numbers.

use super::{Check, File, Findings, Rule, example, missing_down};
use crate::diagnostic::Severity;
use crate::migration::{Direction, Version};

pub(super) static RULE: Rule = Rule {
    id: "G12",
    name: "mixed-version-schemes",
    level: Some(Severity::Warning),
    summary: "a time stamp as version after sequential numbers",
    why: "A sequential number that is added later sorts before every time stamp: goose finds it missing in \
          databases that are already further, and refuses.",
    instead: "keep to one scheme; with time stamps during development, run `goose fix` on the main branch to \
          number them",
    bad: &[
        example::TABLES,
        (
            "20260102030405_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
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

/// The smallest number that goose takes for a time stamp: 1970-01-01, in the form `YYYYMMDDhhmmss`.
const FIRST_STAMP: i64 = 19_700_101_000_000;

fn check(file: &File<'_>, findings: &mut Findings<'_>) {
    let is_stamp = |version: Version| version.0 >= FIRST_STAMP;
    let version = file.migration.version;
    let earlier = file.set.migrations.iter().map(|migration| migration.version).filter(|other| *other < version);
    let Some(last) = earlier.max() else { return };
    if is_stamp(version) && !is_stamp(last) {
        let span = missing_down::annotation(&file.migration.text, "up").unwrap_or_default();
        let message = format!("version {version} is a time stamp, and {last} before it is a sequential number");
        findings.report_in_file((Direction::Up, span), version.to_string(), message, "the first time stamp");
    }
}
