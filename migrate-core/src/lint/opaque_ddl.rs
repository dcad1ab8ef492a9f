//! G18: Schema changes that only running the code would show.

use super::{Check, Findings, Rule, Subject, body, example};
use crate::command::{Action, changes_roles_only};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "G18",
    name: "opaque-ddl",
    level: Some(Severity::Warning),
    summary: "schema changes that only running the code would show",
    why: "What a DO block or dynamic SQL changes is not known before it runs: locks, losses and later names in \
          the history cannot be judged.",
    instead: "write the commands as plain SQL, with IF EXISTS or IF NOT EXISTS in place of the conditions",
    bad: &[
        example::TABLES,
        (
            "00002_do.sql",
            "\
-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    ALTER TABLE clients ADD COLUMN fax text;
END
$$;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_do.sql",
            "\
-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    RAISE NOTICE 'nothing to create';
END
$$;
-- +goose StatementEnd
ALTER TABLE clients ADD COLUMN IF NOT EXISTS fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN fax;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let (what, label) = match &subject.command.action {
        // They are in no schema.
        Action::Do { body: code, .. } if changes_roles_only(code) => return,
        Action::Do { body: code, .. } => match body::changing_word(code) {
            Some(word) => ("this block", format!("holds {}", word.to_uppercase())),
            None => return,
        },
        Action::Opaque => ("this command", "not understood".to_owned()),
        Action::Call { .. } | Action::Select(_) if clouds(subject) => {
            ("the function that is called here", "its code changes the schema".to_owned())
        }
        _ => return,
    };
    let message = format!("what {what} changes in the schema is not known before it runs");
    findings.report(subject.command.span, "", message, label).without_facts();
}

/// Whether nothing is certain about the schema from this command on.
fn clouds(subject: &Subject<'_>) -> bool {
    subject.before.clouded.is_none() && subject.after.clouded.is_some()
}
