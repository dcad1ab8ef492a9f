//! M04: DELETE, or UPDATE of the key, of a table that others reference without an index.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::{CatalogConstraint, QualifiedName};
use crate::command::{Action, ConstraintKind};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "M04",
    name: "delete-without-fk-index",
    level: Some(Severity::Warning),
    summary: "DELETE, or UPDATE of the key, of a table that others reference without an index",
    why: "For each row PostgreSQL looks through the whole referencing table, because no index leads with its foreign key.",
    instead: "CREATE INDEX CONCURRENTLY over the foreign key's columns in a migration before it",
    bad: &[
        example::ORDERS,
        (
            "00002_gone.sql",
            "\
-- +goose Up
DELETE FROM people WHERE name = 'nobody';

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::ORDERS,
        (
            "00002_index.sql",
            "\
-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS orders_person;
CREATE INDEX CONCURRENTLY orders_person ON orders (person);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS orders_person;
",
        ),
        (
            "00003_gone.sql",
            "\
-- +goose Up
DELETE FROM people WHERE name = 'nobody';

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Write(write) = &subject.command.action else { return };
    let Some((table, relation)) = subject.relation(&write.table).filter(|_| subject.is_existing(&write.table)) else {
        return;
    };
    let key = relation.primary_key().unwrap_or_default();
    let is_touched = |foreign: &CatalogConstraint| {
        let ConstraintKind::ForeignKey { referenced, .. } = &foreign.kind else { return false };
        let referenced = if referenced.is_empty() { key } else { referenced.as_slice() };
        match write.verb {
            "delete" => true,
            "update" => referenced.iter().any(|column| write.columns.contains(column)),
            _ => false,
        }
    };
    let bare = subject.before.referencing(table).find(|(other, foreign)| {
        let known = subject.before.relations.get(other);
        let is_used = known.is_some_and(|known| known.complete && !subject.is_new_since(known.since));
        is_used && is_touched(foreign) && !is_indexed(subject, other, foreign.columns())
    });
    if let Some((other, foreign)) = bare {
        let columns = foreign.columns().join(", ");
        let message = format!("for each row of `{table}` this looks through all of `{other}`");
        let label = format!("no index of {other} leads with ({columns})");
        let report = findings.report(write.table.span.0, table.to_string(), message, label).without_facts();
        report.history(format!("{} references {table} since {}", foreign.name, subject.describe(foreign.since)));
    }
}

/// Whether an index leads with the columns, in whatever order.
fn is_indexed(subject: &Subject<'_>, table: &QualifiedName, columns: &[String]) -> bool {
    subject.before.indexes_of(table).any(|(_, index)| {
        let leads = index.columns.iter().take(columns.len());
        let covers = leads.clone().count() == columns.len() && leads.clone().all(|column| columns.contains(column));
        // A foreign key looks for values, which are not NULL.
        let whole = index.predicate.as_ref().is_none_or(|predicate| {
            predicate.proves_not_null.len() == 1 && predicate.columns.iter().all(|column| columns.contains(column))
        });
        covers && whole
    })
}
