//! What goes on beside a flight: being asked to end, and looking after a statement that takes its time.
//!
//! It lives as long as a run and moves only while answers are waited for. Invariant: it never touches the session that
//! flies; it cancels over a connection of its own, and looks from another session.
//!
//! It is polled with the answers. It hears the signal or the deadline and cancels, again and again, because a cancel can
//! fall between two statements, and hears each request out (`connect/wire.rs`), because PgBouncer drops that of a client
//! who hangs up; and it looks from a second session, which finds our backend by the migration lock it holds, so that a
//! pooler does not matter. Notices are told with their place because the driver stops reading behind each one until it
//! was taken (`connect/notices.rs`).

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::join;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::flushing::flush;
use super::lookout::{LOOK_TIMEOUT, Look, look};
use super::stop::{Cause, Stop};
use super::{Connect, Session};
use crate::connect::Canceller;
use crate::report::{At, Event, Progress, Ran};

/// What a watch has to say.
pub(super) enum Sign {
    Tell(Event),
    /// What has landed is on the disk, up to this number.
    Flushed(u64),
    /// The server does not answer a cancel: whoever waits should not wait any longer.
    Abandon,
}

/// How long a run that was asked to end waits for the answers to what is under way. What follows, asking the database
/// what became of it, has to fit into the 30 s that Kubernetes gives by default, too.
const GRACE: Duration = Duration::from_secs(10);

/// A cancel can come between two statements and hit neither: it is repeated.
const CANCEL_EVERY: Duration = Duration::from_millis(250);
/// Nobody waits longer than this for a cancel whose statement has ended.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
const SOONEST_LOOK: Duration = Duration::from_millis(100);
pub(super) const SPEAK_EVERY: Duration = Duration::from_secs(10);
/// And after a look that nobody answered, this long passes before the next.
const REST: Duration = Duration::from_secs(30);

/// What is under way.
struct Current {
    /// Nothing for the preparation, which is no file's.
    at: Option<At>,
    since: Instant,
    cancel: Option<Canceller>,
}

/// What the run and its watch tell each other.
#[derive(Default)]
struct Board {
    current: Option<Current>,
    /// Whether a cancel is on its way.
    cancelling: bool,
    /// Up to which number something has landed that is not known to be on the disk, and since when there is such a thing.
    unflushed: Option<(u64, Instant)>,
}

type Shared = Arc<Mutex<Board>>;

pub(super) struct Watch<'r> {
    task: Pin<Box<dyn Future<Output = ()> + Send + 'r>>,
    signs: UnboundedReceiver<Sign>,
    board: Shared,
}

impl<'r> Watch<'r> {
    /// `lock_timeout` is how long a statement may wait: it is looked at before that is over.
    pub(super) fn new(connect: Option<&'r dyn Connect>, stop: &Stop, lock_timeout: Duration) -> Self {
        let (sender, signs) = unbounded_channel();
        let board = Shared::default();
        let halting = halt(stop.clone(), Arc::clone(&board), sender.clone());
        let looking = keep_looking((connect, look_every(lock_timeout)), Arc::clone(&board), sender);
        let task = Box::pin(async move {
            join(halting, looking).await;
        });
        Self { task, signs, board }
    }

    /// One that never has anything to say.
    pub(super) fn idle() -> Self {
        let (_, signs) = unbounded_channel();
        Self { task: Box::pin(std::future::pending()), signs, board: Shared::default() }
    }

    /// A flight is under way: a file's, or the preparation.
    pub(super) fn flight(&self, ran: Option<Ran>, cancel: Option<Canceller>) {
        let at = ran.map(|ran| At { ran, statement: 0, line: 0 });
        lock(&self.board).current = Some(Current { at, since: Instant::now(), cancel });
    }

    /// One of its statements is the next to be answered.
    pub(super) fn statement(&self, statement: usize, line: u32) {
        if let Some(current) = lock(&self.board).current.as_mut() {
            if let Some(at) = current.at.as_mut() {
                (at.statement, at.line) = (statement, line);
            }
            current.since = Instant::now();
        }
    }

    /// Something has landed that is not known to be on the disk; up to this number.
    pub(super) fn unflushed(&self, end: u64) {
        let unflushed = &mut lock(&self.board).unflushed;
        let since = unflushed.map_or_else(Instant::now, |(_, since)| since);
        *unflushed = Some((end, since));
    }

    /// All that has landed is on the disk.
    pub(super) fn all_flushed(&self) {
        lock(&self.board).unflushed = None;
    }

    /// Nothing is under way.
    pub(super) fn rest(&self) {
        lock(&self.board).current = None;
    }

    /// Waits for a cancel that is on its way, so that it hits nothing that comes later, and because a `PgBouncer` that
    /// passes one on may crash when whoever asked hangs up.
    pub(super) async fn let_cancel_arrive(&mut self) {
        let arrived = std::future::poll_fn(|context| {
            let _running = self.task.as_mut().poll(context);
            if lock(&self.board).cancelling { Poll::Pending } else { Poll::Ready(()) }
        });
        // A server that takes none will not be hit by it either.
        let _late = tokio::time::timeout(CANCEL_TIMEOUT, arrived).await;
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Sign> {
        // It ends only by being abandoned, and its last word is in the channel then.
        let _running = self.task.as_mut().poll(context);
        match self.signs.poll_recv(context) {
            Poll::Ready(Some(sign)) => Poll::Ready(sign),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, Board> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits to be asked to end, and then cancels what is under way until it has ended.
async fn halt(stop: Stop, board: Shared, signs: UnboundedSender<Sign>) {
    let cause = match stop.requested().await {
        Cause::Signal => "signal",
        Cause::Deadline => "deadline",
    };
    let tell = |sign| {
        // A run that has ended listens no more.
        let _unheard = signs.send(sign);
    };
    tell(Sign::Tell(Event::Stopping { cause }));
    let asked = Instant::now();
    while asked.elapsed() < GRACE {
        let canceller = lock(&board).current.as_ref().and_then(|current| current.cancel.clone());
        if let Some(canceller) = canceller {
            lock(&board).cancelling = true;
            // Whether it was heard shows in the answer of what was cancelled.
            let _unheard = tokio::time::timeout(LOOK_TIMEOUT, canceller.cancel()).await;
            lock(&board).cancelling = false;
        }
        tokio::time::sleep(CANCEL_EVERY).await;
    }
    tell(Sign::Abandon);
    std::future::pending::<()>().await;
}

/// Often enough to see who is in the way of a statement before it gives up; 0 is no bound.
fn look_every(lock_timeout: Duration) -> Duration {
    let half = lock_timeout / 2;
    if half.is_zero() { LOOK_EVERY } else { half.clamp(SOONEST_LOOK, LOOK_EVERY) }
}

/// Looks at what is under way once a second from the first second on, and speaks when there is something to say.
async fn keep_looking((connect, every): (Option<&dyn Connect>, Duration), board: Shared, signs: UnboundedSender<Sign>) {
    let mut lookout = Lookout { connect, session: None, not_before: None };
    // Of which statement was spoken, and when.
    let mut spoke: Option<(Instant, Instant)> = None;
    let mut told_blocked: Option<Instant> = None;
    if every < LOOK_EVERY {
        // A session that is opened when it is needed would see who was in the way.
        lookout.look().await;
    }
    let mut pause = every;
    loop {
        tokio::time::sleep(pause).await;
        pause = every;
        lookout.flush_what_waits(&board, &signs).await;
        let current = lock(&board).current.as_ref().and_then(|current| Some((current.at.clone()?, current.since)));
        let Some((at, since)) = current else { continue };
        let elapsed = since.elapsed();
        if elapsed < every {
            // From when this statement began, not from when the last one was looked at: a whole pause more can be too late.
            pause = every.saturating_sub(elapsed);
            continue;
        }
        let seen = lookout.look().await;
        let due = |last: Option<Instant>| last.is_none_or(|last| last.elapsed() >= SPEAK_EVERY);
        let tell = |event| signs.send(Sign::Tell(event)).is_ok();
        if seen.blocked && due(told_blocked.filter(|told| *told > since)) {
            told_blocked = Some(Instant::now());
            tell(Event::Blocked { at: at.clone(), elapsed, blockers: seen.blockers.clone() });
        }
        let last = spoke.filter(|(of, _)| *of == since).map(|(_, when)| when);
        if elapsed >= SPEAK_EVERY && due(last) {
            spoke = Some((since, Instant::now()));
            let Look { phase, percent, waits_for, .. } = seen;
            tell(Event::Progress(Progress { at, elapsed, phase, percent, waits_for }));
        }
    }
}

/// A second session, opened when it is first needed.
struct Lookout<'r> {
    connect: Option<&'r dyn Connect>,
    session: Option<Session>,
    not_before: Option<Instant>,
}

impl Lookout<'_> {
    /// What the server says; nothing where it does not answer or no second session can be had.
    async fn look(&mut self) -> Look {
        if self.rests() {
            return Look::default();
        }
        if let Ok(Some(seen)) = tokio::time::timeout(LOOK_TIMEOUT, self.try_to_look()).await {
            return seen;
        }
        self.rest();
        Look::default()
    }

    /// What has landed, and waits to be told until it is on the disk, does not wait for a migration that takes its time.
    async fn flush_what_waits(&mut self, board: &Shared, signs: &UnboundedSender<Sign>) {
        let unflushed = lock(board).unflushed.filter(|(_, since)| since.elapsed() >= LOOK_EVERY);
        let Some((end, _)) = unflushed.filter(|_| !self.rests()) else { return };
        match tokio::time::timeout(LOOK_TIMEOUT, self.try_to_flush()).await {
            Ok(Some(())) => {
                // A run that has ended listens no more.
                let _unheard = signs.send(Sign::Flushed(end));
            }
            _ => self.rest(),
        }
    }

    /// Where it may not be asked for, whoever waits for the end of the migrations says so.
    async fn try_to_flush(&mut self) -> Option<()> {
        flush(self.session().await?).await.ok()?.is_none().then_some(())
    }

    fn rests(&self) -> bool {
        self.not_before.is_some_and(|time| time > Instant::now())
    }

    /// A pool with one place gives it to the work. Its question must not wait there in line.
    fn rest(&mut self) {
        self.session = None;
        self.not_before = Some(Instant::now() + REST);
    }

    async fn try_to_look(&mut self) -> Option<Look> {
        look(self.session().await?).await.ok()
    }

    async fn session(&mut self) -> Option<&Session> {
        if self.session.is_none() {
            self.session = Some(self.connect?.beside().await.ok()?);
        }
        self.session.as_ref()
    }
}
