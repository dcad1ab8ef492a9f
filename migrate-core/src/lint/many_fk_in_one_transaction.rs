//! L25: foreign keys to several tables in one transaction.

use super::{Check, Findings, Rule, Subject, example};
use std::collections::BTreeSet;

use crate::command::{Action, Command, Constraint, ConstraintKind, Name, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L25",
    name: "many-fk-in-one-transaction",
    level: Some(Severity::Warning),
    summary: "foreign keys to several tables in one transaction",
    why: "Each takes SHARE ROW EXCLUSIVE on the table that it references, until commit: writes to all of them \
          wait, and two such transactions can deadlock.",
    instead: "one foreign key a migration",
    bad: &[
        example::TABLES,
        (
            "00002_links.sql",
            "\
         -- +goose Up\n\
         CREATE TABLE links (client bigint REFERENCES clients, invoice bigint REFERENCES invoices);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE links;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_links.sql",
            "\
         -- +goose Up\n\
         CREATE TABLE links (client bigint REFERENCES clients, invoice bigint);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE links;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let earlier = &subject.transaction.referenced;
    let own = referenced(subject.command);
    let own = own.into_iter().filter(|name| subject.is_existing(name)).map(|name| subject.shown(name));
    let tables: BTreeSet<&String> = earlier.iter().collect();
    let own: BTreeSet<String> = own.collect();
    let all: BTreeSet<&String> = tables.iter().copied().chain(&own).collect();
    if tables.len() < 2 && all.len() >= 2 {
        let list = all.into_iter().map(String::as_str).collect::<Vec<_>>().join("`, `");
        let message = format!("the foreign keys of one transaction make writes to `{list}` wait together");
        findings.report(subject.command.span, list, message, "the second table is locked here");
    }
}

/// The tables that the new foreign keys of a command reference.
pub(super) fn referenced(command: &Command) -> Vec<&Name> {
    let constraints: Vec<&Constraint> = match &command.action {
        Action::CreateTable(table) => {
            let of_columns = table.columns.iter().flat_map(|column| &column.constraints);
            table.constraints.iter().chain(of_columns).collect()
        }
        Action::AlterTable(alter) => alter.changes.iter().flat_map(|(_, change)| added(change)).collect(),
        _ => Vec::new(),
    };
    let keys = constraints.into_iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::ForeignKey { references, .. } => Some(references),
        _ => None,
    });
    keys.collect()
}

fn added(change: &TableChange) -> &[Constraint] {
    match change {
        TableChange::AddConstraint(constraint) => std::slice::from_ref(constraint),
        TableChange::AddColumn { column, .. } => &column.constraints,
        _ => &[],
    }
}
