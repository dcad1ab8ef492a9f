//! F04: UNIQUE over rows that are there already.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{Action, ConstraintKind};
use crate::text::Span;

pub(super) static RULE: Rule = Rule {
    id: "F04",
    name: "data-dependent-unique",
    level: None,
    summary: "UNIQUE over rows that are there already",
    why: "It fails on the first two rows that are alike, in the one database that has such rows.",
    instead: "look for duplicates before (SELECT c FROM t GROUP BY c HAVING count(*) > 1), and remove them in a migration before it",
    bad: &[
        example::TABLES,
        (
            "00002_email.sql",
            "\
-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS clients_email;
CREATE UNIQUE INDEX CONCURRENTLY clients_email ON clients (email);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS clients_email;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_phone.sql",
            "\
-- +goose Up
CREATE TABLE phones (number text UNIQUE);

-- +goose Down
DROP TABLE phones;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for added in tables::added_constraints(subject) {
        let is_key = match &added.constraint.kind {
            ConstraintKind::Unique { using_index, .. } | ConstraintKind::PrimaryKey { using_index, .. } => {
                using_index.is_none()
            }
            ConstraintKind::Exclude { .. } => true,
            _ => false,
        };
        // A new column is NULL everywhere, or the same everywhere, which other rules speak of.
        if is_key && added.column.is_none() {
            let table = subject.shown(&added.change.alter.name);
            report(findings, added.span(), added.object(subject), &table);
        }
    }
    if let Action::CreateIndex(index) = &subject.command.action
        && index.unique
        && subject.is_existing(&index.table)
    {
        let table = subject.shown(&index.table);
        report(findings, index.table.span.0, table.clone(), &table);
    }
}

fn report(findings: &mut Findings<'_>, span: Span, object: String, table: &str) {
    let message = format!("this fails if `{table}` has rows that are alike");
    findings.report(span, object, message, "over rows that are there already").without_facts();
}
