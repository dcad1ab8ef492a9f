//! After a broken connection: a new one, and what became of what was under way.
//!
//! Nothing is guessed. Whoever holds the migration lock reads the version table as no transaction of ours can still
//! change it; where the lock is taken, the status of the transaction tells, if its number was heard.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::convoy::{Doubt, Loss};
use super::cut::Cut;
use super::flushing::flush;
use super::patience::Backoff;
use super::run::{Course, Run, sqlstate};
use super::session::ends_session;
use super::staying::may_stay;
use super::{failure, lookout};
use crate::connection::Access;
use crate::flight::{Bookkeeping, LOCK_KEY, ON_PRIMARY};
use crate::migration::{Direction, Version};
use crate::plan::Versioning;
use crate::report::{Event, Exit, Failure, Ran, Retry};

/// How often a run opens a new connection because one broke.
const RECONNECTS: u32 = 3;
/// Before a new connection is tried: a server that broke one may be about to end.
const PAUSE: Duration = Duration::from_millis(250);
/// How much time is left to a run that was asked to end.
const LAST_QUESTIONS: Duration = Duration::from_secs(8);

impl Run<'_, '_> {
    /// Finds out what became of what was under way, and goes on.
    pub(super) async fn recover(&mut self, loss: &Loss<'_>, bookkeeping: &Bookkeeping) -> Result<Course, Failure> {
        let current = Version(self.log.report.current);
        let failure = failure::of_loss(loss, current);
        let recorded = self.request.order.versioning != Versioning::Ignored;
        let asks = recorded || loss.doubtful.is_empty();
        if may_stay(&loss.leg, loss.message) || self.means.connect.is_none() || !asks {
            return Err(failure);
        }
        let cut = self.count(loss);
        let doubtful: Vec<&Ran> = loss.doubtful.iter().flat_map(|doubt| &doubt.rans).collect();
        if let Some(first) = doubtful.first() {
            self.log.tell(Event::Ambiguous((*first).clone()));
        }
        let why = failure::lost(loss.error.as_ref());
        let settled = self.settle(&why, &loss.doubtful, bookkeeping).await;
        let landed = match settled {
            Ok(landed) => landed,
            Err(why) if doubtful.is_empty() => return Err(Failure { state: failure.state, ..why }),
            Err(why) => return Err(failure::unresolved(&why, &doubtful, current)),
        };
        for ran in loss.doubtful.iter().take(landed).flat_map(|doubt| &doubt.rans) {
            self.log.tell(Event::Resolved { ran: ran.clone(), landed: true });
            self.log.landed(ran, Duration::ZERO);
        }
        let undone = loss.doubtful.get(landed).and_then(|doubt| doubt.rans.first());
        if let Some(ran) = undone {
            self.log.tell(Event::Resolved { ran: ran.clone(), landed: false });
        }
        let settled = failure::settled(why, loss, undone, Version(self.log.report.current));
        if self.means.stop.cause().is_some() {
            return Err(self.stopped("after the connection broke"));
        }
        // Whoever ends what takes too long will do so again.
        if let Some(silence) = cut {
            return Err(failure::cut_again(settled, silence));
        }
        if self.gives_up() || settled.exit != Exit::ConnectionLost {
            return Err(settled);
        }
        // The preparation is planned anew: its tables are there now, or not.
        Ok(if loss.leg.batches.is_empty() { Course::Anew } else { Course::On })
    }

    /// How many of the flights had landed: the first ones, because each relies on the one before it.
    pub(super) async fn settle(
        &mut self,
        why: &Failure,
        doubtful: &[Doubt],
        bookkeeping: &Bookkeeping,
    ) -> Result<usize, Failure> {
        let budget = self.request.policy.lock_wait;
        let mut backoff = Backoff::new(budget, Duration::from_millis(200), Duration::from_secs(2));
        let (mut spoke, mut last): (Option<Instant>, Option<Instant>) = (None, None);
        let patience = self.means.connect.map_or(Duration::ZERO, super::Connect::patience);
        let mut unheard_since: Option<Instant> = None;
        self.reconnect(why, Access::Resume).await?;
        loop {
            let asked = if doubtful.is_empty() { Ok(Some(0)) } else { self.ask_for_good(doubtful, bookkeeping).await };
            match asked {
                Ok(Some(landed)) => return Ok(landed),
                Ok(None) => unheard_since = None,
                // A pooler lets in even while its server cannot be reached.
                Err(error)
                    if ends_session(&error) && unheard_since.get_or_insert_with(Instant::now).elapsed() < patience =>
                {
                    self.reconnect(&failure::lost(Some(&error)), Access::Resume).await?;
                }
                Err(error) if ends_session(&error) => return Err(failure::lost(Some(&error))),
                Err(error) => return Err(failure::of_own(&error, "the version table cannot be read")),
            }
            // Asked to end, a run still wants to know, but not for long.
            if self.means.stop.cause().is_some() {
                last.get_or_insert_with(|| Instant::now() + LAST_QUESTIONS);
            }
            let waited = backoff.waited();
            let step = backoff.next().filter(|_| last.is_none_or(|last| Instant::now() < last));
            let Some(step) = step else {
                let holder = lookout::in_the_way(self.session, &self.request.table).await;
                return Err(failure::lock_busy(holder.as_ref(), waited));
            };
            if spoke.is_none_or(|spoke| spoke.elapsed() >= Duration::from_secs(10)) {
                spoke = Some(Instant::now());
                let holder = lookout::in_the_way(self.session, &self.request.table).await;
                self.log.tell(Event::Waiting { holder, waited });
            }
            if last.is_some() {
                tokio::time::sleep(step).await;
            } else {
                let _asked = self.means.stop.sleep(step).await;
            }
        }
    }

    /// What the database says, and cannot lose again by a crash.
    async fn ask_for_good(
        &mut self,
        doubtful: &[Doubt],
        bookkeeping: &Bookkeeping,
    ) -> Result<Option<usize>, tokio_postgres::Error> {
        let landed = self.ask(doubtful, bookkeeping).await?;
        if landed.is_some_and(|landed| landed > 0)
            && let Some(note) = flush(self.session).await?
        {
            self.log.tell(note);
        }
        Ok(landed)
    }

    /// What the database says; nothing while it cannot be told yet.
    async fn ask(&self, doubtful: &[Doubt], bookkeeping: &Bookkeeping) -> Result<Option<usize>, tokio_postgres::Error> {
        let first = |rows: Vec<Vec<Option<String>>>| rows.into_iter().next().and_then(|row| row.into_iter().next()?);
        self.session.client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY").await?;
        let lock = format!("SELECT pg_catalog.pg_try_advisory_xact_lock({LOCK_KEY})");
        if first(self.session.rows(&lock).await?).as_deref() == Some("t") {
            let versions = format!("SELECT version_id FROM {} WHERE {ON_PRIMARY}", bookkeeping.tables.version);
            let rows = self.session.rows(&versions).await;
            self.session.client.batch_execute("ROLLBACK").await?;
            let rows = match rows {
                // The flight that was to create the version table did not land.
                Err(error) if sqlstate(&error) == "42P01" => Vec::new(),
                rows => rows?,
            };
            let held: BTreeSet<i64> =
                rows.into_iter().filter_map(|row| row.into_iter().next()??.parse().ok()).collect();
            let landed = |doubt: &&Doubt| doubt.rans.first().is_some_and(|ran| landed(ran, &held));
            return Ok(Some(doubtful.iter().take_while(landed).count()));
        }
        self.session.client.batch_execute("ROLLBACK").await?;
        let mut count = 0;
        for doubt in doubtful {
            let Some(xid) = &doubt.xid else { return Ok(None) };
            let status = format!("SELECT pg_catalog.txid_status({xid}) WHERE {ON_PRIMARY}");
            match first(self.session.rows(&status).await?).as_deref() {
                Some("committed") => count += 1,
                Some("aborted") => return Ok(Some(count)),
                _ => return Ok(None),
            }
        }
        Ok(Some(count))
    }

    /// After a question that the server did not answer: a new connection, unless there were too many already. One that
    /// was never answered is asked again for as long as a server is waited for.
    pub(super) async fn after_a_lost_question(&mut self, failure: Failure) -> Result<(), Failure> {
        let Some(connect) = self.means.connect else { return Err(failure) };
        match failure.exit {
            Exit::Connect if self.unheard_since.get_or_insert_with(Instant::now).elapsed() < connect.patience() => {}
            Exit::ConnectionLost if self.losses < RECONNECTS => self.losses += 1,
            _ => return Err(failure),
        }
        self.reconnect(&failure, Access::Change).await
    }

    /// Counts a broken connection. Where the one before broke in the same place after the same silence, the silence.
    pub(super) fn count(&mut self, loss: &Loss<'_>) -> Option<Duration> {
        self.losses += weight(loss.error.as_ref());
        let now = Cut::of(loss);
        let before = std::mem::replace(&mut self.cut, now.clone());
        now.filter(|now| before.is_some_and(|before| before.is_like(now))).map(|now| now.silence)
    }

    /// Whether one more broken connection is too many.
    pub(super) fn gives_up(&self) -> bool {
        self.losses > RECONNECTS
    }

    /// A new connection in the place of one that broke.
    pub(super) async fn reconnect(&mut self, why: &Failure, access: Access) -> Result<(), Failure> {
        let Some(connect) = self.means.connect else { return Err(why.clone()) };
        self.log.tell(Event::Retry(Retry {
            ran: None,
            reason: why.message.clone(),
            sqlstate: why.server.as_ref().map(|server| server.sqlstate.clone()),
            attempt: self.losses,
            rolled_back: true,
            delay: PAUSE,
        }));
        tokio::time::sleep(PAUSE).await;
        let asked = self.means.stop.cause().is_some();
        let log = &mut self.log;
        let mut observe = |event| log.tell(event);
        let connecting = connect.again(access, &mut observe);
        let session = if asked {
            tokio::time::timeout(LAST_QUESTIONS, connecting).await.unwrap_or_else(|_| Err(why.clone()))
        } else {
            self.means.stop.unless(connecting).await.unwrap_or_else(|_| Err(why.clone()))
        };
        std::mem::replace(self.session, session?).abandon();
        Ok(())
    }
}

/// How much a broken connection counts. A session that somebody has ended on purpose is begun again once, and not
/// against him again and again.
pub(super) fn weight(error: Option<&tokio_postgres::Error>) -> u32 {
    if error.is_some_and(|error| sqlstate(error) == "57P01") { RECONNECTS.div_ceil(2) } else { 1 }
}

/// Whether the version table says that a file has run.
fn landed(ran: &Ran, held: &BTreeSet<i64>) -> bool {
    held.contains(&ran.version.0) == (ran.direction == Direction::Up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_landed_when_its_row_is_there_or_gone_as_its_direction_has_it() {
        let ran = |direction| Ran { version: Version(2), file: "2_b.sql".into(), direction, statements: 1 };
        assert!(
            landed(&ran(Direction::Up), &BTreeSet::from([2])) && !landed(&ran(Direction::Up), &BTreeSet::from([1]))
        );
        assert!(landed(&ran(Direction::Down), &BTreeSet::from([1])));
        assert!(!landed(&ran(Direction::Down), &BTreeSet::from([2])));
    }
}
