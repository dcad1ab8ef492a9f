//! SIGTERM and SIGINT, from the first moment of the process on: as PID 1 of a container a process without a handler
//! ignores SIGTERM and is killed when the grace time is over.
//!
//! A thread of its own waits for them, so that a main thread which waits for something else is ended too: for a file of
//! a mount that hangs, as the one of a secret can. Invariant: a command that minds being interrupted is asked to end; any
//! other one, and one that was asked already, is ended.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use migrate_core::apply::{Cause, Stop, StopSwitch, stopped};
use migrate_core::report::{Exit, Failure, State};

use crate::arguments::Shared;
use crate::console::Console;
use crate::end::End;
use crate::farewell::Farewell;
use crate::spelling::Spelling;
use crate::termination::Message;
use crate::trouble::Trouble;

/// How long a command that has changed nothing is given to end in order.
const SOON: Duration = Duration::from_secs(2);
/// Kubernetes gives 30 s by default; what is not done by then is ended by SIGKILL.
const LAST: Duration = Duration::from_secs(25);

/// What an end by a signal, or by the deadline, means for the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    /// It may be ended at any moment.
    Free,
    /// It is asked to end, and has changed nothing so far.
    Connecting,
    /// It is asked to end, and something may be under way.
    Working,
}

/// How far the command is, for the threads that wait beside it.
#[derive(Debug, Clone, Default)]
struct Progress(Arc<AtomicU8>);

impl Progress {
    fn reach(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Release);
    }

    fn is(&self, stage: Stage) -> bool {
        self.0.load(Ordering::Acquire) == stage as u8
    }
}

/// What an end by a signal says and leaves behind; nothing before the command line is read.
type Known = Arc<OnceLock<(Farewell, Shared)>>;

/// What the process knows of being told to end.
pub(crate) struct Signals {
    stop: Stop,
    progress: Progress,
    known: Known,
    /// When the process began.
    started: Instant,
}

impl Signals {
    /// Handles the signals from here on.
    pub(crate) fn attend() -> Self {
        let (switch, stop) = Stop::by_hand();
        let (progress, known) = (Progress::default(), Known::default());
        listen(switch, progress.clone(), Arc::clone(&known));
        Self { stop, progress, known, started: Instant::now() }
    }

    /// From here on an end by a signal leaves this behind, too, and is told as the command line asks.
    pub(crate) fn leave(&self, farewell: Farewell, shared: Shared) {
        let _once = self.known.set((farewell, shared));
    }

    /// From here on a signal asks the command to end.
    pub(crate) fn mind(&self) -> Stop {
        self.progress.reach(Stage::Working);
        self.stop.clone()
    }

    /// The same, and the end of this time since the process began. Until [`Self::begin_work`] the command changes nothing:
    /// it is ended where it does not hear.
    pub(crate) fn mind_connecting(&self, deadline: Option<Duration>) -> Stop {
        self.progress.reach(Stage::Connecting);
        if let Some(deadline) = deadline {
            let (progress, known, at) =
                (self.progress.clone(), Arc::clone(&self.known), self.started + deadline + SOON);
            std::thread::spawn(move || {
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                end_if_connecting(&progress, &known, Cause::Deadline);
            });
        }
        self.stop.clone().at(deadline.map(|deadline| self.started + deadline))
    }

    /// From here on the command may change something.
    pub(crate) fn begin_work(&self) {
        self.progress.reach(Stage::Working);
    }
}

/// Ends a process whose main thread waits for something that does not come, before it has changed anything.
fn end_if_connecting(progress: &Progress, known: &Known, cause: Cause) {
    if progress.is(Stage::Connecting) {
        end(known, stopped(cause, "while it was connecting"));
    }
}

fn end(known: &Known, failure: Failure) -> ! {
    let code = failure.exit.row().code;
    let message = Message::of_exit(failure.exit, &failure.message);
    if let Some((farewell, shared)) = known.get() {
        let _nobody_to_tell = farewell.leave(&message, &End::by(failure.exit));
        Console::new(shared, farewell.clone(), Spelling::default()).trouble(&Trouble::from(failure));
        let _nobody_to_tell = farewell.deliver();
    }
    std::process::exit(i32::from(code))
}

/// An end of a command that may be ended at any moment.
fn ended() -> Failure {
    let state = State::Elsewhere("what the command had finished stays, and nothing else".into());
    Failure { state, ..Failure::new(Exit::Interrupted, "a signal ended the command", "run it again") }
}

/// An end while something may be under way: nothing is known of it.
fn abandoned(why: &str) -> Failure {
    let next = "run again: the next run finds out what became of what was under way";
    Failure { state: State::Abandoned, ..Failure::new(Exit::InterruptedPartial, why, next) }
}

#[cfg(unix)]
fn listen(switch: StopSwitch, progress: Progress, known: Known) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    // Without a handler the default stays, which ends the process: that is all that can be done here.
    let Ok(mut signals) = Signals::new([SIGTERM, SIGINT]) else { return };
    std::thread::spawn(move || {
        let mut asked = false;
        for _ in signals.forever() {
            if progress.is(Stage::Free) {
                end(&known, ended());
            }
            if asked {
                end_if_connecting(&progress, &known, Cause::Signal);
                end(&known, abandoned("a second signal ended the run before the server had answered"));
            }
            asked = true;
            switch.stop();
            let (progress, known) = (progress.clone(), Arc::clone(&known));
            std::thread::spawn(move || {
                std::thread::sleep(SOON);
                end_if_connecting(&progress, &known, Cause::Signal);
                std::thread::sleep(LAST.saturating_sub(SOON));
                end(&known, abandoned("a signal ended the run, and the server did not answer in time"));
            });
        }
    });
}

#[cfg(not(unix))]
fn listen(_switch: StopSwitch, _progress: Progress, _known: Known) {}
