//! B03: RENAME of a schema, type, enum value, function or view that a running version uses.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::{Place, RelationKind};
use crate::command::{Action, Kind, Rename};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B03",
    name: "rename-other",
    level: Some(Severity::Warning),
    summary: "RENAME of a schema, type, enum value, function or view that a running version uses",
    why: "The version that is still running names the old one and fails from the moment the rename commits.",
    instead: "make a second one with the new name, move the users over, and drop the old one some releases later",
    bad: &[
        example::ORDERS,
        (
            "00002_rename.sql",
            "\
-- +goose Up
ALTER VIEW open_people RENAME TO waiting;

-- +goose Down
ALTER VIEW waiting RENAME TO open_people;
",
        ),
    ],
    good: &[
        example::ORDERS,
        (
            "00002_rename.sql",
            "\
-- +goose Up
ALTER VIEW open_people RENAME TO waiting;
CREATE VIEW open_people AS SELECT person FROM waiting;

-- +goose Down
DROP VIEW open_people;
ALTER VIEW waiting RENAME TO open_people;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Rename(rename) = &subject.command.action else { return };
    if !is_used(subject, rename) || is_made_again(subject, &rename.object.name) {
        return;
    }
    let object = match &rename.from {
        Some(part) => format!("{}.{part}", rename.object),
        None => subject.shown(&rename.object),
    };
    let message = format!("whoever still uses `{object}` fails after this");
    findings.report(subject.command.span, object, message, format!("is called {} from then on", rename.to));
}

/// Whether others may use what is renamed, and it is not what other rules or nobody cares about.
fn is_used(subject: &Subject<'_>, rename: &Rename) -> bool {
    let name = &rename.object;
    let is_older = |since: Option<Place>| since.is_none_or(|since| !subject.is_new_since(since));
    match rename.what {
        Kind::Schema => is_older(subject.before.schemas.get(&name.name).copied()),
        Kind::Type | Kind::Domain | Kind::Attribute | Kind::Value => {
            is_older(subject.before.type_entry(name).known().map(|(_, entry)| entry.since))
        }
        Kind::Function | Kind::Procedure | Kind::Routine | Kind::Aggregate => {
            let known = subject.before.function(name).known();
            is_older(known.and_then(|(_, functions)| functions.first()).map(|function| function.since))
        }
        Kind::View | Kind::MaterializedView => subject.is_existing(name),
        Kind::Table => {
            let view = subject.relation(name).filter(|(_, relation)| matches!(relation.kind, RelationKind::View(_)));
            view.is_some() && subject.is_existing(name)
        }
        _ => false,
    }
}

/// Whether the section makes something with the old name.
pub(super) fn is_made_again(subject: &Subject<'_>, name: &str) -> bool {
    let later = subject.section.get(subject.at + 1..).unwrap_or_default();
    later.iter().any(|(_, command)| match &command.action {
        Action::CreateView(create) => create.name.name == name,
        Action::CreateTable(create) => create.name.name == name,
        Action::CreateTableAs { name: made, .. } => made.name == name,
        Action::CreateFunction(create) => create.name.name == name,
        Action::CreateType(create) => create.name.name == name,
        Action::Rename(rename) => rename.from.is_none() && rename.to == name,
        _ => false,
    })
}
