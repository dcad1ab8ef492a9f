//! SIGTERM and SIGINT, from the first moment of the process on: as PID 1 of a container a process without a handler
//! ignores SIGTERM and is killed when the grace time is over.
//!
//! A thread of its own waits for them, so that a main thread which waits for something else is ended too. Invariant: a
//! command that minds being interrupted is asked to end; any other one, and one that was asked already, is ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use migrate_core::apply::{Stop, StopSwitch};

use crate::farewell::Farewell;

/// What the process knows of being told to end.
pub(crate) struct Signals {
    stop: Stop,
    minded: Arc<AtomicBool>,
    /// What an end by a signal leaves behind.
    farewell: Arc<OnceLock<Farewell>>,
    /// When the process began.
    started: Instant,
}

impl Signals {
    /// Handles the signals from here on.
    pub(crate) fn attend() -> Self {
        let (switch, stop) = Stop::by_hand();
        let minded = Arc::new(AtomicBool::new(false));
        let farewell = Arc::default();
        listen(switch, Arc::clone(&minded), Arc::clone(&farewell));
        Self { stop, minded, farewell, started: Instant::now() }
    }

    /// From here on an end by a signal leaves this behind, too.
    pub(crate) fn leave(&self, farewell: Farewell) {
        let _once = self.farewell.set(farewell);
    }

    /// From here on a signal, or the end of this time since the process began, asks the command to end.
    pub(crate) fn mind(&self, deadline: Option<Duration>) -> Stop {
        self.minded.store(true, Ordering::Release);
        self.stop.clone().at(deadline.map(|deadline| self.started + deadline))
    }
}

#[cfg(unix)]
fn listen(switch: StopSwitch, minded: Arc<AtomicBool>, farewell: Arc<OnceLock<Farewell>>) {
    use migrate_core::report::Exit;
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::end::End;
    use crate::termination::Message;

    /// Kubernetes gives 30 s by default; what is not done by then is ended by SIGKILL.
    const LAST: Duration = Duration::from_secs(25);

    // Without a handler the default stays, which ends the process: that is all that can be done here.
    let Ok(mut signals) = Signals::new([SIGTERM, SIGINT]) else { return };
    let end = move |exit: Exit| {
        let message = Message::of_exit(exit, exit.row().meaning);
        let farewell = farewell.get().cloned().unwrap_or_default();
        let _nobody_to_tell = (farewell.leave(&message, &End::by(exit)), farewell.deliver());
        std::process::exit(i32::from(exit.row().code))
    };
    let last = end.clone();
    let end_at_last = move || {
        std::thread::sleep(LAST);
        last(Exit::InterruptedPartial);
    };
    std::thread::spawn(move || {
        let mut asked = false;
        for _ in signals.forever() {
            match (minded.load(Ordering::Acquire), asked) {
                (false, _) => end(Exit::Interrupted),
                // Nothing is known of what was under way: the next run finds out.
                (true, true) => end(Exit::InterruptedPartial),
                (true, false) => {
                    asked = true;
                    switch.stop();
                    std::thread::spawn(end_at_last.clone());
                }
            }
        }
    });
}

#[cfg(not(unix))]
fn listen(_switch: StopSwitch, _minded: Arc<AtomicBool>, _farewell: Arc<OnceLock<Farewell>>) {}
