//! B09: CREATE OR REPLACE VIEW that drops, renames or reorders a column.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::RelationKind;
use crate::command::{Action, CreateView};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B09",
    name: "view-shape-change",
    level: Some(Severity::Error),
    summary: "CREATE OR REPLACE VIEW that drops, renames or reorders a column",
    why: "PostgreSQL refuses it with SQLSTATE 42P16: OR REPLACE may only add columns at the end.",
    instead: "keep the columns as they are and add new ones at the end; otherwise DROP VIEW and CREATE VIEW in one \
          file, after its readers are ready",
    bad: &[
        example::ORDERS,
        (
            "00002_view.sql",
            "\
-- +goose Up
CREATE OR REPLACE VIEW open_orders AS SELECT person, id FROM orders;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::ORDERS,
        (
            "00002_view.sql",
            "\
-- +goose Up
CREATE OR REPLACE VIEW open_orders AS SELECT id, person, 1 AS kind FROM orders;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::CreateView(create) = &subject.command.action else { return };
    if !create.or_replace || create.materialized || subject.before.clouded.is_some() {
        return;
    }
    let Some((view, relation)) = subject.relation(&create.name) else { return };
    let Some(new) = columns(create).filter(|_| relation.complete) else { return };
    if !matches!(relation.kind, RelationKind::View(_)) {
        return;
    }
    let old = relation.columns.iter().map(|column| &column.name);
    let Some((at, column)) = old.enumerate().find(|(at, column)| new.get(*at) != Some(column)) else { return };
    let label = match new.get(at) {
        Some(other) => {
            format!("column {} is {column} in {}, and {other} here", at + 1, subject.describe(relation.since))
        }
        None => format!("column {column} of {} is missing", subject.describe(relation.since)),
    };
    let message = format!("PostgreSQL refuses to replace the view `{view}`: its column `{column}` changes");
    findings.report(create.name.span.0, view.to_string(), message, label).without_facts();
}

/// The columns that the view gets, where all are known.
fn columns(create: &CreateView) -> Option<Vec<String>> {
    let mut columns = create.query.output.clone()?;
    for (column, name) in columns.iter_mut().zip(&create.columns) {
        column.clone_from(name);
    }
    Some(columns)
}
