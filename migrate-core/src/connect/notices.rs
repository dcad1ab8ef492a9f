//! The server's notices, from the task that drives a connection to whoever waits for answers.
//!
//! Invariant: while somebody attends, the driver reads nothing behind a notice until it was taken. So every answer that
//! came before the notice is there when it is taken, and none that came after it: the notice belongs to the statement
//! whose answer is the first one missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// How many notices are kept for somebody who does not attend.
const KEPT: usize = 1000;

/// A notice of the server.
pub(crate) struct Notice {
    pub(crate) severity: String,
    pub(crate) message: String,
    /// Its end tells the driver to go on.
    _taken: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Shared {
    attended: AtomicBool,
    queued: AtomicUsize,
}

/// The driver's end.
pub(crate) struct Crier {
    sender: UnboundedSender<Notice>,
    shared: Arc<Shared>,
}

/// The other end.
pub(crate) struct Notices {
    receiver: UnboundedReceiver<Notice>,
    shared: Arc<Shared>,
}

pub(crate) fn channel() -> (Crier, Notices) {
    let (sender, receiver) = unbounded_channel();
    let shared = Arc::new(Shared::default());
    (Crier { sender, shared: Arc::clone(&shared) }, Notices { receiver, shared })
}

impl Crier {
    /// Tells a notice, and waits until it was taken where somebody attends.
    pub(crate) async fn tell(&self, severity: String, message: String) {
        let attended = self.shared.attended.load(Ordering::Acquire);
        if !attended && self.shared.queued.load(Ordering::Relaxed) >= KEPT {
            return;
        }
        let (taken, until_taken) = oneshot::channel();
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        let notice = Notice { severity, message, _taken: attended.then_some(taken) };
        // Nobody listens any more when the session is being closed.
        if self.sender.send(notice).is_ok() && attended {
            let _taken = until_taken.await;
        }
    }
}

impl Notices {
    /// From here on the driver waits for each notice to be taken.
    pub(crate) fn attend(&self) {
        self.shared.attended.store(true, Ordering::Release);
    }

    /// From here on it does not; what was told until now.
    pub(crate) fn leave(&mut self) -> Vec<Notice> {
        self.shared.attended.store(false, Ordering::Release);
        std::iter::from_fn(|| self.receiver.try_recv().ok().inspect(|_| self.count())).collect()
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Notice> {
        match self.receiver.poll_recv(context) {
            Poll::Ready(Some(notice)) => {
                self.count();
                Poll::Ready(notice)
            }
            // A driver that has ended tells nothing more; who waits for its answers is told by them.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn count(&self) {
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
    }
}
