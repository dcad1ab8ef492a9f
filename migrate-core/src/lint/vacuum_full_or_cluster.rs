//! L04: VACUUM FULL or CLUSTER.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Name};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L04",
    name: "vacuum-full-or-cluster",
    level: Some(Severity::Error),
    summary: "VACUUM FULL or CLUSTER",
    why: "Both write the table anew under ACCESS EXCLUSIVE: every read and write waits for it.",
    instead: "pg_repack or pg_squeeze, outside of migrations",
    bad: &[
        example::TABLES,
        (
            "00002_vacuum.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         VACUUM FULL invoices;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_vacuum.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         VACUUM invoices;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let (verb, tables): (_, Vec<&Name>) = match &subject.command.action {
        Action::Vacuum { tables, full: true, .. } => ("VACUUM FULL", tables.iter().collect()),
        Action::Cluster { table } => ("CLUSTER", table.iter().collect()),
        _ => return,
    };
    let used = tables.iter().find(|table| subject.is_existing(table));
    if !tables.is_empty() && used.is_none() {
        return;
    }
    let object = used.map_or_else(|| "database".to_owned(), |table| subject.shown(table));
    let message = format!("{verb} writes `{object}` anew while every read and write waits");
    findings.report(subject.command.span, object, message, "rewrites under ACCESS EXCLUSIVE");
}
