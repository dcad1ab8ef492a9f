//! What goes over the wire for one direction of a migration, bookkeeping included, on a database at the version before.
//!
//! Invariant: the texts are those of [`flight`], byte for byte; a line break is all that a picture adds to them. A picture
//! names each message of the bookkeeping in one line, with what it says of this file: their text is the same for every
//! file, and one letter of it would change every picture.

use super::Material;
use crate::diagnostic::Diagnostic;
use crate::flight::{Nature, Pace, Purpose, flight, pace, units};
use crate::history::History;
use crate::migration::{Direction, Migration, Mode, Version};
use crate::plan::{Batch, Goal, Order, PlanError, plan};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What it is for: the statements and lines that it holds, or the versions that the bookkeeping names.
    pub what: String,
    /// Its text.
    pub sql: String,
    /// Whether it holds statements of the file.
    pub of_the_file: bool,
}

/// The messages of one direction, in order.
///
/// # Errors
/// Why there is no plan for it.
pub fn sent(material: &Material<'_>, migration: &Migration, direction: Direction) -> Result<Vec<Sent>, String> {
    let history = history(material, migration, direction);
    let batch = batch(material, &history, direction)?;
    let flight = flight(&batch, material.bookkeeping);
    let messages = flight.messages.iter().map(|message| {
        let of_the_file = matches!(message.purpose, Purpose::Statements { .. });
        Sent { what: what(&batch, message.purpose), sql: message.sql.clone().into_owned(), of_the_file }
    });
    Ok(messages.collect())
}

/// How the messages are sent, and what happens when one fails.
pub(super) struct Manner {
    pub(super) pace: Pace,
    /// For each statement outside a transaction, in what it runs and how it is told apart after a crash.
    pub(super) natures: Vec<(usize, Nature)>,
}

/// How one direction is sent; nothing where it cannot be planned.
pub(super) fn manner(material: &Material<'_>, migration: &Migration, direction: Direction) -> Option<Manner> {
    let history = history(material, migration, direction);
    let batch = batch(material, &history, direction).ok()?;
    let units = if batch.mode() == Mode::NoTransaction { units(&batch, 0) } else { Vec::new() };
    let natures = units.into_iter().map(|unit| (unit.statements.start, unit.nature)).collect();
    Some(Manner { pace: pace(&batch), natures })
}

fn what(batch: &Batch<'_>, purpose: Purpose) -> String {
    let number = |version: Option<Version>| version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    match (purpose, &batch.record) {
        (Purpose::Statements { first, count }, _) => numbered(batch, first, count),
        (Purpose::Guard, Some(record)) => {
            format!("guard newest={} highest={}", number(record.newest), number(record.highest))
        }
        (Purpose::Record, Some(_)) => {
            let does = if batch.direction == Direction::Up { "is applied" } else { "is not applied" };
            format!("record version {} {does}", batch.migration.version)
        }
        (purpose, _) => purpose.word().to_owned(),
    }
}

/// The text of a transcript: a line for each message, and below it what it holds of the file.
pub(super) fn text(messages: &[Sent]) -> String {
    let mut text = String::new();
    for Sent { what, sql, of_the_file } in messages {
        text.push_str(&format!("  {what}\n"));
        for line in sql.split('\n').filter(|_| *of_the_file) {
            text.push_str(if line.is_empty() { "" } else { "      " });
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn history(material: &Material<'_>, migration: &Migration, direction: Direction) -> History {
    let versions = material.set.migrations.iter().map(|other| other.version);
    let is_applied = |version: &Version| match direction {
        Direction::Up => *version < migration.version,
        Direction::Down => *version <= migration.version,
    };
    History::brought_to(versions.filter(is_applied), true)
}

fn batch<'a>(material: &Material<'a>, history: &'a History, direction: Direction) -> Result<Batch<'a>, String> {
    let goal = match direction {
        Direction::Up => Goal::UpByOne,
        Direction::Down => Goal::Down,
    };
    let plan = plan(Order::new(material.set, goal, material.environment), history).map_err(|error| why(&error))?;
    plan.batches.into_iter().next().ok_or_else(|| "nothing is planned".to_owned())
}

fn why(error: &PlanError) -> String {
    match error {
        PlanError::Statements(diagnostic) => one_line(diagnostic),
        error => error.to_string(),
    }
}

fn one_line(diagnostic: &Diagnostic) -> String {
    diagnostic.to_string()
}

fn numbered(batch: &Batch<'_>, first: usize, count: usize) -> String {
    let line = |index: usize| batch.statements.get(index).map_or(0, crate::migration::Statement::line);
    let last = first + count - 1;
    if count == 1 {
        return format!("statement {}, line {}", first + 1, line(first));
    }
    format!("statements {} to {}, lines {} to {}", first + 1, last + 1, line(first), line(last))
}
