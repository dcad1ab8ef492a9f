//! `DROP` and `RENAME`.

use super::alter::table_of;
use super::dependants::{self, Lost};
use super::facts::{Facts, Target};
use crate::catalog::{QualifiedName, RelationKind};
use crate::command::{Drop, Kind, Name, Rename};

pub(super) fn drop(facts: &mut Facts<'_>, command: &Drop) {
    if let Some(on) = &command.on {
        return part(facts, command, on);
    }
    for name in &command.names {
        match command.kind {
            Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Index | Kind::Sequence => {
                relation(facts, command, name);
            }
            Kind::Schema if command.cascade => schema(facts, &name.name),
            Kind::Statistics => statistics(facts, name),
            Kind::Type | Kind::Domain => kind(facts, command, name),
            Kind::Function | Kind::Procedure | Kind::Routine if command.cascade => function(facts, name),
            Kind::Extension if command.cascade => extension(facts, &name.name),
            Kind::Database => form(facts, "db.drop"),
            Kind::Tablespace => form(facts, "db.drop_tablespace"),
            Kind::Subscription if facts.catalog.is_without_slot(&name.name) => form(facts, "pb.drop"),
            Kind::Subscription => form(facts, "db.drop_subscription_slot"),
            Kind::Publication => form(facts, "pb.drop"),
            _ => form(facts, "fn.drop"),
        }
    }
}

/// A form that touches no relation that is named.
fn form(facts: &mut Facts<'_>, id: &'static str) {
    facts.form(id);
}

/// A trigger, a policy or a rule of a relation.
fn part(facts: &mut Facts<'_>, command: &Drop, on: &Name) {
    let Some(table) = found(facts, command, on) else { return };
    if command.if_exists
        && table.is_complete()
        && !command.names.iter().any(|name| has_part(&table, command.kind, &name.name))
    {
        facts.form_by_history("tb.drop_if_exists_noop");
        return;
    }
    let id = match command.kind {
        Kind::Trigger => "tg.drop",
        Kind::Policy => "pl.drop",
        _ => "rl.drop",
    };
    let partitions =
        if command.kind == Kind::Trigger && table.is_partitioned() { facts.children(&table) } else { Vec::new() };
    facts.form(id).on("target", &table).on_each("target", &partitions);
}

fn has_part(table: &Target<'_>, kind: Kind, name: &str) -> bool {
    table.relation().is_none_or(|relation| match kind {
        Kind::Trigger => relation.triggers.contains_key(name),
        Kind::Policy => relation.policies.contains_key(name),
        _ => relation.rules.iter().any(|rule| rule == name),
    })
}

/// The relation; `None` when IF EXISTS finds nothing.
fn found<'a>(facts: &mut Facts<'a>, command: &Drop, name: &Name) -> Option<Target<'a>> {
    let target = facts.find(name);
    if target.is_none() && command.if_exists {
        if command.concurrently {
            facts.form("ix.drop_concurrently");
        }
        facts.form_by_history("tb.drop_if_exists_noop");
        return None;
    }
    Some(target.unwrap_or_else(|| facts.expect(name)))
}

fn relation(facts: &mut Facts<'_>, command: &Drop, name: &Name) {
    let Some(target) = found(facts, command, name) else { return };
    match command.kind {
        Kind::Index => index(facts, command, &target),
        Kind::Sequence => {
            facts.form("sq.drop").on("sequence", &target);
        }
        Kind::View | Kind::MaterializedView => view(facts, command, &target),
        _ => table(facts, &target, command.cascade),
    }
}

fn table<'a>(facts: &mut Facts<'a>, target: &Target<'a>, cascade: bool) {
    let below = facts.children(target);
    for table in std::iter::once(target).chain(&below) {
        let (indexes, sequences) = (facts.indexes(table), facts.sequences(table, None));
        facts.form("tb.drop_plain").on("target", table).on_each("index", &indexes).locks_each("target", &sequences);
        if let Some((name, _)) = table.known {
            dependants::lock(facts, &Lost { table: name, column: None, cascade });
        }
    }
    let is_partition_of = |parent: &&'a QualifiedName| {
        facts.catalog.relations.get(*parent).is_some_and(crate::catalog::Relation::is_partitioned)
    };
    let parents = target.relation().map(|relation| relation.parents.as_slice()).unwrap_or_default();
    let parents: Vec<Target<'a>> = parents.iter().filter(is_partition_of).map(|name| facts.target(name)).collect();
    facts.form_by_history("tb.drop_partition").on_each("partitioned_parent", &parents);
}

fn index<'a>(facts: &mut Facts<'a>, command: &Drop, target: &Target<'a>) {
    let tables = table_of(facts, target);
    if command.concurrently {
        facts.form("ix.drop_concurrently").on("index", target).on_each("target", &tables);
        return;
    }
    facts.form("ix.drop").on("index", target).locks_each("target", &tables);
    if tables.iter().any(Target::is_partitioned) {
        let partitions: Vec<Target<'a>> = tables.iter().flat_map(|table| facts.children(table)).collect();
        let attached: Vec<Target<'a>> = partitions
            .iter()
            .flat_map(|table| facts.indexes(table))
            .filter(|index| match (index.relation().map(|relation| &relation.kind), target.known) {
                (Some(RelationKind::Index(index)), Some((parent, _))) => index.parent.as_ref() == Some(parent),
                _ => false,
            })
            .collect();
        facts
            .form_by_history("ix.drop_partitioned")
            .on_each("each_partition", &partitions)
            .locks_each("index", &attached);
    }
}

fn view<'a>(facts: &mut Facts<'a>, command: &Drop, target: &Target<'a>) {
    let indexes = facts.indexes(target);
    if command.kind == Kind::View {
        facts.form("vw.drop").on("view", target);
    } else {
        facts.form("mv.drop").on("matview", target).on_each("index", &indexes);
    }
    if let (true, Some((name, _))) = (command.cascade, target.known) {
        dependants::lock(facts, &Lost { table: name, column: None, cascade: true });
    }
}

fn schema(facts: &mut Facts<'_>, schema: &str) {
    let inside: Vec<_> = facts.catalog.relations.iter().filter(|(name, _)| name.schema == schema).collect();
    for (name, relation) in inside {
        let target = Target::of(name, relation);
        facts.form_by_history("sc.drop_cascade").locks("target", &target);
        if relation.is_table() {
            dependants::lock(facts, &Lost { table: name, column: None, cascade: true });
        }
    }
}

fn statistics(facts: &mut Facts<'_>, name: &Name) {
    let of = facts.catalog.relations.iter().find(|(_, relation)| relation.statistics.contains_key(&name.name));
    if let Some((table, relation)) = of {
        let target = Target::of(table, relation);
        facts.form_by_history("st.drop").on("target", &target);
    } else {
        facts.form("st.drop");
    }
}

/// With CASCADE the columns of a type go with it; a composite type is a relation itself.
fn kind(facts: &mut Facts<'_>, command: &Drop, name: &Name) {
    super::domain::lock_composite(facts, name, "ty.drop");
    if command.cascade {
        let tables = super::domain::tables_using(facts, name);
        facts.form_by_history("ty.drop").on_each("each_table_using_type", &tables);
    } else {
        facts.form("ty.drop");
    }
}

/// With CASCADE its triggers go with it.
fn function(facts: &mut Facts<'_>, name: &Name) {
    let function = facts.catalog.function(name).known().map(|(name, _)| name);
    let tables: Vec<Target<'_>> = match function {
        Some(function) => {
            let calls = |relation: &crate::catalog::Relation| {
                relation.triggers.values().any(|called| called.as_ref() == Some(function))
            };
            let tables = facts.catalog.relations.iter().filter(|(_, relation)| calls(relation));
            tables.map(|(name, relation)| Target::of(name, relation)).collect()
        }
        None => Vec::new(),
    };
    facts.form_by_history("fn.drop_cascade_trigger").on_each("table_with_trigger", &tables);
}

/// The columns of the type that is named like the extension: citext, hstore, ltree, vector.
fn extension(facts: &mut Facts<'_>, extension: &str) {
    let uses = |relation: &crate::catalog::Relation| {
        relation.columns.iter().any(|column| column.kind.as_ref().is_some_and(|kind| kind.name.name == extension))
    };
    let tables = facts.catalog.relations.iter().filter(|(_, relation)| relation.is_table() && uses(relation));
    let tables: Vec<Target<'_>> = tables.map(|(name, relation)| Target::of(name, relation)).collect();
    facts.assumed_form("ex.drop_cascade_column").on_each("each_table_using_extension_type", &tables);
}

pub(super) fn rename(facts: &mut Facts<'_>, rename: &Rename) {
    let whole = !matches!(
        rename.what,
        Kind::Column | Kind::Constraint | Kind::Attribute | Kind::Value | Kind::Trigger | Kind::Policy | Kind::Rule
    );
    if matches!(rename.of, Kind::Type | Kind::Domain) {
        return super::domain::rename(facts, rename);
    }
    let is_relation = !whole || super::is_relation(rename.of);
    if !is_relation {
        facts.form("fn.alter_owner");
        return;
    }
    if rename.if_exists && facts.find(&rename.object).is_none() {
        facts.form_by_history("at.if_exists_missing_table");
        return;
    }
    let target = facts.expect(&rename.object);
    let (form, role) = renaming(rename, &target, whole);
    facts.form(form).on(role, &target);
    if rename.what == Kind::Column || rename.what == Kind::Constraint {
        let below = facts.children(&target);
        facts.form_by_history("at.rename_column").locks_each("target", &below);
    }
}

fn renaming(rename: &Rename, target: &Target<'_>, whole: bool) -> (&'static str, &'static str) {
    let is = target.relation().map(|relation| &relation.kind);
    match rename.what {
        Kind::Column if matches!(is, Some(RelationKind::View(_))) => ("vw.alter_rename_col", "view"),
        Kind::Column => ("at.rename_column", "target"),
        Kind::Constraint => ("at.rename_constraint", "target"),
        Kind::Trigger => ("tg.rename", "target"),
        Kind::Policy | Kind::Rule => ("pl.alter", "target"),
        _ if whole && rename.of == Kind::Index => ("ix.alter_rename", "index"),
        _ if matches!(is, Some(RelationKind::Index(_))) => ("ix.alter_rename_via_table", "index"),
        _ => ("at.rename_table", "target"),
    }
}
