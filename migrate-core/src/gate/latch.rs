//! When a release asks, and how often: at its start, until the gate is open, and never again.

use std::fmt::Display;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use super::{Gate, TextRow, Verdict};

/// What a release does while its database is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It ends: whoever deployed it made sure that the Job was done. A server that cannot be reached is asked again for
    /// a while, because networks come up late.
    FailFast,
    /// It waits for the Job, for so long at most.
    Wait {
        /// How long.
        timeout: Duration,
    },
}

impl Policy {
    /// How long a verdict is waited out.
    const fn patience(self, verdict: &Verdict) -> Duration {
        match self {
            Self::Wait { timeout } if verdict.may_pass() => timeout,
            Self::FailFast if matches!(verdict.state, super::State::Unreachable { .. }) => UNREACHABLE,
            _ => Duration::ZERO,
        }
    }

    /// How long until the question is asked again; `None` when this verdict is final.
    #[must_use]
    pub fn pause(self, verdict: &Verdict, started: Instant) -> Option<Duration> {
        let left = self.patience(verdict).checked_sub(started.elapsed()).filter(|left| !left.is_zero())?;
        Some(left.min(jittered()))
    }
}

/// How long a server that cannot be reached is asked by a release that otherwise does not wait.
const UNREACHABLE: Duration = Duration::from_secs(10);

/// Half a second to a second and a half: a fleet that starts at once does not ask at once.
fn jittered() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(500) + Duration::from_nanos(u64::from(now.subsec_nanos()))
}

/// A gate that stays open once it was: a pod that is ready does not become unready because a later release's Job ran.
/// For start-up and readiness; never for liveness, because no restart mends a schema.
#[derive(Debug)]
pub struct Latch<'s> {
    gate: Gate<'s>,
    policy: Policy,
    opened: OnceLock<Verdict>,
}

impl<'s> Latch<'s> {
    /// A latch that was not opened yet.
    #[must_use]
    pub const fn new(gate: Gate<'s>, policy: Policy) -> Self {
        Self { gate, policy, opened: OnceLock::new() }
    }

    /// The verdict that opened it.
    #[must_use]
    pub fn opened(&self) -> Option<&Verdict> {
        self.opened.get()
    }

    /// Its gate.
    #[must_use]
    pub const fn gate(&self) -> &Gate<'s> {
        &self.gate
    }

    /// Asks until the gate is open or the policy's patience is over; this thread sleeps in between. Asks nothing once
    /// it was open.
    pub fn admit<E: Display>(&self, mut ask: impl FnMut(&str) -> Result<Vec<TextRow>, E>) -> Verdict {
        let started = Instant::now();
        loop {
            if let Some(verdict) = self.opened.get() {
                return verdict.clone();
            }
            let verdict = self.gate.check(&mut ask);
            match self.take(&verdict, started) {
                Some(pause) => std::thread::sleep(pause),
                None => return verdict,
            }
        }
    }

    /// The same where asking and sleeping mean waiting.
    pub async fn admit_async<E: Display>(
        &self,
        mut ask: impl AsyncFnMut(&str) -> Result<Vec<TextRow>, E>,
        sleep: impl AsyncFn(Duration),
    ) -> Verdict {
        let started = Instant::now();
        loop {
            if let Some(verdict) = self.opened.get() {
                return verdict.clone();
            }
            let verdict = self.gate.check_async(&mut ask).await;
            match self.take(&verdict, started) {
                Some(pause) => sleep(pause).await,
                None => return verdict,
            }
        }
    }

    /// Keeps a verdict that opens it; otherwise how long to wait, if at all.
    fn take(&self, verdict: &Verdict, started: Instant) -> Option<Duration> {
        if verdict.is_open() {
            // Another thread may have been faster with the same.
            let _kept = self.opened.set(verdict.clone());
            return None;
        }
        self.policy.pause(verdict, started)
    }
}
