//! L36: IF EXISTS or IF NOT EXISTS of what history knows: nothing happens but the lock.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{Action, TableChange};
use crate::migration::Mode;
use crate::text::Span;

pub(super) static RULE: Rule = Rule {
    id: "L36",
    name: "guard-still-locks",
    level: None,
    summary: "IF EXISTS or IF NOT EXISTS of what history knows: nothing happens but the lock",
    why: "ADD COLUMN IF NOT EXISTS, DROP COLUMN and DROP CONSTRAINT IF EXISTS take ACCESS EXCLUSIVE even when there is nothing \
          to do, CREATE INDEX IF NOT EXISTS takes SHARE.",
    instead: "remove the statement",
    bad: &[
        example::TABLES,
        (
            "00002_zip.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN IF NOT EXISTS zip integer;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN IF NOT EXISTS fax text;

-- +goose Down
ALTER TABLE clients DROP COLUMN IF EXISTS fax;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    // A file without a transaction needs its guards to be run again after a failure.
    if subject.migration.mode == Mode::NoTransaction || subject.before.clouded.is_some() {
        return;
    }
    for (span, object, message) in idle(subject) {
        findings.report(span, object, message, "does nothing here, but takes its lock");
    }
}

type Idle = (Span, String, String);

/// The guarded changes of the command that history says do nothing.
fn idle(subject: &Subject<'_>) -> Vec<Idle> {
    if let Action::CreateIndex(index) = &subject.command.action {
        let name = index.name.as_ref().filter(|_| index.if_not_exists && subject.is_existing(&index.table));
        let known = name.and_then(|name| subject.relation(name));
        let told = known.map(|(name, relation)| (name.to_string(), subject.describe(relation.since)));
        let told = told.map(|(name, since)| (index.table.span.0, name.clone(), format!("`{name}` exists since {since}")));
        return told.into_iter().collect();
    }
    let changes = tables::changes(subject);
    let found = changes.filter_map(|change| {
        let (table, relation) = subject.relation(&change.alter.name).filter(|(_, relation)| relation.complete)?;
        let (part, message) = match &change.entry.1 {
            TableChange::AddColumn { column, if_not_exists: true } => {
                let since = subject.describe(relation.column(&column.name)?.since);
                (&column.name, format!("`{table}.{}` exists since {since}", column.name))
            }
            TableChange::DropColumn { column, if_exists: true, .. } if relation.column(column).is_none() => {
                (column, format!("`{table}` has no column `{column}`"))
            }
            TableChange::DropConstraint { name, if_exists: true, .. } if relation.constraint(name).is_none() => {
                (name, format!("`{table}` has no constraint `{name}`"))
            }
            _ => return None,
        };
        Some((change.span(), format!("{table}.{part}"), message))
    });
    found.collect()
}
