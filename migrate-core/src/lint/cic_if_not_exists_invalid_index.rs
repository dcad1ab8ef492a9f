//! T05: CREATE INDEX CONCURRENTLY IF NOT EXISTS without a DROP before it.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Command, Name};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "T05",
    name: "cic-if-not-exists-invalid-index",
    level: Some(Severity::Warning),
    summary: "CREATE INDEX CONCURRENTLY IF NOT EXISTS without a DROP before it",
    why: "A build that fails leaves an INVALID index of that name; the next run sees the name and skips the \
          build, so the index is never usable.",
    instead: "DROP INDEX CONCURRENTLY IF EXISTS name; before it, in the same NO TRANSACTION file",
    bad: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         CREATE INDEX CONCURRENTLY IF NOT EXISTS invoices_client ON invoices (client);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY IF EXISTS invoices_client;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         DROP INDEX CONCURRENTLY IF EXISTS invoices_client;\n\
         CREATE INDEX CONCURRENTLY invoices_client ON invoices (client);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY IF EXISTS invoices_client;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::CreateIndex(index) = &subject.command.action else { return };
    let Some(name) = &index.name else { return };
    let earlier = subject.section.get(..subject.at).unwrap_or_default();
    if index.concurrently && index.if_not_exists && !is_dropped(name, earlier) {
        let message = format!("after a failed build IF NOT EXISTS skips the INVALID index `{name}`");
        findings.report(name.span.0, name.to_string(), message, "never dropped before").without_facts();
    }
}

fn is_dropped(name: &Name, earlier: &[(usize, Command)]) -> bool {
    let drops = |command: &Command| matches!(&command.action, Action::Drop(drop) if drop.names.contains(name));
    earlier.iter().any(|(_, command)| drops(command))
}
