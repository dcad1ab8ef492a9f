//! Asking a run to end early, and hearing that it was asked.
//!
//! A [`Stop`] is a question that every wait of a run asks. Invariant: once asked, it stays asked.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Why a run is to end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The process was told to end.
    Signal,
    /// The run's own time is over.
    Deadline,
}

/// The hand that asks; it may be moved to another thread.
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<bool>);

impl StopSwitch {
    /// Asks the run to end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Whether a run is asked to end.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: Option<watch::Receiver<bool>>,
    deadline: Option<Instant>,
}

impl Stop {
    /// Nobody will ask.
    #[must_use]
    pub const fn never() -> Self {
        Self { asked: None, deadline: None }
    }

    /// A hand that asks, and the question.
    #[must_use]
    pub fn by_hand() -> (StopSwitch, Self) {
        let (sender, receiver) = watch::channel(false);
        (StopSwitch(sender), Self { asked: Some(receiver), deadline: None })
    }

    /// The same, asked at this time too.
    #[must_use]
    pub fn at(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// The cause, when it was asked.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        if self.asked.as_ref().is_some_and(|asked| *asked.borrow()) {
            return Some(Cause::Signal);
        }
        self.deadline.filter(|deadline| *deadline <= Instant::now()).map(|_| Cause::Deadline)
    }

    /// Waits until it is asked.
    pub async fn requested(&self) -> Cause {
        let signal = async {
            let asked = match self.asked.clone() {
                Some(mut asked) => asked.wait_for(|asked| *asked).await.is_ok(),
                None => false,
            };
            // A hand that is gone cannot ask any more.
            if !asked {
                std::future::pending::<()>().await;
            }
        };
        let deadline = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let (signal, deadline) = (std::pin::pin!(signal), std::pin::pin!(deadline));
        match futures_util::future::select(signal, deadline).await {
            futures_util::future::Either::Left(_) => Cause::Signal,
            futures_util::future::Either::Right(_) => Cause::Deadline,
        }
    }

    /// Sleeps, and wakes early when it is asked.
    ///
    /// # Errors
    /// The cause.
    pub async fn sleep(&self, time: Duration) -> Result<(), Cause> {
        tokio::time::timeout(time, self.requested()).await.map_or(Ok(()), Err)
    }

    /// Awaits a future unless it is asked first; the future is dropped then.
    ///
    /// # Errors
    /// The cause.
    pub async fn unless<T>(&self, future: impl Future<Output = T>) -> Result<T, Cause> {
        let (future, requested) = (std::pin::pin!(future), std::pin::pin!(self.requested()));
        match futures_util::future::select(future, requested).await {
            futures_util::future::Either::Left((value, _)) => Ok(value),
            futures_util::future::Either::Right((cause, _)) => Err(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn a_hand_stops_what_sleeps() {
        let (hand, stop) = Stop::by_hand();
        assert_eq!(stop.cause(), None);
        hand.stop();
        assert_eq!(on_a_runtime(stop.sleep(Duration::from_mins(1))), Err(Cause::Signal));
        assert_eq!(stop.cause(), Some(Cause::Signal));
    }

    #[test]
    fn a_deadline_stops_what_waits_for_ever() {
        let stop = Stop::never().at(Some(Instant::now()));
        assert_eq!(on_a_runtime(stop.unless(std::future::pending::<()>())), Err(Cause::Deadline));
        assert_eq!(stop.cause(), Some(Cause::Deadline));
    }

    #[test]
    fn nobody_stops_what_nobody_can_stop() {
        let (hand, stop) = Stop::by_hand();
        drop(hand);
        assert_eq!(on_a_runtime(stop.sleep(Duration::from_millis(1))), Ok(()));
        assert_eq!(on_a_runtime(Stop::never().unless(async { 1 })), Ok(1));
    }
}
