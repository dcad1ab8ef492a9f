//! The relations that a command names.

use crate::command::{
    Action, AlterTable, Command, Constraint, ConstraintKind, CreateTable, Drop, Kind, Name, Query, TableChange,
};

/// goose's own table: no migration makes it, and it is always there.
pub(super) const VERSION_TABLE: &str = "goose_db_version";

/// The relations that have to exist for the command to succeed; none that it guards with IF EXISTS.
pub(super) fn required(action: &Action) -> Vec<&Name> {
    match action {
        Action::CreateTable(create) => of_create(create),
        Action::CreateTableAs { query, .. } | Action::Select(query) => of_query(query),
        Action::CreateView(create) => of_query(&create.query),
        Action::AlterTable(alter) if !alter.if_exists => of_alter(alter),
        Action::Rename(rename) if !rename.if_exists && (is_relation(rename.of) || is_part(rename.of)) => {
            vec![&rename.object]
        }
        Action::CreateIndex(create) => vec![&create.table],
        Action::Drop(drop) if !drop.if_exists => of_drop(drop),
        Action::CreateTrigger(create) => vec![&create.table],
        Action::Comment(comment) if is_relation(comment.kind) || is_part(comment.kind) => {
            comment.object.iter().collect()
        }
        Action::Grant(grant) if is_relation(grant.kind) && !grant.all_in_schema => grant.objects.iter().collect(),
        Action::Write(write) => [&write.table].into_iter().chain(of_query(&write.query)).collect(),
        Action::Truncate { tables, .. } | Action::Lock { tables, .. } | Action::Vacuum { tables, .. } => {
            tables.iter().collect()
        }
        _ => of_small(action),
    }
}

fn of_small(action: &Action) -> Vec<&Name> {
    match action {
        Action::Refresh { name, .. } | Action::AlterSequence { name, if_exists: false, .. } => vec![name],
        Action::CreateSequence(create) => create.owned_by.iter().map(|(table, _)| table).collect(),
        Action::CreatePolicy { table, .. }
        | Action::AlterPolicy { table, .. }
        | Action::CreateRule { table, .. }
        | Action::CreateStatistics { table, .. } => vec![table],
        Action::Copy { table, .. } | Action::Cluster { table } => table.iter().collect(),
        Action::Analyze { tables } => tables.iter().collect(),
        Action::Reindex { kind: Kind::Table | Kind::Index, name, .. } => name.iter().collect(),
        _ => Vec::new(),
    }
}

/// The relations whose rows or definition the command changes.
pub(super) fn changed(action: &Action) -> Vec<&Name> {
    match action {
        Action::Select(_)
        | Action::CreateView(_)
        | Action::Lock { .. }
        | Action::Copy { from: false, .. }
        | Action::Analyze { .. }
        | Action::Vacuum { .. } => Vec::new(),
        Action::CreateTable(create) => vec![&create.name],
        Action::AlterTable(alter) => vec![&alter.name],
        Action::Drop(drop) if is_relation(drop.kind) => drop.names.iter().collect(),
        Action::Drop(drop) => drop.on.iter().collect(),
        Action::Write(write) => vec![&write.table],
        _ => required(action),
    }
}

/// Kinds of objects that are relations.
pub(super) const fn is_relation(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Index | Kind::Sequence
    )
}

/// Kinds of objects that are named together with their relation.
const fn is_part(kind: Kind) -> bool {
    matches!(kind, Kind::Column | Kind::Constraint | Kind::Trigger | Kind::Policy | Kind::Rule)
}

fn of_query(query: &Query) -> Vec<&Name> {
    query.reads.iter().chain(query.writes.iter().map(|write| &write.table)).collect()
}

fn of_drop(drop: &Drop) -> Vec<&Name> {
    if is_relation(drop.kind) { drop.names.iter().collect() } else { drop.on.iter().collect() }
}

fn of_create(create: &CreateTable) -> Vec<&Name> {
    let like = create.like.iter().map(|(name, _)| name);
    let parents = create.inherits.iter().chain(create.partition_of.iter().map(|partition| &partition.parent));
    let with_columns = create.columns.iter().flat_map(|column| &column.constraints);
    like.chain(parents).chain(create.constraints.iter().chain(with_columns).filter_map(references)).collect()
}

fn of_alter(alter: &AlterTable) -> Vec<&Name> {
    let mut names = vec![&alter.name];
    for (_, change) in &alter.changes {
        match change {
            TableChange::AddConstraint(constraint) => names.extend(references(constraint)),
            TableChange::AddColumn { column, .. } => names.extend(column.constraints.iter().filter_map(references)),
            TableChange::AttachPartition { partition, .. }
            | TableChange::DetachPartition { partition, .. }
            | TableChange::Inherit(partition, _) => names.push(partition),
            _ => {}
        }
    }
    names
}

fn references(constraint: &Constraint) -> Option<&Name> {
    match &constraint.kind {
        ConstraintKind::ForeignKey { references, .. } => Some(references),
        _ => None,
    }
}

/// The tables that the new foreign keys of a command reference.
pub(super) fn referenced(command: &Command) -> Vec<&Name> {
    let constraints: Vec<&Constraint> = match &command.action {
        Action::CreateTable(table) => {
            let of_columns = table.columns.iter().flat_map(|column| &column.constraints);
            table.constraints.iter().chain(of_columns).collect()
        }
        Action::AlterTable(alter) => alter.changes.iter().flat_map(|(_, change)| added(change)).collect(),
        _ => Vec::new(),
    };
    let keys = constraints.into_iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::ForeignKey { references, .. } => Some(references),
        _ => None,
    });
    keys.collect()
}

fn added(change: &TableChange) -> &[Constraint] {
    match change {
        TableChange::AddConstraint(constraint) => std::slice::from_ref(constraint),
        TableChange::AddColumn { column, .. } => &column.constraints,
        _ => &[],
    }
}
