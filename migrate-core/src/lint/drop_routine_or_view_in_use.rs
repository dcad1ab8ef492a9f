//! D12: DROP of a view that clients may read, or of a function that something still calls.

use super::{Check, Findings, Rule, Subject, example};
use crate::catalog::QualifiedName;
use crate::command::{Action, Drop, Expression, Kind, Name};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D12",
    name: "drop-routine-or-view-in-use",
    level: Some(Severity::Warning),
    summary: "DROP of a view that clients may read, of a trigger, or of a function that something still calls",
    why: "Whoever reads the view fails from then on; a function that a trigger, a default or a CHECK calls \
          cannot be dropped, or takes them with it.",
    instead: "make the view or function anew in the same file (CREATE OR REPLACE where its shape stays), or stop \
          using it one release earlier",
    bad: &[
        example::ORDERS,
        (
            "00002_drop.sql",
            "\
-- +goose Up
DROP VIEW open_people;

-- +goose Down
CREATE VIEW open_people AS SELECT person FROM open_orders;
",
        ),
    ],
    good: &[
        example::ORDERS,
        (
            "00002_again.sql",
            "\
-- +goose Up
DROP VIEW open_people;
CREATE VIEW open_people AS SELECT person, id FROM open_orders;

-- +goose Down
DROP VIEW open_people;
CREATE VIEW open_people AS SELECT person FROM open_orders;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Drop(drop) = &subject.command.action else { return };
    for name in drop.names.iter().filter(|name| !is_made_again(subject, name)) {
        match drop.kind {
            Kind::View | Kind::MaterializedView if subject.is_existing(name) => {
                let Some((view, relation)) = subject.relation(name) else { continue };
                let message = format!("whoever reads the view `{view}` fails after this");
                let label = format!("made in {}", subject.describe(relation.since));
                findings.report(name.span.0, view.to_string(), message, label);
            }
            Kind::ForeignTable if subject.is_existing(name) => {
                let table = subject.shown(name);
                let message = format!("whoever reads the foreign table `{table}` fails after this");
                findings.report(name.span.0, table, message, "its rows stay where they are");
            }
            Kind::Trigger => trigger(subject, findings, drop, name),
            Kind::Function | Kind::Procedure | Kind::Routine if !drop.cascade => {
                let Some((function, overloads)) = subject.before.function(name).known() else { continue };
                if let (Some(user), 1) = (user(subject, function), overloads.len()) {
                    let message = format!("the function `{function}` is still called by {user}");
                    findings.report(name.span.0, function.to_string(), message, format!("called by {user}"));
                }
            }
            _ => {}
        }
    }
}

fn trigger(subject: &Subject<'_>, findings: &mut Findings<'_>, drop: &Drop, name: &Name) {
    let Some(table) = drop.on.as_ref().filter(|table| subject.is_existing(table)) else { return };
    let known = subject.relation(table);
    if known.is_some_and(|(_, relation)| relation.complete && !relation.triggers.contains_key(&name.name)) {
        return;
    }
    let table = subject.shown(table);
    let message = format!("what the trigger `{name}` did for `{table}` is not done any more");
    findings.report(name.span.0, format!("{table}.{}", name.name), message, "not made again in this file");
}

fn is_made_again(subject: &Subject<'_>, name: &Name) -> bool {
    let later = subject.section.get(subject.at..).unwrap_or_default();
    later.iter().any(|(_, command)| match &command.action {
        Action::CreateView(create) => create.name.name == name.name,
        Action::CreateFunction(create) => create.name.name == name.name,
        Action::CreateTable(create) => create.name.name == name.name,
        Action::CreateTrigger(create) => create.name == name.name,
        Action::Drop(drop) => drop.kind == Kind::Table && drop_names(drop, subject),
        Action::Rename(rename) => rename.to == name.name,
        _ => false,
    })
}

/// Whether a command drops the table that a trigger is dropped from: nothing is left to miss it.
fn drop_names(drop: &Drop, subject: &Subject<'_>) -> bool {
    let Action::Drop(own) = &subject.command.action else { return false };
    own.on.as_ref().is_some_and(|table| drop.names.iter().any(|name| name.name == table.name))
}

/// The trigger, default or CHECK that calls a function.
pub(super) fn user(subject: &Subject<'_>, function: &QualifiedName) -> Option<String> {
    let calls = |expression: &Expression| expression.calls.iter().any(|call| call.name == function.name);
    subject.before.relations.iter().find_map(|(table, relation)| {
        let trigger = relation.triggers.iter().find(|(_, called)| called.as_ref() == Some(function));
        if let Some((trigger, _)) = trigger {
            return Some(format!("the trigger {trigger} on {table}"));
        }
        let column = relation.columns.iter().find(|column| column.default.as_ref().is_some_and(calls))?;
        Some(format!("the default of {table}.{}", column.name))
    })
}
