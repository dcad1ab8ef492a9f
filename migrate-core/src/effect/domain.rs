//! Types and domains: which relations use them.

use super::facts::{Facts, Target};
use crate::catalog::{QualifiedName, TypeKind};
use crate::command::{DomainChange, Kind, Name, Rename, TypeChange};

/// The tables with a column of a type, in whatever dimension.
pub(super) fn tables_using<'a>(facts: &Facts<'a>, name: &Name) -> Vec<Target<'a>> {
    let Some((wanted, _)) = facts.catalog.type_entry(name).known() else { return Vec::new() };
    let uses = |kind: &crate::command::ColumnType| {
        facts.catalog.type_entry(&kind.name).known().is_some_and(|(found, _)| found == wanted)
    };
    let tables = facts.catalog.relations.iter().filter(|(_, relation)| {
        relation.is_table() && relation.columns.iter().any(|column| column.kind.as_ref().is_some_and(uses))
    });
    tables.map(|(name, relation)| Target::of(name, relation)).collect()
}

/// A composite type is a relation of its own.
pub(super) fn lock_composite(facts: &mut Facts<'_>, name: &Name, form: &'static str) {
    let entry = facts.catalog.type_entry(name).known();
    if let Some((name, entry)) = entry
        && matches!(entry.kind, TypeKind::Composite(_))
    {
        let typed = facts.catalog.relations.iter().filter(|(_, relation)| relation.of_type.as_ref() == Some(name));
        let typed: Vec<Target<'_>> = typed.map(|(name, relation)| Target::of(name, relation)).collect();
        let target = of_type(name);
        facts.form_by_history(form).on("composite_type", &target).on_each("typed_table", &typed);
    }
}

fn of_type(name: &QualifiedName) -> Target<'_> {
    Target { shown: name.to_string(), known: None }
}

pub(super) fn alter(facts: &mut Facts<'_>, name: &Name, changes: &[TypeChange]) {
    for change in changes {
        match change {
            TypeChange::AddValue { .. } => {
                facts.form("ty.add_value");
            }
            TypeChange::AddAttribute(..) | TypeChange::DropAttribute(_) => {
                lock_composite(facts, name, "ty.composite_add_attribute");
            }
            TypeChange::AlterAttribute(..) => lock_composite(facts, name, "ty.composite_alter_attribute_type"),
            _ => {
                facts.form("ty.rename");
            }
        }
    }
}

pub(super) fn alter_domain(facts: &mut Facts<'_>, name: &Name, change: &DomainChange) {
    let form = match change {
        DomainChange::AddConstraint(constraint) if constraint.not_valid => "ty.domain_add_check_not_valid",
        DomainChange::AddConstraint(_) => "ty.domain_add_check",
        DomainChange::ValidateConstraint(_) => "ty.domain_validate",
        DomainChange::SetNotNull => "ty.domain_set_not_null",
        DomainChange::Default(_) => "ty.domain_set_default",
        _ => "ty.domain_drop_constraint",
    };
    let tables = tables_using(facts, name);
    facts.form(form).on_each("each_table_using_domain", &tables);
}

pub(super) fn rename(facts: &mut Facts<'_>, rename: &Rename) {
    match rename.what {
        Kind::Attribute => lock_composite(facts, &rename.object, "ty.composite_add_attribute"),
        Kind::Value => {
            facts.form("ty.rename_value");
        }
        _ => {
            facts.form("ty.rename");
        }
    }
}
