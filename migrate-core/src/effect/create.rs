//! `CREATE`: what it does to relations that are there already.

use super::alter::default_partition;
use super::facts::{Facts, Target};
use super::query::{self, Reading};
use crate::catalog::{Lookup, RelationKind};
use crate::command::{
    Action, Constraint, ConstraintKind, CreateIndex, CreateTable, CreateTrigger, CreateView, Expression, IndexColumn,
    LockMode, Name,
};

pub(super) fn create(facts: &mut Facts<'_>, action: &Action) {
    match action {
        Action::CreateTable(create) => table(facts, create),
        Action::CreateTableAs { name, if_not_exists, query, with_data, .. } => {
            let reading = Reading::if_run(*with_data);
            let fills = !(*if_not_exists && is_there(facts, name));
            if fills {
                query::reads(facts, query, ("tb.create_as", "source_table"), reading);
            }
        }
        Action::CreateView(create) => view(facts, create),
        Action::CreateIndex(create) => index(facts, create),
        Action::CreateTrigger(create) => trigger(facts, create),
        Action::CreatePolicy { table, expressions, .. } => {
            let target = facts.expect(table);
            facts.form("pl.create").on("target", &target);
            for expression in expressions {
                expression_reads(facts, expression);
            }
        }
        Action::CreateRule { table, .. } => {
            let target = facts.expect(table);
            facts.form("rl.create").on("target", &target);
        }
        Action::CreateStatistics { table, .. } => {
            let target = facts.expect(table);
            facts.form("st.create").on("target", &target);
        }
        Action::CreateSequence(create) => {
            facts.form("sq.create");
            if let Some((table, _)) = &create.owned_by {
                let owner = facts.expect(table);
                facts.form("sq.alter_owned_by").on("owning_table", &owner);
            }
        }
        Action::CreateFunction(_) => drop_form(facts, "fn.create"),
        Action::CreateExtension { .. } => drop_form(facts, "ex.create"),
        Action::CreateSchema { .. } => drop_form(facts, "sc.create"),
        Action::CreateType(_) => drop_form(facts, "ty.create_enum"),
        _ => {}
    }
}

/// A form that touches no relation.
fn drop_form(facts: &mut Facts<'_>, form: &'static str) {
    facts.form(form);
}

fn is_there(facts: &Facts<'_>, name: &Name) -> bool {
    matches!(facts.catalog.relation(name), Lookup::Known(_))
}

fn table(facts: &mut Facts<'_>, create: &CreateTable) {
    if create.if_not_exists && is_there(facts, &create.name) {
        facts.form_by_history("tb.create_if_not_exists_noop");
        return;
    }
    facts.form("tb.create");
    if let Some(partition) = &create.partition_of {
        let parent = facts.expect(&partition.parent);
        facts.form("tb.create_partition_of").on("partitioned_parent", &parent);
        if !partition.default {
            let default = default_partition(facts, &parent);
            facts.form_by_history("tb.create_partition_of_with_default").on_each("default_partition", &default);
        }
        inherited_keys(facts, &parent);
        // The partition's indexes are attached to those of the parent.
        for index in facts.indexes(&parent) {
            facts.lock(&index, LockMode::ShareUpdateExclusive);
        }
    }
    for parent in &create.inherits {
        let parent = facts.expect(parent);
        facts.form("tb.create_inherits").on("inheritance_parent", &parent);
    }
    for (source, _) in &create.like {
        let source = facts.expect(source);
        facts.form("tb.create_like").on("source_table", &source);
    }
    let columns = create.columns.iter();
    let constraints = columns.flat_map(|column| &column.constraints).chain(&create.constraints);
    constraints.for_each(|constraint| reference(facts, &create.name, constraint));
}

/// The foreign keys of a partitioned table are made for each of its partitions.
fn inherited_keys<'a>(facts: &mut Facts<'a>, parent: &Target<'a>) {
    let constraints = parent.relation().map(|relation| relation.constraints.as_slice()).unwrap_or_default();
    let referenced: Vec<Target<'a>> = constraints
        .iter()
        .filter_map(|constraint| constraint.references.as_ref())
        .map(|name| facts.target(name))
        .collect();
    facts.form_by_history("tb.create_with_fk").on_each("referenced_table", &referenced);
}

fn reference(facts: &mut Facts<'_>, table: &Name, constraint: &Constraint) {
    let ConstraintKind::ForeignKey { references, .. } = &constraint.kind else { return };
    let is_self = references.name == table.name && (references.schema == table.schema || references.schema.is_none());
    if is_self {
        return;
    }
    let referenced = facts.expect(references);
    let partitions = if referenced.is_partitioned() { facts.children(&referenced) } else { Vec::new() };
    facts.form("tb.create_with_fk").on("referenced_table", &referenced).on_each("referenced_table", &partitions);
}

fn view(facts: &mut Facts<'_>, create: &CreateView) {
    if create.materialized {
        if create.if_not_exists && is_there(facts, &create.name) {
            return;
        }
        let form = if create.with_data { "mv.create" } else { "mv.create_no_data" };
        query::reads(facts, &create.query, (form, "base_table"), Reading::if_run(create.with_data));
        return;
    }
    let existing = facts.find(&create.name).filter(|view| view.known.is_some());
    let form = if create.or_replace && existing.is_some() { "vw.or_replace" } else { "vw.create" };
    for name in &create.query.reads {
        let read = facts.expect(name);
        facts.form(form).locks("base_table", &read);
    }
    if let (true, Some(view)) = (create.or_replace, existing) {
        facts.form_by_history("vw.or_replace").on("view", &view);
    }
}

fn index(facts: &mut Facts<'_>, create: &CreateIndex) {
    let target = facts.expect(&create.table);
    if create.concurrently {
        facts.form("ix.create_concurrently").on("target", &target);
        return;
    }
    let exists = create.if_not_exists
        && create.name.as_ref().is_some_and(|name| {
            let in_schema = target.known.map(|(table, _)| table.schema.clone());
            is_there(facts, &Name { schema: in_schema.or_else(|| name.schema.clone()), ..name.clone() })
        });
    if exists {
        facts.form_by_history("ix.create_if_not_exists_noop").on("target", &target);
    } else if target.is_partitioned() {
        let partitions = if create.only { Vec::new() } else { facts.children(&target) };
        facts.form_by_history("ix.create_partitioned_only").on("partitioned_parent", &target);
        for partition in &partitions {
            partition_index(facts, create, partition);
        }
    } else if is_materialized(&target) {
        facts.form_by_history("ix.create_on_matview").on("matview", &target);
    } else {
        facts.form("ix.create").on("target", &target);
    }
}

/// A partition that has such an index already lends it, and is not read.
fn partition_index<'a>(facts: &mut Facts<'a>, create: &CreateIndex, partition: &Target<'a>) {
    let alike = |index: &Target<'a>| match index.relation().map(|relation| &relation.kind) {
        Some(RelationKind::Index(index)) => {
            let columns = index.columns.iter().map(|column| IndexColumn::Column(column.clone()));
            let plain = index.expressions.is_empty() && index.predicate.is_none() && create.predicate.is_none();
            plain
                && index.parent.is_none()
                && index.unique == create.unique
                && columns.eq(create.columns.iter().cloned())
        }
        _ => false,
    };
    let lent: Vec<Target<'a>> = facts.indexes(partition).into_iter().filter(alike).collect();
    let form = facts.form_by_history("ix.create_partitioned").locks_each("index", &lent);
    if lent.is_empty() && !partition.is_partitioned() {
        form.on("each_partition", partition);
    } else {
        form.locks("each_partition", partition);
    }
}

fn is_materialized(target: &Target<'_>) -> bool {
    matches!(target.relation().map(|relation| &relation.kind), Some(RelationKind::View(view)) if view.materialized)
}

fn trigger(facts: &mut Facts<'_>, create: &CreateTrigger) {
    let target = facts.expect(&create.table);
    let partitions = if target.is_partitioned() { facts.children(&target) } else { Vec::new() };
    facts.form("tg.create").on("target", &target).on_each("target", &partitions);
    if let Some(from) = &create.from {
        let referenced = facts.expect(from);
        facts.form("tg.create_constraint_from").on("referenced_table", &referenced);
    }
}

/// What the queries inside an expression read, when it is stored.
fn expression_reads(facts: &mut Facts<'_>, expression: &Expression) {
    for name in &expression.reads {
        let read = facts.expect(name);
        facts.form("vw.create").locks("base_table", &read);
    }
}
