//! What one command makes twice, or makes where there can be one only: a column (42701), a constraint (42710, 42P07), a
//! primary key (42P16).

use super::Subject;
use super::absent::Failure;
use crate::command::{Action, AlterTable, Constraint, ConstraintKind, CreateTable, TableChange};
use crate::text::Span;

/// Everything that the command makes for the second time.
pub(super) fn twice(subject: &Subject<'_>) -> Vec<Failure> {
    match &subject.command.action {
        // With IF NOT EXISTS nobody looks at the rest where the table is there.
        Action::CreateTable(create) if !create.if_not_exists => of_create(create),
        Action::AlterTable(alter) => of_alter(subject, alter),
        _ => Vec::new(),
    }
}

fn of_create(create: &CreateTable) -> Vec<Failure> {
    // Without a type it is a column of the parent's, or of the type's.
    let columns = create.columns.iter().filter(|column| column.kind.is_some());
    let all = create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints);
    let mut failures = repeated(columns.map(|column| (&column.name, column.span.0)), "column");
    failures.extend(repeated(all.clone().filter_map(named), "constraint"));
    let keys = all.filter(|constraint| is_primary_key(constraint));
    failures.extend(keys.skip(1).map(|constraint| second_key(constraint, create.name.to_string())));
    failures
}

fn of_alter(subject: &Subject<'_>, alter: &AlterTable) -> Vec<Failure> {
    let changes = || alter.changes.iter().map(|(_, change)| change);
    // A drop comes first, wherever in the command it is written.
    let drops =
        changes().any(|change| matches!(change, TableChange::DropColumn { .. } | TableChange::DropConstraint { .. }));
    let columns = alter.changes.iter().filter_map(|(place, change)| match change {
        TableChange::AddColumn { column, if_not_exists: false } => Some((&column.name, place.0)),
        _ => None,
    });
    let mut failures = repeated(columns, "column");
    let constraints = || changes().flat_map(added);
    failures.extend(repeated(constraints().filter_map(named), "constraint"));
    let has = subject.before.clouded.is_none()
        && !drops
        && subject.relation(&alter.name).is_some_and(|(_, relation)| relation.primary_key().is_some());
    let keys = constraints().filter(|constraint| is_primary_key(constraint));
    failures.extend(keys.skip(usize::from(!has)).map(|constraint| second_key(constraint, alter.name.to_string())));
    failures
}

/// The constraints that a change adds.
fn added(change: &TableChange) -> &[Constraint] {
    match change {
        TableChange::AddColumn { column, if_not_exists: false } => &column.constraints,
        TableChange::AddConstraint(constraint) => std::slice::from_ref(constraint),
        _ => &[],
    }
}

/// The name that was given to a constraint. Before PostgreSQL 18 that of a NOT NULL is read over.
fn named(constraint: &Constraint) -> Option<(&String, Span)> {
    let counts = !matches!(constraint.kind, ConstraintKind::NotNull(_));
    constraint.name.as_ref().filter(|_| counts).map(|name| (name, constraint.span.0))
}

fn is_primary_key(constraint: &Constraint) -> bool {
    matches!(constraint.kind, ConstraintKind::PrimaryKey { .. })
}

fn second_key(constraint: &Constraint, table: String) -> Failure {
    let message = format!("`{table}` would have two primary keys");
    Failure { span: constraint.span.0, object: table, message, label: "the second one".to_owned() }
}

/// The names that stand there again.
fn repeated<'a>(names: impl Iterator<Item = (&'a String, Span)>, what: &str) -> Vec<Failure> {
    let mut seen: Vec<&String> = Vec::new();
    let mut failures = Vec::new();
    for (name, span) in names {
        if seen.contains(&name) {
            let message = format!("the {what} `{name}` is made twice");
            failures.push(Failure { span, object: name.clone(), message, label: "the second time".to_owned() });
        }
        seen.push(name);
    }
    failures
}
