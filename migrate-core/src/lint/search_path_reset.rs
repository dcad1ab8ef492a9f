//! G13: A `search_path` without `public` that stays in the session.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Command};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "G13",
    name: "search-path-reset",
    level: Some(Severity::Error),
    summary: "a search_path without `public` that stays in the session",
    why: "goose no longer finds its version table and fails after the migration, or makes a second one; \
          whoever takes the pooled connection next runs with the path as well.",
    instead: "write the schema in front of the names, or SET LOCAL search_path = …; in a dump delete SELECT \
          pg_catalog.set_config('search_path', '', false)",
    bad: &[
        example::TABLES,
        (
            "00002_dump.sql",
            "\
-- +goose Up
SELECT pg_catalog.set_config('search_path', '', false);

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_dump.sql",
            "\
-- +goose Up
SET LOCAL search_path = '';
SELECT 1;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(path) = set(subject.command) else { return };
    let later = subject.section.get(subject.at + 1..).unwrap_or_default();
    let is_set_again = later.iter().any(|(_, command)| resets(command) || set(command).is_some());
    if is_set_again {
        return;
    }
    let message = "goose does not find its version table after this: the search_path stays in the session";
    let report = findings.report(subject.command.span, "search_path", message, "without LOCAL").without_facts();
    if path.split(',').any(|schema| schema.trim().trim_matches(['"', '\'']) == "public") {
        report.at_most(Severity::Warning);
    }
}

/// The path that a command sets for the whole session.
fn set(command: &Command) -> Option<String> {
    match &command.action {
        Action::Setting(setting) => {
            let is_path = matches!(setting.name.as_str(), "search_path" | "schema");
            (is_path && !setting.local && !setting.reset).then(|| setting.values.join(","))
        }
        Action::Select(query) => {
            let is_called = query.calls.iter().any(|call| call.name == "set_config");
            let at = query.strings.iter().position(|text| text == "search_path")?;
            let is_of_session = query.text.to_ascii_lowercase().contains("false");
            (is_called && is_of_session).then(|| query.strings.get(at + 1).cloned().unwrap_or_default())
        }
        _ => None,
    }
}

fn resets(command: &Command) -> bool {
    match &command.action {
        Action::Setting(setting) => setting.reset && matches!(setting.name.as_str(), "search_path" | "all"),
        _ => false,
    }
}
