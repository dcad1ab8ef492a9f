//! What happened: events while it happens, a report when it is over, a failure when it went wrong.
//!
//! Floor 8. Made by `connect` and `apply`, read by whoever shows it. Invariant: no secret ever enters; no type of a driver either.

mod event;
mod exit;
mod failure;
mod meaning;
mod setting;
mod state;

use std::time::Duration;

pub use event::{At, Event, Holder, Opened, Progress, Retry};
pub use exit::{EXITS, Exit, ExitRow};
pub use failure::{Failure, Place, ServerError};
#[cfg(feature = "postgres")]
pub(crate) use meaning::{Meaning, Phase, Said, may_succeed_again, meaning};
pub use setting::Setting;
pub use state::{Part, State};

use crate::migration::{Direction, Version};

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
