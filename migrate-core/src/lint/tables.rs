//! What a command does to tables that others may use, as the rules ask for it.

use super::Subject;
use crate::catalog::{CatalogColumn, QualifiedName, Relation, TypeKind};
use crate::command::{Action, AlterTable, Column, ColumnType, Constraint, Expression, Name, TableChange, Where};
use crate::text::Span;

/// A change of a table that others may use.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) alter: &'a AlterTable,
    pub(super) entry: &'a (Where, TableChange),
}

impl Change<'_> {
    pub(super) fn span(&self) -> Span {
        self.entry.0.0
    }
}

/// The changes of an `ALTER TABLE` of a table that was there before the section, or that holds a partition which was.
pub(super) fn changes<'a>(subject: &'a Subject<'a>) -> impl Iterator<Item = Change<'a>> {
    let meets_rows = |alter: &AlterTable| {
        if alter.only { subject.is_existing(&alter.name) } else { subject.has_existing_rows(&alter.name) }
    };
    let alter = match &subject.command.action {
        Action::AlterTable(alter) if meets_rows(alter) => Some(alter.as_ref()),
        _ => None,
    };
    alter.into_iter().flat_map(|alter| alter.changes.iter().map(move |entry| Change { alter, entry }))
}

/// Those changes, but not of a table that the transaction has emptied: there is nothing to scan or to build.
pub(super) fn heavy_changes<'a>(subject: &'a Subject<'a>) -> impl Iterator<Item = Change<'a>> {
    changes(subject).filter(|change| !subject.is_emptied(&change.alter.name))
}

/// A constraint that is added to such a table, by itself or with a column.
#[derive(Clone, Copy)]
pub(super) struct Added<'a> {
    pub(super) change: Change<'a>,
    pub(super) constraint: &'a Constraint,
    /// The new column that it is written with.
    pub(super) column: Option<&'a Column>,
}

impl Added<'_> {
    /// What an `allow(…)` names: the table, with the constraint's name or the new column.
    pub(super) fn object(&self, subject: &Subject<'_>) -> String {
        let table = subject.shown(&self.change.alter.name);
        match (&self.constraint.name, self.column) {
            (Some(name), _) => format!("{table}.{name}"),
            (None, Some(column)) => format!("{table}.{}", column.name),
            (None, None) => table,
        }
    }

    /// Whether it comes with a column that writes the table anew: the rules about that tell of it, index and all.
    pub(super) fn is_rewritten(&self, subject: &Subject<'_>) -> bool {
        self.column.is_some() && !subject.effect_of(self.change.alter, self.change.entry).rewrites.is_empty()
    }

    pub(super) fn span(&self) -> Span {
        let span = self.constraint.span.0;
        if span.start < span.end { span } else { self.change.span() }
    }
}

/// The constraints that the command adds to tables that were there before the section.
pub(super) fn added_constraints<'a>(subject: &'a Subject<'a>) -> Vec<Added<'a>> {
    let mut added = Vec::new();
    for change in heavy_changes(subject) {
        match &change.entry.1 {
            TableChange::AddConstraint(constraint) => added.push(Added { change, constraint, column: None }),
            TableChange::AddColumn { column, .. } => {
                let with = column.constraints.iter();
                added.extend(with.map(|constraint| Added { change, constraint, column: Some(column.as_ref()) }));
            }
            _ => {}
        }
    }
    added
}

/// The columns that the command adds to tables that were there before the section.
pub(super) fn added_columns<'a>(subject: &'a Subject<'a>) -> Vec<(Change<'a>, &'a Column)> {
    let column = |change: Change<'a>| match &change.entry.1 {
        TableChange::AddColumn { column, .. } => Some((change, column.as_ref())),
        _ => None,
    };
    changes(subject).filter_map(column).collect()
}

/// A column that is filled from a sequence: the table is rewritten (rule L15).
pub(super) fn is_numbered(column: &Column) -> bool {
    column.identity.is_some() || column.kind.as_ref().is_some_and(ColumnType::is_serial)
}

/// A column of a known table.
pub(super) fn column_of<'a>(subject: &'a Subject<'a>, table: &Name, column: &str) -> Option<&'a CatalogColumn> {
    subject.relation(table)?.1.columns.iter().find(|known| known.name == column)
}

/// What an insert gets that leaves the column out, if that is not NULL: PostgreSQL keeps a default of NULL where a type's
/// length makes a call of it.
pub(super) fn default_of(column: &CatalogColumn) -> Option<&Expression> {
    column.default.as_ref().filter(|default| !default.is_null)
}

/// Whether a column never holds NULL, as far as PostgreSQL can prove without a scan.
pub(super) fn is_proven_not_null(relation: &Relation, column: &str) -> bool {
    relation.column(column).is_some_and(|known| known.not_null) || relation.proves_not_null(column)
}

/// The same in the middle of a command, which may drop the proof.
pub(super) fn stays_proven_not_null(relation: &Relation, column: &str, alter: &AlterTable) -> bool {
    let dropped = |constraint: &str| alter.drops_constraint(constraint);
    relation.column(column).is_some_and(|known| known.not_null) || relation.proves_not_null_without(column, dropped)
}

/// Whether a type is a domain with NOT NULL or a CHECK, or over one.
pub(super) fn is_constrained_domain(subject: &Subject<'_>, kind: &ColumnType) -> bool {
    let mut kind = kind;
    // Domains cannot be over themselves; the limit is for a catalog that was misread.
    for _ in 0..16 {
        let Some((_, entry)) = subject.before.type_entry(&kind.name).known().filter(|_| kind.dimensions == 0) else {
            return false;
        };
        match &entry.kind {
            TypeKind::Domain { constraints, not_null, .. } if *not_null || !constraints.is_empty() => return true,
            TypeKind::Domain { base, .. } => kind = base,
            _ => return false,
        }
    }
    false
}

/// Whether a table is known to be partitioned.
pub(super) fn is_partitioned(subject: &Subject<'_>, table: &Name) -> bool {
    subject.relation(table).is_some_and(|(_, relation)| relation.is_partitioned())
}

/// The DEFAULT partition of a table.
pub(super) fn default_partition<'a>(
    subject: &'a Subject<'_>,
    parent: &QualifiedName,
) -> Option<(&'a QualifiedName, &'a Relation)> {
    subject.before.partitions_of(parent).find(|(_, relation)| relation.default_partition)
}
