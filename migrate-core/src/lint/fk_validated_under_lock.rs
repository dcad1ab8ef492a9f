//! L06: a foreign key that is added and checked at once.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::ConstraintKind;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L06",
    name: "fk-validated-under-lock",
    level: Some(Severity::Error),
    summary: "a foreign key that is added and checked at once",
    why: "ADD FOREIGN KEY holds SHARE ROW EXCLUSIVE on both tables while it scans: writes to both wait.",
    instead: "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later migration; REFERENCES written with a \
          new column that has no DEFAULT scans nothing",
    bad: &[
        example::TABLES,
        (
            "00002_key.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD CONSTRAINT invoices_client_fkey FOREIGN KEY (client) REFERENCES clients;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP CONSTRAINT invoices_client_fkey;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_key.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices ADD CONSTRAINT invoices_client_fkey FOREIGN KEY (client) REFERENCES clients NOT VALID;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices DROP CONSTRAINT invoices_client_fkey;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for added in tables::added_constraints(subject) {
        let ConstraintKind::ForeignKey { references, .. } = &added.constraint.kind else { continue };
        let fills = |column: &crate::command::Column| {
            let default = column.default.as_ref().is_some_and(|default| !default.is_null);
            default && subject.effect_of(added.change.alter, added.change.entry).rewrites.is_empty()
        };
        let scans = added.column.is_none_or(fills);
        if added.constraint.not_valid || added.constraint.not_enforced || !scans {
            continue;
        }
        let table = subject.shown(&added.change.alter.name);
        let other = subject.shown(references);
        let message = format!("this foreign key scans `{table}` while writes to `{table}` and `{other}` wait");
        let report = findings.report(added.span(), added.object(subject), message, "checked at once, without NOT VALID");
        if tables::is_partitioned(subject, &added.change.alter.name) && subject.majors.min < 18 {
            report.help(
                "before PostgreSQL 18 a partitioned table takes no NOT VALID key: add it NOT VALID to each partition, \
                 validate those in a later migration, then add it to the partitioned table, which scans nothing more",
            );
        }
    }
}
