//! A statement that was begun, and of which the journal does not say how it ended: the database is asked, and what the
//! statement left behind is cleared away.
//!
//! Invariants: what cannot be told from the catalogs is not guessed; what is sent to clear up is sent like a statement of
//! the file: it is watched, told, cancelled and gone on with.

use std::time::Instant;

use super::convoy::{Ending, Fault, ran};
use super::progress::Walk;
use super::run::{Run, sqlstate};
use super::watch::{LOOK_EVERY, SPEAK_EVERY};
use super::{failure, lookout};
use crate::flight::{self, Nature, Unit};
use crate::history::{Entry, EntryState};
use crate::migration::Statement;
use crate::report::{At, Event, Failure, may_succeed_again};
use crate::step::token_digest;

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It took effect, and the journal says so now.
    Took,
    /// It did not, and nothing of it is left.
    Left,
    /// The connection broke: what the journal says has to be read again.
    Unknown,
}

/// What the database says of a statement.
struct Verdict {
    word: String,
    /// What is to be dropped.
    indexes: Vec<String>,
}

impl Verdict {
    /// Whether nothing of the statement took effect, but what can be cleared away.
    fn is_clear(&self) -> bool {
        ["redo", "drop"].contains(&self.word.as_str())
    }
}

impl Run<'_, '_> {
    /// What became of a unit that an earlier run began.
    pub(super) async fn outcome(
        &mut self,
        walk: &Walk<'_, '_>,
        unit: &mut Unit,
        entry: &Entry,
    ) -> Result<Outcome, Failure> {
        let sql = walk.batch.sql(&walk.batch.statements[unit.statements.start]);
        let edited = token_digest(sql) != entry.digest;
        let atomic = [Nature::Wrapped, Nature::Setting, Nature::Temporary, Nature::Block];
        if entry.kind == Nature::Repeatable.word() || atomic.iter().any(|nature| nature.word() == entry.kind) {
            return Ok(Outcome::Left);
        }
        if !edited && entry.kind == unit.nature.word() {
            let question = flight::question(&unit.nature, entry.evidence.as_deref());
            return self.ask_about(walk, unit, question).await;
        }
        // What it was is not known any more, but the index that it was to make is; and an edited one that failed did not
        // take effect.
        let failed = edited && entry.state == EntryState::Failed && entry.kind != Nature::Opaque.word();
        let verdict = match flight::question_of_entry(&entry.kind, entry.evidence.as_deref()) {
            Some(question) => Some(self.verdict(walk, &question).await?),
            None => None,
        };
        match verdict {
            Some(verdict) if verdict.is_clear() => self.act_on(walk, unit, verdict).await,
            _ if failed => Ok(Outcome::Left),
            _ => Err(failure::in_doubt(walk, unit, edited)),
        }
    }

    /// What became of a unit that failed just now, by what the journal says that was there before.
    pub(super) async fn settle_unit(&mut self, walk: &Walk<'_, '_>, unit: &Unit) -> Result<Outcome, Failure> {
        let query = flight::evidence_of(walk.batch, unit, &walk.bookkeeping.tables);
        let rows = self
            .session
            .rows(&query)
            .await
            .map_err(|error| failure::of_own(&error, "the journal cannot be read or written"))?;
        let evidence = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        self.ask_about(walk, unit, flight::question(&unit.nature, evidence.as_deref())).await
    }

    async fn ask_about(
        &mut self,
        walk: &Walk<'_, '_>,
        unit: &Unit,
        question: Option<String>,
    ) -> Result<Outcome, Failure> {
        let Some(question) = question else { return Err(failure::in_doubt(walk, unit, false)) };
        let verdict = self.verdict(walk, &question).await?;
        self.act_on(walk, unit, verdict).await
    }

    async fn act_on(&mut self, walk: &Walk<'_, '_>, unit: &Unit, verdict: Verdict) -> Result<Outcome, Failure> {
        match verdict.word.as_str() {
            "redo" => Ok(Outcome::Left),
            "drop" => {
                let drop = |index: &String| format!("DROP INDEX CONCURRENTLY IF EXISTS {index}");
                let is_cleared = self.clear(walk, unit, verdict.indexes.iter().map(drop).collect()).await?;
                Ok(if is_cleared { Outcome::Left } else { Outcome::Unknown })
            }
            "finalize" => {
                if !self.clear(walk, unit, flight::finalize(&unit.nature).into_iter().collect()).await? {
                    return Ok(Outcome::Unknown);
                }
                self.write_done(walk, unit).await.map(|()| Outcome::Took)
            }
            "done" => self.write_done(walk, unit).await.map(|()| Outcome::Took),
            _ => Err(failure::in_doubt(walk, unit, false)),
        }
    }

    /// The verdict of a question, and the indexes that it names. While somebody builds one of them it is waited for: a
    /// DROP would wait for the build and the build for the DROP.
    async fn verdict(&mut self, walk: &Walk<'_, '_>, question: &str) -> Result<Verdict, Failure> {
        let since = Instant::now();
        let mut spoken: Option<Instant> = None;
        loop {
            let asked = self.session.rows(question).await;
            let rows = asked.map_err(|error| failure::uncleared(&error, walk))?;
            let column = |at: usize| {
                let cell = move |row: &Vec<Option<String>>| row.get(at).cloned().flatten();
                rows.iter().filter_map(cell).collect::<Vec<_>>()
            };
            let (verdicts, indexes) = (column(0), column(1));
            if !verdicts.iter().any(|verdict| verdict == "wait") {
                return Ok(Verdict { word: verdicts.into_iter().next().unwrap_or_else(|| "redo".to_owned()), indexes });
            }
            if spoken.is_none_or(|spoken| spoken.elapsed() >= SPEAK_EVERY) {
                spoken = Some(Instant::now());
                let blockers = lookout::index_builders(self.session).await;
                let line = walk.batch.statements.get(walk.done).map_or(0, Statement::line);
                let at = At { ran: ran(walk.batch), statement: walk.done + 1, line };
                self.log.tell(Event::Blocked { at, elapsed: since.elapsed(), blockers });
            }
            if self.means.stop.sleep(LOOK_EVERY).await.is_err() {
                return Err(self.interrupted(walk, None));
            }
        }
    }

    /// Sends what clears up behind a unit; false when the connection broke meanwhile.
    async fn clear(&mut self, walk: &Walk<'_, '_>, unit: &Unit, sqls: Vec<String>) -> Result<bool, Failure> {
        for sql in sqls {
            loop {
                let fault = match self.fly_apart(flight::clearing(unit, sql.clone()), walk.batch).await {
                    Ending::Done => break,
                    Ending::Stopped => return Err(self.interrupted(walk, Some(unit))),
                    Ending::Lost(loss) => return self.lost_on_the_way(walk, &loss).await.map(|_| false),
                    Ending::Failed(fault) => fault,
                };
                self.clear_again(walk, unit, &fault).await?;
            }
        }
        Ok(true)
    }

    /// Waits before what clears up is sent again; its failure, when that is of no use.
    async fn clear_again(&mut self, walk: &Walk<'_, '_>, unit: &Unit, fault: &Fault<'_>) -> Result<(), Failure> {
        if self.means.stop.cause().is_some() {
            return Err(self.interrupted(walk, Some(unit)));
        }
        let failure = failure::uncleared(&fault.error, walk);
        if may_succeed_again(sqlstate(&fault.error)) { self.try_again(fault, failure).await } else { Err(failure) }
    }

    async fn write_done(&mut self, walk: &Walk<'_, '_>, unit: &Unit) -> Result<(), Failure> {
        let flight = flight::done(walk.batch, unit, walk.bookkeeping);
        for message in &flight.messages {
            let written = self.session.client.batch_execute(&message.sql).await;
            written.map_err(|error| failure::of_own(&error, "the journal cannot be read or written"))?;
        }
        Ok(())
    }
}
