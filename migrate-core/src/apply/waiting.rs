//! Waiting for another runner's lock: polled with jitter, bounded, and never silent for long.

use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use super::Session;
use crate::flight::LOCK_KEY;

const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(2);
const SPEAK_EVERY: Duration = Duration::from_secs(10);

/// How often a guard may find another history than the one read right before, while every new read finds the same.
const MOVES: u32 = 100;

/// What is left of a run's patience.
#[derive(Debug)]
pub(super) struct Patience {
    budget: Duration,
    since: Option<Instant>,
    spoke: Option<Instant>,
    next: Duration,
    moves: u32,
}

impl Patience {
    pub(super) fn new(budget: Duration) -> Self {
        Self { budget, since: None, spoke: None, next: SHORTEST, moves: 0 }
    }

    /// After progress the budget starts anew.
    pub(super) fn restore(&mut self) {
        *self = Self::new(self.budget);
    }

    pub(super) fn is_over(&mut self) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() >= self.budget
    }

    pub(super) fn wants_to_speak(&mut self) -> bool {
        let due = self.spoke.is_none_or(|spoke| spoke.elapsed() >= SPEAK_EVERY);
        if due {
            self.spoke = Some(Instant::now());
        }
        due
    }

    pub(super) fn forget_moves(&mut self) {
        self.moves = 0;
    }

    pub(super) fn spend_on_a_move(&mut self) -> bool {
        self.moves += 1;
        self.moves < MOVES
    }

    /// Sleeps between half and all of the next step, and never past the budget.
    pub(super) async fn wait(&mut self) {
        let left = self.since.map_or(self.budget, |since| self.budget.saturating_sub(since.elapsed()));
        let step = self.next / 2 + self.next.mul_f64(fraction()) / 2;
        self.next = (self.next * 2).min(LONGEST);
        tokio::time::sleep(step.min(left)).await;
    }
}

/// A number in 0..1 from the standard library's own randomness: jitter needs no generator.
fn fraction() -> f64 {
    let bits = std::collections::hash_map::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// Who holds the lock, in words; empty when the server does not tell.
pub(super) async fn holder(session: &Session) -> String {
    let query = format!(
        "SELECT pg_catalog.format('pid %s%s%s, %s for %s s', a.pid, \
         CASE WHEN a.application_name <> '' THEN pg_catalog.format(' (%s)', a.application_name) END, \
         CASE WHEN a.client_addr IS NOT NULL THEN pg_catalog.format(' from %s', pg_catalog.host(a.client_addr)) END, \
         coalesce(a.state, 'state unknown'), \
         pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() - \
         coalesce(a.xact_start, a.backend_start))::numeric)) \
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid() \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
         AND (l.classid::bigint << 32) + l.objid::bigint = {LOCK_KEY}"
    );
    let rows = session.rows(&query).await.unwrap_or_default();
    rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_between_zero_and_one() {
        for _ in 0..1000 {
            assert!((0.0..=1.0).contains(&fraction()));
        }
    }

    #[test]
    fn progress_restores_the_budget() {
        let mut patience = Patience::new(Duration::ZERO);
        assert!(patience.is_over());
        patience.budget = Duration::from_mins(1);
        patience.restore();
        assert!(!patience.is_over());
    }
}
