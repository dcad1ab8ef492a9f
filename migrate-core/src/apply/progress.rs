//! How far a file without a transaction has come.

use crate::flight::Bookkeeping;
use crate::plan::Batch;

/// The file that is walked.
pub(super) struct Walk<'w, 'p> {
    pub(super) batch: &'p Batch<'p>,
    pub(super) bookkeeping: &'w Bookkeeping,
    /// How many of its statements are done.
    pub(super) done: usize,
}
