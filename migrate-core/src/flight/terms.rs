//! How long a migration may wait, and as whom it runs.

use std::time::Duration;

/// The settings that hold while a migration runs, all of them for its transaction alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How long one statement waits for a lock: a waiting ALTER TABLE makes every later query of its table wait too.
    pub lock_timeout: Duration,
    /// How long one statement may run; zero for as long as it takes.
    pub statement_timeout: Duration,
    /// The role that the file's statements run as; none for the one that logged in.
    pub role: Option<String>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(5), statement_timeout: Duration::ZERO, role: None }
    }
}
