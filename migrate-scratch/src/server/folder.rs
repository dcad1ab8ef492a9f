//! A server's temporary folder.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(feature = "databases")]
use std::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ScratchError;

use super::account::Account;
use super::watchdog::Watchdog;

/// How many bytes of the end of a log an error message shows.
const TAIL: usize = 4000;

/// Tells folders of one process apart that are made in the same instant.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A temporary folder, with a [`Watchdog`] that removes it, and whatever server runs in it,
/// when this process ends.
#[derive(Debug)]
pub(super) struct ServerFolder {
    path: PathBuf,
    watchdog: Option<Watchdog>,
}

impl ServerFolder {
    /// A new folder under [`std::env::temp_dir`] that only `account` can enter.
    pub(super) fn create(account: Account) -> Result<Self, ScratchError> {
        let path = make(&std::env::temp_dir())?;
        let folder = account.own(&path).and_then(|()| Watchdog::start(account, &path));
        match folder {
            Ok(watchdog) => Ok(Self { path, watchdog: Some(watchdog) }),
            Err(error) => {
                // Nothing is in it yet, and nobody else will remove it.
                let _ = fs::remove_dir(&path);
                Err(error)
            }
        }
    }

    /// A folder that outlives this process: it goes when nobody has had its `door` open for `linger`.
    #[cfg(feature = "databases")]
    pub(super) fn create_shared(account: Account, linger: Duration) -> Result<Self, ScratchError> {
        let path = make(&std::env::temp_dir())?;
        let furnish = || {
            account.own(&path)?;
            let (door, guests) = (path.join("door"), path.join("guests"));
            fs::create_dir(&guests).map_err(ScratchError::files("create", &guests))?;
            account.own(&guests)?;
            let program = Path::new("mkfifo");
            let made = account.command(program).args(["-m", "600"]).arg(&door).status();
            let made = made.map_err(ScratchError::program(program))?;
            let refused = || ScratchError::files("make the named pipe", &door)(io::Error::other(made.to_string()));
            made.success().then_some(()).ok_or_else(refused)?;
            Watchdog::keep(account, &path, linger)
        };
        match furnish() {
            Ok(keeper) => Ok(Self { path, watchdog: Some(keeper) }),
            Err(error) => {
                // Best effort: the error says what is wrong with the folder.
                let _ = fs::remove_dir_all(&path);
                Err(error)
            }
        }
    }

    /// Leaves the folder, and what runs in it, to its keeper.
    #[cfg(feature = "databases")]
    pub(super) fn leave_to_keeper(mut self) -> PathBuf {
        self.watchdog = None;
        std::mem::take(&mut self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The server's data folder (PGDATA).
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// An empty log for the server to write to.
    pub(super) fn new_log(&self) -> Result<File, ScratchError> {
        let path = self.log_path();
        File::create(&path).map_err(ScratchError::files("create", path))
    }

    /// What the server logged so far.
    #[expect(clippy::disallowed_methods, reason = "a server's log is not a migration source")]
    pub(super) fn log(&self) -> String {
        fs::read(self.log_path()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The end of the log, for an error message.
    pub(super) fn log_tail(&self) -> String {
        let log = self.log();
        let start = log.len().saturating_sub(TAIL);
        let start = (start..=log.len()).find(|&at| log.is_char_boundary(at)).unwrap_or_default();
        log[start..].to_owned()
    }

    /// Ends `server` and removes the folder. Does nothing the second time.
    pub(super) fn remove(&mut self, server: Option<&mut Child>) -> Result<(), ScratchError> {
        let Some(mut watchdog) = self.watchdog.take() else {
            return Ok(());
        };
        let stop = |reason: io::Error| ScratchError::Stop { folder: self.path.clone(), reason: reason.to_string() };
        watchdog.finish(server).map_err(stop)?;
        // The watchdog removes it; this only makes sure, and tells why it could not be removed.
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(stop(error)),
            _ => Ok(()),
        }
    }

    fn log_path(&self) -> PathBuf {
        self.path.join("server.log")
    }
}

impl Drop for ServerFolder {
    fn drop(&mut self) {
        // Nobody is left to tell; `Server::stop` reports the error.
        let _ = self.remove(None);
    }
}

fn make(parent: &Path) -> Result<PathBuf, ScratchError> {
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let name = format!("migrate-scratch-{}-{number}-{nanos:09}", std::process::id());
        let path = parent.join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            // Left by an earlier process with the same id: take another name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ScratchError::files("create", path)(error)),
        }
    }
}
