//! L20: SET LOGGED, SET UNLOGGED, SET TABLESPACE or SET ACCESS METHOD on a table that is in use.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{Persistence, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L20",
    name: "storage-rewrite",
    level: Some(Severity::Warning),
    summary: "SET LOGGED, SET UNLOGGED, SET TABLESPACE or SET ACCESS METHOD on a table that is in use",
    why: "The whole table is copied under ACCESS EXCLUSIVE.",
    instead: "pg_repack, or set it when the table is created",
    bad: &[
        example::TABLES,
        (
            "00002_unlogged.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices SET UNLOGGED;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices SET LOGGED;\n",
        ),
    ],
    good: &[(
        "00001_cache.sql",
        "\
         -- +goose Up\n\
         CREATE UNLOGGED TABLE cache (key text PRIMARY KEY, value text);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE cache;\n",
    )],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::heavy_changes(subject) {
        let present = subject.relation(&change.alter.name).map(|(_, relation)| relation.persistence);
        let verb = match &change.entry.1 {
            TableChange::SetLogged(true) if present != Some(Persistence::Permanent) => "SET LOGGED",
            TableChange::SetLogged(false) if present != Some(Persistence::Unlogged) => "SET UNLOGGED",
            TableChange::SetTablespace(_) => "SET TABLESPACE",
            TableChange::SetAccessMethod(_) => "SET ACCESS METHOD",
            _ => continue,
        };
        if subject.effect_of(change.alter, change.entry).rewrites.is_empty() {
            continue;
        }
        let table = subject.shown(&change.alter.name);
        let message = format!("{verb} copies `{table}` while every read and write waits");
        findings.report(change.span(), table, message, "copies the whole relation");
    }
}
