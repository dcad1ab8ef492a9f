//! A statement that was begun, and of which the journal does not say how it ended: the database is asked.
//!
//! Invariant: what cannot be told from the catalogs is not guessed.

use super::failure;
use super::progress::Walk;
use super::run::Run;
use crate::flight::{self, Nature, Unit};
use crate::history::{Entry, EntryState};
use crate::report::Failure;
use crate::step::token_digest;

impl Run<'_, '_> {
    /// Whether a unit that an earlier run began took effect; what it left behind is cleared away.
    pub(super) async fn took_effect(
        &mut self,
        walk: &Walk<'_, '_>,
        unit: &mut Unit,
        entry: &Entry,
    ) -> Result<bool, Failure> {
        let sql = walk.batch.sql(&walk.batch.statements[unit.statements.start]);
        let edited = token_digest(sql) != entry.digest;
        let undone = entry.state == EntryState::Failed && entry.kind != Nature::Opaque.word();
        let atomic = [Nature::Wrapped, Nature::Setting, Nature::Temporary, Nature::Block];
        if entry.kind == Nature::Repeatable.word() || atomic.iter().any(|nature| nature.word() == entry.kind) {
            return Ok(false);
        }
        // What an edited statement was is not known any more, but one that failed did not take effect.
        if edited && undone {
            return Ok(false);
        }
        if edited || entry.kind != unit.nature.word() {
            return Err(failure::in_doubt(walk, unit, edited));
        }
        self.ask_about(walk, unit, entry.evidence.as_deref()).await
    }

    /// Whether a unit that failed just now took effect after all, by what the journal says that was there before.
    pub(super) async fn settle_unit(&mut self, walk: &Walk<'_, '_>, unit: &Unit) -> Result<bool, Failure> {
        let query = flight::evidence_of(walk.batch, unit, &walk.bookkeeping.tables);
        let rows = self
            .session
            .rows(&query)
            .await
            .map_err(|error| failure::of_own(&error, "the journal cannot be read or written"))?;
        let evidence = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        self.ask_about(walk, unit, evidence.as_deref()).await
    }

    async fn ask_about(&mut self, walk: &Walk<'_, '_>, unit: &Unit, evidence: Option<&str>) -> Result<bool, Failure> {
        let lost = |error: tokio_postgres::Error| failure::of_own(&error, "what an earlier run left cannot be cleared");
        let Some(question) = flight::question(&unit.nature, evidence) else {
            return Err(failure::in_doubt(walk, unit, false));
        };
        let rows = self.session.rows(&question).await.map_err(lost)?;
        let verdict = rows.first().and_then(|row| row.first()?.clone()).unwrap_or_else(|| "redo".to_owned());
        match verdict.as_str() {
            "redo" => Ok(false),
            "drop" => {
                for index in rows.into_iter().filter_map(|row| row.into_iter().nth(1).flatten()) {
                    let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {index}");
                    self.session.client.batch_execute(&drop).await.map_err(lost)?;
                }
                Ok(false)
            }
            "finalize" => {
                if let Some(finalize) = flight::finalize(&unit.nature) {
                    self.session.client.batch_execute(&finalize).await.map_err(lost)?;
                }
                self.write_done(walk, unit).await.map(|()| true)
            }
            "done" => self.write_done(walk, unit).await.map(|()| true),
            _ => Err(failure::in_doubt(walk, unit, false)),
        }
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
