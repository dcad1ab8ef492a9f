//! Carrying a plan out on a real server, exactly once.
//!
//! Floor 10; only this one and `connect` below it wait, and know a driver. Invariant: it can do nothing but a plan; what is
//! sent are the messages of `flight`, and whether they may run is decided by their guard on the server, under the lock.
//!
//! # When a flight does not land
//!
//! | what happened | what `apply/goal.rs` does |
//! |---|---|
//! | lock busy | polls a try-lock that fails nothing, tells the holder, then plans anew |
//! | history moved | plans anew |
//! | 55P03, 40P01, 40001, rolled back | tries the same file again after 1 to 30 s, within the budget |
//! | the connection broke | opens a new one, on a primary; files whose COMMIT was sent are looked up under the lock (`apply/recovery.rs`), or by `txid_status` while it is taken |
//! | a pooler had no backend to give | asks again for as long as a server is waited for |
//! | anything else | fails; whether something stays is told by what the server finished, and by a setting that outlives its transaction only if that was committed (`apply/staying.rs`) |
//! | asked to end | cancels, and says what was rolled back or written down |

mod by_hand;
mod choice;
mod convoy;
mod cut;
mod database;
mod doubt;
mod examination;
mod failure;
mod flushing;
mod goal;
mod log;
mod lookout;
mod patience;
mod pooler;
mod privileges;
mod progress;
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
    InvalidIndex, JournalLine, drop_invalid_index, droppable, invalid_indexes, journal, lock_holder, terminate,
};
pub use choice::{Choice, choose, foresee};
pub use database::{Database, glance, read};
pub use examination::{Examination, Hazard, examine};
pub use pooler::Pooling;
pub use privileges::Privilege;
pub use session::{Connect, Connecting, Session};
pub use sizes::{Size, Strongest, Touch, strongest_locks, touches, weigh};
pub use stop::{Cause, Stop, StopSwitch};

use crate::flight::{self, Bookkeeping, Durability, Flight, TableName, Tables, Terms, Window};
use crate::plan::{Goal, Order, Plan, Versioning};
use crate::report::{Event, Failure, Report};

/// A change of a database: what is asked for, where, and how patiently.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// What is asked for.
    pub order: Order<'a>,
    /// The version table.
    pub table: TableName,
    /// What tells this run apart from others, in the bookkeeping and in the log.
    pub run: String,
    /// How long it waits, and for what.
    pub policy: Policy,
}

/// How long a run waits for others, how much it has under way, and on which terms each migration runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// For another runner's lock.
    pub lock_wait: Duration,
    /// For the application's locks: a migration that did not get them is rolled back and tried again.
    pub lock_retry: Duration,
    /// How many migrations may be on the wire at once; 1 sends one after the other.
    pub flights: usize,
    /// Which of their commits wait for the disk.
    pub durability: Durability,
    /// How long each migration may wait, and as whom it runs.
    pub terms: Terms,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_mins(10),
            lock_retry: Duration::from_mins(5),
            flights: 24,
            durability: Durability::default(),
            terms: Terms::default(),
        }
    }
}

impl<'a> Request<'a> {
    /// A request with goose's table and the usual policy.
    #[must_use]
    pub fn new(order: Order<'a>) -> Self {
        Self { order, table: TableName::default(), run: String::new(), policy: Policy::default() }
    }

    /// How many of its flights may be on the wire at once. Redo goes back and forth, and without versioning no guard would
    /// stop what is behind a failure.
    #[must_use]
    pub const fn window(&self) -> Window {
        let order = &self.order;
        if matches!(order.goal, Goal::Redo)
            || matches!(order.versioning, Versioning::Ignored)
            || self.policy.flights < 2
        {
            return Window::ONE;
        }
        Window { flights: self.policy.flights, durability: self.policy.durability, prepares: false }
    }

    /// What is sent for each batch of a plan for this database.
    #[must_use]
    pub fn flights<'p>(&self, plan: &'p Plan<'p>, database: &Database) -> Vec<Flight<'p>> {
        let bookkeeping = self.bookkeeping(database.tables.clone());
        if self.order.single_transaction {
            return flight::parts_of_one(&plan.batches, &bookkeeping);
        }
        let window = Window { prepares: database.is_direct, ..self.window() };
        flight::flights(&plan.batches, &bookkeeping, window).collect()
    }

    /// What its flights write beside the versions.
    #[must_use]
    pub fn bookkeeping(&self, tables: Tables) -> Bookkeeping {
        let release = self.order.set.release.clone().into_owned();
        Bookkeeping { tables, release, run: self.run.clone(), terms: self.policy.terms.clone() }
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

    /// Why a run that was asked to end does.
    fn stopped(&self, doing: &str) -> Failure {
        stopped(self.stop.cause().unwrap_or(Cause::Signal), doing)
    }
}

/// Why a run that was asked to end did so before it had begun anything.
#[must_use]
pub fn stopped(cause: Cause, doing: &str) -> Failure {
    failure::stopped(cause, doing, &[])
}

/// Plans and runs a request until its goal is reached; `observe` sees every event as it happens.
///
/// When another runner changed the history in between, a new plan is made from the new history. When the connection
/// breaks, a new one is opened and asked what became of what was under way.
///
/// # Errors
/// The failure names the state the database is in; what was done before it is in its report.
pub async fn apply(
    session: &mut Session,
    request: &Request<'_>,
    means: &Means<'_>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Failure> {
    run::Run::new(session, request, means, observe).reach_its_goal().await
}

/// The same for whoever has something else to do before there is a request, and could look at the database meanwhile: the
/// first plan is made from what [`glance`] has seen.
///
/// # Errors
/// As for [`apply`].
pub async fn apply_seen(
    seen: Option<Database>,
    session: &mut Session,
    request: &Request<'_>,
    means: &Means<'_>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Failure> {
    let run = run::Run::new(session, request, means, observe);
    run::Run { seen: seen.map(Box::new), ..run }.reach_its_goal().await
}

/// What became of a plan that somebody had seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// All of it was carried out.
    Landed(Report),
    /// The history is not the one that it was made from, so what is left of it is not carried out: it would be another
    /// plan. What was done before that is in the report.
    Moved(Report),
}

/// Carries out this plan and no other: for whoever shows a plan, asks, and then does what was shown.
///
/// `plan` was made from `request.order` and the history that [`read`] gave. Whether that is still the history is decided on
/// the server, by the guard of each migration, under the lock.
///
/// # Errors
/// As [`apply`].
pub async fn apply_shown(
    session: &mut Session,
    (request, plan): (&Request<'_>, &Plan<'_>),
    means: &Means<'_>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Shown, Failure> {
    run::Run::new(session, request, means, observe).carry_out_shown(plan).await
}
