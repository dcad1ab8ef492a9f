//! What a caller can set to get another outcome, by what it is: each surface has its own name for it.

use crate::migration::Version;

/// What a caller can set, or decide, to get another outcome than a failure.
///
/// A command line has options for them, a program the fields that [`Setting::field`] names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// The name of the version table.
    Table,
    /// Without the ledger: for a role that may make no table.
    WithoutLedger,
    /// How long another runner is waited for.
    LockWait,
    /// How long a migration is tried again that did not get its locks.
    LockRetry,
    /// When all of it ends.
    Deadline,
    /// One transaction for all files.
    SingleTransaction,
    /// That late versions are applied.
    Late,
    /// That a file may end its transaction itself, as for goose.
    OwnTransactions,
    /// What is to count of a file that nobody can tell the state of.
    Resolve {
        /// The version.
        version: Version,
        /// The statement in doubt, counted from 1.
        in_doubt: usize,
        /// The statement behind it, or behind those that were sent with it.
        behind: usize,
    },
}

impl Setting {
    /// Where a program sets it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Table => "apply::Request::table",
            Self::WithoutLedger => "plan::Versioning::WithoutLedger",
            Self::LockWait => "apply::Policy::lock_wait",
            Self::LockRetry => "apply::Policy::lock_retry",
            Self::Deadline => "apply::Means::stop",
            Self::SingleTransaction => "plan::Order::single_transaction",
            Self::Late => "plan::OutOfOrder::Allowed",
            Self::OwnTransactions => "plan::OwnTransactions::Allowed",
            Self::Resolve { .. } => "apply::choose",
        }
    }
}
