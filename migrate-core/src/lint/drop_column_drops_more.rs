//! D03: DROP COLUMN that takes constraints, indexes or statistics with it.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::catalog::{Place, QualifiedName, Relation};
use crate::command::TableChange;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D03",
    name: "drop-column-drops-more",
    level: Some(Severity::Warning),
    summary: "DROP COLUMN that takes constraints, indexes or statistics with it",
    why: "PostgreSQL drops every index, constraint and statistics object that mentions the column, without a \
          word: other columns lose their uniqueness or their index, and Down has to make all of them again.",
    instead: "drop them by name first, and make what is still needed anew over the columns that stay",
    bad: &[
        example::TABLES,
        (
            "00002_more.sql",
            "\
-- +goose Up
-- migrate:allow drop-column(invoices.due_on) reason=\"nobody reads it since version 7\"
ALTER TABLE invoices DROP COLUMN due_on;

-- +goose Down
ALTER TABLE invoices ADD COLUMN due_on date;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_more.sql",
            "\
-- +goose Up
DROP INDEX invoices_due_on;
-- migrate:allow drop-column(invoices.due_on) reason=\"nobody reads it since version 7\"
ALTER TABLE invoices DROP COLUMN due_on;

-- +goose Down
ALTER TABLE invoices ADD COLUMN due_on date;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::DropColumn { column, .. } = &change.entry.1 else { continue };
        let Some((table, relation)) = subject.relation(&change.alter.name) else { continue };
        let victims = victims(subject, (table, relation), column);
        if !victims.is_empty() {
            let list = victims.join(", ");
            let message = format!("DROP COLUMN {column} also drops {list}");
            findings.report(change.span(), format!("{table}.{column}"), message, format!("takes {list} with it"));
        }
    }
}

/// What is about the column and was there before.
fn victims(subject: &Subject<'_>, (table, relation): (&QualifiedName, &Relation), column: &String) -> Vec<String> {
    let is_old = |since: Place| !subject.is_new_since(since);
    let constraints = relation.constraints.iter().filter(|it| is_old(it.since) && it.columns().contains(column));
    let mut victims: Vec<String> = constraints.map(|constraint| format!("constraint {}", constraint.name)).collect();
    let indexes = subject.before.indexes_of(table);
    let indexes = indexes.filter(|(name, index)| {
        let since = subject.before.relations.get(name).map(|index| index.since);
        index.constraint.is_none() && index.mentions(column) && since.is_some_and(is_old)
    });
    victims.extend(indexes.map(|(name, _)| format!("index {name}")));
    let statistics = relation.statistics.iter().filter(|(_, columns)| columns.contains(column));
    victims.extend(statistics.map(|(name, _)| format!("statistics {name}")));
    victims
}
