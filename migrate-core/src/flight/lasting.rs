//! Which commits wait for the disk, and what makes those last that did not.
//!
//! With `synchronous_commit = off` a commit is answered before its log is on the disk. What a crash of the server may then
//! lose is a number of the last transactions, each of them whole: "the database state will be just the same as if those
//! transactions had been aborted cleanly" (PostgreSQL, Asynchronous Commit). And the log is written in order: one commit
//! that waits makes all of them last that came before it. So of the migrations that are on the wire together the last one
//! of a group waits for all. Invariant, kept by `apply`: a migration whose commit did not wait is told to nobody before a
//! later one did; where a role may not even ask for that, it is told with the migration.
//!
//! `SET LOCAL synchronous_commit` in a file holds, unless the file is one whose session is made what it was before COMMIT.

use super::prepared::Series;
use super::{Bookkeeping, Flight, HYGIENE, Pace, Purpose, flight, pace, together};
use crate::plan::Batch;

/// Which commits of a run wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The last one of each group that is on the wire together.
    #[default]
    Group,
    /// Each of them.
    Each,
}

/// What is on the wire together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many flights may be without an answer; they start in groups of half as many.
    pub flights: usize,
    /// Which of them wait for the disk.
    pub durability: Durability,
    /// Whether guards and records may be prepared statements: the session has a backend of its own.
    pub prepares: bool,
}

impl Window {
    /// One flight after the other.
    pub const ONE: Self = Self { flights: 1, durability: Durability::Each, prepares: false };

    /// How many of these batches may be on the wire together, from the first one on: the guard of each relies on the
    /// version before it.
    #[must_use]
    pub fn takes(self, batches: &[Batch<'_>]) -> usize {
        if self.flights < 2 {
            return batches.len().min(1);
        }
        let pipelined = batches.iter().take_while(|batch| pace(batch) == Pace::Pipelined).count();
        pipelined.max(batches.len().min(1))
    }

    /// Whether the commit of one of so many flights waits for the disk.
    #[must_use]
    pub const fn waits(self, index: usize, count: usize) -> bool {
        let group = if self.flights < 2 { 1 } else { self.flights / 2 };
        matches!(self.durability, Durability::Each) || (index + 1).is_multiple_of(group) || index + 1 == count
    }
}

/// The flights of batches that are on the wire together, and whether the commit of each waits for the disk.
pub fn convoy<'a>(
    batches: &'a [Batch<'a>],
    bookkeeping: &Bookkeeping,
    window: Window,
) -> impl Iterator<Item = (Flight<'a>, bool)> {
    let mut prepared = Series::default();
    batches.iter().enumerate().map(move |(index, batch)| {
        let behind = batches.len() - index - 1;
        let flight =
            if window.prepares { prepared.flight(batch, behind, bookkeeping) } else { flight(batch, bookkeeping) };
        if window.waits(index, batches.len()) { (flight, true) } else { (without_waiting(flight), false) }
    })
}

/// All flights of a plan, as a run sends them.
pub fn flights<'a>(
    batches: &'a [Batch<'a>],
    bookkeeping: &Bookkeeping,
    window: Window,
) -> impl Iterator<Item = Flight<'a>> {
    let mut rest = batches;
    let together = std::iter::from_fn(move || {
        let (now, later) = rest.split_at(window.takes(rest));
        rest = later;
        (!now.is_empty()).then_some(now)
    });
    together.flat_map(move |batches| convoy(batches, bookkeeping, window)).map(|(flight, _)| flight)
}

/// The flight of batches that share a transaction, as what is sent for each of them.
#[must_use]
pub fn parts_of_one<'a>(batches: &'a [Batch<'a>], bookkeeping: &Bookkeeping) -> Vec<Flight<'a>> {
    if batches.is_empty() {
        return Vec::new();
    }
    let (Flight { pace, mut messages }, firsts) = together(batches, bookkeeping);
    let mut parts: Vec<Flight<'a>> =
        firsts.into_iter().rev().map(|first| Flight { pace, messages: messages.split_off(first) }).collect();
    parts.reverse();
    parts
}

fn without_waiting(mut flight: Flight<'_>) -> Flight<'_> {
    for message in &mut flight.messages {
        match message.purpose {
            Purpose::Begin => message.sql.to_mut().push_str("; SET LOCAL synchronous_commit = off"),
            // It has reset what BEGIN said.
            Purpose::Hygiene if message.sql == HYGIENE => {
                message.sql.to_mut().push_str(", pg_catalog.set_config('synchronous_commit', 'off', true)");
            }
            _ => {}
        }
    }
    flight
}

/// Makes everything last that was committed before it. A commit waits for the disk where it has written to the log, so
/// this writes a few bytes, which a subscriber of logical replication may see. A block, because a pooler that spreads
/// queries over replicas sends those to the primary.
pub const FLUSH: &str =
    "DO $migrate$ BEGIN PERFORM pg_catalog.pg_logical_emit_message(true, 'migrate', ''); END $migrate$";

/// The same for a role that may not call that function: a transaction that takes a table away again waits for the disk,
/// whatever its settings.
pub const FLUSH_BY_A_TABLE: &str = "CREATE TEMPORARY TABLE migrate_flush () ON COMMIT DROP";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_flight_of_each_group_waits_and_the_last_one_of_all() {
        let waiting = |flights, durability, count: usize| {
            let window = Window { flights, durability, prepares: false };
            (0..count).filter(|index| window.waits(*index, count)).collect::<Vec<_>>()
        };
        assert_eq!(waiting(8, Durability::Group, 10), [3, 7, 9]);
        assert_eq!(waiting(8, Durability::Group, 1), [0]);
        for flights in [1, 2, 3] {
            assert_eq!(waiting(flights, Durability::Group, 3), [0, 1, 2]);
        }
        assert_eq!(waiting(8, Durability::Each, 3), [0, 1, 2]);
    }
}
