//! The first thing inside every transaction: the lock, and whether the history is still the one planned on.
//!
//! A guard that refuses raises a private SQLSTATE, so that "busy" and "already applied" are ordinary outcomes and
//! everything sent behind it is answered `25P02` without running.

use super::table::Tables;
use crate::migration::{Direction, Version};
use crate::plan::{Batch, Preparation, Record};

/// goose's own advisory lock key, CRC-32 of `goose` (goose/spec.md 8.1): whoever holds it excludes us, and we them.
pub const LOCK_KEY: i64 = 4_097_083_626;

/// Why a guard refused. Nothing of the batch has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody else holds the lock.
    Busy,
    /// The history is not the planned one: somebody else was faster.
    Moved,
    /// There was no transaction to guard; the guard ended the session.
    NoTransaction,
}

impl Refusal {
    const fn sqlstate(self) -> &'static str {
        match self {
            Self::Busy => "MG001",
            Self::Moved => "MG002",
            Self::NoTransaction => "MG003",
        }
    }

    /// The refusal that a SQLSTATE stands for.
    #[must_use]
    pub fn from_sqlstate(sqlstate: &str) -> Option<Self> {
        [Self::Busy, Self::Moved, Self::NoTransaction].into_iter().find(|refusal| refusal.sqlstate() == sqlstate)
    }

    fn raise(self, text: &str) -> String {
        format!("RAISE EXCEPTION 'migrate: {text}' USING ERRCODE = '{}'", self.sqlstate())
    }
}

/// The guard of a batch in a transaction. READ COMMITTED gives each of its statements a snapshot of its own, so the
/// history is read after the lock was taken.
pub(super) fn transaction(batch: &Batch<'_>, tables: &Tables) -> String {
    let history = batch.record.as_ref().map(|record| history_check(batch, record, tables)).unwrap_or_default();
    format!("DO $migrate$ BEGIN\n{}{}{history}{}END $migrate$", begun(), locked(), settings(true))
}

/// The guard of the transaction that creates the tables.
pub(super) fn preparation(preparation: Preparation, tables: &Tables) -> String {
    let exists = |there: bool, table: &str| {
        let name = super::literal(table);
        let unexpected = if there { "IS NULL" } else { "IS NOT NULL" };
        format!(
            "  IF pg_catalog.to_regclass({name}) {unexpected} THEN {}; END IF;\n",
            Refusal::Moved.raise("the tables have changed")
        )
    };
    let seed = if preparation.seed && preparation.existing.version {
        format!(
            "  IF EXISTS (SELECT FROM {}) THEN {}; END IF;\n",
            tables.version,
            Refusal::Moved.raise("the version table has rows")
        )
    } else {
        String::new()
    };
    format!(
        "DO $migrate$ BEGIN\n{}{}{}{}{seed}{}END $migrate$",
        begun(),
        locked(),
        exists(preparation.existing.version, &tables.version),
        exists(preparation.existing.ledger, &tables.ledger),
        settings(true),
    )
}

/// `BEGIN` can fail on a healthy connection, by a cancel request that arrives late for instance, and what was sent
/// behind it would then commit statement by statement. Ending the session stops it.
fn begun() -> String {
    format!(
        "  IF pg_catalog.current_setting('migrate.flight', true) IS DISTINCT FROM 'begun' THEN\n    \
         PERFORM pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()); PERFORM pg_catalog.pg_sleep(5);\n    \
         {};\n  END IF;\n",
        Refusal::NoTransaction.raise("BEGIN did not take effect")
    )
}

/// Never a blocking lock: a waiting one holds a snapshot and deadlocks with CREATE INDEX CONCURRENTLY.
fn locked() -> String {
    format!(
        "  IF NOT pg_catalog.pg_try_advisory_xact_lock({LOCK_KEY}) THEN {}; END IF;\n",
        Refusal::Busy.raise("another runner holds the migration lock")
    )
}

fn history_check(batch: &Batch<'_>, record: &Record, tables: &Tables) -> String {
    let version = batch.migration.version;
    let unexpected = match batch.direction {
        Direction::Up => "EXISTS",
        Direction::Down => "NOT EXISTS",
    };
    format!(
        "  IF {unexpected} (SELECT FROM {table} WHERE version_id = {version})\n     \
         OR (SELECT version_id FROM {table} ORDER BY id DESC LIMIT 1) IS DISTINCT FROM {newest}\n     \
         OR (SELECT pg_catalog.max(version_id) FROM {table}) IS DISTINCT FROM {highest}\n  \
         THEN {refuse}; END IF;\n",
        table = tables.version,
        newest = or_null(record.newest),
        highest = or_null(record.highest),
        refuse = Refusal::Moved.raise("the history has changed"),
    )
}

fn or_null(version: Option<Version>) -> String {
    version.map_or_else(|| "NULL".to_owned(), |version| version.to_string())
}

/// Finite where the server would otherwise keep our lock for ever, off where a role's default would cut a migration
/// short (operations.md D5). Two of them are unknown to older servers, and one is refused where the platform lacks it.
///
/// They last as long as the transaction, or, without one, until the session is reset behind the file.
fn settings(local: bool) -> String {
    format!(
        "  PERFORM pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', {local});
  PERFORM pg_catalog.set_config('statement_timeout', '0', {local});
  IF pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN
    PERFORM pg_catalog.set_config('transaction_timeout', '0', {local});
  END IF;
  IF pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL THEN
    BEGIN PERFORM pg_catalog.set_config('client_connection_check_interval', '2s', {local});
    EXCEPTION WHEN invalid_parameter_value THEN NULL; END;
  END IF;
"
    )
}

/// Takes the session's lock, or raises; the start time is kept for the ledger.
pub(super) fn session_lock() -> String {
    format!(
        "DO $migrate$ BEGIN\n  IF NOT pg_catalog.pg_try_advisory_lock({LOCK_KEY}) THEN {}; END IF;\n  \
         PERFORM pg_catalog.set_config('migrate.started', pg_catalog.clock_timestamp()::text, false);\nEND $migrate$",
        Refusal::Busy.raise("another runner holds the migration lock")
    )
}

/// Compares the history under the session's lock.
pub(super) fn session(batch: &Batch<'_>, tables: &Tables) -> String {
    let history = batch.record.as_ref().map(|record| history_check(batch, record, tables)).unwrap_or_default();
    format!("DO $migrate$ BEGIN\n{history}{}END $migrate$", settings(false))
}

/// Behind a file that may have opened a transaction or given its locks back (`DISCARD ALL` does): a row written into
/// an open transaction would be lost with the session, and one written without the lock could be the second.
///
/// A message outside a transaction block is a transaction of its own, which starts when the message does.
pub(super) fn closing(batch: &Batch<'_>, tables: &Tables) -> String {
    let history = batch.record.as_ref().map(|record| history_check(batch, record, tables)).unwrap_or_default();
    format!(
        "DO $migrate$ BEGIN\n  IF pg_catalog.now() <> pg_catalog.statement_timestamp() THEN\n    \
         RAISE EXCEPTION 'it leaves a transaction open' USING ERRCODE = 'active_sql_transaction';\n  END IF;\n  \
         IF NOT pg_catalog.pg_try_advisory_lock({LOCK_KEY}) THEN {}; END IF;\n{history}END $migrate$",
        Refusal::Busy.raise("another runner holds the migration lock")
    )
}

/// Gives the session's lock back, however often it was taken.
pub(super) fn session_unlock() -> &'static str {
    "SELECT pg_catalog.pg_advisory_unlock_all()"
}
