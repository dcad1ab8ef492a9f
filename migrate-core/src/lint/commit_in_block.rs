//! T11: COMMIT or ROLLBACK in a DO block or procedure that runs in goose's transaction.

use super::body::ends_transaction;
use super::{Check, Findings, Rule, Subject, example};
use crate::command::Action;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "T11",
    name: "commit-in-block",
    level: Some(Severity::Error),
    summary: "COMMIT or ROLLBACK in a DO block or procedure that runs in goose's transaction",
    why: "PostgreSQL refuses it with SQLSTATE 2D000: a block ends transactions only when it is called outside \
          of one.",
    instead: "give the file `-- +goose NO TRANSACTION`",
    bad: &[
        example::TABLES,
        (
            "00002_do.sql",
            "\
         -- +goose Up\n\
         -- +goose StatementBegin\n\
         DO $$\n\
         BEGIN\n    UPDATE invoices SET status = 'open' WHERE id < 1000;\n    COMMIT;\n\
         END\n\
         $$;\n\
         -- +goose StatementEnd\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_do.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         -- +goose StatementBegin\n\
         DO $$\n\
         BEGIN\n    UPDATE invoices SET status = 'open' WHERE id < 1000;\n    COMMIT;\n\
         END\n\
         $$;\n\
         -- +goose StatementEnd\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let ends = match &subject.command.action {
        Action::Do { body, .. } => ends_transaction(body),
        Action::Call { name } => {
            let known = subject.before.function(name).known();
            let bodies = known.map_or(&[][..], |(_, functions)| functions);
            bodies.iter().filter_map(|function| function.body.as_deref()).any(ends_transaction)
        }
        _ => false,
    };
    if ends && subject.in_transaction() {
        let message = "this block ends a transaction, which fails inside of goose's (SQLSTATE 2D000)";
        findings.report(subject.command.span, "", message, "holds COMMIT or ROLLBACK").without_facts();
    }
}
