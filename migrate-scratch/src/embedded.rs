//! PostgreSQL as WebAssembly inside this process.

mod frame;
mod owner;
mod pump;
mod session;
mod wire;

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::runtime::Handle;

use crate::ScratchError;

use owner::Owner;
use wire::{Lines, SharedWire};

/// How much the stream given to a client holds in each direction.
const STREAM: usize = 64 * 1024;

/// How long dropping an [`Embedded`] waits for the database to close.
const DROP_PATIENCE: Duration = Duration::from_secs(10);

/// Where the embedded server keeps its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory: gone when the database is closed.
    Memory,
    /// In a folder that is absent, empty or was made by an earlier embedded server. The data
    /// folder is its child `pgdata`; a lock file lies beside it (`.NAME.oliphaunt-wasix-rust.lock`)
    /// and stays there.
    Folder(PathBuf),
}

impl Storage {
    /// The storage as an error message names it.
    fn location(&self) -> String {
        match self {
            Self::Memory => "in memory".to_owned(),
            Self::Folder(path) => format!("folder {}", path.display()),
        }
    }
}

/// A PostgreSQL 18 inside this process: a handle to the thread that owns it.
///
/// It serves one session at a time. A second [`Embedded::connect`] is accepted at once, but its
/// client waits until the first session has ended; code that needs two sessions at the same time
/// waits for ever. Every session is the superuser `postgres`, whatever user name and password the
/// client sends. `SET ROLE` and `SET SESSION AUTHORIZATION` work, but `RESET SESSION
/// AUTHORIZATION` does nothing; `SET SESSION AUTHORIZATION postgres` leads back. The database the
/// client names must exist; `postgres` does. Startup settings such as `application_name`, `search_path` and
/// `options=-c …` are honoured.
///
/// The extensions pgcrypto, citext, `pg_trgm`, uuid-ossp, hstore, unaccent, ltree, `btree_gin` and
/// `btree_gist` can be created.
///
/// What it lacks, compared with a server: parallel and background workers (so no autovacuum),
/// replication, TLS, collations other than `C` and those built in, and every signal and timer:
/// statements cannot be cancelled, `pg_terminate_backend` does nothing, and `statement_timeout` is
/// accepted but never strikes.
#[derive(Debug)]
pub struct Embedded {
    location: String,
    lines: Arc<Lines>,
    /// `None` once closing has begun: the owner ends when nobody can give it more to do.
    commands: Option<Sender<SharedWire>>,
    /// What became of closing; a mutex makes the handle usable from several threads.
    closed: Mutex<Receiver<Result<(), ScratchError>>>,
}

impl Embedded {
    /// Opens the database on a thread of its own, and waits until it is ready for a client.
    ///
    /// # Errors
    /// [`ScratchError::FolderBusy`] when another embedded server has the folder;
    /// [`ScratchError::EmbeddedOpen`] when the database cannot be made or opened.
    pub fn open(storage: Storage) -> Result<Self, ScratchError> {
        let location = storage.location();
        let lines = Arc::new(Lines::default());
        let (commands, queue) = mpsc::channel();
        let (opened, opening) = mpsc::channel();
        let (closing, closed) = mpsc::channel();
        let thread_lines = Arc::clone(&lines);
        let work = move || match Owner::open(&storage) {
            Ok(owner) => {
                // Failing to send means that nobody waits any more; then nobody will connect
                // either, and the loop in `serve` ends at once.
                let _ = opened.send(Ok(()));
                let _ = closing.send(owner.serve(&queue, &thread_lines));
            }
            Err(error) => {
                let _ = opened.send(Err(error));
            }
        };
        thread::Builder::new().name("migrate-scratch-embedded".to_owned()).spawn(work).map_err(|error| {
            ScratchError::EmbeddedOpen { location: location.clone(), reason: format!("no thread for it: {error}") }
        })?;
        opening.recv().map_err(|_| ScratchError::EmbeddedOpen {
            location: location.clone(),
            reason: "its thread ended without a word".to_owned(),
        })??;
        Ok(Self { location, lines, commands: Some(commands), closed: Mutex::new(closed) })
    }

    /// A byte stream that speaks the PostgreSQL protocol (version 3), as a socket would: hand it
    /// to `tokio_postgres::Config::connect_raw(stream, NoTls)`.
    ///
    /// The session ends when the client says so or drops the stream; what it had not committed is
    /// rolled back. Answers are collected in memory until the client has read them.
    ///
    /// # Errors
    /// [`ScratchError::NoRuntime`] outside a tokio runtime; [`ScratchError::EmbeddedGone`] when
    /// the database's thread has ended.
    pub fn connect(&self) -> Result<DuplexStream, ScratchError> {
        let runtime = Handle::try_current().map_err(|_| ScratchError::NoRuntime)?;
        let gone = || ScratchError::EmbeddedGone { location: self.location.clone() };
        let (client, server) = tokio::io::duplex(STREAM);
        let (line, wire) = self.lines.open().ok_or_else(gone)?;
        self.commands.as_ref().and_then(|commands| commands.send(wire).ok()).ok_or_else(gone)?;
        runtime.spawn(pump::run(server, line));
        Ok(client)
    }

    /// Closes the database in order and releases its folder. Sessions are cut; a statement that is
    /// running is waited for.
    ///
    /// # Errors
    /// [`ScratchError::EmbeddedClose`] when a session broke down before or does now: the folder
    /// then stays locked until this process ends.
    pub fn close(mut self) -> Result<(), ScratchError> {
        self.begin_close();
        let closed = self.closed.get_mut().unwrap_or_else(PoisonError::into_inner);
        match closed.recv() {
            Ok(outcome) => outcome,
            Err(_) => Err(ScratchError::EmbeddedClose {
                location: self.location.clone(),
                reason: "its thread ended without a word".to_owned(),
            }),
        }
    }

    fn begin_close(&mut self) -> bool {
        self.lines.close();
        self.commands.take().is_some()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if self.begin_close() {
            let closed = self.closed.get_mut().unwrap_or_else(PoisonError::into_inner);
            // Bounded, because a statement cannot be cancelled; `close` reports errors.
            let _ = closed.recv_timeout(DROP_PATIENCE);
        }
    }
}
