//! T03: several commands in one goose statement of a NO TRANSACTION file.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::Action;
use crate::diagnostic::Severity;
use crate::effect::{Effect, Runs, effect};
use crate::migration::Mode;

pub(super) static RULE: Rule = Rule {
    id: "T03",
    name: "nontx-implicit-transaction",
    level: Some(Severity::Error),
    summary: "several commands in one goose statement of a NO TRANSACTION file",
    why: "goose sends them as one message, which PostgreSQL runs as one transaction: CONCURRENTLY and VACUUM \
          fail in it (an error), the rest is one unit against the file's word (a warning).",
    instead: "write one command a statement, each on lines of its own and outside of StatementBegin",
    bad: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         SET lock_timeout = '2s'; CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);\n\
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
         CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY invoices_client;\n",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let [(_, first), (_, second), ..] = subject.commands else { return };
    let begins = subject.commands.iter().any(|(_, command)| matches!(command.action, Action::Transaction(_)));
    let is_first = first.span == subject.command.span;
    if subject.migration.mode == Mode::Transaction || !is_first || begins || subject.transaction.open {
        return;
    }
    let effects = subject.commands.iter().map(|(_, command)| (command, effect(command, subject.before, subject.majors)));
    let refused = effects.into_iter().find(|(_, effect)| effect.runs == Runs::OutsideTransaction);
    let sent = format!("these {} commands are sent as one and run in one transaction", subject.commands.len());
    if let Some((command, Effect { verb, .. })) = refused {
        let message = format!("{sent}, which {verb} refuses (SQLSTATE 25001)");
        findings.report(command.span, "", message, "cannot run in a transaction").without_facts();
    } else {
        let message = format!("{sent}, in a NO TRANSACTION file");
        let label = "on a line with the command before it";
        findings.report(second.span, "", message, label).without_facts().at_most(Severity::Warning);
    }
}
