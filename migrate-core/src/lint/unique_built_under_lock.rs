//! L10: a UNIQUE constraint whose index is built at once.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::ConstraintKind;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L10",
    name: "unique-built-under-lock",
    level: Some(Severity::Error),
    summary: "a UNIQUE constraint whose index is built at once",
    why: "ADD UNIQUE holds ACCESS EXCLUSIVE while the index is built: every read and write waits.",
    instead: "CREATE UNIQUE INDEX CONCURRENTLY in a file with `-- +goose NO TRANSACTION`, then ADD CONSTRAINT … \
          UNIQUE USING INDEX",
    bad: &[
        example::TABLES,
        (
            "00002_unique.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ADD CONSTRAINT clients_email_key UNIQUE (email);\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE clients DROP CONSTRAINT clients_email_key;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         DROP INDEX CONCURRENTLY IF EXISTS clients_email_key;\n\
         CREATE UNIQUE INDEX CONCURRENTLY clients_email_key ON clients (email);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY IF EXISTS clients_email_key;\n",
        ),
        (
            "00003_unique.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ADD CONSTRAINT clients_email_key UNIQUE USING INDEX clients_email_key;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE clients DROP CONSTRAINT clients_email_key;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for added in tables::added_constraints(subject) {
        let is_built = matches!(added.constraint.kind, ConstraintKind::Unique { using_index: None, .. });
        if is_built && !added.is_rewritten(subject) {
            let table = subject.shown(&added.change.alter.name);
            let message = format!("UNIQUE builds an index on `{table}` while every read and write waits");
            let report = findings.report(added.span(), added.object(subject), message, "built under ACCESS EXCLUSIVE");
            if tables::is_partitioned(subject, &added.change.alter.name) {
                report.help(
                    "a partitioned table takes no USING INDEX: build the index CONCURRENTLY on each partition, add the \
                     constraint USING INDEX there, then add it to the partitioned table, which builds nothing more",
                );
            }
        }
    }
}
