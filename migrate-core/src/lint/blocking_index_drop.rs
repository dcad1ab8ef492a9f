//! L02: DROP INDEX without CONCURRENTLY.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::RelationKind;
use crate::command::{Action, Kind, Name};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L02",
    name: "blocking-index-drop",
    level: Some(Severity::Warning),
    summary: "DROP INDEX without CONCURRENTLY",
    why: "It takes ACCESS EXCLUSIVE on the table and the index: short, but it queues behind the longest query, \
          and everything queues behind it.",
    instead: "DROP INDEX CONCURRENTLY in a file with `-- +goose NO TRANSACTION`",
    bad: &[
        example::TABLES,
        (
            "00002_drop.sql",
            "\
         -- +goose Up\n\
         DROP INDEX invoices_due_on;\n\
         \n\
         -- +goose Down\n\
         CREATE INDEX invoices_due_on ON invoices (due_on);\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_drop.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         DROP INDEX CONCURRENTLY invoices_due_on;\n\
         \n\
         -- +goose Down\n\
         CREATE INDEX CONCURRENTLY invoices_due_on ON invoices (due_on);\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Drop(drop) = &subject.command.action else { return };
    if drop.kind != Kind::Index || drop.concurrently {
        return;
    }
    for name in drop.names.iter().filter(|name| subject.is_existing(name) && is_of_used_table(subject, name)) {
        let index = subject.shown(name);
        let message = format!("DROP INDEX `{index}` makes every read and write of its table wait");
        findings.report(name.span.0, index, message, "dropped without CONCURRENTLY");
    }
}

/// Partitioned tables have no CONCURRENTLY, and nobody uses a table of this section.
fn is_of_used_table(subject: &Subject<'_>, name: &Name) -> bool {
    let Some((_, relation)) = subject.relation(name) else { return true };
    let RelationKind::Index(index) = &relation.kind else { return false };
    subject.before.relations.get(&index.table).is_none_or(|table| {
        let is_partitioned = matches!(table.kind, RelationKind::Table { key: Some(_) });
        !is_partitioned && !subject.is_new_since(table.since)
    })
}
