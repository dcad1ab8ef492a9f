//! How long a run waits, and how long until it tries again: with jitter, bounded, restored by progress.

use std::time::{Duration, Instant};

use crate::connect::lot;

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
        let step = self.next / 2 + self.next.mul_f64(lot()) / 2;
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

#[cfg(test)]
mod tests {
    use super::*;

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
