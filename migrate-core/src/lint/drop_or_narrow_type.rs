//! D11: DROP of a type in use or of an extension, or of an attribute of a type.

use super::{Check, Findings, Rule, Subject};
use crate::command::{Action, Kind, TypeChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D11",
    name: "drop-or-narrow-type",
    level: Some(Severity::Warning),
    summary: "DROP of a type in use or of an extension, or of an attribute of a type",
    why: "A type that columns use cannot be dropped without losing those columns, and what an extension gave \
          (types, functions, operators) goes with it.",
    instead: "give the columns another type first (new column, fill it, swap), then drop the type without CASCADE",
    bad: &[
        (
            "00001_crypto.sql",
            "\
-- +goose Up
CREATE EXTENSION pgcrypto;

-- +goose Down
DROP EXTENSION pgcrypto;
",
        ),
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP EXTENSION pgcrypto;

-- +goose Down
CREATE EXTENSION pgcrypto;
",
        ),
    ],
    good: &[
        (
            "00001_crypto.sql",
            "\
-- +goose Up
CREATE TYPE mood AS ENUM ('good');

-- +goose Down
DROP TYPE mood;
",
        ),
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP TYPE mood;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    match &subject.command.action {
        Action::Drop(drop) if drop.kind == Kind::Extension && !drop.cascade => {
            for name in &drop.names {
                let since = subject.before.extensions.get(&name.name);
                let is_new = since.is_some_and(|since| subject.is_new_since(*since));
                if !is_new && (since.is_some() || !drop.if_exists) {
                    let message = format!("whatever uses the extension `{name}` stops working");
                    findings.report(name.span.0, name.name.clone(), message, "its types and functions go with it");
                }
            }
        }
        // Where history is certain, PostgreSQL's refusal is: rule F03.
        Action::Drop(drop)
            if matches!(drop.kind, Kind::Type | Kind::Domain)
                && !drop.cascade
                && subject.before.clouded.is_some() =>
        {
            for name in &drop.names {
                let Some((whole, _)) = subject.before.type_entry(name).known() else { continue };
                if let Some(column) = column_with(subject, &whole.name) {
                    let message = format!("`{whole}` is the type of `{column}`: PostgreSQL refuses to drop it");
                    findings.report(name.span.0, whole.to_string(), message, "still in use");
                }
            }
        }
        Action::AlterType { name, changes } => {
            let dropped = changes.iter().find_map(|change| match change {
                TypeChange::DropAttribute(attribute) => Some(attribute),
                _ => None,
            });
            if let Some(attribute) = dropped {
                let message = format!("every value of type `{name}` loses its attribute `{attribute}`");
                findings.report(subject.command.span, format!("{name}.{attribute}"), message, "");
            }
        }
        _ => {}
    }
}

/// A column that has the type.
pub(super) fn column_with(subject: &Subject<'_>, kind: &str) -> Option<String> {
    subject.before.relations.iter().filter(|(_, relation)| relation.is_table()).find_map(|(table, relation)| {
        let uses =
            |column: &&crate::catalog::CatalogColumn| column.kind.as_ref().is_some_and(|it| it.name.name == kind);
        let column = relation.columns.iter().find(uses)?;
        Some(format!("{table}.{}", column.name))
    })
}
