//! L29: ALTER TABLE that renames an index.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::RelationKind;
use crate::command::{Action, Kind};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L29",
    name: "alter-table-on-index",
    level: Some(Severity::Warning),
    summary: "ALTER TABLE that renames an index",
    why: "ALTER TABLE takes ACCESS EXCLUSIVE on the index, so every query on its table waits; ALTER INDEX \
          takes SHARE UPDATE EXCLUSIVE.",
    instead: "ALTER INDEX … RENAME TO …",
    bad: &[
        example::TABLES,
        (
            "00002_rename.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices_due_on RENAME TO invoices_due;\n\
         \n\
         -- +goose Down\n\
         ALTER INDEX invoices_due RENAME TO invoices_due_on;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_rename.sql",
            "\
         -- +goose Up\n\
         ALTER INDEX invoices_due_on RENAME TO invoices_due;\n\
         \n\
         -- +goose Down\n\
         ALTER INDEX invoices_due RENAME TO invoices_due_on;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Rename(rename) = &subject.command.action else { return };
    let known = subject.relation(&rename.object);
    let is_index = known.is_some_and(|(_, relation)| matches!(relation.kind, RelationKind::Index(_)));
    if rename.of == Kind::Table && rename.what != Kind::Column && is_index && subject.is_existing(&rename.object) {
        let index = subject.shown(&rename.object);
        let message = format!("ALTER TABLE on index `{index}` makes every query on its table wait");
        findings.report(rename.object.span.0, index, message, "this is an index");
    }
}
