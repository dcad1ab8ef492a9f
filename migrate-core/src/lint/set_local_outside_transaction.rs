//! T09: SET LOCAL in a file that runs without a transaction.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::Action;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "T09",
    name: "set-local-outside-transaction",
    level: Some(Severity::Warning),
    summary: "SET LOCAL in a file that runs without a transaction",
    why: "Outside of a transaction it does nothing but warn: what follows runs without the setting.",
    instead: "SET before and RESET after the statements that need it",
    bad: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         SET LOCAL maintenance_work_mem = '1GB';\n\
         CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY invoices_client;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         SET maintenance_work_mem = '1GB';\n\
         DROP INDEX CONCURRENTLY IF EXISTS invoices_client;\n\
         CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);\n\
         RESET maintenance_work_mem;\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY invoices_client;\n",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Setting(setting) = &subject.command.action else { return };
    if setting.local && !subject.in_transaction() && subject.commands.len() == 1 {
        let name = &setting.name;
        let message = format!("SET LOCAL {name} has no effect outside of a transaction");
        findings.report(subject.command.span, name, message, "this file runs without a transaction").without_facts();
    }
}
