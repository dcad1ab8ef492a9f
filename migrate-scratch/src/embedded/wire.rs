//! The database thread's end of a client's stream.
//!
//! The client's end is asynchronous, this end blocks. Neither side may ever wait inside the
//! other's world (a blocked executor thread, or an asynchronous wait inside WebAssembly), so plain
//! channels lie between them.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use oliphaunt_wasix::session::ProtocolStream;
use tokio::sync::{Semaphore, mpsc as tokio_mpsc};

/// How many pieces read from a client may wait for the database thread.
const PIECES: usize = 64;

/// What arrives from a client.
#[derive(Debug)]
pub(super) enum Arrival {
    Bytes(BytesMut),
    /// Nothing more will come.
    End,
}

/// The asynchronous end of a line, for the pump.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) arrivals: Sender<Arrival>,
    /// One permit per piece the database thread is ready to keep; closed when it hangs up.
    pub(super) room: Arc<Semaphore>,
    pub(super) answers: tokio_mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Drop for Line {
    /// Also when the client's runtime is shut down: the session must not wait for ever.
    fn drop(&mut self) {
        let _ = self.arrivals.send(Arrival::End);
    }
}

/// Every line that is open, so that closing the database can cut them all.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<OpenLines>);

#[derive(Debug, Default)]
struct OpenLines {
    closed: bool,
    last: u64,
    open: HashMap<u64, Sender<Arrival>>,
}

impl Lines {
    /// A new line; `None` when the database is being closed.
    pub(super) fn open(&self) -> Option<(Line, SharedWire)> {
        let mut lines = self.lock();
        if lines.closed {
            return None;
        }
        let (arrivals, incoming) = mpsc::channel();
        let (outgoing, answers) = tokio_mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(PIECES));
        lines.last += 1;
        let number = lines.last;
        lines.open.insert(number, arrivals.clone());
        let wire = Wire { number, incoming, room: Arc::clone(&room), outgoing, buffer: BytesMut::new(), ended: false };
        let line = Line { arrivals, room, answers };
        Some((line, SharedWire(Arc::new(Mutex::new(wire)))))
    }

    /// Forgets the line of `wire`: its session is over.
    pub(super) fn forget(&self, wire: &SharedWire) {
        let number = wire.lock().number;
        self.lock().open.remove(&number);
    }

    /// Ends the input of every line and opens no more.
    pub(super) fn close(&self) {
        let mut lines = self.lock();
        lines.closed = true;
        for (_, arrivals) in lines.open.drain() {
            let _ = arrivals.send(Arrival::End);
        }
    }

    fn lock(&self) -> MutexGuard<'_, OpenLines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The blocking end of a line.
#[derive(Debug)]
pub(super) struct Wire {
    number: u64,
    incoming: Receiver<Arrival>,
    room: Arc<Semaphore>,
    outgoing: tokio_mpsc::UnboundedSender<Vec<u8>>,
    /// What has arrived and was not yet taken.
    pub(super) buffer: BytesMut,
    ended: bool,
}

impl Wire {
    /// Waits for more bytes; `false` when no more will come.
    pub(super) fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        match self.incoming.recv() {
            Ok(Arrival::Bytes(bytes)) => {
                self.room.add_permits(1);
                if self.buffer.is_empty() && self.buffer.capacity() < bytes.len() {
                    self.buffer = bytes;
                } else {
                    self.buffer.extend_from_slice(&bytes);
                }
                true
            }
            Ok(Arrival::End) | Err(_) => {
                self.ended = true;
                false
            }
        }
    }

    /// Sends an answer. One the client no longer wants is dropped: its end arrives as input.
    pub(super) fn send(&self, answer: Vec<u8>) {
        if !answer.is_empty() {
            let _ = self.outgoing.send(answer);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// A [`Wire`] shared by a session's own loop and the embedded server, which reads and writes by
/// itself during COPY. Both are on the database thread and never use it at the same time.
#[derive(Debug, Clone)]
pub(super) struct SharedWire(Arc<Mutex<Wire>>);

impl SharedWire {
    pub(super) fn lock(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for SharedWire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.lock();
        if wire.buffer.is_empty() && !wire.fill() {
            return Ok(0);
        }
        let count = wire.buffer.len().min(into.len());
        into[..count].copy_from_slice(&wire.buffer.split_to(count));
        Ok(count)
    }
}

impl Write for SharedWire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ProtocolStream for SharedWire {
    fn read_ready(&mut self) -> io::Result<bool> {
        // A read may block: the server has nothing else to do on this thread.
        Ok(true)
    }
}
