//! Carrying a plan out on a real server, exactly once.
//!
//! Floor 10; only this one and `connect` below it wait, and know a driver. Invariant: it can do nothing but a plan; what is
//! sent are the messages of `flight`, and whether they may run is decided by their guard on the server, under the lock.

mod by_hand;
mod convoy;
mod database;
mod doubt;
mod examination;
mod failure;
mod log;
mod lookout;
mod pooler;
mod privileges;
mod recovery;
mod run;
mod session;
mod sizes;
mod staying;
mod stop;
mod stored;
mod waiting;
mod walking;
mod watch;

use std::time::Duration;

pub use by_hand::{
    InvalidIndex, JournalLine, Resolution, baseline, drop_invalid_index, invalid_indexes, journal, lock_holder,
    resolve, terminate,
};
pub use database::{Database, read};
pub use examination::{Examination, Hazard, Pooling, examine};
pub use privileges::Privilege;
pub use session::{Connect, Connecting, Session};
pub use sizes::{Size, Touch, touches, weigh};
pub use stop::{Cause, Stop, StopSwitch};

use crate::flight::{Bookkeeping, TableName, Tables, Terms};
use crate::history::History;
use crate::migration::Set;
use crate::parse::Environment;
use crate::plan::{Goal, OutOfOrder, OwnTransactions, Request, Versioning};
use crate::report::{Event, Failure, Report};

/// A command that changes a database.
#[derive(Debug, Clone)]
pub struct Command<'a> {
    /// The migrations there are.
    pub set: &'a Set,
    /// The version table.
    pub table: TableName,
    /// Where the database is to be.
    pub goal: Goal,
    /// Whether late versions may be applied.
    pub out_of_order: OutOfOrder,
    /// Whether the version table takes part.
    pub versioning: Versioning,
    /// Whether a file may end its transaction itself.
    pub own_transactions: OwnTransactions,
    /// Whether all files run in one transaction: all of them, or none.
    pub single_transaction: bool,
    /// Whether versions without a file are undone with what the ledger keeps of them.
    pub stored_downs: bool,
    /// Values of variables in ENVSUB files.
    pub environment: &'a Environment,
    /// What tells this run apart from others, in the bookkeeping and in the log.
    pub run: String,
    /// How long each migration may wait, and as whom it runs.
    pub terms: Terms,
    /// How long the run waits for others.
    pub limits: Limits,
}

/// How long a run waits for others, and how much it has under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For another runner's lock.
    pub lock_wait: Duration,
    /// For the application's locks: a migration that did not get them is rolled back and tried again.
    pub lock_retry: Duration,
    /// How many migrations may be on the wire at once; 1 sends one after the other.
    pub flights: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lock_wait: Duration::from_mins(10), lock_retry: Duration::from_mins(5), flights: 24 }
    }
}

impl<'c> Command<'c> {
    /// A command with the usual table, terms and limits.
    #[must_use]
    pub fn new(set: &'c Set, goal: Goal, environment: &'c Environment) -> Self {
        Self {
            set,
            table: TableName::default(),
            goal,
            out_of_order: OutOfOrder::Refused,
            versioning: Versioning::Recorded,
            own_transactions: OwnTransactions::Refused,
            single_transaction: false,
            stored_downs: false,
            environment,
            run: String::new(),
            terms: Terms::default(),
            limits: Limits::default(),
        }
    }

    /// The request for a plan on a history.
    #[must_use]
    pub fn request<'a>(&'a self, history: &'a History) -> Request<'a> {
        Request {
            set: self.set,
            history,
            goal: self.goal,
            out_of_order: self.out_of_order,
            versioning: self.versioning,
            own_transactions: self.own_transactions,
            environment: self.environment,
        }
    }

    /// What its flights write beside the versions.
    #[must_use]
    pub fn bookkeeping(&self, tables: Tables) -> Bookkeeping {
        let release = self.set.release.clone().into_owned();
        Bookkeeping { tables, release, run: self.run.clone(), terms: self.terms.clone() }
    }
}

/// What a run can turn to: further sessions with the same database, and whether it is asked to end.
#[derive(Clone)]
pub struct Means<'a> {
    /// Opens further sessions; nothing where the one it has is the only one there can be.
    pub connect: Option<&'a dyn Connect>,
    /// Whether the run is asked to end.
    pub stop: Stop,
}

impl Means<'_> {
    /// One session, and nobody who ends it early.
    #[must_use]
    pub const fn alone() -> Self {
        Self { connect: None, stop: Stop::never() }
    }
}

/// Why a run that was asked to end did so before it had begun anything.
#[must_use]
pub fn stopped(cause: Cause, doing: &str) -> Failure {
    failure::stopped(cause, doing, &[])
}

/// Plans and runs a command until its goal is reached; `observe` sees every event as it happens.
///
/// When another runner changed the history in between, a new plan is made from the new history. When the connection
/// breaks, a new one is opened and asked what became of what was under way.
///
/// # Errors
/// The failure names the state the database is in; what was done before it is in its report.
pub async fn apply(
    session: &mut Session,
    command: &Command<'_>,
    means: &Means<'_>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Failure> {
    run::Run::new(session, command, means, observe).reach_its_goal().await
}
