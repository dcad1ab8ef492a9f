//! Throw-away servers from installed binaries.

mod account;
mod folder;
mod installation;
mod postmaster;
#[cfg(feature = "databases")]
mod shared;
mod watchdog;

use std::path::Path;

use crate::ScratchError;

use account::Account;
use folder::ServerFolder;
use postmaster::Postmaster;

pub use installation::{Installation, installations};
#[cfg(feature = "databases")]
pub(crate) use shared::SharedServer;

/// A PostgreSQL server that lives as long as this value.
///
/// It listens on a free port of 127.0.0.1 only, trusts every connection, and has one superuser
/// `postgres`, encoding UTF-8, locale C and time zone UTC. Its data is in a temporary folder and
/// nothing is durable. Dropping the value ends the server and removes the folder; so does the end
/// of this process, even by SIGKILL.
///
/// Run by root, the server runs as the user `postgres` or, where there is none, `nobody`: it
/// refuses to run as root.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
    // Before `folder`: `remove` needs the process, and is called in `drop` below.
    postmaster: Postmaster,
    folder: ServerFolder,
}

impl Server {
    /// Starts a server of `installation`.
    ///
    /// # Errors
    /// When the data folder cannot be made or the server does not take connections within a
    /// minute; the error holds what `initdb` printed or the end of the server's log.
    pub fn start(installation: &Installation) -> Result<Self, ScratchError> {
        Self::start_with(installation, &[])
    }

    /// Starts a server of `installation` with further settings (those of `postgresql.conf`),
    /// which override the usual ones.
    ///
    /// # Errors
    /// As [`Server::start`]; also when the server rejects a setting.
    pub fn start_with(installation: &Installation, settings: &[(&str, &str)]) -> Result<Self, ScratchError> {
        let account = Account::suitable()?;
        let folder = ServerFolder::create(account)?;
        postmaster::initialise(installation, account, &folder)?;
        let postmaster = Postmaster::start(installation, account, &folder, settings)?;
        Ok(Self { installation: installation.clone(), postmaster, folder })
    }

    /// Starts the server chosen by `MIGRATE_PG_BIN`, otherwise the newest one installed: the
    /// first of [`installations`].
    ///
    /// # Errors
    /// As [`Server::start`]; when no server is installed the error says how to get one.
    pub fn newest() -> Result<Self, ScratchError> {
        match installations(&[]).first() {
            Some(installation) => Self::start(installation),
            None => Err(ScratchError::NoServer { looked: installation::looked() }),
        }
    }

    /// The port on 127.0.0.1 the server listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.postmaster.port
    }

    /// The address of `database` for a client: `postgres://postgres@127.0.0.1:PORT/database`.
    /// A name with characters that have a meaning in addresses is percent-encoded.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let database: String = database.bytes().map(percent).collect();
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port())
    }

    /// The server's major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.installation.major
    }

    /// The folder with the programs the server was started from (`psql`, `pg_dump`, …).
    #[must_use]
    pub fn bin(&self) -> &Path {
        &self.installation.bin
    }

    /// The server's temporary folder: `data` and `server.log` are in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.folder.log()
    }

    /// Ends the server (open sessions are cut) and removes its folder.
    ///
    /// # Errors
    /// When the server did not end in time or its folder could not be removed.
    pub fn stop(mut self) -> Result<(), ScratchError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), ScratchError> {
        self.folder.remove(Some(&mut self.postmaster.process))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to tell; `stop` reports the error.
        let _ = self.end();
    }
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::installation;
    use crate::ScratchError;

    #[test]
    fn a_missing_server_is_explained_with_what_to_do() {
        let text = ScratchError::NoServer { looked: installation::looked() }.to_string();
        for part in ["$MIGRATE_PG_BIN", "/usr/lib/postgresql/*/bin", "apt-get install postgresql"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
