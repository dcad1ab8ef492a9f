//! Partitions that come and go.

use super::super::facts::{Facts, Target};
use super::Altered;
use crate::catalog::{Relation, RelationKind, attachment};
use crate::command::{ConstraintKind, Name, Partition};

pub(super) fn attach<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, (partition, bound): (&'a Name, &'a Partition)) {
    let attached = facts.expect(partition);
    let proven = attached.relation().is_some_and(|relation| implies_bound(relation, altered.target.relation()));
    // An index, a key or a foreign key of the parent that the partition has not is made, and reads it in full.
    let parent = altered.target.known;
    let missing = parent.zip(attached.known).and_then(|(parent, it)| attachment::missing(facts.catalog, parent, it));
    let proven = proven && missing.is_none();
    let form = match (bound.default, proven) {
        (true, _) => facts.form("at.attach_partition.as_default"),
        (false, true) => facts.form_by_history("at.attach_partition.with_check"),
        (false, false) => facts.form("at.attach_partition.no_check"),
    };
    let form = form.on("partitioned_parent", &altered.target);
    if attached.is_partitioned() {
        form.locks("attached_table", &attached)
    } else {
        form.on("attached_table", &attached)
    };
    let below = facts.children(&attached);
    facts.form_by_history("at.attach_partition.no_check").on_each("attached_table", &below);
    if !bound.default {
        let default = default_partition(facts, &altered.target);
        for default in &default {
            let excluded =
                default.relation().is_some_and(|relation| implies_bound(relation, altered.target.relation()));
            let form = facts.form_by_history("at.attach_partition.default_exists");
            if excluded {
                form.locks("default_partition", default)
            } else {
                form.on("default_partition", default)
            };
        }
    }
}

/// The DEFAULT partition of a table, whose rows have to be looked through when another partition comes.
pub(in crate::effect) fn default_partition<'a>(facts: &Facts<'a>, parent: &Target<'a>) -> Vec<Target<'a>> {
    let Some((parent, _)) = parent.known else { return Vec::new() };
    let children = facts.catalog.children_of(parent).into_iter().map(|name| facts.target(name));
    let is_default = |target: &Target<'a>| {
        target.relation().is_some_and(|relation| relation.default_partition && relation.parents.contains(parent))
    };
    children.filter(is_default).collect()
}

/// Whether valid constraints say of every key column what the bound says. The bound itself is not compared: a CHECK
/// over the key that is there when the table is attached is there for this.
fn implies_bound(attached: &Relation, parent: Option<&Relation>) -> bool {
    let Some(RelationKind::Table { key: Some(key) }) = parent.map(|parent| &parent.kind) else { return false };
    let checked = |column: &String| {
        attached.constraints.iter().any(|constraint| match &constraint.kind {
            ConstraintKind::Check { expression, .. } => constraint.valid && expression.columns.contains(column),
            _ => false,
        })
    };
    let not_null = |column: &String| {
        attached.column(column).is_some_and(|column| column.not_null) || attached.proves_not_null(column)
    };
    !key.is_empty() && key.iter().all(|column| checked(column) && not_null(column))
}

pub(super) fn detach<'a>(
    facts: &mut Facts<'a>,
    altered: &Altered<'a>,
    (partition, concurrently, finalize): (&'a Name, bool, bool),
) {
    let detached = facts.expect(partition);
    let form = match (concurrently, finalize) {
        (true, _) => "at.detach_partition_concurrently",
        (_, true) => "at.detach_partition_finalize",
        _ => "at.detach_partition",
    };
    facts.form(form).on("partitioned_parent", &altered.target).on("detached_partition", &detached);
    if !concurrently && !finalize {
        let default = default_partition(facts, &altered.target);
        facts.form_by_history("at.detach_partition").locks_each("detached_partition", &default);
    }
}

/// `ALTER INDEX parent ATTACH PARTITION child`.
pub(super) fn attach_index<'a>(facts: &mut Facts<'a>, target: &Target<'a>, partition: &'a Name) {
    let child = facts.expect(partition);
    let (parent_table, child_table) = (table_of(facts, target), table_of(facts, &child));
    let form = facts.form("ix.alter_attach_partition").on("index", target).on("index", &child);
    form.on_each("partitioned_parent", &parent_table).on_each("each_partition", &child_table);
}

/// The table of an index.
pub(in crate::effect) fn table_of<'a>(facts: &Facts<'a>, index: &Target<'a>) -> Vec<Target<'a>> {
    match index.relation().map(|relation| &relation.kind) {
        Some(RelationKind::Index(definition)) => vec![facts.target(&definition.table)],
        _ => Vec::new(),
    }
}
