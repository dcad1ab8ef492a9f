//! What a command makes that exists already, as far as history tells for certain.

use super::Subject;
use super::absent::Failure;
use crate::catalog::QualifiedName;
use crate::command::{Action, AlterTable, Kind, Name, Persistence, Rename, TableChange, TypeChange};
use crate::text::Span;

/// Everything that the command makes, without a guard, under a name that is taken.
pub(super) fn taken(subject: &Subject<'_>) -> Vec<Failure> {
    if subject.before.clouded.is_some() {
        return Vec::new();
    }
    match &subject.command.action {
        Action::CreateTable(create) if !create.if_not_exists => {
            relation(subject, &create.name, create.persistence).into_iter().collect()
        }
        Action::CreateTableAs { name, if_not_exists: false, persistence, .. } => {
            relation(subject, name, *persistence).into_iter().collect()
        }
        Action::CreateView(create) if !create.or_replace && !create.if_not_exists => {
            let life = if create.temporary { Persistence::Temporary } else { Persistence::Permanent };
            relation(subject, &create.name, life).into_iter().collect()
        }
        Action::CreateSequence(create) if !create.if_not_exists => {
            relation(subject, &create.name, create.persistence).into_iter().collect()
        }
        Action::CreateIndex(create) if !create.if_not_exists => {
            let Some((name, (table, _))) = create.name.as_ref().zip(subject.relation(&create.table)) else {
                return Vec::new();
            };
            let whole = QualifiedName { schema: table.schema.clone(), name: name.name.clone() };
            known(subject, &whole, name.span.0).into_iter().collect()
        }
        Action::AlterTable(alter) => of_alter(subject, alter),
        Action::Rename(rename) => of_rename(subject, rename).into_iter().collect(),
        action => small(subject, action).into_iter().collect(),
    }
}

fn failure(span: Span, object: &str, since: Option<String>) -> Failure {
    let label = since.map_or_else(String::new, |since| format!("made in {since}"));
    Failure { span, object: object.to_owned(), message: format!("`{object}` exists already"), label }
}

fn relation(subject: &Subject<'_>, name: &Name, life: Persistence) -> Option<Failure> {
    let mut whole = subject.before.qualify(name);
    if life == Persistence::Temporary {
        "pg_temp".clone_into(&mut whole.schema);
    }
    known(subject, &whole, name.span.0)
}

fn known(subject: &Subject<'_>, name: &QualifiedName, span: Span) -> Option<Failure> {
    let relation = subject.before.relations.get(name)?;
    Some(failure(span, &name.to_string(), Some(subject.describe(relation.since))))
}

fn small(subject: &Subject<'_>, action: &Action) -> Option<Failure> {
    let catalog = subject.before;
    match action {
        Action::CreateType(create) => {
            let name = catalog.qualify(&create.name);
            let entry = catalog.types.get(&name)?;
            Some(failure(create.name.span.0, &name.to_string(), Some(subject.describe(entry.since))))
        }
        Action::CreateFunction(create) if !create.or_replace => {
            let name = catalog.qualify(&create.name);
            let same = catalog.functions.get(&name)?.iter().find(|known| known.arguments == create.arguments)?;
            Some(failure(create.name.span.0, &name.to_string(), Some(subject.describe(same.since))))
        }
        Action::CreateTrigger(create) if !create.or_replace => {
            let (table, relation) = subject.relation(&create.table)?;
            let taken = relation.triggers.contains_key(&create.name);
            taken.then(|| failure(subject.command.span, &format!("{table}.{}", create.name), None))
        }
        Action::CreatePolicy { name, table, .. } => {
            let (table, relation) = subject.relation(table)?;
            let taken = relation.policies.contains_key(name);
            taken.then(|| failure(subject.command.span, &format!("{table}.{name}"), None))
        }
        Action::CreateSchema { name, if_not_exists: false } => {
            let since = catalog.schemas.get(&name.name)?;
            Some(failure(name.span.0, &name.name, Some(subject.describe(*since))))
        }
        Action::CreateExtension { name, if_not_exists: false, .. } => {
            let since = catalog.extensions.get(&name.name)?;
            Some(failure(name.span.0, &name.name, Some(subject.describe(*since))))
        }
        Action::AlterType { name, changes } => value(subject, name, changes),
        _ => None,
    }
}

fn value(subject: &Subject<'_>, name: &Name, changes: &[TypeChange]) -> Option<Failure> {
    let (name, entry) = subject.before.type_entry(name).known()?;
    let crate::catalog::TypeKind::Enum(values) = &entry.kind else { return None };
    let added = changes.iter().filter_map(|change| match change {
        TypeChange::AddValue { value, if_not_exists: false, .. } => Some(value),
        _ => None,
    });
    let (value, since) = added.into_iter().find_map(|value| values.iter().find(|(known, _)| known == value))?;
    Some(failure(subject.command.span, &format!("{name}.{value}"), Some(subject.describe(*since))))
}

fn of_alter(subject: &Subject<'_>, alter: &AlterTable) -> Vec<Failure> {
    let Some((table, relation)) = subject.relation(&alter.name) else { return Vec::new() };
    let dropped = |name: &str| {
        alter.changes.iter().any(|(_, change)| match change {
            TableChange::DropColumn { column, .. } => column == name,
            TableChange::DropConstraint { name: constraint, .. } => constraint == name,
            _ => false,
        })
    };
    let mut failures = Vec::new();
    for (place, change) in &alter.changes {
        let (name, since) = match change {
            TableChange::AddColumn { column, if_not_exists: false } => {
                (&column.name, relation.column(&column.name).map(|known| known.since))
            }
            TableChange::AddConstraint(constraint) => {
                let Some(name) = &constraint.name else { continue };
                (name, relation.constraint(name).map(|known| known.since))
            }
            _ => continue,
        };
        if let Some(since) = since.filter(|_| !dropped(name)) {
            failures.push(failure(place.0, &format!("{table}.{name}"), Some(subject.describe(since))));
        }
    }
    failures
}

fn of_rename(subject: &Subject<'_>, rename: &Rename) -> Option<Failure> {
    let (name, relation) = subject.relation(&rename.object)?;
    let span = subject.command.span;
    match rename.what {
        Kind::Column => {
            let column = relation.column(&rename.to)?;
            Some(failure(span, &format!("{name}.{}", rename.to), Some(subject.describe(column.since))))
        }
        Kind::Constraint => {
            let constraint = relation.constraint(&rename.to)?;
            Some(failure(span, &format!("{name}.{}", rename.to), Some(subject.describe(constraint.since))))
        }
        kind if super::names::is_relation(kind) => {
            known(subject, &QualifiedName { schema: name.schema.clone(), name: rename.to.clone() }, span)
        }
        _ => None,
    }
}
