//! One server for all processes of a user: started by the first that needs it, ended when nobody has needed it for a while.
//!
//! From an installation to an address. Invariant: a process that holds a [`SharedServer`] has the server's door open, and
//! its keeper (`watchdog`) has said so; the kernel closes the door when the process ends, however it ends.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::ScratchError;

use super::account::Account;
use super::folder::ServerFolder;
use super::installation::{self, Installation, installations};
use super::postmaster::{self, Postmaster};
use super::watchdog::Watchdog;

/// How long a server stays that nobody uses: from one test binary to the next, and from one run to the next.
const LINGER: Duration = Duration::from_mins(5);

/// How long to wait for the keeper's word. It looks ten times a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Many test binaries at once, each with the pools of its tests. For the rest see `postmaster`.
const SETTINGS: [(&str, &str); 3] = [("max_connections", "400"), ("autovacuum", "off"), ("max_wal_size", "4GB")];

/// Tells the guests of one process apart.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A place at a server that others use too.
#[derive(Debug)]
pub(crate) struct SharedServer {
    port: u16,
    /// Never read or written again; open, it keeps the server.
    _door: File,
}

impl SharedServer {
    /// Joins the user's server, or starts it. Blocks for as long as that takes.
    pub(crate) fn join() -> Result<Self, ScratchError> {
        let all = installations(&[]);
        let installation = all.first().ok_or_else(|| ScratchError::NoServer { looked: installation::looked() })?;
        Self::join_in(&meeting_place()?, installation, LINGER)
    }

    /// The same with the meeting place of a user.
    fn join_in(place: &Path, installation: &Installation, linger: Duration) -> Result<Self, ScratchError> {
        let path = place.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        // Released with the file, at the end of this function or of the process.
        let lock = lock.and_then(|file| file.lock().map(|()| file)).map_err(ScratchError::files("lock", &path))?;
        let record = place.join(record_name(installation));
        if let Some((folder, port)) = read_record(&record) {
            if let Some(door) = enter(&folder) {
                return Ok(Self { port, _door: door });
            }
            clear_away(&folder)?;
        }
        let started = start(installation, &record, linger);
        drop(lock);
        started
    }

    /// The address of its database `postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

/// Starts a server and writes down where it is.
fn start(installation: &Installation, record: &Path, linger: Duration) -> Result<SharedServer, ScratchError> {
    let account = Account::suitable()?;
    let folder = ServerFolder::create_shared(account, linger)?;
    let started = furnish(installation, account, &folder, record);
    // Its keeper outlives this process, and would only clear a failed start away when it has lingered.
    let path = folder.leave_to_keeper();
    if started.is_err() {
        clear_away(&path)?;
    }
    started
}

/// The record appears last, and whole.
fn furnish(
    installation: &Installation,
    account: Account,
    folder: &ServerFolder,
    record: &Path,
) -> Result<SharedServer, ScratchError> {
    let refused = || ScratchError::files("open", folder.path().join("door"))(io::ErrorKind::TimedOut.into());
    let door = enter(folder.path()).ok_or_else(refused)?;
    postmaster::initialise(installation, account, folder)?;
    let Postmaster { port, .. } = Postmaster::start(installation, account, folder, &SETTINGS)?;
    let draft = record.with_extension("draft");
    fs::write(&draft, format!("{port}\n{}\n", folder.path().display()))
        .and_then(|()| fs::rename(&draft, record))
        .map_err(ScratchError::files("write", record))?;
    Ok(SharedServer { port, _door: door })
}

/// Opens the door of a server's folder and waits until its keeper has seen it. `None` when there is no keeper any more.
fn enter(folder: &Path) -> Option<File> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let guest = format!("{}-{number}", std::process::id());
    let seen = folder.join("guests").join(&guest);
    // For reading too, so that opening it waits for nobody.
    let mut door = OpenOptions::new().read(true).write(true).open(folder.join("door")).ok()?;
    writeln!(door, "{guest}").ok()?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && folder.exists() {
        if seen.exists() {
            // Best effort: an empty file in a folder that goes as a whole.
            let _ = fs::remove_file(&seen);
            return Some(door);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// What a server without a keeper left: everything of it was killed at once, or it is just going.
fn clear_away(folder: &Path) -> Result<(), ScratchError> {
    if folder.exists() { Watchdog::clear(Account::suitable()?, folder) } else { Ok(()) }
}

/// Port and folder of the server that was started last.
#[expect(clippy::disallowed_methods, reason = "the record of a server is not a migration source")]
fn read_record(record: &Path) -> Option<(PathBuf, u16)> {
    let text = fs::read_to_string(record).ok()?;
    let mut lines = text.lines();
    let port = lines.next()?.parse().ok()?;
    Some((lines.next()?.into(), port))
}

/// One record for each installation, so that two majors do not end each other's server.
fn record_name(installation: &Installation) -> String {
    let bin = installation.bin.to_string_lossy();
    let digest = migrate_core::migration::Digest::of_text(&bin).to_string();
    format!("server-{}-{}", installation.major, &digest[..16])
}

/// The folder in which the processes of a user meet. In a temporary folder that everybody can write to, somebody else may
/// have made it first: then it is refused.
fn meeting_place() -> Result<PathBuf, ScratchError> {
    let temporary = std::env::temp_dir();
    let probe = temporary.join(format!(".migrate-scratch-{}-meeting", std::process::id()));
    let own = File::create(&probe).and_then(|file| file.metadata()).map(|data| data.uid());
    // Best effort: an empty file left in the temporary folder harms nobody.
    let _ = fs::remove_file(&probe);
    let own = own.map_err(ScratchError::files("create", &probe))?;
    let place = temporary.join(format!("migrate-scratch-shared-{own}"));
    match DirBuilder::new().mode(0o700).create(&place) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(ScratchError::files("create", &place)(error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(&place).map_err(ScratchError::files("look at", &place))?;
    // Whose last six bits are zero is open to nobody else.
    if found.is_dir() && found.uid() == own && found.mode().trailing_zeros() >= 6 {
        return Ok(place);
    }
    Err(ScratchError::files("trust", place)(io::Error::other("it belongs to somebody else, or is open to others")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !condition() {
            assert!(Instant::now() < deadline, "{what} did not come true");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A meeting place of the test's own.
    fn place(name: &str) -> PathBuf {
        let place = std::env::temp_dir().join(format!("migrate-scratch-test-{}-{name}", std::process::id()));
        fs::create_dir(&place).unwrap();
        place
    }

    #[test]
    fn a_server_is_shared_while_somebody_uses_it_and_gone_when_nobody_does() {
        let place = place("shared");
        let installation = installations(&[]).remove(0);
        let linger = Duration::from_millis(500);
        let first = SharedServer::join_in(&place, &installation, linger).unwrap();
        let (folder, _) = read_record(&place.join(record_name(&installation))).unwrap();
        let second = SharedServer::join_in(&place, &installation, linger).unwrap();
        assert_eq!(first.port, second.port);
        drop(first);
        // Nothing to wait for: what must not happen would have happened by then.
        std::thread::sleep(linger * 3);
        assert!(folder.join("data/postmaster.pid").exists(), "the second one uses it");
        drop(second);
        let third = SharedServer::join_in(&place, &installation, linger).unwrap();
        assert!(fs::exists(&folder).unwrap(), "it lingers");
        drop(third);
        eventually("the folder is gone", || !folder.exists());
        let fresh = SharedServer::join_in(&place, &installation, linger).unwrap();
        let (other, _) = read_record(&place.join(record_name(&installation))).unwrap();
        assert_ne!(folder, other);
        drop(fresh);
        eventually("the folder is gone", || !other.exists());
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn a_server_without_its_keeper_is_cleared_away() {
        let place = place("keeperless");
        let installation = installations(&[]).remove(0);
        let folder = place.join("left");
        fs::create_dir_all(folder.join("guests")).unwrap();
        // Gone before anybody comes: nobody reads this door.
        std::process::Command::new("mkfifo").arg(folder.join("door")).status().unwrap();
        if let Account::Other { .. } = Account::suitable().unwrap() {
            for path in [&place, &folder] {
                Account::suitable().unwrap().own(path).unwrap();
            }
        }
        let record = place.join(record_name(&installation));
        fs::write(&record, format!("1\n{}\n", folder.display())).unwrap();
        let server = SharedServer::join_in(&place, &installation, Duration::from_millis(500)).unwrap();
        assert!(!folder.exists());
        assert_ne!(server.port, 1);
        fs::remove_dir_all(place).unwrap();
    }
}
