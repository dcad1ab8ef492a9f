//! L28: ALTER SEQUENCE of a sequence that is in use.

use super::{Check, Findings, Rule, Subject, tables};
use crate::command::{Action, ColumnChange, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L28",
    name: "sequence-alter-blocks-nextval",
    level: Some(Severity::Warning),
    summary: "ALTER SEQUENCE of a sequence that is in use",
    why: "It holds SHARE ROW EXCLUSIVE on the sequence until commit: nextval(), and with it every INSERT that \
          needs it, waits.",
    instead: "a transaction of its own; to move the counter, setval() does not block",
    bad: &[
        (
            "00001_numbers.sql",
            "\
         -- +goose Up\n\
         CREATE SEQUENCE numbers;\n\
         \n\
         -- +goose Down\n\
         DROP SEQUENCE numbers;\n",
        ),
        (
            "00002_restart.sql",
            "\
         -- +goose Up\n\
         ALTER SEQUENCE numbers RESTART WITH 1000;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        (
            "00001_numbers.sql",
            "\
         -- +goose Up\n\
         CREATE SEQUENCE numbers;\n\
         \n\
         -- +goose Down\n\
         DROP SEQUENCE numbers;\n",
        ),
        (
            "00002_restart.sql",
            "\
         -- +goose Up\n\
         SELECT setval('numbers', 1000);\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

/// Options that are only about whom the sequence belongs to.
const QUIET: [&str; 3] = ["owned by", "owner to", "set schema"];

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    if let Action::AlterSequence { name, options, .. } = &subject.command.action {
        let is_loud = options.iter().any(|option| !QUIET.contains(&option.as_str()));
        if is_loud && subject.is_existing(name) {
            let sequence = subject.shown(name);
            let message = format!("ALTER SEQUENCE makes every nextval() of `{sequence}` wait until commit");
            findings.report(subject.command.span, sequence, message, "locks the sequence");
        }
    }
    for change in tables::changes(subject) {
        let TableChange::AlterColumn { column, change: how } = &change.entry.1 else { continue };
        if matches!(how, ColumnChange::RestartIdentity | ColumnChange::SetIdentity(None)) {
            let table = subject.shown(&change.alter.name);
            let message = format!("this change of the identity makes every INSERT into `{table}` wait until commit");
            findings.report(change.span(), format!("{table}.{column}"), message, "locks the identity's sequence");
        }
    }
}
