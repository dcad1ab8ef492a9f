//! L25: foreign keys to several tables in one transaction.

use super::names::referenced;
use super::{Check, Findings, Rule, Subject, example};
use std::collections::BTreeSet;

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
