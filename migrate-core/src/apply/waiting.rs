//! Waiting: for another runner's lock, for locks of the application, for a server that comes back. Every wait is polled
//! with jitter, bounded, ends when the run is asked to end, and is never silent for long.

use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use super::convoy::Leg;
use super::run::Run;
use super::{failure, lookout};
use crate::flight::LOCK_KEY;
use crate::report::{Event, Failure, Retry};

const SPEAK_EVERY: Duration = Duration::from_secs(10);

/// How often a guard may find another history than the one read right before, while every new read finds the same.
const MOVES: u32 = 100;

/// Tries at growing distances until a budget is spent; progress restores it.
#[derive(Debug)]
pub(super) struct Backoff {
    budget: Duration,
    shortest: Duration,
    longest: Duration,
    since: Option<Instant>,
    next: Duration,
    tries: u32,
}

impl Backoff {
    pub(super) const fn new(budget: Duration, shortest: Duration, longest: Duration) -> Self {
        Self { budget, shortest, longest, since: None, next: shortest, tries: 0 }
    }

    /// How long until the next try, between half and all of the step; `None` when the budget is spent.
    pub(super) fn next(&mut self) -> Option<Duration> {
        let spent = self.since.get_or_insert_with(Instant::now).elapsed();
        let left = self.budget.checked_sub(spent).filter(|left| !left.is_zero())?;
        let step = self.next / 2 + self.next.mul_f64(fraction()) / 2;
        self.next = (self.next * 2).min(self.longest);
        self.tries += 1;
        Some(step.min(left))
    }

    /// How often there was a next try.
    pub(super) const fn tries(&self) -> u32 {
        self.tries
    }

    pub(super) fn waited(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// After progress the budget starts anew.
    pub(super) fn restore(&mut self) {
        *self = Self::new(self.budget, self.shortest, self.longest);
    }
}

/// What is left of a run's patience with other runners.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) backoff: Backoff,
    spoke: Option<Instant>,
    moves: u32,
}

impl Patience {
    pub(super) fn new(budget: Duration) -> Self {
        let backoff = Backoff::new(budget, Duration::from_millis(200), Duration::from_secs(2));
        Self { backoff, spoke: None, moves: 0 }
    }

    pub(super) fn restore(&mut self) {
        self.backoff.restore();
        self.spoke = None;
        self.moves = 0;
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
}

/// A number in 0..1 from the standard library's own randomness: jitter needs no generator.
fn fraction() -> f64 {
    let bits = std::collections::hash_map::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

impl Run<'_, '_> {
    /// Waits before a migration that was rolled back is tried again; its failure, when the budget is spent.
    pub(super) async fn try_again(&mut self, leg: &Leg<'_>, failure: Failure) -> Result<(), Failure> {
        let (attempt, waited) = (self.locks.tries(), self.locks.waited());
        let Some(delay) = self.locks.next() else {
            return Err(failure::lock_timeout(failure, (attempt, waited), &self.log.blockers));
        };
        self.log.tell(Event::Retry(Retry {
            ran: leg.ran_at(0),
            reason: failure.message.clone(),
            sqlstate: failure.server.as_ref().map(|server| server.sqlstate.clone()),
            attempt: attempt + 1,
            delay,
        }));
        let slept = self.means.stop.sleep(delay).await;
        slept.map_err(|cause| {
            failure::stopped(cause, "while locks of the application were waited for", &self.log.blockers)
        })
    }

    /// Waits until the lock was free for a moment. Whoever asks next may still be too late.
    pub(super) async fn wait_for_the_lock(&mut self) -> Result<(), Failure> {
        loop {
            let waited = self.patience.backoff.waited();
            let Some(step) = self.patience.backoff.next() else {
                let holder = lookout::lock_holder(self.session).await;
                return Err(failure::lock_busy(holder.as_ref(), self.request.policy.lock_wait));
            };
            if self.patience.wants_to_speak() {
                let holder = lookout::lock_holder(self.session).await;
                self.log.tell(Event::Waiting { holder, waited });
            }
            if let Err(cause) = self.means.stop.sleep(step).await {
                let holder = lookout::lock_holder(self.session).await;
                return Err(failure::stopped(cause, "while the migration lock was waited for", holder.as_slice()));
            }
            // Taken and given back at once. An error shows again in what follows.
            let free = format!("SELECT pg_catalog.pg_try_advisory_xact_lock({LOCK_KEY})");
            let rows = self.session.rows(&free).await.unwrap_or_default();
            if rows.first().is_none_or(|row| row.first().is_none_or(|free| free.as_deref() != Some("f"))) {
                return Ok(());
            }
        }
    }
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
    fn steps_grow_up_to_the_longest_and_never_reach_past_the_budget() {
        let mut backoff = Backoff::new(Duration::from_mins(1), Duration::from_secs(1), Duration::from_secs(4));
        for longest in [1, 2, 4, 4] {
            let step = backoff.next().unwrap();
            assert!(step <= Duration::from_secs(longest) && step * 2 >= Duration::from_secs(longest), "{step:?}");
        }
        assert_eq!(backoff.tries(), 4);
    }

    #[test]
    fn progress_restores_the_budget() {
        let mut backoff = Backoff::new(Duration::ZERO, Duration::ZERO, Duration::ZERO);
        assert_eq!(backoff.next(), None);
        backoff.budget = Duration::from_mins(1);
        assert!(backoff.next().is_some());
        backoff.restore();
        assert_eq!(backoff.tries(), 0);
    }
}
