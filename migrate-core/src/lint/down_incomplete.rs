//! G02: A Down that does not bring back the schema before Up.

use super::{Check, File, Findings, Rule, difference, example, missing_down};
use crate::migration::Direction;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "G02",
    name: "down-incomplete",
    level: Some(Severity::Warning),
    summary: "a Down that does not bring back the schema before Up",
    why: "After `goose down` something of Up is still there, or something that Up dropped is missing: the next `up` fails on it, or \
          runs on another schema than the first time.",
    instead: "undo every command of Up in Down, in the opposite order; where nothing can, say so with `-- migrate:irreversible \
              reason=\"…\"` in the file",
    bad: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;
ALTER TABLE clients ADD COLUMN phone text;

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
ALTER TABLE clients ADD COLUMN phone text;

-- +goose Down
ALTER TABLE clients DROP COLUMN phone, DROP COLUMN fax;
",
        ),
    ],
    check: Check::File(check),
    down: true,
};

fn check(file: &File<'_>, findings: &mut Findings<'_>) {
    let is_open = [file.before, file.after_up, file.after_down].iter().any(|catalog| catalog.clouded.is_some());
    if is_open || file.down.is_empty() || missing_down::is_irreversible(file.migration) {
        return;
    }
    let differences = difference::between(file);
    let Some(first) = differences.first() else { return };
    let span = missing_down::annotation(&file.migration.text, "down").unwrap_or_default();
    let more = match differences.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let message = format!("after Up and Down of `{}` {first}{more}", file.migration.file);
    let report = findings.report_in_file((Direction::Down, span), "", message, "does not undo all of Up");
    differences.iter().skip(1).fold(report, |report, difference| report.fact(difference.as_str()));
}
