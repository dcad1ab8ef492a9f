//! What is written down before a statement that cannot run in a transaction, and the question that is asked afterwards
//! when nobody knows whether it took effect.
//!
//! Invariant: only what came to be after the statement was begun is ever taken for its own; and of indexes, only what is
//! the index that it asks for.
//!
//! For indexes the evidence is a JSON object that needs no statement to be read: an edited file is cleared by it, too.
//! Entries of older releases hold the list of indexes alone.

mod index;

use std::ops::Range;

use super::kind::Nature;
use super::table::{literal, quote};
use super::{Message, Purpose, message};
use crate::command::{Kind, Name};
use crate::plan::Batch;

/// An SQL expression for what is there before a statement begins.
pub(super) fn before(nature: &Nature) -> String {
    match nature {
        Nature::CreateIndex(index) => index::before(index),
        Nature::Reindex(kind, name) => index::before_rebuilding(*kind, name.as_ref()),
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
        (Nature::CreateIndex(_) | Nature::Reindex(..), Some(before)) => {
            let evidence = if before.starts_with('{') { literal(before) } else { index::older(nature, before) };
            Some(index::question(nature.word(), &evidence))
        }
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

/// The same question about a statement that was edited since, by what the journal has: the kind and the evidence.
#[must_use]
pub fn question_of_entry(kind: &str, evidence: Option<&str>) -> Option<String> {
    let evidence = evidence.filter(|evidence| evidence.starts_with('{'))?;
    let is_index = [index::CREATED, index::REBUILT].contains(&kind);
    is_index.then(|| index::question(kind, &literal(evidence)))
}

fn of_detach(parent: &str, partition: &str) -> String {
    format!(
        "SELECT CASE WHEN pg_catalog.count(*) = 0 THEN 'done' WHEN pg_catalog.bool_or(inhdetachpending) THEN 'finalize' \
         ELSE 'redo' END, NULL FROM pg_catalog.pg_inherits WHERE inhparent = {parent} AND inhrelid = {partition} \
         HAVING {parent} IS NOT NULL AND {partition} IS NOT NULL"
    )
}

/// What ends a detachment that was interrupted.
#[must_use]
pub fn finalize(nature: &Nature) -> Option<String> {
    let Nature::Detach { parent, partition } = nature else { return None };
    Some(format!("ALTER TABLE {} DETACH PARTITION {} FINALIZE", quoted(parent), quoted(partition)))
}

/// What fails when an index that a statement was to make is there and INVALID: `IF NOT EXISTS` takes it for done.
pub(super) fn validity(nature: &Nature, sqlstate: &str) -> Option<String> {
    let which = match nature {
        Nature::CreateIndex(index) => index::named_by(index)?,
        Nature::Reindex(Kind::Index, Some(index)) => format!("i.indexrelid = {}", regclass(index)),
        _ => return None,
    };
    Some(index::invalid(&which, sqlstate))
}

/// That no statement took an INVALID index for the one that it was to make.
pub(super) fn verification(batch: &Batch<'_>, statements: Range<usize>, sqlstate: &str) -> Option<Message<'static>> {
    let steps = batch.steps.get(statements.clone())?;
    let may = batch.statements[statements].iter().zip(steps).filter(|(_, step)| step.may_find_index);
    let texts = may.map(|(statement, _)| batch.sql(statement));
    Some(message(Purpose::Verify, index::unbuilt(texts, sqlstate)?))
}

/// The relation that a name means in the session, or NULL.
fn regclass(name: &Name) -> String {
    format!("pg_catalog.to_regclass({})", literal(&quoted(name)))
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
