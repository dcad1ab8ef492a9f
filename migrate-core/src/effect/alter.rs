//! `ALTER TABLE` and its kin: from each change to the forms that it takes.
//!
//! Invariant: the lock of a command is the strongest of its changes, and its slow work that of all of them.

mod column;
mod constraint;
mod partition;

pub(super) use column::name as counted_name;
pub(super) use partition::{default_partition, table_of};

use super::facts::{Facts, Target};
use crate::catalog::{Lookup, RelationKind};
use crate::command::{AlterTable, Kind, Name, TableChange};

/// A relation that is being altered, with everything below it that the command reaches.
pub(super) struct Altered<'a> {
    pub(super) target: Target<'a>,
    /// Its partitions and children, unless `ONLY` was written.
    pub(super) children: Vec<Target<'a>>,
    /// All changes of the command.
    pub(super) command: &'a AlterTable,
}

/// Which indexes of a table a change is about.
pub(super) enum Indexes<'c> {
    None,
    All,
    Mentioning(&'c str),
}

pub(super) fn alter<'a>(facts: &mut Facts<'a>, command: &'a AlterTable) {
    if command.if_exists && matches!(facts.catalog.relation(&command.name), Lookup::Absent) {
        facts.form_by_history("at.if_exists_missing_table");
        return;
    }
    let target = facts.expect(&command.name);
    match of_kind(command, &target) {
        Kind::Index => index(facts, command, &target),
        Kind::View => view(facts, command, &target),
        _ => {
            let children = if command.only { Vec::new() } else { facts.children(&target) };
            let altered = Altered { target, children, command };
            for (_, change) in &command.changes {
                table(facts, &altered, change);
            }
        }
    }
}

/// What the relation is: as history knows it, otherwise as the command calls it.
fn of_kind(command: &AlterTable, target: &Target<'_>) -> Kind {
    match target.relation().map(|relation| &relation.kind) {
        Some(RelationKind::View(view)) if !view.materialized => Kind::View,
        Some(RelationKind::Index(_)) => Kind::Index,
        Some(_) => Kind::Table,
        None => command.kind,
    }
}

fn table<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, change: &'a TableChange) {
    match change {
        TableChange::AddColumn { column, .. } => column::add(facts, altered, column),
        TableChange::DropColumn { column, cascade, .. } => column::drop(facts, altered, column, *cascade),
        TableChange::AlterColumn { column, change } => column::alter(facts, altered, column, change),
        TableChange::AddConstraint(constraint) => constraint::add(facts, altered, constraint),
        TableChange::DropConstraint { name, cascade, .. } => constraint::drop(facts, altered, name, *cascade),
        TableChange::ValidateConstraint(name) => constraint::validate(facts, altered, name),
        TableChange::AlterConstraint { name, enforced } => constraint::alter(facts, altered, (name, *enforced)),
        TableChange::AttachPartition { partition, bound } => partition::attach(facts, altered, (partition, bound)),
        TableChange::DetachPartition { partition, concurrently, finalize } => {
            partition::detach(facts, altered, (partition, *concurrently, *finalize));
        }
        TableChange::Inherit(parent, begins) => inherit(facts, altered, parent, *begins),
        TableChange::SetLogged(_) | TableChange::SetTablespace(_) | TableChange::SetAccessMethod(_) => {
            storage(facts, altered, change);
        }
        _ => small(facts, altered, change),
    }
}

impl<'a> Altered<'a> {
    /// The change reaches partitions and children as it does the table.
    pub(super) fn recurse(
        &self,
        facts: &mut Facts<'a>,
        (form, by_history): (&'static str, bool),
        indexes: &Indexes<'_>,
    ) {
        self.here(facts, (form, by_history), indexes);
        for child in &self.children {
            let reached: Vec<_> = Self::indexes(facts, child, indexes);
            let filled = facts.form_by_history(form);
            filled.on_each("target", std::slice::from_ref(child)).on_each("index", &reached);
        }
    }

    /// The change is one of the table alone.
    pub(super) fn here(&self, facts: &mut Facts<'a>, (form, by_history): (&'static str, bool), indexes: &Indexes<'_>) {
        let reached = Self::indexes(facts, &self.target, indexes);
        let partitioned = self.target.is_partitioned();
        let filled = if by_history { facts.form_by_history(form) } else { facts.form(form) };
        let filled = if partitioned { filled.locks("target", &self.target) } else { filled.on("target", &self.target) };
        if partitioned {
            filled.locks_each("index", &reached);
        } else {
            filled.on_each("index", &reached);
        }
    }

    /// The indexes of the altered relation, or of one below it.
    pub(super) fn indexes(facts: &Facts<'a>, of: &Target<'a>, which: &Indexes<'_>) -> Vec<Target<'a>> {
        let mentions = |index: &Target<'a>, column: &str| match index.relation().map(|relation| &relation.kind) {
            Some(RelationKind::Index(index)) => index.mentions(column),
            _ => false,
        };
        let all = match which {
            Indexes::None => return Vec::new(),
            Indexes::All | Indexes::Mentioning(_) => facts.indexes(of),
        };
        match which {
            Indexes::Mentioning(column) => all.into_iter().filter(|index| mentions(index, column)).collect(),
            _ => all,
        }
    }

    /// Whether an earlier or later change of the same command adds this column.
    pub(super) fn adds_column(&self, name: &str) -> bool {
        self.command.changes.iter().any(|(_, change)| match change {
            TableChange::AddColumn { column, .. } => column.name == name,
            _ => false,
        })
    }
}

/// Changes whose form is decided by the change alone and that scan and rewrite nothing.
fn small<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, change: &'a TableChange) {
    let form = match change {
        TableChange::SetSchema(_) => "at.set_schema",
        TableChange::OwnerTo(_) => return owner(facts, altered),
        TableChange::Parameters { names, .. } if names.iter().any(|name| name == "user_catalog_table") => {
            "at.set_user_catalog_table"
        }
        TableChange::Parameters { reset: true, .. } => "at.reset_param",
        TableChange::Parameters { .. } => "at.set_fillfactor",
        TableChange::Trigger { enable: true, .. } => "at.enable_trigger",
        TableChange::Trigger { .. } => "at.disable_trigger",
        TableChange::Rule { .. } => "at.disable_rule",
        TableChange::RowLevelSecurity { .. } => "at.enable_rls",
        TableChange::OfType(_) => "at.of_type",
        TableChange::ReplicaIdentity { index: Some(index), .. } => return replica_identity(facts, altered, index),
        TableChange::ReplicaIdentity { .. } => "at.replica_identity_full",
        TableChange::ClusterOn(Some(index)) => return cluster_on(facts, altered, index),
        TableChange::ClusterOn(None) => "at.set_without_cluster",
        TableChange::WithoutOids => "at.set_without_oids",
        // The strongest lock is the careful answer for words that no field describes.
        _ => {
            facts.assumed_form("at.set_default").on("target", &altered.target);
            return;
        }
    };
    // Triggers of a partitioned table are those of its partitions.
    if matches!(change, TableChange::Trigger { .. }) && altered.target.is_partitioned() {
        return altered.recurse(facts, (form, false), &Indexes::None);
    }
    facts.form(form).on("target", &altered.target);
    if matches!(change, TableChange::SetSchema(_)) {
        follow_schema(facts, altered);
    }
}

/// Indexes and owned sequences change their owner with the table.
fn owner<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>) {
    let indexes = facts.indexes(&altered.target);
    let sequences = facts.sequences(&altered.target, None);
    let form = facts.form("at.owner_to").on("target", &altered.target);
    form.locks_each("index", &indexes).locks_each("target", &sequences);
}

/// Indexes and owned sequences go to the new schema with the table.
fn follow_schema<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>) {
    let sequences = facts.sequences(&altered.target, None);
    facts.form_by_history("at.set_schema").locks_each("target", &sequences);
}

fn named_index<'a>(facts: &Facts<'a>, altered: &Altered<'a>, index: &str) -> Vec<Target<'a>> {
    let named = |target: &Target<'a>| target.known.is_some_and(|(name, _)| name.name == index);
    facts.indexes(&altered.target).into_iter().filter(named).collect()
}

fn replica_identity<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, index: &str) {
    let indexes = named_index(facts, altered, index);
    facts.form("at.replica_identity_index").on("target", &altered.target).on_each("index", &indexes);
}

fn cluster_on<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, index: &str) {
    let indexes = named_index(facts, altered, index);
    facts.form("at.cluster_on").on("target", &altered.target).on_each("index", &indexes);
}

fn inherit<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, parent: &Name, begins: bool) {
    let parent = facts.expect(parent);
    let form = facts.form(if begins { "at.inherit" } else { "at.no_inherit" });
    form.on("target", &altered.target).on("inheritance_parent", &parent);
}

fn storage<'a>(facts: &mut Facts<'a>, altered: &Altered<'a>, change: &TableChange) {
    use crate::command::Persistence::{Permanent, Unlogged};
    let persistence = altered.target.relation().map(|relation| relation.persistence);
    let (form, by_history) = match change {
        TableChange::SetLogged(true) if persistence == Some(Permanent) => ("at.set_logged_noop", true),
        TableChange::SetLogged(false) if persistence == Some(Unlogged) => ("at.set_logged_noop", true),
        TableChange::SetLogged(true) => ("at.set_logged", false),
        TableChange::SetLogged(false) => ("at.set_unlogged", false),
        TableChange::SetTablespace(_) => ("at.set_tablespace", false),
        TableChange::SetAccessMethod(Some(method)) if method == "heap" => ("at.set_access_method_same", false),
        _ => ("at.set_access_method", false),
    };
    altered.here(facts, (form, by_history), &Indexes::All);
}

/// `ALTER INDEX`, and `ALTER TABLE` of what is an index.
fn index<'a>(facts: &mut Facts<'a>, command: &'a AlterTable, target: &Target<'a>) {
    for (_, change) in &command.changes {
        let form = match change {
            TableChange::Parameters { .. } => "ix.alter_set_param",
            TableChange::SetTablespace(_) => "ix.alter_set_tablespace",
            TableChange::AlterColumn { .. } => "ix.alter_set_statistics",
            TableChange::AttachPartition { partition, .. } => {
                partition::attach_index(facts, target, partition);
                continue;
            }
            _ => "ix.alter_index_depends",
        };
        facts.form(form).on("index", target);
    }
}

/// `ALTER VIEW`, and `ALTER TABLE` of what is a view.
fn view<'a>(facts: &mut Facts<'a>, command: &AlterTable, target: &Target<'a>) {
    for (_, change) in &command.changes {
        let form = match change {
            TableChange::AlterColumn { .. } => "vw.alter_default",
            TableChange::Parameters { .. } => "vw.alter_options",
            _ => "vw.rename",
        };
        facts.form(form).on("view", target);
    }
}
