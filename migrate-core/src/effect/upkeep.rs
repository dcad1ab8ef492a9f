//! Commands that look after relations, and those that are kept by their words.

use super::alter::table_of;
use super::facts::{Facts, Target};
use super::query;
use crate::catalog::{QualifiedName, RelationKind};
use crate::command::{Action, Comment, Grant, Kind, LockMode, Name, OtherVerb, Setting};

pub(super) fn keep(facts: &mut Facts<'_>, action: &Action) {
    match action {
        Action::Truncate { tables, cascade, restart } => truncate(facts, tables, (*cascade, *restart)),
        Action::Lock { tables, mode } => tables.iter().for_each(|name| lock(facts, name, *mode)),
        Action::Vacuum { tables, full, .. } => {
            each(facts, tables, if *full { "tb.vacuum_full" } else { "tb.vacuum" });
        }
        Action::Analyze { tables } => each(facts, tables, "tb.analyze"),
        Action::Cluster { table: Some(table) } => {
            let target = facts.expect(table);
            let indexes = facts.indexes(&target);
            facts.form("tb.cluster").on("target", &target).on_each("index", &indexes);
        }
        Action::Cluster { table: None } => form(facts, "tb.cluster_all"),
        Action::Reindex { kind, name, concurrently } => reindex(facts, (*kind, name.as_ref()), *concurrently),
        Action::Refresh { name, concurrently, with_data } => refresh(facts, name, (*concurrently, *with_data)),
        Action::Comment(comment) => self::comment(facts, comment),
        Action::Grant(grant) => self::grant(facts, grant),
        Action::AlterPolicy { table, .. } => {
            let target = facts.expect(table);
            facts.form("pl.alter").on("target", &target);
        }
        Action::AlterSequence { name, options, owned_by, if_exists } => {
            sequence(facts, (name, *if_exists), options, owned_by.as_ref());
        }
        Action::Setting(setting) => self::setting(facts, setting),
        Action::Other(other) => self::other(facts, other),
        _ => {}
    }
}

/// A form that touches no relation that is named.
fn form(facts: &mut Facts<'_>, id: &'static str) {
    facts.form(id);
}

fn each(facts: &mut Facts<'_>, tables: &[Name], id: &'static str) {
    form(facts, id);
    for name in tables {
        let target = facts.expect(name);
        facts.form(id).on("target", &target);
    }
}

fn truncate<'a>(facts: &mut Facts<'a>, tables: &[Name], (cascade, restart): (bool, bool)) {
    let mut open: Vec<Target<'a>> = tables.iter().map(|name| facts.expect(name)).collect();
    let mut seen: Vec<String> = Vec::new();
    while let Some(target) = open.pop() {
        if seen.contains(&target.shown) {
            continue;
        }
        seen.push(target.shown.clone());
        let indexes = facts.indexes(&target);
        let filled = facts.form("tb.truncate");
        if target.is_partitioned() {
            filled.locks("target", &target).locks_each("index", &indexes);
        } else {
            filled.on("target", &target).on_each("index", &indexes);
        }
        if restart {
            let sequences = facts.sequences(&target, None);
            facts.form_by_history("tb.truncate_restart_identity").on_each("sequence", &sequences);
        }
        open.extend(facts.children(&target));
        if let Some((name, _)) = target.known.filter(|_| cascade) {
            let referencing: Vec<&'a QualifiedName> = facts.catalog.referencing(name).map(|(table, _)| table).collect();
            open.extend(referencing.into_iter().map(|table| facts.target(table)));
        }
    }
}

/// `LOCK TABLE` of a view locks the tables below it as well.
fn lock(facts: &mut Facts<'_>, name: &Name, mode: LockMode) {
    let target = facts.expect(name);
    let below = query::below(facts, &target, true);
    for locked in std::iter::once(&target).chain(&below) {
        facts.lock(locked, mode);
    }
}

fn reindex(facts: &mut Facts<'_>, (kind, name): (Kind, Option<&Name>), concurrently: bool) {
    match (kind, name) {
        (Kind::Index, Some(name)) => {
            let index = facts.expect(name);
            let table = table_of(facts, &index);
            let id = if concurrently { "ix.reindex_index_concurrently" } else { "ix.reindex_index" };
            facts.form(id).on("index", &index).on_each("target", &table);
        }
        (Kind::Table, Some(name)) => reindex_table(facts, name, concurrently),
        (Kind::Schema, Some(name)) => {
            let inside = facts.catalog.relations.iter();
            let inside =
                inside.filter(|(relation, it)| relation.schema == name.name && it.is_table() && !it.is_partitioned());
            let tables: Vec<_> = inside.map(|(name, relation)| Target::of(name, relation)).collect();
            facts.form("ix.reindex_schema").on_each("target", &tables);
        }
        (Kind::System, _) => form(facts, "db.reindex_system"),
        _ => form(facts, "ix.reindex_database"),
    }
}

fn reindex_table(facts: &mut Facts<'_>, name: &Name, concurrently: bool) {
    let target = facts.expect(name);
    if target.is_partitioned() {
        let partitions = facts.children(&target);
        let filled = facts.form_by_history("ix.reindex_table_partitioned").on("target_partitioned", &target);
        filled.on_each("each_partition", &partitions);
        return;
    }
    let indexes = facts.indexes(&target);
    let id = if concurrently { "ix.reindex_table_concurrently" } else { "ix.reindex_table" };
    facts.form(id).on("target", &target).on_each("index", &indexes);
}

fn refresh(facts: &mut Facts<'_>, name: &Name, (concurrently, with_data): (bool, bool)) {
    let view = facts.expect(name);
    let indexes = facts.indexes(&view);
    let id = match (concurrently, with_data) {
        (true, _) => "mv.refresh_concurrently",
        (false, true) => "mv.refresh",
        (false, false) => "mv.refresh_no_data",
    };
    facts.form(id).on("matview", &view).on_each("index", &indexes);
    let Some(RelationKind::View(definition)) = view.relation().map(|relation| &relation.kind) else { return };
    if with_data {
        query::reads(facts, &definition.query, (id, "base_table"), query::Reading::Asked);
    }
}

fn comment(facts: &mut Facts<'_>, comment: &Comment) {
    let Some(object) = &comment.object else { return };
    let id = match (comment.kind, &comment.part) {
        (Kind::Column, _) => "tb.comment_column",
        (_, Some(_)) => "tb.comment_constraint",
        (Kind::Index, _) => {
            let index = facts.expect(object);
            facts.form("tb.comment_index").on("index", &index);
            return;
        }
        (kind, None) if super::is_relation(kind) => "tb.comment_table",
        _ => return form(facts, "fn.alter_owner"),
    };
    // The column may be one of a composite type, which no catalog entry of a relation is.
    if let Some(target) = facts.find(object) {
        facts.form(id).on("target", &target);
    }
}

fn grant(facts: &mut Facts<'_>, grant: &Grant) {
    let of_relations = super::is_relation(grant.kind) && !grant.all_in_schema;
    form(facts, if grant.revoke { "tb.revoke" } else { "tb.grant" });
    for name in grant.objects.iter().filter(|_| of_relations) {
        let target = facts.expect(name);
        facts.form("tb.grant").on("target", &target);
    }
}

fn sequence(
    facts: &mut Facts<'_>,
    (name, if_exists): (&Name, bool),
    options: &[String],
    owned_by: Option<&(Name, String)>,
) {
    if if_exists && facts.find(name).is_none() {
        return form(facts, "at.if_exists_missing_table");
    }
    let sequence = facts.expect(name);
    if let Some((table, _)) = owned_by {
        let owner = facts.expect(table);
        facts.form("sq.alter_owned_by").on("owning_table", &owner);
    }
    for option in options {
        let id = match option.as_str() {
            "owned by" => "sq.alter_owned_by",
            "owner to" | "set schema" | "set logged" | "set unlogged" => "sq.rename",
            _ => "sq.alter_restart",
        };
        facts.form(id).on("sequence", &sequence);
    }
}

fn setting(facts: &mut Facts<'_>, _: &Setting) {
    facts.form("db.set_local");
}

/// Commands that only their words tell apart, and the forms that fit them.
fn other(facts: &mut Facts<'_>, other: &OtherVerb) {
    let id = match other.words.as_str() {
        "CREATE DATABASE" => "db.create",
        "CREATE TABLESPACE" => "db.create_tablespace",
        "ALTER DATABASE SET TABLESPACE" => "db.alter_tablespace",
        "CREATE SUBSCRIPTION WITHOUT SLOT" | "CREATE SUBSCRIPTION WITHOUT SLOT NAME" => "sb.create_no_slot",
        "CREATE SUBSCRIPTION" => "db.create_subscription_slot",
        "ALTER SYSTEM" => "db.alter_system",
        "DISCARD ALL" => "db.discard_all",
        "REPACK" => "tb.repack",
        "CREATE PUBLICATION" => "pb.create_for_table",
        "ALTER PUBLICATION" => "pb.add_table",
        "SECURITY LABEL" => "at.security_label",
        "EXPLAIN" | "DECLARE" | "PREPARE" => "tb.create_like",
        _ => "db.listen",
    };
    let role = if id == "tb.create_like" { "source_table" } else { "target" };
    form(facts, id);
    for (kind, name) in &other.objects {
        if super::is_relation(*kind) {
            let target = facts.expect(name);
            facts.form(id).on(role, &target);
        }
    }
}
