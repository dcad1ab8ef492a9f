//! What a table has to get when it becomes a partition.
//!
//! PostgreSQL gives a partition each index and each key of its parent. One that it has already is taken, if it is of the same
//! columns and kind; one that it has not is made while the table is locked.

use super::{Catalog, IndexDefinition, QualifiedName, Relation};
use crate::command::ConstraintKind;

/// The first index or foreign key of a parent that a table has nothing alike for; nothing when there is none.
#[must_use]
pub(crate) fn missing(
    catalog: &Catalog,
    (parent, parents): (&QualifiedName, &Relation),
    (table, tables): (&QualifiedName, &Relation),
) -> Option<String> {
    let has_index = |wanted: &IndexDefinition| catalog.indexes_of(table).any(|(_, index)| is_alike(index, wanted));
    let index = catalog.indexes_of(parent).find(|(_, wanted)| !has_index(wanted)).map(|(name, _)| name.to_string());
    let has_key = |wanted: &ConstraintKind| tables.constraints.iter().any(|key| is_same_key(&key.kind, wanted));
    let key = || {
        let is_missing = |kind: &ConstraintKind| matches!(kind, ConstraintKind::ForeignKey { .. }) && !has_key(kind);
        parents.constraints.iter().find(|key| is_missing(&key.kind)).map(|key| format!("{parent}.{}", key.name))
    };
    index.or_else(key)
}

fn is_alike(index: &IndexDefinition, wanted: &IndexDefinition) -> bool {
    let texts = |index: &IndexDefinition| index.expressions.iter().map(|it| it.text.clone()).collect::<Vec<_>>();
    index.unique == wanted.unique
        && index.columns == wanted.columns
        && index.method == wanted.method
        && texts(index) == texts(wanted)
        && index.predicate.is_some() == wanted.predicate.is_some()
        // A key needs a key.
        && (wanted.constraint.is_none() || index.constraint.is_some())
}

fn is_same_key(key: &ConstraintKind, wanted: &ConstraintKind) -> bool {
    match (key, wanted) {
        (
            ConstraintKind::ForeignKey { columns, references, .. },
            ConstraintKind::ForeignKey { columns: wanted, references: target, .. },
        ) => columns == wanted && references.name == target.name,
        _ => false,
    }
}
