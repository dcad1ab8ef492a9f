//! What differs between the schema before Up and the one after Up and Down.

use super::File;
use super::tables::default_of;
use crate::catalog::{Catalog, CatalogConstraint, QualifiedName, Relation, RelationKind};

/// Where temporary relations are: they go with the session.
const TEMPORARY: &str = "pg_temp";

/// Each difference in words: `the table t is still there`.
pub(super) fn between(file: &File<'_>) -> Vec<String> {
    let (before, after) = (file.before, file.after_down);
    let mut found = Vec::new();
    let is_lasting = |name: &&QualifiedName| name.schema != TEMPORARY;
    for name in before.relations.differing(&after.relations).into_iter().filter(is_lasting) {
        match (before.relations.get(name), after.relations.get(name)) {
            (None, Some(left)) if stands_alone(after, left) => {
                found.push(format!("the {} {name} is still there", word(left)));
            }
            (Some(lost), None) if stands_alone(before, lost) => {
                found.push(format!("the {} {name} is missing", word(lost)));
            }
            (Some(before), Some(after)) => of_relation(name, (before, after), &mut found),
            _ => {}
        }
    }
    for name in before.types.differing(&after.types) {
        found.extend(presence("type", name, before.types.contains_key(name), after.types.contains_key(name)));
    }
    for name in before.functions.differing(&after.functions) {
        let count = |catalog: &Catalog| catalog.functions.get(name).map_or(0, Vec::len);
        found.extend(presence("function", name, count(before) > 0, count(after) > 0));
    }
    for name in after.schemas.keys().filter(|name| *name != "public" && !before.schemas.contains_key(*name)) {
        found.push(format!("the schema {name} is still there"));
    }
    found
}

fn presence(kind: &str, name: &QualifiedName, was: bool, is: bool) -> Option<String> {
    match (was, is) {
        (false, true) => Some(format!("the {kind} {name} is still there")),
        (true, false) => Some(format!("the {kind} {name} is missing")),
        _ => None,
    }
}

const fn word(relation: &Relation) -> &'static str {
    match &relation.kind {
        RelationKind::Table { .. } | RelationKind::ForeignTable => "table",
        RelationKind::View(_) => "view",
        RelationKind::Index(_) => "index",
        RelationKind::Sequence { .. } => "sequence",
    }
}

/// Whether a relation is not merely part of another one that is told of: an index of a table that stays, not of one
/// that came or went.
fn stands_alone(catalog: &Catalog, relation: &Relation) -> bool {
    match &relation.kind {
        RelationKind::Index(index) => index.constraint.is_none() && catalog.relations.contains_key(&index.table),
        RelationKind::Sequence { owner, .. } => owner.is_none(),
        _ => true,
    }
}

fn of_relation(name: &QualifiedName, (before, after): (&Relation, &Relation), found: &mut Vec<String>) {
    if !before.complete || !after.complete || !before.is_table() {
        return;
    }
    for column in &after.columns {
        match before.column(&column.name) {
            None => found.push(format!("the column {name}.{} is still there", column.name)),
            Some(was) if was.not_null != column.not_null => {
                let is = if column.not_null { "is NOT NULL" } else { "may be NULL" };
                found.push(format!("the column {name}.{} {is}", column.name));
            }
            Some(was) if default_of(was).is_some() != default_of(column).is_some() => {
                let has = if default_of(column).is_some() { "has a default" } else { "has lost its default" };
                found.push(format!("the column {name}.{} {has}", column.name));
            }
            Some(_) => {}
        }
    }
    let lost = before.columns.iter().filter(|column| after.column(&column.name).is_none());
    found.extend(lost.map(|column| format!("the column {name}.{} is missing", column.name)));
    let alike = |one: &CatalogConstraint, other: &CatalogConstraint| {
        let kinds = std::mem::discriminant(&one.kind) == std::mem::discriminant(&other.kind);
        kinds && one.columns() == other.columns() && one.references == other.references
    };
    // A column that came or went is told of already, and its constraints with it.
    let is_told = |constraint: &CatalogConstraint| {
        constraint.columns().iter().any(|column| before.column(column).is_some() != after.column(column).is_some())
    };
    for left in after.constraints.iter().filter(|left| !is_told(left)) {
        if !before.constraints.iter().any(|was| alike(was, left)) {
            found.push(format!("the constraint {} of {name} is still there", left.name));
        }
    }
    for lost in before.constraints.iter().filter(|lost| !is_told(lost)) {
        if !after.constraints.iter().any(|is| alike(is, lost)) {
            found.push(format!("the constraint {} of {name} is missing", lost.name));
        }
    }
    let parts = |kind: &str, was: Vec<&String>, is: Vec<&String>, found: &mut Vec<String>| {
        let left = is.iter().filter(|part| !was.contains(part));
        found.extend(left.map(|part| format!("the {kind} {part} on {name} is still there")));
        let lost = was.iter().filter(|part| !is.contains(part));
        found.extend(lost.map(|part| format!("the {kind} {part} on {name} is missing")));
    };
    parts("trigger", before.triggers.keys().collect(), after.triggers.keys().collect(), found);
    parts("policy", before.policies.keys().collect(), after.policies.keys().collect(), found);
}
