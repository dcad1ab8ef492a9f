//! A file without a transaction, statement by statement, with the journal telling every later run how far it came.
//!
//! Invariants: such a file runs under a session lock on a connection that is its own; a statement that is done is never
//! run again; one of which nobody can tell stops the run.

use std::time::Instant;

use super::convoy::{Crew, Doubt, Ending, Fault, Leg, Loss, Told, fly, ran};
use super::doubt::Outcome;
use super::progress::Walk;
use super::recovery::weight;
use super::run::{Course, Run, clean_up, refusal, sqlstate};
use super::stop::Stop;
use super::watch::Watch;
use super::{failure, pooler};
use crate::connection::Access;
use crate::flight::{self, Bookkeeping, Flight, Nature, Purpose, Refusal, Unit};
use crate::migration::Version;
use crate::plan::Batch;
use crate::report::{At, Event, Failure, may_succeed_again};

/// How a unit ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Done,
    /// What the journal says has to be read again.
    Anew,
}

impl Run<'_, '_> {
    /// Runs a file, from where an earlier run left it.
    pub(super) async fn walk<'p>(
        &mut self,
        batch: &'p Batch<'p>,
        bookkeeping: &Bookkeeping,
        half_done: bool,
    ) -> Result<Course, Failure> {
        self.require_a_direct_connection(batch).await?;
        self.log.start(&ran(batch));
        let start = Instant::now();
        match self.fly_apart(flight::opening(batch, bookkeeping), batch).await {
            Ending::Done => {}
            ending => return self.judge(ending, bookkeeping, half_done).await,
        }
        let done = batch.resume.as_ref().map_or(0, |resume| resume.done);
        let mut walk = Walk { batch, bookkeeping, done };
        let walked = self.all_units(&mut walk).await;
        let course = match walked {
            Ok(Step::Done) => self.close(&walk, start).await,
            Ok(Step::Anew) => Ok(Course::Anew),
            Err(failure) => Err(failure),
        };
        if course != Ok(Course::On) {
            clean_up(self.session, &flight::closing(batch, bookkeeping)).await;
        }
        match course {
            // A new plan would not contain the second half of a redo.
            Ok(Course::Anew) if half_done => Err(failure::half_walked(batch)),
            course => course,
        }
    }

    async fn all_units(&mut self, walk: &mut Walk<'_, '_>) -> Result<Step, Failure> {
        if walk.batch.resume.is_some() {
            self.log.tell(Event::Resumed { ran: ran(walk.batch), done: walk.done });
            self.replay(walk).await?;
        }
        let mut doubtful = walk.batch.resume.as_ref().and_then(|resume| resume.begun.first());
        for mut unit in flight::units(walk.batch, walk.done) {
            let outcome = match doubtful.take() {
                Some(entry) => self.outcome(walk, &mut unit, entry).await?,
                None => Outcome::Left,
            };
            match outcome {
                Outcome::Took => {
                    walk.done = unit.statements.end;
                    continue;
                }
                Outcome::Left => (),
                Outcome::Unknown => return Ok(Step::Anew),
            }
            let (statement, line) = (unit.statements.start + 1, walk.batch.statements[unit.statements.start].line());
            self.log.tell(Event::Statement(At { ran: ran(walk.batch), statement, line }));
            if self.run_unit(walk, &mut unit).await? == Step::Anew {
                return Ok(Step::Anew);
            }
            walk.done = unit.statements.end;
        }
        Ok(Step::Done)
    }

    /// Makes the session what the statements that are done had made it.
    async fn replay(&mut self, walk: &Walk<'_, '_>) -> Result<(), Failure> {
        let units = flight::units(walk.batch, 0);
        for unit in units.iter().filter(|unit| unit.statements.start < walk.done) {
            match unit.nature {
                // Whoever decided that the file goes on behind it has seen to what it made.
                Nature::Temporary if is_decided(walk, unit) => {}
                Nature::Temporary => return Err(failure::gone_with_the_session(walk, unit)),
                Nature::Setting => {
                    let statement = &walk.batch.statements[unit.statements.start];
                    let set = self.session.client.batch_execute(walk.batch.sql(statement)).await;
                    set.map_err(|error| failure::of_own(&error, "a setting of the file cannot be made again"))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn run_unit(&mut self, walk: &Walk<'_, '_>, unit: &mut Unit) -> Result<Step, Failure> {
        'again: loop {
            for (number, flight) in flight::unit(walk.batch, unit, walk.bookkeeping).into_iter().enumerate() {
                // The first of several only writes that the statement is about to begin.
                let begun = unit.nature.is_atomic() || number > 0;
                match self.fly_apart(flight, walk.batch).await {
                    Ending::Done => (),
                    Ending::Stopped => return Err(self.interrupted(walk, None)),
                    Ending::Lost(loss) => return self.lost_on_the_way(walk, &loss).await,
                    Ending::Failed(fault) => match self.after_a_unit(walk, unit, &fault, begun).await? {
                        Some(step) => return Ok(step),
                        None => continue 'again,
                    },
                }
            }
            return Ok(Step::Done);
        }
    }

    /// What to do when a message of a unit failed; nothing when the unit is to be tried again. What was not begun leaves
    /// no entry: a later run would ask what became of it.
    async fn after_a_unit(
        &mut self,
        walk: &Walk<'_, '_>,
        unit: &mut Unit,
        fault: &Fault<'_>,
        begun: bool,
    ) -> Result<Option<Step>, Failure> {
        if matches!(unit.nature, Nature::Block | Nature::Opaque) {
            // What fails here fails because the session is gone.
            let _gone = self.session.client.batch_execute("ROLLBACK").await;
        }
        let state = sqlstate(&fault.error);
        let purpose = fault.leg.flight.messages.get(fault.message).map_or(Purpose::Begin, |message| message.purpose);
        if self.means.stop.cause().is_some() {
            let unit = begun.then_some(&*unit);
            if let Some(unit) = unit.filter(|unit| leaves_something(walk, unit)) {
                self.write_failed(walk, unit, state).await;
            }
            return Err(self.interrupted(walk, unit));
        }
        match refusal(state, purpose) {
            Some(Refusal::Busy) => {
                self.wait_for_the_lock().await.map_err(|failure| failure::lock_lost(failure, walk))?;
                return Ok(None);
            }
            Some(Refusal::Moved | Refusal::NoTransaction) => return Ok(Some(Step::Anew)),
            None => {}
        }
        let in_statement = matches!(purpose, Purpose::Statements { .. });
        if in_statement && unit.nature.is_atomic() && matches!(state, "25001" | "2D000") && unit.statements.len() == 1 {
            // PostgreSQL will not run it in a transaction, and has undone what it did: it goes alone.
            unit.nature = flight::alone(walk.batch, unit.statements.start);
            return Ok(None);
        }
        let partial = walk.done > 0 || (begun && leaves_something(walk, unit));
        let failure = self.of_unit(walk, fault, begun.then_some(&*unit), partial);
        let again = may_succeed_again(state) && unit.nature != Nature::Opaque;
        // Of a file of which nothing stays there is nothing to write down: it is not begun.
        if begun && partial {
            self.write_failed(walk, unit, state).await;
        }
        if !again {
            return Err(failure);
        }
        self.try_again(fault, failure).await?;
        let outcome =
            if begun && !unit.nature.is_atomic() { self.settle_unit(walk, unit).await? } else { Outcome::Left };
        Ok(after_trying(outcome))
    }

    /// Why a unit failed; what was begun, and nobody can tell of, is left to a person at once.
    fn of_unit(&self, walk: &Walk<'_, '_>, fault: &Fault<'_>, begun: Option<&Unit>, partial: bool) -> Failure {
        let current = Version(self.log.report.current);
        let failure = failure::of_unit(fault, walk, partial, current, self.request.order.environment);
        match begun {
            Some(unit) if unit.nature == Nature::Opaque => failure::undecided(failure, walk, unit),
            _ => failure,
        }
    }

    /// Writes that a unit failed. Without that entry it is only less clear what happened.
    async fn write_failed(&mut self, walk: &Walk<'_, '_>, unit: &Unit, state: &str) {
        let flight = flight::failed(walk.batch, unit, walk.bookkeeping, state);
        let leg = Leg::own(flight);
        let mut tell = |_: Told<'_>| ();
        // A cancel that is still on its way must not hit it, and it has to be written although the run is to end.
        let mut watch = Watch::idle();
        let mut crew = Crew { watch: &mut watch, stop: &Stop::never(), tell: &mut tell };
        let _unwritten = fly(self.session, &mut std::iter::once(leg), 1, &mut crew).await;
    }

    /// The run is to end, and this file is not finished.
    pub(super) fn interrupted(&self, walk: &Walk<'_, '_>, unit: Option<&Unit>) -> Failure {
        let cause = self.means.stop.cause().unwrap_or(super::Cause::Signal);
        let partial = walk.done > 0 || unit.is_some_and(|unit| !unit.nature.is_atomic());
        failure::interrupted_on_the_way(cause, walk, partial, &self.log.blockers, Version(self.log.report.current))
    }

    pub(super) async fn lost_on_the_way(&mut self, walk: &Walk<'_, '_>, loss: &Loss<'_>) -> Result<Step, Failure> {
        let cut = self.count(loss);
        let why = failure::lost(loss.error.as_ref());
        if self.means.stop.cause().is_some() {
            return Err(self.interrupted(walk, None));
        }
        if self.gives_up() || self.means.connect.is_none() {
            return Err(failure::broken_on_the_way(why, walk));
        }
        if let Some(silence) = cut {
            return Err(failure::cut_again(failure::broken_on_the_way(why, walk), silence));
        }
        self.reconnect(&why, Access::Resume).await.map_err(|why| failure::broken_on_the_way(why, walk))?;
        Ok(Step::Anew)
    }

    /// Records the file. A record that may have been made is asked for.
    async fn close(&mut self, walk: &Walk<'_, '_>, start: Instant) -> Result<Course, Failure> {
        let closing = flight::closing(walk.batch, walk.bookkeeping);
        let record = closing.messages.iter().position(|message| message.purpose == Purpose::Record);
        let ran = ran(walk.batch);
        match self.fly_apart(closing, walk.batch).await {
            Ending::Done => {
                self.log.landed(&ran, start.elapsed());
                Ok(Course::On)
            }
            Ending::Stopped => Err(self.interrupted(walk, None)),
            Ending::Failed(fault) if self.means.stop.cause().is_some() => {
                drop(fault);
                Err(self.interrupted(walk, None))
            }
            Ending::Failed(fault) => Err(failure::of_unit(
                &fault,
                walk,
                true,
                Version(self.log.report.current),
                self.request.order.environment,
            )),
            Ending::Lost(loss) if record.is_some_and(|record| loss.message >= record) => {
                self.losses += weight(loss.error.as_ref());
                let why = failure::lost(loss.error.as_ref());
                self.log.tell(Event::Ambiguous(ran.clone()));
                let doubt = [Doubt { rans: vec![ran.clone()], xid: None }];
                let current = Version(self.log.report.current);
                let settled = self.settle(&why, &doubt, walk.bookkeeping).await;
                let landed = settled.map_err(|why| failure::unresolved(&why, &[&ran], current))? == 1;
                self.log.tell(Event::Resolved { ran: ran.clone(), landed });
                if !landed {
                    return Ok(Course::Anew);
                }
                self.log.landed(&ran, start.elapsed());
                Ok(Course::On)
            }
            Ending::Lost(loss) => self.lost_on_the_way(walk, &loss).await.map(|_| Course::Anew),
        }
    }

    /// Sends one of a file's flights; the file itself lands with the last of them.
    pub(super) async fn fly_apart<'p>(&mut self, flight: Flight<'p>, batch: &'p Batch<'p>) -> Ending<'p> {
        let Self { session, means, log, watch, .. } = self;
        let leg = Leg::of(flight, batch);
        let mut tell = |told: Told<'_>| log.overhear(told);
        let mut crew = Crew { watch, stop: &means.stop, tell: &mut tell };
        fly(session, &mut std::iter::once(leg), 1, &mut crew).await
    }

    /// A session lock means nothing where a pooler gives each transaction another backend.
    async fn require_a_direct_connection(&mut self, batch: &Batch<'_>) -> Result<(), Failure> {
        if self.is_direct {
            return Ok(());
        }
        let verdict = self.means.stop.unless(pooler::verdict(self.session, self.means.connect)).await;
        match verdict {
            Ok(None) => {
                self.is_direct = true;
                Ok(())
            }
            Ok(Some(pooled)) => Err(failure::needs_direct(&format!("{} has NO TRANSACTION", batch.path), &pooled)),
            Err(_) => Err(self.stopped("before a file without a transaction")),
        }
    }
}

/// Whether a person said that a unit is done.
fn is_decided(walk: &Walk<'_, '_>, unit: &Unit) -> bool {
    let resume = walk.batch.resume.as_ref();
    resume.is_some_and(|resume| unit.statements.clone().all(|index| resume.by_hand.contains(&(index + 1))))
}

/// Whether a unit that failed leaves something of its file in the database: itself, or what was done before it.
fn leaves_something(walk: &Walk<'_, '_>, unit: &Unit) -> bool {
    walk.done > 0 || !unit.nature.is_atomic()
}

/// Where to go on when what had failed may be tried again; nothing to send the unit once more.
const fn after_trying(outcome: Outcome) -> Option<Step> {
    match outcome {
        Outcome::Took => Some(Step::Done),
        Outcome::Left => None,
        Outcome::Unknown => Some(Step::Anew),
    }
}
