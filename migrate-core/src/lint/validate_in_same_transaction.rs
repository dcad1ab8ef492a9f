//! L08: VALIDATE CONSTRAINT in the transaction that added the constraint.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::TableChange;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L08",
    name: "validate-in-same-transaction",
    level: Some(Severity::Error),
    summary: "VALIDATE CONSTRAINT in the transaction that added the constraint",
    why: "The lock of ADD CONSTRAINT (ACCESS EXCLUSIVE; for a foreign key SHARE ROW EXCLUSIVE on both tables) \
          is held until the transaction ends, so also during the scan.",
    instead: "VALIDATE CONSTRAINT in the next migration",
    bad: &[
        example::TABLES,
        (
            "00002_check.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD CONSTRAINT invoices_total_check CHECK (total >= 0) NOT VALID;\n\
         ALTER TABLE invoices VALIDATE CONSTRAINT invoices_total_check;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP CONSTRAINT invoices_total_check;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_check.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD CONSTRAINT invoices_total_check CHECK (total >= 0) NOT VALID;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP CONSTRAINT invoices_total_check;\n",
        ),
        (
            "00003_validate.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices VALIDATE CONSTRAINT invoices_total_check;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut added: Vec<&str> = Vec::new();
    for change in tables::heavy_changes(subject) {
        let name = match &change.entry.1 {
            TableChange::AddConstraint(constraint) if constraint.not_valid => {
                added.extend(constraint.name.as_deref());
                continue;
            }
            TableChange::ValidateConstraint(name) => name,
            _ => continue,
        };
        let table = subject
            .before
            .relation(&change.alter.name)
            .known()
            .map_or_else(|| subject.before.qualify(&change.alter.name), |(table, _)| table.clone());
        let held = subject.transaction.not_valid.iter().any(|(of, added)| *of == table && added == name);
        if held || added.contains(&name.as_str()) {
            let message = format!("VALIDATE scans `{table}` while the lock of ADD CONSTRAINT `{name}` is still held");
            findings.report(change.span(), format!("{table}.{name}"), message, "added in the same transaction");
        }
    }
}
