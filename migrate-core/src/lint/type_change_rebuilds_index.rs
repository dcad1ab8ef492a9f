//! L18: a change of type that leaves the rows alone but builds an index anew.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::catalog::IndexDefinition;
use crate::command::{ColumnChange, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L18",
    name: "type-change-rebuilds-index",
    level: Some(Severity::Warning),
    summary: "a change of type that leaves the rows alone but builds an index anew",
    why: "An expression index, a partial predicate or another collation makes PostgreSQL build the index anew \
          under ACCESS EXCLUSIVE, even for varchar to text.",
    instead: "drop the index CONCURRENTLY before, and create it CONCURRENTLY afterwards",
    bad: &[
        example::TABLES,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         CREATE INDEX CONCURRENTLY clients_lower ON clients (lower(name));\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY clients_lower;\n",
        ),
        (
            "00003_name.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ALTER COLUMN name TYPE text;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_name.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ALTER COLUMN name TYPE text;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::heavy_changes(subject) {
        let TableChange::AlterColumn { column, change: ColumnChange::Type { to, collation, .. } } = &change.entry.1
        else {
            continue;
        };
        let Some((table, _)) = subject.relation(&change.alter.name) else { continue };
        if !subject.effect_of(change.alter, change.entry).rewrites.is_empty() {
            continue;
        }
        let known = tables::column_of(subject, &change.alter.name, column).and_then(|known| known.kind.as_ref());
        let is_citext = to.name.name == "citext" || known.is_some_and(|kind| kind.name.name == "citext");
        let compares = collation.is_some() || is_citext;
        let built = subject.before.indexes_of(table).find(|(_, index)| is_rebuilt(index, column, compares));
        if let Some((index, _)) = built {
            let message = format!("this change of type builds index `{index}` anew while every read and write waits");
            let object = format!("{table}.{column}");
            findings.report(change.span(), object, message, format!("{column} is in {index}"));
        }
    }
}

fn is_rebuilt(index: &IndexDefinition, column: &str, compares: bool) -> bool {
    let computed = index.expressions.iter().chain(&index.predicate);
    let is_computed = computed.into_iter().any(|expression| expression.columns.iter().any(|name| name == column));
    is_computed || (compares && index.columns.iter().any(|name| name == column))
}
