//! G20: A change of goose's own table.

use super::{Check, Findings, Rule, Subject, example, names};
use crate::command::Action;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "G20",
    name: "touches-version-table",
    level: Some(Severity::Error),
    summary: "a change of goose's own table",
    why: "goose writes goose_db_version itself, in the transaction of the migration: versions are applied \
          twice or never when a migration changes it.",
    instead: "leave the table to goose; to mark versions as applied or not, use the commands of the tool",
    bad: &[
        example::TABLES,
        (
            "00002_fix.sql",
            "\
-- +goose Up
DELETE FROM goose_db_version WHERE version_id = 3;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fix.sql",
            "\
-- +goose Up
SELECT max(version_id) FROM goose_db_version;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    // To let somebody read it, or to comment on it, changes nothing for goose.
    if matches!(subject.command.action, Action::Grant(_) | Action::Comment(_)) {
        return;
    }
    let changed = names::changed(&subject.command.action);
    if let Some(name) = changed.into_iter().find(|name| name.name == names::VERSION_TABLE) {
        let message = format!("`{name}` belongs to goose");
        findings.report(name.span.0, name.to_string(), message, "no migration may change it");
    }
}
