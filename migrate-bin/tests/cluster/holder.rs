//! Somebody who holds the migration lock.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::stage::{Database, eventually, server, signal};

/// The key of the migration lock.
const LOCK: &str = "4097083626";

/// A session of `psql` that holds it for as long as this lives.
pub(crate) struct Holder {
    session: Child,
}

impl Holder {
    pub(crate) fn of(database: &Database) -> Self {
        let psql = server().bin().join("psql");
        let psql = if psql.is_file() { psql } else { PathBuf::from("psql") };
        let hold = format!("SELECT pg_advisory_lock({LOCK}), pg_sleep(600)");
        let mut command = Command::new(psql);
        command.args(["-d", &database.url, "-c", &hold]).stdout(Stdio::null()).stderr(Stdio::null());
        let session = command.spawn().expect("psql starts");
        let granted = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        eventually("the lock is held", || database.rows(granted) == ["1"]);
        Self { session }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // An interrupt cancels the statement, and the session ends with its program.
        signal(&self.session.id().to_string(), "INT");
        let _ended = self.session.wait();
    }
}
