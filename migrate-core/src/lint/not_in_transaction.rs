//! T01: a command that PostgreSQL refuses in a transaction, in a file that runs in one.

use super::subject::statements;
use super::{Check, Findings, Rule, Settings, Subject, body, example, review_commands};
use crate::catalog::Catalog;
use crate::command::{Action, Command, Sections, TypeChange};
use crate::diagnostic::Severity;
use crate::effect::{Majors, Runs, effect};
use crate::migration::{Direction, Migration, Mode, Set};

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
    if let Some(verb) = refused_in_code(&subject.command.action) {
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
        let help = way_out(findings.migration, &findings.set.path_of(findings.migration));
        findings.report(span, object, message, "this file runs in one transaction").help(help);
    }
}

/// Where the annotation goes: it is the file's, so what else the file does would run without a transaction as well.
fn way_out(migration: &Migration, path: &str) -> String {
    let is_alone = [Direction::Up, Direction::Down].iter().all(|of| statements(migration, *of).len() < 2);
    if is_alone {
        format!("write `-- +goose NO TRANSACTION` into line 1 of {path}")
    } else {
        "put it into a file of its own, with `-- +goose NO TRANSACTION` in line 1".to_owned()
    }
}

/// What a block or the body of a function holds although no block and no function may.
fn refused_in_code(action: &Action) -> Option<&'static str> {
    let code = match action {
        Action::Do { body, .. } => Some(body),
        Action::CreateFunction(function) => function.body.as_ref(),
        _ => None,
    };
    code.and_then(|code| body::refused(code))
}

/// What this rule finds in a set, and no other: no server runs it where it stands, whatever schema and rows it has. For
/// whoever asks whether files are right, and not whether they are wise. Without a suspect no schema is made.
#[must_use]
pub fn unrunnable(set: &Set, commands: &[Sections], settings: &Settings) -> Vec<super::Finding> {
    let is_suspect = |(migration, sections): (&Migration, &Sections)| {
        let mut all = sections.up.iter().chain(&sections.down).flatten();
        all.any(|command| may_be_refused(command, migration.mode, settings.majors))
    };
    let Some(level) = settings.level(&RULE) else { return Vec::new() };
    if !set.migrations.iter().zip(commands).any(is_suspect) {
        return Vec::new();
    }
    let mut alone = settings.clone();
    alone.levels = super::RULES.iter().map(|rule| (rule.id.to_owned(), None)).collect();
    alone.levels.insert(RULE.id.to_owned(), Some(level));
    review_commands(set, commands, &alone).findings
}

fn may_be_refused(command: &Command, mode: Mode, majors: Majors) -> bool {
    refused_in_code(&command.action).is_some()
        || mode == Mode::Transaction
            && (majors.min < 12 && matches!(command.action, Action::AlterType { .. })
                || effect(command, &Catalog::default(), majors).runs == Runs::OutsideTransaction)
}

/// `ALTER TYPE … ADD VALUE` of an enum that was there before, on servers before PostgreSQL 12.
fn adds_value_before_12(subject: &Subject<'_>) -> bool {
    let Action::AlterType { name, changes } = &subject.command.action else { return false };
    let is_new = subject.before.type_entry(name).known().is_some_and(|(_, it)| subject.is_of_this_section(it.since));
    let adds = changes.iter().any(|change| matches!(change, TypeChange::AddValue { .. }));
    subject.majors.min < 12 && adds && !is_new
}
