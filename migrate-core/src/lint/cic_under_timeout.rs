//! T06: A concurrent build, or VALIDATE, under a timeout that the file sets.

use super::timeouts::{in_force, is_concurrent};
use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "T06",
    name: "cic-under-timeout",
    level: Some(Severity::Warning),
    summary: "a concurrent build, or VALIDATE, under a timeout that the file sets",
    why: "statement_timeout or lock_timeout that ends CREATE, DROP or REINDEX INDEX CONCURRENTLY leaves an INVALID index behind; \
          both commands wait for other transactions as long as those take, and block nobody meanwhile.",
    instead: "SET statement_timeout = 0; SET lock_timeout = 0; before it, and RESET both behind it",
    bad: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
-- +goose NO TRANSACTION
-- +goose Up
SET statement_timeout = '5s';
DROP INDEX CONCURRENTLY IF EXISTS invoices_client;
RESET statement_timeout;
CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS invoices_client;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
-- +goose NO TRANSACTION
-- +goose Up
SET statement_timeout = 0;
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS invoices_client;
CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);
RESET statement_timeout;
RESET lock_timeout;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS invoices_client;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let timeouts: &[&str] = match &subject.command.action {
        action if is_concurrent(action) => &["statement_timeout", "lock_timeout"],
        // Waiting for its lock makes others wait, but the scan behind it does not.
        Action::AlterTable(alter) if alter.changes.iter().any(|(_, change)| validates(change)) => &["statement_timeout"],
        _ => return,
    };
    let set = timeouts.iter().find(|name| in_force(subject, name).is_some_and(|time| time > 0));
    if let Some(name) = set {
        let verb = if is_concurrent(&subject.command.action) { "leaves an INVALID index" } else { "ends the scan" };
        let message = format!("{name} is in force here, and {verb} when it strikes");
        findings.report(subject.command.span, *name, message, format!("{name} was set before")).without_facts();
    }
}

const fn validates(change: &TableChange) -> bool {
    matches!(change, TableChange::ValidateConstraint(_))
}
