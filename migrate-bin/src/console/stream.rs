//! Lines on stderr, written by a thread of their own: a log that nobody reads any more holds no migration up.
//!
//! Invariant: in all, whoever says something waits no longer than [`PATIENCE`] for room; what finds none after that is
//! left out and counted.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// How long a run waits for the reader of its log.
const PATIENCE: Duration = Duration::from_secs(3);
/// Lines that wait to be written.
const ROOM: usize = 256;
const STEP: Duration = Duration::from_millis(5);

/// Where lines go.
pub(super) struct Stream {
    /// Nothing where they are written at once: a terminal is read, and a progress bar is drawn between them.
    queue: Option<Queue>,
    left_out: u64,
    patience: Duration,
}

struct Queue {
    lines: SyncSender<String>,
    /// Hangs up when the last line was written.
    written: Receiver<()>,
}

impl Stream {
    pub(super) fn new(is_terminal: bool) -> Self {
        let queue = if is_terminal { None } else { Queue::start() };
        Self { queue, left_out: 0, patience: PATIENCE }
    }

    /// Writes a line, sooner or later.
    pub(super) fn line(&mut self, text: &str) {
        let Some(queue) = &self.queue else {
            write(text);
            return;
        };
        if self.left_out > 0 {
            let words = format!("{} lines are missing here: nobody read this log", self.left_out);
            if !queue.put(words, &mut self.patience) {
                self.left_out += 1;
                return;
            }
            self.left_out = 0;
        }
        if !queue.put(text.to_owned(), &mut self.patience) {
            self.left_out += 1;
        }
    }
}

impl Drop for Stream {
    /// What is said last is what matters most: it gets its time, and no more.
    fn drop(&mut self) {
        let Some(Queue { lines, written }) = self.queue.take() else { return };
        drop(lines);
        let _hung_up = written.recv_timeout(self.patience.max(Duration::from_secs(1)));
    }
}

impl Queue {
    /// `None` where there can be no further thread.
    fn start() -> Option<Self> {
        let (lines, taken) = sync_channel(ROOM);
        let (writing, written) = sync_channel(0);
        let writer = move || {
            write_all(&taken);
            drop::<SyncSender<()>>(writing);
        };
        std::thread::Builder::new().name("log".to_owned()).spawn(writer).ok()?;
        Some(Self { lines, written })
    }

    /// Whether there was room for a line before the patience was at its end.
    fn put(&self, line: String, patience: &mut Duration) -> bool {
        let mut line = line;
        loop {
            match self.lines.try_send(line) {
                Ok(()) => return true,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(back)) => line = back,
            }
            let Some(left) = patience.checked_sub(STEP) else { return false };
            *patience = left;
            std::thread::sleep(STEP);
        }
    }
}

fn write_all(lines: &Receiver<String>) {
    for line in lines {
        write(&line);
    }
}

/// A reader that has gone away is no error of ours.
fn write(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _gone = writeln!(stderr, "{line}");
}
