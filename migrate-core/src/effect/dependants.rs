//! What goes with a table or a column that is dropped: foreign keys of it and to it, views, indexes of both.
//!
//! Invariant: what a command refuses to drop without CASCADE is locked only with it.

use super::facts::{Facts, Target};
use crate::catalog::{Catalog, QualifiedName, RelationKind};
use crate::command::ConstraintKind;

/// A table, or one of its columns, that is lost.
pub(super) struct Lost<'a, 'c> {
    pub(super) table: &'a QualifiedName,
    pub(super) column: Option<&'c str>,
    pub(super) cascade: bool,
}

/// Locks what is lost with it.
pub(super) fn lock<'a>(facts: &mut Facts<'a>, lost: &Lost<'a, '_>) {
    let referenced: Vec<Target<'a>> =
        keys_of(facts.catalog, lost.table, lost.column).map(|name| facts.target(name)).collect();
    facts.form_by_history("at.drop_column.fk").on_each("referenced_table", &referenced);
    if !lost.cascade {
        return;
    }
    let referencing: Vec<Target<'a>> =
        keys_to(facts.catalog, lost.table, lost.column).map(|name| facts.target(name)).collect();
    facts.form_by_history("at.drop_column.referenced_cascade").on_each("referencing_table", &referencing);
    lock_views(facts, lost);
}

/// Views over a relation that is lost, or over one of its columns, and the views over those.
fn lock_views<'a>(facts: &mut Facts<'a>, lost: &Lost<'a, '_>) {
    let shows =
        |name: &QualifiedName| match (lost.column, facts.catalog.relations.get(name).map(|relation| &relation.kind)) {
            (None, _) => true,
            (Some(column), Some(RelationKind::View(view))) => {
                view.query.output.is_none() || view.query.columns.iter().any(|name| name == column)
            }
            (Some(_), _) => false,
        };
    let views: Vec<&'a QualifiedName> =
        facts.catalog.views_over(lost.table).into_iter().filter(|name| shows(name)).collect();
    for view in views {
        let target = facts.target(view);
        let is_materialized = matches!(
            target.relation().map(|relation| &relation.kind),
            Some(RelationKind::View(view)) if view.materialized
        );
        let indexes = facts.indexes(&target);
        let form = facts.form_by_history("at.drop_column.cascade_view");
        let form = form.on(if is_materialized { "dependent_matview" } else { "view" }, &target);
        form.on_each("index", &indexes);
    }
}

/// The other tables that foreign keys of a table reference, of one column or of all.
pub(super) fn keys_of<'a>(
    catalog: &'a Catalog,
    table: &'a QualifiedName,
    column: Option<&str>,
) -> impl Iterator<Item = &'a QualifiedName> {
    let constraints = catalog.relations.get(table).map(|relation| relation.constraints.as_slice()).unwrap_or_default();
    constraints.iter().filter_map(move |constraint| match &constraint.kind {
        ConstraintKind::ForeignKey { columns, .. } => {
            let concerned = column.is_none_or(|column| columns.iter().any(|name| name == column));
            constraint.references.as_ref().filter(|references| concerned && *references != table)
        }
        _ => None,
    })
}

/// The other tables with foreign keys to a table, to one column of it or to any.
pub(super) fn keys_to<'a>(
    catalog: &'a Catalog,
    table: &'a QualifiedName,
    column: Option<&str>,
) -> impl Iterator<Item = &'a QualifiedName> {
    let key = catalog.relations.get(table).and_then(|relation| relation.primary_key());
    catalog.referencing(table).filter_map(move |(referencing, constraint)| {
        let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind else { return None };
        // Without a list it is the primary key that is referenced.
        let named = if referenced.is_empty() { key.unwrap_or_default() } else { referenced.as_slice() };
        let concerned = column.is_none_or(|column| named.iter().any(|name| name == column));
        (concerned && referencing != table).then_some(referencing)
    })
}
