//! What is written down before a statement that cannot run in a transaction, and the question that is asked afterwards
//! when nobody knows whether it took effect.
//!
//! Invariant: only what came to be after the statement was begun is ever taken for its own.

use super::kind::Nature;
use super::table::{literal, quote};
use crate::command::{Kind, Name};

/// An SQL expression for what is there before a statement begins.
pub(super) fn before(nature: &Nature) -> String {
    let indexes = |table: &str| {
        format!(
            "(SELECT coalesce(pg_catalog.string_agg(indexrelid::text, ','), '') FROM pg_catalog.pg_index \
             WHERE indrelid IN ({table}))"
        )
    };
    match nature {
        Nature::CreateIndex { table, .. } => indexes(&regclass(table)),
        Nature::Reindex(kind, name) => indexes(&tables_of(*kind, name)),
        Nature::DropIndex(index) => format!("({} IS NOT NULL)::text", regclass(index)),
        Nature::Cluster(kind, name, _) => format!("({})::text", exists(*kind, name)),
        _ => "NULL".to_owned(),
    }
}

/// The question whether a statement that was begun took effect. Its rows: a verdict, and the index that is to be dropped
/// before the statement is done again. Nothing when no question can tell.
#[must_use]
pub fn question(nature: &Nature, evidence: Option<&str>) -> Option<String> {
    match (nature, evidence) {
        (Nature::CreateIndex { index, table }, Some(before)) => {
            Some(of_new_index(index.as_ref(), &regclass(table), before))
        }
        (Nature::Reindex(kind, name), Some(before)) => Some(of_leftovers(&tables_of(*kind, name), before)),
        (Nature::DropIndex(index), Some("true")) => {
            Some(format!("SELECT CASE WHEN {} IS NULL THEN 'done' ELSE 'redo' END, NULL", regclass(index)))
        }
        (Nature::Cluster(kind, name, created), Some(before)) => {
            let (there, was) = (exists(*kind, name), if *created { "false" } else { "true" });
            let changed = if *created { there } else { format!("NOT ({there})") };
            Some(format!(
                "SELECT CASE WHEN {} = '{was}' AND {changed} THEN 'done' ELSE 'redo' END, NULL",
                literal(before)
            ))
        }
        (Nature::Detach { parent, partition }, _) => Some(of_detach(&regclass(parent), &regclass(partition))),
        (Nature::DropIndex(_), Some(_)) | (Nature::Repeatable, _) => Some("SELECT 'redo', NULL".to_owned()),
        _ => None,
    }
}

/// An index that was not there before: valid, it is what the statement made; invalid, it is what it left behind.
fn of_new_index(index: Option<&Name>, table: &str, before: &str) -> String {
    let named = index.map(|index| format!(" AND c.relname = {}", literal(&index.name))).unwrap_or_default();
    format!(
        "SELECT CASE pg_catalog.count(*) WHEN 0 THEN 'redo' WHEN 1 THEN \
         CASE WHEN pg_catalog.bool_and(i.indisvalid AND i.indisready) THEN 'done' ELSE 'drop' END ELSE 'doubt' END, \
         pg_catalog.min(pg_catalog.format('%I.%I', n.nspname, c.relname)) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE i.indrelid = {table}{named} AND {}",
        new_since(before)
    )
}

/// The transient indexes that REINDEX CONCURRENTLY leaves when it is interrupted (PostgreSQL manual, "REINDEX").
fn of_leftovers(tables: &str, before: &str) -> String {
    format!(
        "SELECT 'drop', pg_catalog.format('%I.%I', n.nspname, c.relname) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid IN ({tables}) AND NOT i.indisvalid \
         AND (c.relname ~ '_ccnew[0-9]*$' AND {} OR c.relname ~ '_ccold[0-9]*$')",
        new_since(before)
    )
}

fn of_detach(parent: &str, partition: &str) -> String {
    format!(
        "SELECT CASE WHEN pg_catalog.count(*) = 0 THEN 'done' WHEN pg_catalog.bool_or(inhdetachpending) THEN 'finalize' \
         ELSE 'redo' END, NULL FROM pg_catalog.pg_inherits WHERE inhparent = {parent} AND inhrelid = {partition} \
         HAVING {parent} IS NOT NULL AND {partition} IS NOT NULL"
    )
}

fn new_since(before: &str) -> String {
    format!("i.indexrelid <> ALL (pg_catalog.string_to_array({}, ',')::oid[])", literal(before))
}

/// What ends a detachment that was interrupted.
#[must_use]
pub fn finalize(nature: &Nature) -> Option<String> {
    let Nature::Detach { parent, partition } = nature else { return None };
    Some(format!("ALTER TABLE {} DETACH PARTITION {} FINALIZE", quoted(parent), quoted(partition)))
}

/// What fails when an index that a statement was to make is there and INVALID: `IF NOT EXISTS` takes it for done.
pub(super) fn validity(nature: &Nature, sqlstate: &str) -> Option<String> {
    let (table, named) = match nature {
        Nature::CreateIndex { index: Some(index), table } => {
            (regclass(table), format!(" AND c.relname = {}", literal(&index.name)))
        }
        Nature::Reindex(Kind::Index, index) => {
            (table_of(Kind::Index, index), format!(" AND i.indexrelid = {}", regclass(index)))
        }
        _ => return None,
    };
    Some(format!(
        "DO $migrate$ DECLARE bad text; BEGIN\n  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) INTO bad\n  \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid\n  \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n  \
         WHERE i.indrelid = {table}{named} AND NOT (i.indisvalid AND i.indisready);\n  \
         IF FOUND THEN RAISE EXCEPTION 'the index % is INVALID, and the statement left it so', bad \
         USING ERRCODE = '{sqlstate}'; END IF;\nEND $migrate$"
    ))
}

/// The relation that a name means in the session, or NULL.
fn regclass(name: &Name) -> String {
    format!("pg_catalog.to_regclass({})", literal(&quoted(name)))
}

/// The table of an index, or the table itself.
fn table_of(kind: Kind, name: &Name) -> String {
    match kind {
        Kind::Index => {
            format!("(SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = {})", regclass(name))
        }
        _ => regclass(name),
    }
}

/// The tables whose indexes are built anew: that of a TOAST table goes with its table.
fn tables_of(kind: Kind, name: &Name) -> String {
    let table = table_of(kind, name);
    match kind {
        Kind::Index => table,
        _ => format!("{table}, (SELECT reltoastrelid FROM pg_catalog.pg_class WHERE oid = {table})"),
    }
}

fn exists(kind: Kind, name: &Name) -> String {
    let (catalog, column) = match kind {
        Kind::Database => ("pg_database", "datname"),
        Kind::Tablespace => ("pg_tablespace", "spcname"),
        _ => ("pg_subscription", "subname"),
    };
    format!("EXISTS (SELECT FROM pg_catalog.{catalog} WHERE {column} = {})", literal(&name.name))
}

fn quoted(name: &Name) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(&name.name)),
        None => quote(&name.name),
    }
}
