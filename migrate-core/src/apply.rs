//! Carrying a plan out on a real server, exactly once.
//!
//! Floor 9, the only async one and the only one that knows a driver. Invariant: it can do nothing but a plan; what is
//! sent are the messages of `flight`, and whether they may run is decided by their guard on the server, under the lock.

mod database;
mod failure;
mod sending;
mod session;
mod waiting;

use std::time::{Duration, Instant};

pub use database::{Database, read};
pub use session::Session;

use self::sending::Outcome;
use self::waiting::Patience;
use crate::flight::{Bookkeeping, Flight, Refusal, TableName, flight, prepare};
use crate::history::History;
use crate::migration::{Direction, Set, Version};
use crate::parse::Environment;
use crate::plan::{Batch, Goal, OutOfOrder, Plan, Request, Versioning, Warning, plan};
use crate::report::{Event, Failure, Ran, Report, UNTOUCHED};

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
    /// Values of variables in ENVSUB files.
    pub environment: &'a Environment,
    /// How long to wait for another runner's lock.
    pub lock_wait: Duration,
}

impl Command<'_> {
    /// The request for a plan on a history.
    #[must_use]
    pub fn request<'a>(&'a self, history: &'a History) -> Request<'a> {
        Request {
            set: self.set,
            history,
            goal: self.goal,
            out_of_order: self.out_of_order,
            versioning: self.versioning,
            environment: self.environment,
        }
    }
}

/// Plans and runs a command until its goal is reached; `observe` sees every event as it happens.
///
/// When another runner changed the history in between, a new plan is made from the new history.
///
/// # Errors
/// The failure names the state the database is in; what was done before it is in its report.
pub async fn apply(
    session: &mut Session,
    command: &Command<'_>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Failure> {
    let mut run = Run {
        session,
        command,
        observe,
        report: Report::default(),
        patience: Patience::new(command.lock_wait),
        last_read: None,
        warned: Vec::new(),
        planned: None,
        started: None,
    };
    loop {
        let database =
            read(run.session, &command.table, command.versioning).await.map_err(|failure| run.with_report(failure))?;
        run.notice_history(&database.history);
        let plan = plan(command.request(&database.history)).map_err(|error| run.with_report(Failure::from(&error)))?;
        if run.carry_out(&plan, &database).await? {
            return Ok(run.report);
        }
    }
}

struct Run<'r, 'c> {
    session: &'r mut Session,
    command: &'r Command<'c>,
    observe: &'r mut (dyn FnMut(Event) + Send),
    report: Report,
    patience: Patience,
    last_read: Option<History>,
    /// What was told already: a new plan after a wait tells only what is new.
    warned: Vec<Warning>,
    planned: Option<usize>,
    started: Option<Ran>,
}

/// How a flight left things.
enum Flown {
    /// Applied and recorded.
    Landed,
    /// Another runner held the lock; a moment was waited.
    Waited,
    /// The history was not the planned one.
    Moved,
}

impl Run<'_, '_> {
    /// A history that changed since the last plan is progress, by whoever made it.
    fn notice_history(&mut self, history: &History) {
        self.report.current = history.current().0;
        if self.last_read.as_ref() != Some(history) {
            self.patience.forget_moves();
        }
        self.last_read = Some(history.clone());
    }

    /// Runs a plan; false when the history moved and a new plan is needed.
    async fn carry_out(&mut self, plan: &Plan<'_>, database: &Database) -> Result<bool, Failure> {
        let bookkeeping =
            Bookkeeping { tables: database.tables.clone(), release: self.command.set.release.clone().into_owned() };
        if self.planned.replace(plan.batches.len()) != Some(plan.batches.len()) {
            (self.observe)(Event::Planned { files: plan.batches.len() });
        }
        for warning in &plan.warnings {
            if !self.warned.contains(warning) {
                (self.observe)(Event::Warned(warning.clone()));
                self.warned.push(warning.clone());
            }
        }
        if let Some(preparation) = plan.preparation {
            let flight = prepare(preparation, &bookkeeping.tables);
            if !matches!(self.fly(&flight, None).await?, Flown::Landed) {
                return Ok(false);
            }
            (self.observe)(Event::Prepared);
        }
        let mut history = database.history.clone();
        for (index, batch) in plan.batches.iter().enumerate() {
            if !self.run_batch(batch, &bookkeeping, index > 0).await? {
                return Ok(false);
            }
            match batch.direction {
                Direction::Up => history.record(batch.migration.version),
                Direction::Down => history.forget(batch.migration.version),
            }
            self.report.current = history.current().0;
        }
        Ok(true)
    }

    async fn run_batch(&mut self, batch: &Batch<'_>, bookkeeping: &Bookkeeping, later: bool) -> Result<bool, Failure> {
        let ran = Ran {
            version: batch.migration.version,
            file: batch.migration.file.clone().into_owned(),
            direction: batch.direction,
            statements: batch.statements.len(),
        };
        if self.started.as_ref() != Some(&ran) {
            (self.observe)(Event::Started(ran.clone()));
            self.started = Some(ran.clone());
        }
        let flight = flight(batch, bookkeeping);
        let start = Instant::now();
        // Redo has a second half that no new plan would contain, and a plan without versioning would start anew: both
        // wait for the lock on the spot.
        let half_done = later && (self.command.goal == Goal::Redo || self.command.versioning == Versioning::Ignored);
        loop {
            match self.fly(&flight, Some(batch)).await? {
                Flown::Landed => break,
                Flown::Waited if half_done => {}
                Flown::Moved if half_done => return Err(self.with_report(failure::half_redone(batch))),
                Flown::Waited | Flown::Moved => return Ok(false),
            }
        }
        let duration = start.elapsed();
        (self.observe)(Event::Finished(ran.clone(), duration));
        self.report.ran.push((ran, duration));
        self.started = None;
        Ok(true)
    }

    /// Sends a flight. When its guard refuses, nothing of it has run.
    async fn fly(&mut self, flight: &Flight<'_>, batch: Option<&Batch<'_>>) -> Result<Flown, Failure> {
        let outcome = sending::send(self.session, flight).await;
        for notice in self.session.notices() {
            (self.observe)(notice);
        }
        match outcome {
            Outcome::Done => {
                self.patience.restore();
                Ok(Flown::Landed)
            }
            Outcome::Refused(Refusal::Busy) => {
                self.wait().await?;
                Ok(Flown::Waited)
            }
            Outcome::Refused(Refusal::Moved) => {
                if self.patience.spend_on_a_move() {
                    return Ok(Flown::Moved);
                }
                Err(self.with_report(failure::history_reads_differently()))
            }
            Outcome::Refused(Refusal::NoTransaction) => Err(self.with_report(failure::no_transaction())),
            Outcome::Failed(fault) => {
                let failure = failure::of_fault(&fault, flight, batch, Version(self.report.current));
                Err(self.with_report(failure))
            }
        }
    }

    async fn wait(&mut self) -> Result<(), Failure> {
        if self.patience.is_over() {
            let holder = waiting::holder(self.session).await;
            return Err(self.with_report(failure::lock_busy(&holder, self.command.lock_wait)));
        }
        if self.patience.wants_to_speak() {
            let holder = waiting::holder(self.session).await;
            (self.observe)(Event::Waiting { holder });
        }
        self.patience.wait().await;
        Ok(())
    }

    /// The failure with what was done before it: "nothing was changed" is true of a run only when nothing ran.
    fn with_report(&self, failure: Failure) -> Failure {
        let failure = Failure { report: self.report.clone(), ..failure };
        if self.report.ran.is_empty() || failure.state != UNTOUCHED {
            return failure;
        }
        let state = format!(
            "{} of this run's migrations are done; the database is at version {}",
            self.report.ran.len(),
            self.report.current
        );
        Failure { state, ..failure }
    }
}
