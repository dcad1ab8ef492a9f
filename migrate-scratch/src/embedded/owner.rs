//! The thread that owns the embedded database.

use std::fs::TryLockError;
use std::sync::mpsc::Receiver;

use bytes::Bytes;
use oliphaunt_wasix::session::{PreparedDatabase, default_catalog_profile, resolve_extension_set};
use oliphaunt_wasix::{DatabaseStorage, Extension};

use crate::ScratchError;

use super::Storage;
use super::frame::{self, Opening};
use super::session::{Refusal, Session};
use super::wire::{Lines, SharedWire};

/// The database that always exists.
const DATABASE: &str = "postgres";

/// The extensions that can be created.
const EXTENSIONS: [Extension; 9] = [
    Extension::PGCRYPTO,
    Extension::CITEXT,
    Extension::PG_TRGM,
    Extension::UUID_OSSP,
    Extension::HSTORE,
    Extension::UNACCENT,
    Extension::LTREE,
    Extension::BTREE_GIN,
    Extension::BTREE_GIST,
];

/// The database and what serves its sessions. Everything of it stays on one thread.
pub(super) struct Owner {
    location: String,
    prepared: PreparedDatabase,
    extensions: Vec<Extension>,
    /// A session opened in advance: it proves that the database works, and spares the first client
    /// the wait.
    idle: Option<Session>,
    /// The first failure to end a session in order.
    broken: Option<String>,
}

impl Owner {
    pub(super) fn open(storage: &Storage) -> Result<Self, ScratchError> {
        let location = storage.location();
        let failed = |reason: String| ScratchError::EmbeddedOpen { location: location.clone(), reason };
        let extensions = resolve_extension_set(&EXTENSIONS).map_err(|error| failed(format!("{error:#}")))?;
        let prepared = prepare(storage)?;
        let mut owner = Self { location: location.clone(), prepared, extensions, idle: None, broken: None };
        match owner.session(DATABASE) {
            Ok(session) => owner.idle = Some(session),
            Err(refusal) => {
                // Nothing runs, so that the folder can be unlocked for the next attempt. Only the
                // first error is worth telling.
                let _ = owner.prepared.release();
                return Err(failed(refusal.reason));
            }
        }
        Ok(owner)
    }

    /// Serves one client after the other until no more can come, then closes the database.
    pub(super) fn serve(mut self, clients: &Receiver<SharedWire>, lines: &Lines) -> Result<(), ScratchError> {
        for wire in clients {
            self.attend(&wire);
            lines.forget(&wire);
        }
        self.close()
    }

    /// Serves the client at the other end of `wire`.
    fn attend(&mut self, wire: &SharedWire) {
        let Some(packet) = startup(wire) else {
            return;
        };
        let database = frame::database(&packet).unwrap_or_else(|| DATABASE.to_owned());
        let mut session = match self.session(&database) {
            Ok(session) => session,
            Err(refusal) => {
                wire.lock().send(refusal.answer);
                return;
            }
        };
        if let Err(error) = session.converse(&packet, wire) {
            let text = format!("the embedded server broke down: {error:#}");
            wire.lock().send(frame::fatal("XX000", &text));
        }
        self.end(session);
    }

    fn session(&mut self, database: &str) -> Result<Session, Refusal> {
        if let Some(idle) = self.idle.take() {
            if idle.database() == database {
                return Ok(idle);
            }
            self.end(idle);
        }
        let runtime = self.prepared.runtime().map_err(|error| {
            let reason = format!("{error:#}");
            Refusal { answer: frame::fatal("XX000", &reason), reason }
        })?;
        Session::open(&runtime, &self.extensions, database)
    }

    fn end(&mut self, session: Session) {
        if let Err(error) = session.shutdown() {
            self.broken.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    fn close(mut self) -> Result<(), ScratchError> {
        if let Some(idle) = self.idle.take() {
            self.end(idle);
        }
        let released = self.prepared.release();
        let reason = match (self.broken, released) {
            (None, Ok(())) => return Ok(()),
            (Some(reason), _) => reason,
            (None, Err(error)) => format!("{error:#}"),
        };
        Err(ScratchError::EmbeddedClose { location: self.location, reason })
    }
}

fn prepare(storage: &Storage) -> Result<PreparedDatabase, ScratchError> {
    let files = match storage {
        Storage::Memory => DatabaseStorage::Memory,
        Storage::Folder(path) => DatabaseStorage::Directory(path.clone()),
    };
    PreparedDatabase::prepare(files, default_catalog_profile(), "postgres").map_err(|error| match storage {
        Storage::Folder(path) if is_busy(&error) => ScratchError::FolderBusy { path: path.clone() },
        _ => ScratchError::EmbeddedOpen { location: storage.location(), reason: format!("{error:#}") },
    })
}

/// Whether another owner holds the lock. Another process is seen by the lock file, this process
/// by a list for which there is only the text of the message.
fn is_busy(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref::<TryLockError>(), Some(TryLockError::WouldBlock))
            || cause.to_string().contains("already in use")
    })
}

/// The client's startup packet; `None` when it did not come to begin a session.
fn startup(wire: &SharedWire) -> Option<Bytes> {
    let mut wire = wire.lock();
    loop {
        match frame::next_opening(&mut wire.buffer) {
            Ok(Some(Opening::Startup(packet))) => return Some(packet),
            // There is nothing to encrypt within one process; the client may go on without.
            Ok(Some(Opening::Encryption)) => wire.send(b"N".to_vec()),
            // Nothing can interrupt the thread that runs the statement; as on a real server, a
            // cancel request gets no answer.
            Ok(Some(Opening::Cancel)) => return None,
            Ok(None) => {
                if !wire.fill() {
                    return None;
                }
            }
            Err(frame::BadLength) => {
                wire.send(frame::fatal("08P01", "invalid length of startup packet"));
                return None;
            }
        }
    }
}
