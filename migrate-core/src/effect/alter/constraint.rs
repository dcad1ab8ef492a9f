//! Changes of constraints.

use super::super::dependants::keys_to;
use super::super::facts::{Facts, Target};
use super::{Altered, Indexes};
use crate::catalog::{CatalogConstraint, RelationKind};
use crate::command::{Column, Constraint, ConstraintKind, Name};

pub(super) fn add<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, constraint: &'a Constraint) {
    let open = constraint.not_valid || constraint.not_enforced;
    match &constraint.kind {
        ConstraintKind::Check { .. } => {
            let form = if open { "at.add_check.not_valid" } else { "at.add_check" };
            altered.recurse(facts, (form, false), &Indexes::None);
        }
        ConstraintKind::NotNull(column) => not_null(facts, altered, (column, open)),
        ConstraintKind::ForeignKey { references, .. } => foreign_key(facts, altered, (references, open)),
        ConstraintKind::Unique { using_index: Some(index), .. } => {
            using_index(facts, altered, (index, "at.add_unique.using_index"));
        }
        ConstraintKind::PrimaryKey { using_index: Some(index), .. } => {
            let form = if key_is_nullable(altered, facts, index) {
                "at.add_pk.using_index_nullable"
            } else {
                "at.add_pk.using_index"
            };
            using_index(facts, altered, (index, form));
        }
        ConstraintKind::Unique { .. } => built(facts, altered, ("at.add_unique", "at.add_unique_partitioned")),
        ConstraintKind::PrimaryKey { .. } => built(facts, altered, ("at.add_pk", "at.add_pk_partitioned")),
        ConstraintKind::Exclude { .. } => built(facts, altered, ("at.add_exclude", "at.add_unique_partitioned")),
    }
}

/// A constraint that is written with a new column.
pub(super) fn with_column<'a>(
    facts: &mut Facts<'a>,
    altered: &Altered<'a>,
    (column, constraint): (&'a Column, &'a Constraint),
) {
    match &constraint.kind {
        ConstraintKind::Check { .. } if constraint.not_enforced => {}
        ConstraintKind::Check { .. } => altered.recurse(facts, ("at.add_column.inline_check", false), &Indexes::None),
        ConstraintKind::ForeignKey { references, .. } => {
            let referenced = facts.expect(references);
            // Every row of a new column without a default is NULL, and NULL references nothing.
            let checks = column.default.is_some() && !constraint.not_enforced;
            let form =
                if checks { "at.add_column.inline_references_default" } else { "at.add_column.inline_references" };
            let form = facts.form(form).on("target", &altered.target);
            if Some(referenced.shown.as_str()) != Some(altered.target.shown.as_str()) {
                form.on("referenced_table", &referenced);
            }
        }
        ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. } => {
            built(facts, altered, ("at.add_column.inline_unique", "at.add_unique_partitioned"));
        }
        ConstraintKind::NotNull(_) | ConstraintKind::Exclude { .. } => {}
    }
}

fn not_null<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, (column, open): (&str, bool)) {
    let known = altered.target.relation().and_then(|relation| relation.column(column));
    let form = match known {
        _ if open => "at.add_not_null_constraint.not_valid",
        Some(column) if column.not_null => "at.set_not_null.already",
        _ => "at.add_not_null_constraint",
    };
    altered.recurse(facts, (form, known.is_some()), &Indexes::None);
}

fn foreign_key<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, (other, open): (&'a Name, bool)) {
    let referenced = facts.expect(other);
    let is_self = referenced.shown == altered.target.shown;
    if altered.target.is_partitioned() {
        let form =
            if open { "at.add_fk.on_partitioned_referencing" } else { "at.add_fk.on_partitioned_referencing_valid" };
        let form = facts.form_by_history(form).on("target_partitioned", &altered.target);
        form.on_each("each_partition", &altered.children).on("referenced_table", &referenced);
        return;
    }
    let form = if open { "at.add_fk.not_valid" } else { "at.add_fk" };
    let form = facts.form(form).on("target", &altered.target);
    if !is_self {
        form.on("referenced_table", &referenced);
        below_referenced(facts, &referenced);
    }
}

/// A foreign key to a partitioned table is one to each of its partitions.
fn below_referenced<'a>(facts: &mut Facts<'a>, referenced: &Target<'a>) {
    if referenced.is_partitioned() {
        let partitions = facts.children(referenced);
        facts.form_by_history("at.add_fk.not_valid").on_each("referenced_table", &partitions);
    }
}

/// A constraint that needs an index, which is built under the lock.
fn built<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, (form, partitioned): (&'static str, &'static str)) {
    if altered.target.is_partitioned() {
        let form = facts.form_by_history(partitioned).on("target_partitioned", &altered.target);
        form.on_each("each_partition", &altered.children);
    } else {
        facts.form(form).on("target", &altered.target);
    }
}

fn index_of<'a>(altered: &Altered<'a>, facts: &Facts<'a>, index: &str) -> Option<Target<'a>> {
    let named = |target: &Target<'a>| target.known.is_some_and(|(name, _)| name.name == index);
    facts.indexes(&altered.target).into_iter().find(named)
}

fn using_index<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, (index, form): (&str, &'static str)) {
    let index: Vec<Target<'a>> = index_of(altered, facts, index).into_iter().collect();
    facts.form(form).on("target", &altered.target).on_each("index", &index);
}

/// Whether a column of the index has to be looked through for NULL first.
fn key_is_nullable<'a>(altered: &Altered<'a>, facts: &Facts<'a>, index: &str) -> bool {
    let Some(relation) = altered.target.relation() else { return true };
    match index_of(altered, facts, index).and_then(|index| index.relation()).map(|relation| &relation.kind) {
        Some(RelationKind::Index(index)) => index.columns.iter().any(|column| {
            let declared = relation.column(column).is_some_and(|column| column.not_null);
            !declared && !relation.proves_not_null(column)
        }),
        _ => true,
    }
}

fn known<'a>(altered: &Altered<'a>, name: &str) -> Option<&'a CatalogConstraint> {
    altered.target.relation()?.constraint(name)
}

pub(super) fn validate<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, name: &str) {
    let Some(constraint) = known(altered, name) else {
        return added_here(facts, altered, name);
    };
    if constraint.valid {
        facts.form_by_history("at.validate_already_valid").on("target", &altered.target);
        return;
    }
    match &constraint.references {
        Some(other) => {
            let referenced = facts.target(other);
            let form = facts.form_by_history("at.validate_fk").on("target", &altered.target);
            form.on("referenced_table", &referenced);
        }
        None => altered.recurse(facts, ("at.validate_check", true), &Indexes::None),
    }
}

/// A constraint that the migrations did not make, or that the same command adds.
fn added_here<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, name: &str) {
    let added = altered.command.changes.iter().find_map(|(_, change)| match change {
        crate::command::TableChange::AddConstraint(constraint) if constraint.name.as_deref() == Some(name) => {
            Some(&constraint.kind)
        }
        _ => None,
    });
    if let Some(ConstraintKind::ForeignKey { references, .. }) = added {
        let referenced = facts.expect(references);
        let form = facts.form("at.validate_fk").on("target", &altered.target);
        form.on("referenced_table", &referenced);
    } else {
        facts.assumed_form("at.validate_check").on("target", &altered.target);
    }
}

pub(super) fn alter<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, (name, enforced): (&str, Option<bool>)) {
    let referenced = known(altered, name).and_then(|constraint| constraint.references.as_ref());
    let referenced: Vec<Target<'a>> = referenced.map(|name| facts.target(name)).into_iter().collect();
    let form = match enforced {
        Some(true) => "at.alter_constraint_enforced",
        Some(false) => "at.alter_constraint_not_enforced",
        None => "at.alter_constraint_deferrable",
    };
    facts.form(form).on("target", &altered.target).on_each("referenced_table", &referenced);
}

pub(super) fn drop<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, name: &str, cascade: bool) {
    let Some(constraint) = known(altered, name) else {
        facts.form("at.drop_constraint.check").on("target", &altered.target);
        return;
    };
    match &constraint.kind {
        ConstraintKind::ForeignKey { .. } => {
            let referenced: Vec<Target<'a>> = constraint.references.iter().map(|name| facts.target(name)).collect();
            let form = facts.form_by_history("at.drop_constraint.fk").on("target", &altered.target);
            form.on_each("referenced_table", &referenced);
        }
        ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclude { .. } => {
            drop_key(facts, altered, (constraint, cascade));
        }
        ConstraintKind::Check { .. } | ConstraintKind::NotNull(_) => {
            altered.recurse(facts, ("at.drop_constraint.check", true), &Indexes::None);
        }
    }
}

/// The index goes with the constraint, and with CASCADE the foreign keys that rest on it.
fn drop_key<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, (constraint, cascade): (&'a CatalogConstraint, bool)) {
    let index: Vec<Target<'a>> = index_of(altered, facts, &constraint.name).into_iter().collect();
    altered.recurse(facts, ("at.drop_constraint.pk", true), &Indexes::None);
    facts.form_by_history("at.drop_constraint.pk").locks_each("index", &index);
    let Some((table, _)) = altered.target.known.filter(|_| cascade) else { return };
    for column in constraint.columns() {
        let referencing: Vec<Target<'a>> =
            keys_to(facts.catalog, table, Some(column)).map(|name| facts.target(name)).collect();
        facts.form_by_history("at.drop_constraint.pk_referenced_cascade").on_each("referencing_table", &referencing);
    }
}
