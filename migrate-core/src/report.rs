//! What happened: events while it happens, a report when it is over, a failure when it went wrong.
//!
//! Floor 8. Made by `apply`, read by whoever shows it. Invariant: no secret ever enters; no type of a driver either.

mod exit;
mod failure;

use std::time::Duration;

pub use exit::{EXITS, Exit, ExitRow};
pub use failure::{Failure, Place, ServerError, UNTOUCHED};

use crate::migration::{Direction, Version};
use crate::plan::Warning;

/// Something worth a line while a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The plan is made; so many files will run.
    Planned {
        /// How many.
        files: usize,
    },
    /// A warning of the plan.
    Warned(Warning),
    /// The tables of the bookkeeping were created.
    Prepared,
    /// A file starts.
    Started(Ran),
    /// A file is done and recorded.
    Finished(Ran, Duration),
    /// Somebody else holds the lock; who, as far as the server tells.
    Waiting {
        /// A sentence about the holder.
        holder: String,
    },
    /// The server sent a notice.
    Notice {
        /// `NOTICE`, `WARNING`, `INFO` …
        severity: String,
        /// Its text.
        message: String,
    },
}

/// One file that ran in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The version.
    pub version: Version,
    /// The file name.
    pub file: String,
    /// Which section.
    pub direction: Direction,
    /// How many statements it holds.
    pub statements: usize,
}

/// The sum of a command that changed the database, or found nothing to change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What ran, in order, with its duration as this program saw it.
    pub ran: Vec<(Ran, Duration)>,
    /// goose's current version afterwards.
    pub current: i64,
}
