//! G11: A new file whose version is below one that the base revision has.

use super::{Check, File, Findings, Rule, example, missing_down};
use crate::migration::Direction;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "G11",
    name: "out-of-order-version",
    level: Some(Severity::Error),
    summary: "a new file whose version is below one that the base revision has",
    why: "Databases that are already at the higher version miss this one: goose refuses to go on without -allow-missing. Judged \
          where the base is known: with --since, or by migrate.lock (K03).",
    instead: "rename it to the next number",
    bad: &[
        example::TABLES,
        (
            "00003_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
        (
            "00002_phone.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN phone text;

-- +goose Down
ALTER TABLE clients DROP COLUMN phone;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00003_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
        (
            "00004_phone.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN phone text;

-- +goose Down
ALTER TABLE clients DROP COLUMN phone;
",
        ),
    ],
    check: Check::File(check),
    down: true,
};

fn check(file: &File<'_>, findings: &mut Findings<'_>) {
    let highest = file.settings.known.as_ref().and_then(|known| known.last());
    let version = file.migration.version;
    if let Some(highest) = highest.filter(|highest| version < **highest) {
        let span = missing_down::annotation(&file.migration.text, "up").unwrap_or_default();
        let message = format!("version {version} is new, and the base has {highest} already: goose refuses it");
        let report = findings.report_in_file((Direction::Up, span), version.to_string(), message, "out of order");
        report.help(format!("rename `{}` to a version above {highest}", file.migration.file));
    }
}
