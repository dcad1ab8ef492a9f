//! What a command names that does not exist, as far as history tells for certain.

use super::Subject;
use super::names::{self, VERSION_TABLE};
use crate::catalog::{Catalog, Lookup, Relation, RelationKind};
use crate::command::{
    Action, AlterTable, Constraint, ConstraintKind, Drop, IndexColumn, Kind, Name, TableChange, Where,
};
use crate::text::Span;

/// Why a command certainly fails.
pub(super) struct Failure {
    pub(super) span: Span,
    pub(super) object: String,
    pub(super) message: String,
    pub(super) label: String,
}

const SYSTEM_COLUMNS: [&str; 7] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"];

/// Everything that the command needs and that does not exist; parts of relations only where all relations do.
pub(super) fn absent(subject: &Subject<'_>) -> Vec<Failure> {
    let action = &subject.command.action;
    let mut failures: Vec<Failure> = Vec::new();
    for name in names::required(action).into_iter().filter(|name| is_absent(subject, name)) {
        if failures.iter().all(|failure| failure.object != name.to_string()) {
            failures.push(Failure {
                span: name.span.0,
                object: name.to_string(),
                message: format!("`{name}` does not exist at this point of the history"),
                label: "no migration before this made it, or one dropped it".to_owned(),
            });
        }
    }
    if failures.is_empty() {
        failures = types(subject);
    }
    if failures.is_empty() { parts(subject) } else { failures }
}

fn is_absent(subject: &Subject<'_>, name: &Name) -> bool {
    let catalog = subject.before;
    let is_hidden = || concerns_index(&subject.command.action) && catalog.relations.values().any(|it| !it.complete);
    name.name != VERSION_TABLE
        && matches!(catalog.relation(name), Lookup::Absent)
        && subject.after.relation(name).known().is_none()
        && catalog.type_entry(name).known().is_none()
        && !is_hidden()
        && !is_left_by_a_refusal(subject, name)
}

/// Whether a view is gone from the catalog only because an earlier DROP of the section, which PostgreSQL refuses, was
/// folded as if it had CASCADE: that DROP is the cause, and is told of.
fn is_left_by_a_refusal(subject: &Subject<'_>, name: &Name) -> bool {
    let view = subject.start.relation(name).known();
    view.is_some_and(|(_, relation)| matches!(relation.kind, RelationKind::View(_))) && !is_dropped(subject, name)
}

/// Whether an earlier command of the section drops or renames the object, or may by CASCADE.
fn is_dropped(subject: &Subject<'_>, name: &Name) -> bool {
    let earlier = subject.section.get(..subject.at).unwrap_or_default();
    earlier.iter().any(|(_, command)| match &command.action {
        Action::Drop(drop) => drop.cascade || drop.names.iter().any(|dropped| dropped.name == name.name),
        Action::Rename(rename) => rename.object.name == name.name,
        Action::AlterTable(alter) => alter.changes.iter().any(|(_, change)| match change {
            TableChange::DropColumn { cascade, .. } | TableChange::DropConstraint { cascade, .. } => *cascade,
            TableChange::SetSchema(_) => alter.name.name == name.name,
            _ => false,
        }),
        _ => false,
    })
}

/// Indexes and sequences may have come with what is not known of a table.
const fn concerns_index(action: &Action) -> bool {
    match action {
        Action::Drop(drop) => matches!(drop.kind, Kind::Index | Kind::Sequence),
        Action::Rename(rename) => matches!(rename.of, Kind::Index | Kind::Sequence | Kind::Table),
        Action::AlterTable(alter) => matches!(alter.kind, Kind::Index),
        Action::Comment(comment) => matches!(comment.kind, Kind::Index | Kind::Sequence),
        Action::Grant(_) | Action::Reindex { .. } | Action::AlterSequence { .. } => true,
        _ => false,
    }
}

/// Types and functions that were dropped before.
fn types(subject: &Subject<'_>) -> Vec<Failure> {
    let catalog = subject.before;
    let gone = |name: &&Name| matches!(catalog.type_entry(name), Lookup::Absent);
    let uncalled = |name: &&Name| matches!(catalog.function(name), Lookup::Absent);
    let names: Vec<&Name> = match &subject.command.action {
        Action::Drop(drop) if !drop.if_exists => match drop.kind {
            Kind::Type | Kind::Domain => drop.names.iter().filter(gone).collect(),
            Kind::Function | Kind::Procedure => drop.names.iter().filter(uncalled).collect(),
            _ => Vec::new(),
        },
        Action::AlterType { name, .. } => [name].into_iter().filter(gone).collect(),
        Action::CreateTrigger(create) => create.function.iter().filter(uncalled).collect(),
        Action::CreateTable(create) => {
            create.columns.iter().filter_map(|column| Some(&column.kind.as_ref()?.name)).filter(gone).collect()
        }
        action => action.added_columns().filter_map(|column| Some(&column.kind.as_ref()?.name)).filter(gone).collect(),
    };
    let failure = |name: &Name| Failure {
        span: name.span.0,
        object: name.to_string(),
        message: format!("`{name}` does not exist at this point of the history"),
        label: "an earlier migration dropped it".to_owned(),
    };
    names.into_iter().map(failure).collect()
}

/// Columns, constraints, triggers and policies that a known table does not have.
fn parts(subject: &Subject<'_>) -> Vec<Failure> {
    let span = subject.command.span;
    match &subject.command.action {
        Action::AlterTable(alter) => of_alter(subject, alter),
        Action::Rename(rename) => {
            let Some(from) = &rename.from else { return Vec::new() };
            let kind = match rename.what {
                Kind::Column => Kind::Column,
                Kind::Constraint => Kind::Constraint,
                _ => return Vec::new(),
            };
            missing(subject, &rename.object, kind, from, &[])
                .map(|message| failure(span, message))
                .into_iter()
                .collect()
        }
        Action::CreateIndex(create) => {
            let plain = create.columns.iter().filter_map(|column| match column {
                IndexColumn::Column(name) => Some(name),
                IndexColumn::Expression(_) => None,
            });
            first_column(subject, &create.table, plain.chain(&create.include), create.table.span.0)
        }
        Action::Write(write) => first_column(subject, &write.table, &write.columns, write.table.span.0),
        Action::Drop(drop) if !drop.if_exists => of_drop(subject, drop),
        Action::Comment(comment) if comment.kind == Kind::Column => match &comment.object {
            Some(table) => first_column(subject, table, &comment.part, span),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn failure(span: Span, (object, message): (String, String)) -> Failure {
    Failure { span, object, message, label: "not known to the migrations before".to_owned() }
}

fn first_column<'a>(
    subject: &Subject<'_>,
    table: &Name,
    columns: impl IntoIterator<Item = &'a String>,
    span: Span,
) -> Vec<Failure> {
    let mut columns = columns.into_iter();
    let found = columns.find_map(|column| missing(subject, table, Kind::Column, column, &[]));
    found.map(|message| failure(span, message)).into_iter().collect()
}

fn of_drop(subject: &Subject<'_>, drop: &Drop) -> Vec<Failure> {
    let Some(table) = &drop.on else { return Vec::new() };
    let absent = drop.names.iter().filter_map(|name| {
        let message = missing(subject, table, drop.kind, &name.name, &[])?;
        Some(failure(name.span.0, message))
    });
    absent.collect()
}

fn of_alter(subject: &Subject<'_>, alter: &AlterTable) -> Vec<Failure> {
    let added: Vec<&str> = subject.command.action.added_columns().map(|column| column.name.as_str()).collect();
    let check = |(place, change): &(Where, TableChange)| {
        let (kind, names) = needs(change);
        let mut names = names.into_iter();
        let found = names.find_map(|name| missing(subject, &alter.name, kind, name, &added))?;
        let repeated = alter.changes.iter().any(|(_, other)| adds(other, &found.0));
        (!repeated).then(|| failure(place.0, found))
    };
    alter.changes.iter().filter_map(check).collect()
}

/// Whether a change of the same command makes the constraint.
fn adds(change: &TableChange, object: &str) -> bool {
    matches!(change, TableChange::AddConstraint(Constraint { name: Some(name), .. })
        if object.rsplit('.').next() == Some(name))
}

/// What a change needs of the table.
fn needs(change: &TableChange) -> (Kind, Vec<&str>) {
    match change {
        TableChange::DropColumn { column, if_exists: false, .. } | TableChange::AlterColumn { column, .. } => {
            (Kind::Column, vec![column])
        }
        TableChange::DropConstraint { name, if_exists: false, .. }
        | TableChange::ValidateConstraint(name)
        | TableChange::AlterConstraint { name, .. } => (Kind::Constraint, vec![name]),
        TableChange::AddConstraint(constraint) => match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::ForeignKey { columns, .. } => {
                (Kind::Column, columns.iter().map(String::as_str).collect())
            }
            _ => (Kind::Column, Vec::new()),
        },
        _ => (Kind::Column, Vec::new()),
    }
}

/// The part as messages write it and what is wrong, when a table is known whole and has no such part.
fn missing(subject: &Subject<'_>, table: &Name, kind: Kind, part: &str, added: &[&str]) -> Option<(String, String)> {
    let (name, relation) = subject.relation(table)?;
    if !is_closed(subject.before, relation) || added.contains(&part) {
        return None;
    }
    let has = match kind {
        Kind::Column => relation.column(part).is_some() || SYSTEM_COLUMNS.contains(&part),
        // NOT NULL has a name of its own from PostgreSQL 18 on, which the catalog does not keep.
        Kind::Constraint => {
            relation.constraint(part).is_some() || part.contains("not_null") || is_refused_key(subject, table, part)
        }
        Kind::Trigger => relation.triggers.contains_key(part),
        Kind::Policy => relation.policies.contains_key(part),
        _ => return None,
    };
    let word = match kind {
        Kind::Column => "column",
        Kind::Constraint => "constraint",
        Kind::Trigger => "trigger",
        _ => "policy",
    };
    let message = format!("`{name}` has no {word} `{part}` at this point of the history");
    (!has).then(|| (format!("{name}.{part}"), message))
}

/// Whether a foreign key is gone only because the table that it references was dropped by a command that is refused.
fn is_refused_key(subject: &Subject<'_>, table: &Name, key: &str) -> bool {
    let Some((_, relation)) = subject.start.relation(table).known() else { return false };
    let target = relation.constraint(key).and_then(|constraint| constraint.references.as_ref());
    target.is_some_and(|target| !subject.before.relations.contains_key(target) && !cascades(subject))
}

fn cascades(subject: &Subject<'_>) -> bool {
    let earlier = subject.section.get(..subject.at).unwrap_or_default();
    earlier.iter().any(|(_, command)| matches!(&command.action, Action::Drop(drop) if drop.cascade))
}

/// Whether all parts of a table are known.
fn is_closed(catalog: &Catalog, relation: &Relation) -> bool {
    catalog.clouded.is_none() && relation.complete && relation.is_table() && relation.parents.is_empty()
}
