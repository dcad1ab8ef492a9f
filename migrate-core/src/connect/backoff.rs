//! How long to wait before the next try: full jitter, so that a hundred Pods do not come back as one.

use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// The waits between tries; the bound of each is twice that of the one before.
#[derive(Debug)]
pub(super) struct Backoff {
    bound: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { bound: FIRST }
    }
}

impl Backoff {
    /// Sleeps for a part of the bound that is drawn by lot, and never past the deadline.
    pub(super) async fn wait(&mut self, deadline: Instant) {
        let wait = self.next(lot()).min(deadline.saturating_duration_since(Instant::now()));
        tokio::time::sleep(wait).await;
    }

    fn next(&mut self, lot: f64) -> Duration {
        let wait = self.bound.mul_f64(lot);
        self.bound = (self.bound * 2).min(LONGEST);
        wait
    }
}

/// A number in 0..=1 from the standard library's own randomness: jitter needs no generator.
pub(crate) fn lot() -> f64 {
    let bits = std::collections::hash_map::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_drawn_below_a_bound_that_doubles_up_to_five_seconds() {
        let mut backoff = Backoff::default();
        let bounds: Vec<u128> = (0..7).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(bounds, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(backoff.next(0.0), Duration::ZERO);
        assert!((0..1000).all(|_| (0.0..=1.0).contains(&lot())));
    }
}
