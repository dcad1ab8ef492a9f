//! T01: a command that PostgreSQL refuses in a transaction, in a file that runs in one.

use super::{Check, Findings, Rule, Subject, body, example};
use crate::command::{Action, TypeChange};
use crate::diagnostic::Severity;
use crate::effect::Runs;

pub(super) static RULE: Rule = Rule {
    id: "T01",
    name: "not-in-transaction",
    level: Some(Severity::Error),
    summary: "a command that PostgreSQL refuses in a transaction, in a file that runs in one",
    why: "CREATE INDEX CONCURRENTLY, VACUUM, CREATE DATABASE and their like fail with SQLSTATE 25001 in a \
          transaction.",
    instead: "put it into a file of its own with `-- +goose NO TRANSACTION`",
    bad: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose Up\n\
         CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX invoices_client;\n",
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
    let span = subject.command.span;
    let code = match &subject.command.action {
        Action::Do { body, .. } => Some(body),
        Action::CreateFunction(function) => function.body.as_ref(),
        _ => None,
    };
    if let Some(verb) = code.and_then(|code| body::refused(code)) {
        let message = format!("{verb} cannot run in a block or a function (SQLSTATE 25001)");
        let report = findings.report(span, "", message, format!("holds {verb}")).without_facts();
        report.help(format!("write {verb} as a statement of its own, in a file with `-- +goose NO TRANSACTION`"));
    }
    // Two commands in one message are T03's.
    let is_refused = subject.effect.runs == Runs::OutsideTransaction || adds_value_before_12(subject);
    if is_refused && subject.in_transaction() {
        let verb = &subject.effect.verb;
        let object = subject.effect.objects.first().map_or_else(String::new, |(_, name)| name.clone());
        let message = format!("{verb} cannot run in a transaction (SQLSTATE 25001)");
        findings.report(span, object, message, "this file runs in one transaction");
    }
}

/// `ALTER TYPE … ADD VALUE` of an enum that was there before, on servers before PostgreSQL 12.
fn adds_value_before_12(subject: &Subject<'_>) -> bool {
    let Action::AlterType { name, changes } = &subject.command.action else { return false };
    let is_new = subject.before.type_entry(name).known().is_some_and(|(_, it)| subject.is_of_this_section(it.since));
    let adds = changes.iter().any(|change| matches!(change, TypeChange::AddValue { .. }));
    subject.majors.min < 12 && adds && !is_new
}
