//! What has to exist before anything is recorded.

use super::Batch;
use crate::history::{Existing, History, SideTable, Sides};
use crate::migration::Mode;

/// Tables and rows that goose would create before it records anything (goose/spec.md 4.1, 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preparation {
    /// What exists already.
    pub existing: Existing,
    /// Whether the row of version 0 is to be inserted.
    pub seed: bool,
    /// Which of our tables will be written.
    pub written: Sides<bool>,
}

impl Preparation {
    /// The tables of ours that will be written.
    pub(crate) fn written_sides(self) -> impl Iterator<Item = SideTable> + use<> {
        let written = self.written;
        SideTable::ALL.into_iter().filter(move |side| written.of(*side))
    }
}

/// What is missing before these files can be recorded; nothing when all of it is there.
pub(super) fn of(history: &History, batches: &[Batch<'_>], ledger: bool) -> Option<Preparation> {
    let seed = history.rows.is_empty();
    let without_transaction = batches.iter().any(|batch| batch.mode() == Mode::NoTransaction);
    let written = Sides::each(|side| side.is_written(ledger, without_transaction));
    let preparation = Preparation { existing: history.tables, seed, written };
    let is_whole = preparation.written_sides().all(|side| history.tables.is_whole(side));
    (seed || !history.tables.version || !is_whole).then_some(preparation)
}
