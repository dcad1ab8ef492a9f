//! The exit codes: a stable interface, in bands that a Kubernetes `podFailurePolicy` can tell apart.

/// How a command ended. The names and numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 0
    Ok,
    /// 1
    Internal,
    /// 2
    Usage,
    /// 10
    Pending,
    /// 11
    Ahead,
    /// 12
    Unfinished,
    /// 13
    Drift,
    /// 14
    Uninitialised,
    /// 20
    Config,
    /// 21
    Auth,
    /// 22
    Privilege,
    /// 23
    Tls,
    /// 24
    UnsupportedServer,
    /// 25
    MigrationFailed,
    /// 26
    MigrationFailedPartial,
    /// 27
    Dirty,
    /// 28
    History,
    /// 29
    InvalidMigrations,
    /// 30
    NeedsDirect,
    /// 40
    Connect,
    /// 41
    LockBusy,
    /// 42
    LockTimeout,
    /// 43
    ReadOnly,
    /// 44
    ConnectionLost,
    /// 45
    UnknownOutcome,
    /// 46
    Deadline,
    /// 47
    Resources,
    /// 50
    Interrupted,
    /// 51
    InterruptedPartial,
}

/// One row of the table of exit codes.
#[derive(Debug)]
pub struct ExitRow {
    /// How the command ended.
    pub exit: Exit,
    /// The process's exit status.
    pub code: u8,
    /// Its stable name, also the code of the error message.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What it says about the database.
    pub database: &'static str,
}

impl ExitRow {
    /// What a Kubernetes Job should do with it: `complete`, `fail-job` (the same run would fail again) or `count` (it
    /// counts against `backoffLimit` and is tried again). `none` for answers of commands that no Job runs.
    #[must_use]
    pub const fn job(&self) -> &'static str {
        match self.code {
            0 => "complete",
            10..=14 => "none",
            2 | 20..=39 => "fail-job",
            _ => "count",
        }
    }
}

const fn row(exit: Exit, code: u8, name: &'static str, meaning: &'static str, database: &'static str) -> ExitRow {
    ExitRow { exit, code, name, meaning, database }
}

/// Every exit code. 10–14 are answers about a database. 2 and 20–39 are permanent: the same run would fail again. 40–59
/// may pass when tried again.
pub const EXITS: &[ExitRow] = &[
    row(Exit::Ok, 0, "ok", "done, or nothing to do", "as asked for"),
    row(Exit::Internal, 1, "internal", "an error nobody foresaw", "see the message; a rerun resolves it"),
    row(Exit::Usage, 2, "usage", "wrong arguments", "untouched"),
    row(Exit::Pending, 10, "pending", "migrations are pending", "behind this set"),
    row(
        Exit::Ahead,
        11,
        "ahead",
        "the database holds versions that this set does not know, or asks for a newer release",
        "ahead of this set",
    ),
    row(
        Exit::Unfinished,
        12,
        "dirty",
        "a migration without a transaction is not finished",
        "in part done, and written down in the journal",
    ),
    row(Exit::Drift, 13, "drift", "applied files and this set differ", "not what this set would have made"),
    row(Exit::Uninitialised, 14, "uninitialised", "there is no version table", "nothing was ever applied"),
    row(
        Exit::Config,
        20,
        "config",
        "the URL, the database or the schema does not exist or cannot be used",
        "untouched",
    ),
    row(Exit::Auth, 21, "auth", "the server refuses the user or the password", "untouched"),
    row(Exit::Privilege, 22, "privilege", "the role lacks a privilege", "rolled back"),
    row(Exit::Tls, 23, "tls", "TLS was asked for and cannot be had", "untouched"),
    row(Exit::UnsupportedServer, 24, "unsupported-server", "the server is not PostgreSQL, or too old", "untouched"),
    row(Exit::MigrationFailed, 25, "migration-failed", "a migration failed", "rolled back to the migration before it"),
    row(
        Exit::MigrationFailedPartial,
        26,
        "migration-failed-partial",
        "a migration failed that has NO TRANSACTION or commits by itself",
        "what ran before the failure may stay, the version is not recorded",
    ),
    row(
        Exit::Dirty,
        27,
        "dirty",
        "nobody but a person can tell how far a migration without a transaction came",
        "in part done; `migrate resolve` says what is to count",
    ),
    row(
        Exit::History,
        28,
        "history",
        "the applied versions and the files do not fit together",
        "untouched, but for what the message names",
    ),
    row(Exit::InvalidMigrations, 29, "invalid-migrations", "the migrations themselves are wrong", "untouched"),
    row(
        Exit::NeedsDirect,
        30,
        "needs-direct",
        "this connection goes through a pooler that cannot carry what is to run, such as a migration without a transaction",
        "untouched by that migration",
    ),
    row(Exit::Connect, 40, "connect", "no connection to the server", "untouched"),
    row(Exit::LockBusy, 41, "lock-busy", "another runner holds the migration lock", "untouched by this run"),
    row(
        Exit::LockTimeout,
        42,
        "lock-timeout",
        "the application held a lock for longer than the retries lasted",
        "rolled back to the migration before it",
    ),
    row(Exit::ReadOnly, 43, "read-only", "the server is a standby or read-only", "untouched"),
    row(
        Exit::ConnectionLost,
        44,
        "connection-lost",
        "the connection broke more often than a run tries again",
        "what was under way was rolled back",
    ),
    row(
        Exit::UnknownOutcome,
        45,
        "unknown-outcome",
        "the connection broke during COMMIT, and no new one could be had to see what became of it",
        "the last migration is applied whole or not at all; the next run finds out",
    ),
    row(
        Exit::Deadline,
        46,
        "deadline",
        "the time that the run was given is over",
        "what was under way was rolled back, or is written down in the journal",
    ),
    row(Exit::Resources, 47, "resources", "the server ran out of disk, memory or another resource", "rolled back"),
    row(Exit::Interrupted, 50, "interrupted", "a signal ended the run", "what was under way was rolled back"),
    row(
        Exit::InterruptedPartial,
        51,
        "interrupted-partial",
        "a signal ended the run in a migration without a transaction",
        "in part done, written down in the journal; the next run goes on from there",
    ),
];

impl Exit {
    /// The row of this ending.
    #[must_use]
    pub fn row(self) -> &'static ExitRow {
        EXITS.iter().find(|row| row.exit == self).unwrap_or(&EXITS[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_own_row_number_and_name() {
        for pair in EXITS.windows(2) {
            assert!(pair[0].code < pair[1].code && pair[0].exit < pair[1].exit, "{}", pair[1].name);
        }
        for row in EXITS {
            assert_eq!(row.exit.row().code, row.code);
        }
    }

    #[test]
    fn what_a_job_does_follows_the_bands() {
        let of = |code: u8| EXITS.iter().find(|row| row.code == code).map(ExitRow::job);
        assert_eq!([of(0), of(2), of(30)], [Some("complete"), Some("fail-job"), Some("fail-job")]);
        assert_eq!([of(1), of(41), of(51), of(12)], [Some("count"), Some("count"), Some("count"), Some("none")]);
        assert!(EXITS.iter().all(|row| row.code < 64), "64 and above belong to shells, signals and sysexits");
    }
}
