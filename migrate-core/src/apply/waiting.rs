//! Waiting: for another runner's lock, for locks of the application, for a server that comes back. Every wait is polled
//! with jitter, bounded, ends when the run is asked to end, and is never silent for long.

use super::convoy::Fault;
use super::run::Run;
use super::{failure, lookout};
use crate::flight::{LOCK_KEY, Pace};
use crate::report::{Event, Failure, Retry};

impl Run<'_, '_> {
    /// Waits before a migration that was rolled back is tried again; its failure, when the budget is spent.
    pub(super) async fn try_again(&mut self, fault: &Fault<'_>, failure: Failure) -> Result<(), Failure> {
        let (attempt, waited) = (self.locks.tries(), self.locks.waited());
        let Some(delay) = self.locks.next() else {
            return Err(failure::lock_timeout(failure, (attempt, waited), &self.log.blockers));
        };
        self.log.tell(Event::Retry(Retry {
            ran: fault.leg.ran_at(fault.message),
            reason: failure.message.clone(),
            sqlstate: failure.server.as_ref().map(|server| server.sqlstate.clone()),
            attempt: attempt + 1,
            rolled_back: fault.leg.flight.pace != Pace::Unwrapped,
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
                let holder = lookout::in_the_way(self.session, &self.request.table).await;
                return Err(failure::lock_busy(holder.as_ref(), self.request.policy.lock_wait));
            };
            if self.patience.wants_to_speak() {
                let holder = lookout::in_the_way(self.session, &self.request.table).await;
                self.log.tell(Event::Waiting { holder, waited });
            }
            if let Err(cause) = self.means.stop.sleep(step).await {
                let holder = lookout::in_the_way(self.session, &self.request.table).await;
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
