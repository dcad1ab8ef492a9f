//! D06: DROP … CASCADE that takes other objects with it.

use super::{Check, Findings, Rule, Subject, example, victims};
use crate::command::{Action, Drop, Kind, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D06",
    name: "drop-cascade",
    level: Some(Severity::Error),
    summary: "DROP … CASCADE that takes other objects with it",
    why: "CASCADE drops whatever depends on the object, now and in whatever a database has grown since: views, \
          foreign keys, columns, triggers. The statement names none of them.",
    instead: "drop the dependents by name in the statements before, and then the object without CASCADE: \
          PostgreSQL refuses when something was forgotten",
    bad: &[
        example::ORDERS,
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP VIEW open_orders CASCADE;

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::ORDERS,
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP VIEW open_people;
DROP VIEW open_orders CASCADE;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let (span, object) = match &subject.command.action {
        Action::Drop(drop) if drop.cascade && drop.kind != Kind::Schema => {
            let Some(first) = drop.names.first() else { return };
            (first.span.0, object(subject, drop))
        }
        Action::AlterTable(alter) => {
            let cascades = alter.changes.iter().find_map(|(place, change)| match change {
                TableChange::DropColumn { column: part, cascade: true, .. }
                | TableChange::DropConstraint { name: part, cascade: true, .. } => Some((place.0, part)),
                _ => None,
            });
            let Some((span, part)) = cascades else { return };
            (span, format!("{}.{part}", subject.shown(&alter.name)))
        }
        _ => return,
    };
    let victims = victims::of(subject);
    if victims.is_empty() {
        if is_unknown(subject) {
            let message = format!("CASCADE drops everything that depends on `{object}`");
            findings.report(span, object, message, "what that is is not known to the migrations");
        }
        return;
    }
    let list = victims.join(", ");
    findings.report(span, object.clone(), format!("CASCADE drops with `{object}`: {list}"), format!("also {list}"));
}

fn object(subject: &Subject<'_>, drop: &Drop) -> String {
    let names: Vec<String> = drop.names.iter().map(|name| subject.shown(name)).collect();
    names.join(", ")
}

/// Whether what depends on it cannot be known: an extension, or a relation that no migration made.
fn is_unknown(subject: &Subject<'_>) -> bool {
    let Action::Drop(drop) = &subject.command.action else { return false };
    let is_relation = matches!(drop.kind, Kind::Table | Kind::View | Kind::MaterializedView | Kind::Sequence);
    let is_foreign = is_relation && drop.names.iter().any(|name| subject.relation(name).is_none());
    !drop.if_exists && (drop.kind == Kind::Extension || is_foreign)
}
