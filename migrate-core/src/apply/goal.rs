//! One command from its first question to its goal: reading, planning, flying, and what to do when a flight does not
//! land.
//!
//! Invariant: a flight is repeated only when it is known that it did not land.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use super::convoy::{Crew, Ending, Fault, Leg, Told, fly, ran};
use super::database::{is_denied, not_orphaned, read_what_is_there};
use super::run::{Course, Run, clean_up, refusal, sqlstate};
use super::staying::stays;
use super::stop::Cause;
use super::watch::SPEAK_EVERY;
use super::{Database, Request, Shown, failure, lookout, privileges, stored};
use crate::flight::{Bookkeeping, Flight, Pace, Purpose, Refusal, Window, convoy, is_refused, prepare, relaid};
use crate::history::History;
use crate::migration::Version;
use crate::plan::{Batch, Goal, Order, Plan, Versioning, plan};
use crate::report::{Event, Failure, Report, may_succeed_again};

impl<'r> Run<'r, '_> {
    pub(super) async fn reach_its_goal(mut self) -> Result<Report, Failure> {
        loop {
            match self.one_plan().await {
                Ok(Course::On) => return Ok(self.log.report),
                Ok(Course::Anew) => {}
                Err(failure) => {
                    let failure = self.explained(failure).await;
                    return Err(self.log.with_report(failure));
                }
            }
        }
    }

    /// Carries out a plan that somebody else made, and no other.
    pub(super) async fn carry_out_shown(mut self, plan: &Plan<'_>) -> Result<Shown, Failure> {
        let ended = match self.begin().await {
            Ok(database) => {
                self.log.planned(plan.batches.len(), &plan.warnings);
                self.carry_out(plan, &database).await
            }
            Err(failure) => Err(failure),
        };
        match ended {
            Ok(Course::On) => Ok(Shown::Landed(self.log.report)),
            Ok(Course::Anew) => Ok(Shown::Moved(self.log.report)),
            Err(failure) => {
                let failure = self.explained(failure).await;
                Err(self.log.with_report(failure))
            }
        }
    }

    /// A denial of what is ours, and not of a migration's, with the GRANTs that are missing; a state without versions where
    /// nobody reads them.
    async fn explained(&self, mut failure: Failure) -> Failure {
        if self.request.order.versioning == Versioning::Ignored {
            failure.state = failure.state.unversioned();
        }
        if failure.place.is_some() || !is_denied(&failure) {
            return failure;
        }
        privileges::explained(self.session, &self.request.table, failure).await
    }

    /// Reads, and sends the one flight that a person's decision makes of what was read.
    pub(super) async fn decide(
        mut self,
        decide: &(dyn Fn(&Database, &Request<'_>) -> Result<Flight<'static>, Failure> + Sync),
    ) -> Result<(), Failure> {
        loop {
            let database = self.read().await?;
            let flight = decide(&database, self.request)?;
            let Self { session, means, log, watch, .. } = &mut self;
            let mut tell = |told: Told<'_>| log.overhear(told);
            let mut crew = Crew { watch, stop: &means.stop, tell: &mut tell };
            let leg = Leg::own(flight);
            let ending = fly(session, &mut std::iter::once(leg), 1, &mut crew).await;
            if matches!(ending, Ending::Done) {
                return Ok(());
            }
            let bookkeeping = self.request.bookkeeping(database.tables.clone());
            self.judge(ending, &bookkeeping, false).await?;
        }
    }

    /// Reads what a plan is carried out on, and sees that it is no history that was lost.
    async fn begin(&mut self) -> Result<Database, Failure> {
        let database = match self.seen.take() {
            Some(seen) => *seen,
            None => self.read().await?,
        };
        not_orphaned(self.session, &self.request.table, &database).await?;
        self.notice_history(&database.history);
        self.log.opened(&database.server, self.request.order.set);
        Ok(database)
    }

    /// Reads, plans and carries the plan out.
    async fn one_plan(&mut self) -> Result<Course, Failure> {
        let database = self.begin().await?;
        let order = self.request.order;
        let completed = if order.stored_downs && order.goes_back() {
            Some(stored::completed(self.session, order.set, &self.request.table, &database).await?)
        } else {
            None
        };
        let set = completed.as_ref().unwrap_or(order.set);
        let plan = plan(Order { set, ..order }, &database.history).map_err(|error| Failure::from(&error))?;
        self.log.planned(plan.batches.len(), &plan.warnings);
        self.carry_out(&plan, &database).await
    }

    async fn read(&mut self) -> Result<Database, Failure> {
        loop {
            let failure = match self.read_aloud().await {
                Ok(Ok(database)) => {
                    self.unheard_since = None;
                    return Ok(database);
                }
                Ok(Err(failure)) => failure,
                Err(cause) => return Err(failure::stopped(cause, "while the history was read", &[])),
            };
            self.after_a_lost_question(failure).await?;
        }
    }

    /// Reads, and says every now and then that it still does: a session that holds the table for itself keeps it waiting.
    async fn read_aloud(&mut self) -> Result<Result<Database, Failure>, Cause> {
        let Self { session, request, means, log, .. } = self;
        let began = Instant::now();
        let mut reading = std::pin::pin!(read_what_is_there(session, &request.table, request.order.versioning));
        loop {
            if let Ok(read) = tokio::time::timeout(SPEAK_EVERY, means.stop.unless(reading.as_mut())).await {
                return read;
            }
            let blockers = lookout::in_front_of(means.connect, &request.table).await;
            log.tell(Event::Reading { elapsed: began.elapsed(), blockers });
        }
    }

    /// A history that changed since the last plan is progress, by whoever made it.
    fn notice_history(&mut self, history: &History) {
        self.log.report.current = history.current().0;
        let mut hasher = DefaultHasher::new();
        history.hash(&mut hasher);
        if self.last_read.replace(hasher.finish()) != Some(hasher.finish()) {
            self.patience.forget_moves();
        }
    }

    async fn carry_out(&mut self, plan: &Plan<'_>, database: &Database) -> Result<Course, Failure> {
        let course = self.fly_batches(plan, database).await;
        if course == Ok(Course::On)
            && let Some(flight) = relaid(plan, &database.tables)
        {
            // Rarely needed, and larger than what surrounds it.
            Box::pin(self.note(flight)).await;
        }
        course
    }

    /// Writes what is only told again when it cannot be written: on a standby, or where somebody holds the row.
    async fn note(&mut self, flight: Flight<'static>) {
        let Self { session, means, log, watch, .. } = self;
        let mut tell = |told: Told<'_>| log.overhear(told);
        let mut crew = Crew { watch, stop: &means.stop, tell: &mut tell };
        if let Ending::Failed(fault) = fly(session, &mut std::iter::once(Leg::own(flight)), 1, &mut crew).await {
            clean_up(session, &fault.leg.flight).await;
        }
    }

    async fn fly_batches(&mut self, plan: &Plan<'_>, database: &Database) -> Result<Course, Failure> {
        self.log.history = database.history.outline();
        let bookkeeping = self.request.bookkeeping(database.tables.clone());
        if let Some(preparation) = plan.preparation {
            let leg = || Leg::own(prepare(preparation, &bookkeeping.tables));
            let ending = self.fly(&mut std::iter::once(leg()), 1).await;
            // What another runner created meanwhile is found by a new plan; so is what this one created after all.
            match ending {
                Ending::Done => self.landed(),
                ending => return self.judge(ending, &bookkeeping, false).await.map(|_| Course::Anew),
            }
        }
        if self.request.order.single_transaction {
            return self.all_or_nothing(&plan.batches, &bookkeeping).await;
        }
        let mut at = 0;
        while let Some(rest) = plan.batches.get(at..).filter(|rest| !rest.is_empty()) {
            let before = self.log.report.ran.len();
            if crate::flight::pace(&rest[0]) == Pace::Unwrapped && rest[0].record.is_some() {
                let half_done = at > 0 && self.request.order.goal == Goal::Redo;
                match self.walk(&rest[0], &bookkeeping, half_done).await? {
                    Course::Anew => return Ok(Course::Anew),
                    Course::On => self.landed(),
                }
                at += self.log.report.ran.len() - before;
                continue;
            }
            let prepares = database.is_direct && !self.writes_out;
            let window = Window { prepares, ..self.request.window() };
            let ending = self.fly_together(&rest[..window.takes(rest)], &bookkeeping, window).await;
            at += self.log.report.ran.len() - before;
            // Redo has a second half that no new plan would contain, and a plan without versioning would start anew.
            let half_done = at > 0
                && (self.request.order.goal == Goal::Redo || self.request.order.versioning == Versioning::Ignored);
            if self.log.report.ran.len() > before {
                self.landed();
            }
            let before = self.log.report.ran.len();
            let course = match ending {
                Ending::Done => Course::On,
                ending => self.judge(ending, &bookkeeping, half_done).await?,
            };
            // Recovery may have found that more of them had landed.
            at += self.log.report.ran.len() - before;
            if course == Course::Anew && at < plan.batches.len() {
                return Ok(Course::Anew);
            }
        }
        Ok(Course::On)
    }

    /// All files in one transaction.
    async fn all_or_nothing(&mut self, batches: &[Batch<'_>], bookkeeping: &Bookkeeping) -> Result<Course, Failure> {
        let needs_its_own = |batch: &&Batch<'_>| {
            crate::flight::pace(batch) != Pace::Pipelined || crate::flight::characteristics(batch) > 0
        };
        if let Some(batch) = batches.iter().find(needs_its_own) {
            return Err(failure::not_in_one_transaction(batch));
        }
        let landed = self.log.report.ran.len() + batches.len();
        while !batches.is_empty() && self.log.report.ran.len() < landed {
            let (flight, firsts) = crate::flight::together(batches, bookkeeping);
            self.log.following = batches.iter().map(ran).collect();
            if let Some(first) = self.log.following.pop_front() {
                self.log.start(&first);
            }
            let leg = Leg { flight, batches: firsts.into_iter().zip(batches).collect(), waits: true };
            let ending = self.fly(&mut std::iter::once(leg), 1).await;
            self.log.following.clear();
            let course = match ending {
                Ending::Done => Course::On,
                ending => self.judge(ending, bookkeeping, false).await?,
            };
            if course == Course::Anew {
                return Ok(Course::Anew);
            }
        }
        Ok(Course::On)
    }

    async fn fly_together<'p>(
        &mut self,
        batches: &'p [Batch<'_>],
        bookkeeping: &Bookkeeping,
        window: Window,
    ) -> Ending<'p>
    where
        'r: 'p,
    {
        let flights = convoy(batches, bookkeeping, window).zip(batches);
        let mut legs = flights.map(|((flight, waits), batch)| Leg { waits, ..Leg::of(flight, batch) });
        self.fly(&mut legs, window.flights).await
    }

    async fn fly<'p>(&mut self, legs: &mut (dyn Iterator<Item = Leg<'p>> + Send), window: usize) -> Ending<'p> {
        let Self { session, means, log, watch, .. } = self;
        let mut tell = |told: Told<'_>| log.told(told);
        let mut crew = Crew { watch, stop: &means.stop, tell: &mut tell };
        fly(session, legs, window, &mut crew).await
    }

    /// Something landed: every budget starts anew.
    fn landed(&mut self) {
        self.patience.restore();
        self.locks.restore();
    }

    /// What to do after a convoy that did not land whole.
    pub(super) async fn judge(
        &mut self,
        ending: Ending<'_>,
        bookkeeping: &Bookkeeping,
        half_done: bool,
    ) -> Result<Course, Failure> {
        match ending {
            Ending::Done => Ok(Course::On),
            Ending::Stopped => Err(self.stopped("between two migrations")),
            Ending::Failed(fault) => self.after_a_fault(&fault, half_done).await,
            Ending::Lost(loss) => self.recover(&loss, bookkeeping).await,
        }
    }

    pub(super) fn stopped(&self, doing: &str) -> Failure {
        self.means.stopped(doing)
    }

    fn current(&self) -> Version {
        Version(self.log.report.current)
    }

    async fn after_a_fault(&mut self, fault: &Fault<'_>, half_done: bool) -> Result<Course, Failure> {
        let stays = stays(self.session, fault).await;
        clean_up(self.session, &fault.leg.flight).await;
        let sqlstate = sqlstate(&fault.error).to_owned();
        if fault.leg.flight.messages.get(fault.message).is_some_and(|message| is_refused(message, &sqlstate)) {
            self.writes_out = true;
            return Ok(Course::Anew);
        }
        let purpose = fault.leg.flight.messages.get(fault.message).map_or(Purpose::Begin, |message| message.purpose);
        match refusal(&sqlstate, purpose).or_else(|| late_refusal(&sqlstate, purpose, fault.leg.flight.pace)) {
            Some(Refusal::Busy) => {
                self.wait_for_the_lock().await?;
                return Ok(if half_done { Course::On } else { Course::Anew });
            }
            Some(Refusal::Moved) if half_done => return Err(failure::half_redone(fault.leg.batch_at(0))),
            Some(Refusal::Moved) if self.patience.spend_on_a_move() => return Ok(Course::Anew),
            Some(Refusal::Moved) => return Err(failure::history_reads_differently()),
            Some(Refusal::NoTransaction) => return Err(failure::no_transaction()),
            None => {}
        }
        if let Some(cause) = self.means.stop.cause() {
            let at = ((&fault.leg, fault.message), stays);
            return Err(failure::cancelled(cause, at, &self.log.blockers, self.current()));
        }
        let failure = failure::of_fault(fault, stays, self.current(), self.request.order.environment);
        // A lock that was not free, a deadlock, a serialization failure: the same again may succeed.
        if !stays && may_succeed_again(&sqlstate) {
            self.try_again(fault, failure).await?;
            return Ok(Course::On);
        }
        Err(failure)
    }
}

/// Where the record goes with its file, it may find that goose's table locker was taken since the guard looked.
fn late_refusal(code: &str, purpose: Purpose, pace: Pace) -> Option<Refusal> {
    let is_late = purpose == Purpose::Record && pace == Pace::Pipelined;
    Refusal::from_sqlstate(code).filter(|refusal| is_late && *refusal == Refusal::Busy)
}
