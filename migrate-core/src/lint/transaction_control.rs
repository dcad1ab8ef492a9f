//! T07: BEGIN, COMMIT or ROLLBACK in a file that runs in goose's transaction.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Command, Transaction};
use crate::diagnostic::Severity;
use crate::migration::Mode;

pub(super) static RULE: Rule = Rule {
    id: "T07",
    name: "transaction-control",
    level: Some(Severity::Error),
    summary: "BEGIN, COMMIT or ROLLBACK in a file that runs in goose's transaction, or a BEGIN that nothing ends",
    why: "It ends goose's transaction: what follows is no longer undone by a failure, and the version is \
          recorded apart from it.",
    instead: "delete it, or give the file `-- +goose NO TRANSACTION`",
    bad: &[
        example::TABLES,
        (
            "00002_commit.sql",
            "\
         -- +goose Up\n\
         UPDATE invoices SET status = 'open' WHERE status IS NULL;\n\
         COMMIT;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_open.sql",
            "\
         -- +goose Up\n\
         UPDATE invoices SET status = 'open' WHERE status IS NULL;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Transaction(control) = &subject.command.action else { return };
    let verb = match control {
        Transaction::Begin => "BEGIN",
        Transaction::Commit => "COMMIT",
        Transaction::Rollback => "ROLLBACK",
        Transaction::Prepare => "PREPARE TRANSACTION",
        Transaction::Savepoint | Transaction::Release | Transaction::RollbackTo => return,
    };
    let span = subject.command.span;
    if subject.migration.mode == Mode::Transaction {
        // The first one tells of all: a BEGIN and its COMMIT are one mistake.
        let earlier = subject.section.get(..subject.at).unwrap_or_default();
        if earlier.iter().any(|(_, command)| ends_or_begins(command)) {
            return;
        }
        let message = format!("{verb} in a file that already runs in a transaction");
        findings.report(span, "", message, "goose begins and commits for this file").without_facts();
    } else if *control == Transaction::Begin && !is_ended(subject) {
        let message = "this transaction is never committed: what the file does is lost with its session";
        let report = findings.report(span, "", message, "no COMMIT follows").without_facts();
        report.help("write COMMIT behind the last statement of the transaction");
    }
}

fn ends_or_begins(command: &Command) -> bool {
    match command.action {
        Action::Transaction(control) => {
            !matches!(control, Transaction::Savepoint | Transaction::Release | Transaction::RollbackTo)
        }
        _ => false,
    }
}

/// Whether a later command of the section ends the transaction.
fn is_ended(subject: &Subject<'_>) -> bool {
    let later = subject.section.get(subject.at + 1..).unwrap_or_default();
    later.iter().any(|(_, command)| match command.action {
        Action::Transaction(control) => {
            matches!(control, Transaction::Commit | Transaction::Rollback | Transaction::Prepare)
        }
        _ => false,
    })
}
