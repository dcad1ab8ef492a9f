//! T10: a setting that outlives the migration in the session.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Command, Query};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "T10",
    name: "session-setting-leak",
    level: Some(Severity::Warning),
    summary: "a setting that outlives the migration in the session",
    why: "SET without LOCAL survives COMMIT: later migrations, and whoever takes the pooled connection next, \
          run with it.",
    instead: "SET LOCAL, or RESET at the end of the file",
    bad: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
         -- +goose Up\n\
         SET statement_timeout = '5s';\n\
         ALTER TABLE invoices ADD COLUMN paid boolean;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN paid;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_paid.sql",
            "\
         -- +goose Up\n\
         SET LOCAL statement_timeout = '5s';\n\
         ALTER TABLE invoices ADD COLUMN paid boolean;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP COLUMN paid;\n",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

/// Settings of the transaction itself, and the one that rule G13 speaks of.
const OTHERS: [&str; 3] = ["transaction", "constraints", "search_path"];

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let later = subject.section.get(subject.at..).unwrap_or_default();
    let name = match &subject.command.action {
        Action::Setting(setting) if !setting.local && !setting.reset => setting.name.as_str(),
        Action::Select(query) => match set_config(query) {
            Some(name) => name,
            None => return,
        },
        _ => return,
    };
    if OTHERS.contains(&name) || later.iter().any(|(_, command)| resets(command, name)) {
        return;
    }
    let message = format!("the setting {name} stays in the session after this migration");
    findings.report(subject.command.span, name, message, "without LOCAL, and never reset").without_facts();
}

/// The parameter of `set_config(name, value, false)`.
fn set_config(query: &Query) -> Option<&str> {
    let is_called = query.calls.iter().any(|call| call.name == "set_config");
    let is_of_session = query.text.to_ascii_lowercase().contains("false");
    query.strings.first().map(String::as_str).filter(|_| is_called && is_of_session)
}

fn resets(command: &Command, name: &str) -> bool {
    match &command.action {
        Action::Setting(setting) => setting.reset && (setting.name == name || setting.name == "all"),
        _ => false,
    }
}
