//! Commands that read and write rows.
//!
//! Invariant: which index serves a condition is the planner's to say; a table is called scanned where no index could.

use super::alter::counted_name;
use super::facts::{Facts, Target};
use crate::catalog::{QualifiedName, RelationKind};
use crate::command::{Action, ConstraintKind, Expression, Name, Query, Write};

pub(super) fn run(facts: &mut Facts<'_>, action: &Action) {
    match action {
        Action::Select(query) => select(facts, query),
        Action::Write(write) => self::write(facts, write),
        Action::Copy { table: Some(table), from } => {
            let target = facts.expect(table);
            if *from {
                facts.form("dml.copy_from").on("target", &target);
                referenced(facts, &target, None);
            } else {
                facts.form("dml.select").on("target", &target);
            }
        }
        _ => {}
    }
}

/// What of its relations a query reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Nothing: it is stored.
    Nothing,
    /// What its conditions ask for.
    Asked,
    /// All.
    Everything,
}

impl Reading {
    pub(super) const fn if_run(runs: bool) -> Self {
        if runs { Self::Asked } else { Self::Nothing }
    }
}

/// Every relation that a query reads, views opened; `form` says what one in this role suffers.
pub(super) fn reads(facts: &mut Facts<'_>, query: &Query, (form, role): (&'static str, &str), reading: Reading) {
    let runs = reading != Reading::Nothing;
    let scanned = reading == Reading::Everything || (runs && !query.restricted);
    for name in &query.reads {
        let target = facts.expect(name);
        let through = below(facts, &target, runs);
        for read in std::iter::once(&target).chain(&through) {
            let storage = !is_plain_view(read);
            let filled = facts.form(form);
            if scanned && storage {
                filled.on(role, read)
            } else {
                filled.locks(role, read)
            };
        }
    }
    counters(facts, query);
    query.writes.iter().for_each(|write| self::write(facts, write));
}

fn select(facts: &mut Facts<'_>, query: &Query) {
    let form = if query.into.is_some() { ("tb.select_into", "source_table") } else { ("dml.select", "target") };
    reads(facts, query, form, Reading::Asked);
    for name in &query.locks {
        let target = facts.expect(name);
        facts.form("dml.select_for_update").locks("target", &target);
    }
}

/// `nextval('s')` and `setval('s', …)` write the sequence.
fn counters(facts: &mut Facts<'_>, query: &Query) {
    let counts = |name: &Name| matches!(name.name.as_str(), "nextval" | "setval");
    if !query.calls.iter().any(counts) {
        return;
    }
    for text in &query.strings {
        let found = facts.find(&counted_name(text));
        let sequence = found.filter(|target| {
            matches!(target.relation().map(|relation| &relation.kind), Some(RelationKind::Sequence { .. }))
        });
        if let Some(sequence) = sequence {
            facts.form("sq.setval").on("sequence", &sequence);
        }
    }
}

fn is_plain_view(target: &Target<'_>) -> bool {
    matches!(target.relation().map(|relation| &relation.kind), Some(RelationKind::View(view)) if !view.materialized)
}

/// What lies below a relation that is read: the tables of a view, the partitions of a table.
pub(super) fn below<'a>(facts: &Facts<'a>, target: &Target<'a>, runs: bool) -> Vec<Target<'a>> {
    if !runs {
        return Vec::new();
    }
    let mut found: Vec<&'a QualifiedName> = Vec::new();
    let mut open: Vec<Target<'a>> = vec![target.clone()];
    while let Some(next) = open.pop() {
        let read: Vec<&'a QualifiedName> = match next.relation().map(|relation| &relation.kind) {
            Some(RelationKind::View(view)) if !view.materialized => view.reads.iter().collect(),
            Some(RelationKind::Table { .. }) => {
                facts.children(&next).into_iter().filter_map(|child| Some(child.known?.0)).collect()
            }
            _ => Vec::new(),
        };
        for name in read {
            if !found.contains(&name) {
                found.push(name);
                open.push(facts.target(name));
            }
        }
    }
    found.into_iter().map(|name| facts.target(name)).collect()
}

fn write(facts: &mut Facts<'_>, write: &Write) {
    let target = facts.expect(&write.table);
    let (form, changes) = match write.verb {
        "insert" => ("dml.insert", None),
        "delete" => ("dml.delete_all", None),
        "merge" => ("dml.merge", None),
        _ => ("dml.update_all", Some(write.columns.as_slice())),
    };
    let through = below(facts, &target, true);
    for written in std::iter::once(&target).chain(&through) {
        let searched = write.verb == "merge" || searches(written, write);
        let storage = !is_plain_view(written) && !written.is_partitioned();
        let filled = facts.form(form);
        if searched && storage {
            filled.on("target", written)
        } else {
            filled.locks("target", written)
        };
    }
    let (form, reading) = match write.verb {
        "merge" => ("dml.merge", Reading::Everything),
        _ => ("dml.insert_select", Reading::Asked),
    };
    reads(facts, &write.query, (form, "source_table"), reading);
    if write.verb != "delete" {
        referenced(facts, &target, changes);
    }
    if write.verb == "delete" || changes.is_some() {
        referencing(facts, &target, changes);
    }
}

/// Whether no index can help to find the rows.
fn searches(target: &Target<'_>, write: &Write) -> bool {
    let Some(condition) = &write.condition else { return write.verb != "insert" };
    target.is_complete() && !has_index_for(target, condition)
}

/// Keys of the table are known with it; its other indexes do not change the answer to whether one could help.
fn has_index_for(target: &Target<'_>, condition: &Expression) -> bool {
    let Some(relation) = target.relation() else { return true };
    let keys = relation.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => columns.first(),
        _ => None,
    });
    keys.into_iter().any(|first| condition.columns.contains(first))
}

/// New values of foreign keys are looked up in the tables that they reference.
fn referenced<'a>(facts: &mut Facts<'a>, target: &Target<'a>, changed: Option<&[String]>) {
    let Some((table, relation)) = target.known else { return };
    let keys: Vec<&'a QualifiedName> = relation
        .constraints
        .iter()
        .filter_map(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { columns, .. } => {
                let concerned = changed.is_none_or(|changed| columns.iter().any(|column| changed.contains(column)));
                constraint.references.as_ref().filter(|references| concerned && *references != table)
            }
            _ => None,
        })
        .collect();
    for key in keys {
        let referenced = facts.target(key);
        facts.form_by_history("dml.insert_fk").on("referenced_table", &referenced);
    }
}

/// Keys that go away, or change, are looked for in the tables that reference them, row by row where no index helps.
fn referencing<'a>(facts: &mut Facts<'a>, target: &Target<'a>, changed: Option<&[String]>) {
    let Some((table, relation)) = target.known else { return };
    for (name, constraint) in facts.catalog.referencing(table).filter(|(name, _)| *name != table) {
        let ConstraintKind::ForeignKey { columns, referenced, .. } = &constraint.kind else { continue };
        let key =
            if referenced.is_empty() { relation.primary_key().unwrap_or_default() } else { referenced.as_slice() };
        if changed.is_some_and(|changed| !key.iter().any(|column| changed.contains(column))) {
            continue;
        }
        let referencing = facts.target(name);
        let indexed = facts.catalog.indexes_of(name).any(|(_, index)| index.columns.first() == columns.first());
        let form = facts.form_by_history("dml.delete_parent_no_fk_index");
        if indexed {
            form.locks("referencing_table", &referencing)
        } else {
            form.on("referencing_table", &referencing)
        };
    }
}
