//! The first thing inside every transaction: the lock, and whether the history is still the one planned on.
//!
//! A guard that refuses raises a private SQLSTATE, so that "busy" and "already applied" are ordinary outcomes and
//! everything sent behind it is answered `25P02` without running.

use std::time::Duration;

use super::kind::Nature;
use super::refusal::Refusal;
use super::table::{Tables, literal};
use super::terms::Terms;
use super::{Bookkeeping, journal};
use crate::migration::{Direction, Version};
use crate::plan::{Batch, Preparation, Record};

/// goose's own advisory lock key, CRC-32 of `goose` (goose/spec.md 8.1): whoever holds it excludes us, and we them.
pub const LOCK_KEY: i64 = 4_097_083_626;

/// The code of an index that a statement left INVALID.
pub const INVALID_INDEX: &str = "MG004";

/// The guard of a batch in a transaction. READ COMMITTED gives each of its statements a snapshot of its own, so the
/// history is read after the lock was taken.
pub(super) fn transaction(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> String {
    let check = |record| history_check(batch, record, &bookkeeping.tables);
    let history = batch.record.as_ref().map(check).unwrap_or_default();
    let settings = settings(&terms(batch, bookkeeping), true);
    format!("DO $migrate$ BEGIN\n{}{}{history}{settings}END $migrate$", begun(), locked(&bookkeeping.tables))
}

/// In front of the guard of a file that chooses its isolation: from REPEATABLE READ on the whole transaction reads the
/// snapshot of its first query, and taken before the lock it would show the guard a history that is over. LOCK TABLE is no
/// query: it takes no snapshot, and nobody writes the version table behind it until the end of the transaction, whoever
/// holds the advisory lock by then. Nothing where the version table takes no part.
pub(super) fn before_the_snapshot(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> Option<String> {
    batch.record.as_ref()?;
    let (wait, table) = (milliseconds(terms(batch, bookkeeping).lock_timeout), &bookkeeping.tables.version);
    Some(format!("SET LOCAL lock_timeout = {wait}; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
}

/// The setting that tells whether a file that may end its transaction itself has committed it.
pub(crate) const LEFT: &str = "migrate.left";

/// The guard of a batch that may end its transaction itself: a setting of the session, made in the transaction, lasts
/// beyond it if it is committed, and is gone if it is rolled back.
pub(super) fn stepwise(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> String {
    let guard = transaction(batch, bookkeeping);
    let mark = set(LEFT, "'committed'", false);
    guard.strip_suffix("END $migrate$").map_or_else(|| guard.clone(), |open| format!("{open}{mark}END $migrate$"))
}

/// The guard of a further batch in the same transaction: what comes before it may have reset every setting.
pub(super) fn next(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> String {
    let check = |record| history_check(batch, record, &bookkeeping.tables);
    let history = batch.record.as_ref().map(check).unwrap_or_default();
    format!("DO $migrate$ BEGIN\n{history}{}END $migrate$", settings(&terms(batch, bookkeeping), true))
}

/// The run's terms, with the file's own in their place.
pub(super) fn terms(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> Terms {
    let Terms { lock_timeout, statement_timeout, role } = bookkeeping.terms.clone();
    Terms {
        lock_timeout: batch.terms.lock_timeout.unwrap_or(lock_timeout),
        statement_timeout: batch.terms.statement_timeout.unwrap_or(statement_timeout),
        role,
    }
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
    let sides: String =
        preparation.written_sides().map(|side| exists(preparation.existing.has(side), tables.side(side))).collect();
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
        "DO $migrate$ BEGIN\n{}{}{}{sides}{seed}{}END $migrate$",
        begun(),
        locked(tables),
        exists(preparation.existing.version, &tables.version),
        settings(&Terms::default(), true),
    )
}

/// The guard of a decision about one version.
pub(super) fn presence(version: Version, recorded: bool, tables: &Tables) -> String {
    let unexpected = if recorded { "NOT EXISTS" } else { "EXISTS" };
    format!(
        "DO $migrate$ BEGIN\n{}{}  IF {unexpected} (SELECT FROM {} WHERE version_id = {version}) THEN {}; END IF;\n\
         END $migrate$",
        begun(),
        locked(tables),
        tables.version,
        Refusal::Moved.raise("the history has changed")
    )
}

/// That no version is applied yet.
pub(super) fn no_version(tables: &Tables) -> String {
    format!(
        "DO $migrate$ BEGIN\n  IF EXISTS (SELECT FROM {} WHERE version_id <> 0) THEN {}; END IF;\nEND $migrate$",
        tables.version,
        Refusal::Moved.raise("the history has changed")
    )
}

/// That the transaction's first message did not take effect.
pub(super) const NOT_BEGUN: &str = "pg_catalog.current_setting('migrate.flight', true) IS DISTINCT FROM 'begun'";

/// `BEGIN` can fail on a healthy connection, by a cancel request that arrives late for instance, and what was sent
/// behind it would then commit statement by statement. Ending the session stops it.
fn begun() -> String {
    format!(
        "  IF {NOT_BEGUN} THEN\n    \
         PERFORM pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()); PERFORM pg_catalog.pg_sleep(5);\n    \
         {};\n  END IF;\n",
        Refusal::NoTransaction.raise("BEGIN did not take effect")
    )
}

/// Never a blocking lock: a waiting one holds a snapshot and deadlocks with CREATE INDEX CONCURRENTLY.
fn locked(tables: &Tables) -> String {
    format!(
        "  IF NOT pg_catalog.pg_try_advisory_xact_lock({LOCK_KEY}) THEN {}; END IF;\n{}",
        Refusal::Busy.raise("another runner holds the migration lock"),
        leased(tables, true),
    )
}

/// goose's table locker takes no advisory lock: its row says who holds the lock, and until when. A runner that comes later
/// waits for the row until our transaction ends, so where `keeps` is said we hold it, or make it: free, as goose leaves it
/// behind. Another table of that name, and one that this role may not touch, is nobody's lock.
fn leased(tables: &Tables, keeps: bool) -> String {
    const PASSED_OVER: &str = "EXCEPTION WHEN syntax_error_or_access_rule_violation OR integrity_constraint_violation \
         OR object_not_in_prerequisite_state OR feature_not_supported OR data_exception THEN NULL; END;\n";
    let (lease, name) = (&tables.lease, literal(&tables.lease));
    let kept = format!(
        "    BEGIN\n      INSERT INTO {lease} (lock_id, locked) VALUES ({LOCK_KEY}, false) ON CONFLICT DO NOTHING;\n      \
         PERFORM FROM {lease} WHERE lock_id = {LOCK_KEY} FOR UPDATE;\n    {PASSED_OVER}"
    );
    format!(
        "  IF pg_catalog.to_regclass({name}) IS NOT NULL THEN DECLARE held boolean; BEGIN\n{}    \
         BEGIN\n      held := EXISTS (SELECT FROM {lease} WHERE lock_id = {LOCK_KEY} AND locked \
         AND lease_expires_at > pg_catalog.clock_timestamp());\n    {PASSED_OVER}    \
         IF held THEN {}; END IF;\n  END; END IF;\n",
        if keeps { kept.as_str() } else { "" },
        Refusal::Busy.raise("the table locker of goose holds its lock"),
    )
}

/// Added to the proof of a record that is rolled back with its file: that goose's table locker was not made, and taken,
/// since the guard looked.
pub(super) fn still_free(record: String, tables: &Tables) -> String {
    match record.strip_suffix("END $migrate$") {
        Some(open) => format!("{open}{}END $migrate$", leased(tables, false)),
        None => record,
    }
}

fn history_check(batch: &Batch<'_>, record: &Record, tables: &Tables) -> String {
    format!(
        "  IF {}\n     OR (SELECT version_id FROM {} ORDER BY id DESC LIMIT 1) IS DISTINCT FROM {}\n  \
         THEN {}; END IF;\n",
        other_versions(batch, record, &tables.version),
        tables.version,
        or_null(record.newest),
        Refusal::Moved.raise("the history has changed"),
    )
}

/// Whether the batch's version is not where it is expected, or another one is the highest. Where the newest row is
/// known to hold the highest version, both are one question, which the server plans and answers in half the time.
fn other_versions(batch: &Batch<'_>, record: &Record, table: &str) -> String {
    let version = batch.migration.version;
    let unexpected = match (batch.direction, record.highest) {
        (Direction::Up, Some(highest)) if record.newest == Some(highest) && version > highest => {
            return format!("EXISTS (SELECT FROM {table} WHERE version_id > {highest})");
        }
        (Direction::Up, _) => "EXISTS",
        (Direction::Down, _) => "NOT EXISTS",
    };
    format!(
        "{unexpected} (SELECT FROM {table} WHERE version_id = {version})\n     \
         OR (SELECT pg_catalog.max(version_id) FROM {table}) IS DISTINCT FROM {}",
        or_null(record.highest)
    )
}

fn or_null(version: Option<Version>) -> String {
    version.map_or_else(|| "NULL".to_owned(), |version| version.to_string())
}

/// Finite where the server would otherwise keep our lock for ever or our statement would hold the application up, off
/// where a role's default would cut a migration short (operations.md D5). Two of them are unknown to older servers, and
/// one works on every Linux, and is refused on a platform where it does not (PostgreSQL 14 knew it on no other).
///
/// They last as long as the transaction, or, without one, until the session is reset behind the file.
fn settings(terms: &Terms, local: bool) -> String {
    let role = terms.role.as_ref().map(|role| set("role", &literal(role), local)).unwrap_or_default();
    let [lock, statement] = [terms.lock_timeout, terms.statement_timeout].map(milliseconds);
    format!("  PERFORM {};\n{role}", timeouts_set(&lock, &statement, local))
}

/// The timeouts, as the columns of a query; those of locks and statements are SQL expressions.
pub(super) fn timeouts_set(lock: &str, statement: &str, local: bool) -> String {
    format!(
        "pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', {local}),
    pg_catalog.set_config('lock_timeout', {lock}, {local}),
    pg_catalog.set_config('statement_timeout', {statement}, {local}),
    CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL \
         THEN pg_catalog.set_config('transaction_timeout', '0', {local}) END,
    CASE WHEN pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL \
         AND pg_catalog.version() LIKE '%linux%'
    THEN pg_catalog.set_config('client_connection_check_interval', '2s', {local}) END"
    )
}

fn set(name: &str, value: &str, local: bool) -> String {
    format!("  PERFORM pg_catalog.set_config('{name}', {value}, {local});\n")
}

/// A time as the server reads it without a unit.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("'{}'", time.as_millis())
}

/// Takes the session's lock, or raises; the start time is kept for the ledger. A read-only default of the role or the
/// database is overridden, as BEGIN READ WRITE overrides it for a file in a transaction.
pub(super) fn session_lock(tables: Option<&Tables>) -> String {
    format!(
        "DO $migrate$ BEGIN\n  IF NOT pg_catalog.pg_try_advisory_lock({LOCK_KEY}) THEN {}; END IF;\n{}  \
         PERFORM pg_catalog.set_config('migrate.started', pg_catalog.clock_timestamp()::text, false);\n{WRITABLE}\
         END $migrate$",
        Refusal::Busy.raise("another runner holds the migration lock"),
        tables.map(|tables| leased(tables, false)).unwrap_or_default(),
    )
}

/// Until the session is reset behind the file.
const WRITABLE: &str = "  PERFORM pg_catalog.set_config('default_transaction_read_only', 'off', false);\n";

/// Takes it once more: a file may have given every lock back, and holding it twice does no harm.
pub(super) fn session_lock_again() -> String {
    format!(
        "DO $migrate$ BEGIN\n  IF NOT pg_catalog.pg_try_advisory_lock({LOCK_KEY}) THEN {}; END IF;\nEND $migrate$",
        Refusal::Busy.raise("another runner holds the migration lock")
    )
}

/// Compares history and journal under the session's lock. Until a unit says otherwise nothing waits with a bound: the
/// file's own settings are to be told from ours.
pub(super) fn session(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> String {
    let check = |record| history_check(batch, record, &bookkeeping.tables);
    let history = batch.record.as_ref().map(check).unwrap_or_default();
    let moved = |_| {
        let differs = journal::differs(batch, &bookkeeping.tables);
        format!("  IF {differs} THEN {}; END IF;\n", Refusal::Moved.raise("the journal has changed"))
    };
    let journal = batch.record.as_ref().map(moved).unwrap_or_default();
    let terms = Terms { lock_timeout: Duration::ZERO, ..terms(batch, bookkeeping) };
    format!("DO $migrate$ BEGIN\n{history}{journal}{}{IDLE}END $migrate$", settings(&terms, false))
}

/// A runner that is frozen, or cut off, gives its lock back: it never lets a session idle this long. Unknown to servers
/// before PostgreSQL 14.
const IDLE: &str = "  IF pg_catalog.current_setting('idle_session_timeout', true) IS NOT NULL THEN
    PERFORM pg_catalog.set_config('idle_session_timeout', '60s', false);
  END IF;\n";

/// Inside the transaction of one unit: the lock, which a file may have given back, and a bound on waiting for locks of
/// the application, unless the file has set one.
pub(super) fn unit(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> String {
    let lock_timeout = set("lock_timeout", &milliseconds(terms(batch, bookkeeping).lock_timeout), true);
    format!(
        "DO $migrate$ BEGIN\n{}{}  IF NOT pg_catalog.pg_try_advisory_lock({LOCK_KEY}) THEN {}; END IF;\n  \
         IF pg_catalog.current_setting('lock_timeout') = '0' THEN\n  {lock_timeout}  END IF;\nEND $migrate$",
        begun(),
        locked(&bookkeeping.tables),
        Refusal::Busy.raise("another runner holds the migration lock"),
    )
}

/// Before a statement outside a transaction. One that works concurrently waits without a bound: it holds nobody up, and
/// a timeout would leave an invalid index.
pub(super) fn timeouts(batch: &Batch<'_>, nature: &Nature, bookkeeping: &Bookkeeping) -> String {
    let lifted = |ours| {
        format!(
            ", pg_catalog.set_config('migrate.statement_timeout', pg_catalog.current_setting('statement_timeout'), false), \
             CASE WHEN s.setting = {} THEN pg_catalog.set_config('statement_timeout', '0', false) END FROM \
             (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout') s",
            milliseconds(ours)
        )
    };
    let lifted = lifted_bound(batch, nature, bookkeeping).map(lifted).unwrap_or_default();
    let bound = if nature.is_concurrent() { Duration::ZERO } else { terms(batch, bookkeeping).lock_timeout };
    let own = if nature.is_concurrent() { "false" } else { "pg_catalog.current_setting('lock_timeout') <> '0'" };
    format!(
        "SELECT pg_catalog.set_config('migrate.lock_timeout', pg_catalog.current_setting('lock_timeout'), false), \
         pg_catalog.set_config('lock_timeout', CASE WHEN {own} THEN pg_catalog.current_setting('lock_timeout') \
         ELSE {} END, false){lifted}",
        milliseconds(bound)
    )
}

/// The same for a statement that no file holds.
pub(super) fn unbounded() -> &'static str {
    "SELECT pg_catalog.set_config('lock_timeout', '0', false), pg_catalog.set_config('statement_timeout', '0', false)"
}

/// How long a statement may take by the run's settings, where it works concurrently: cut off, it would leave its work half
/// done. What the file says itself, in a statement or a directive, is its own business.
fn lifted_bound(batch: &Batch<'_>, nature: &Nature, bookkeeping: &Bookkeeping) -> Option<Duration> {
    let ours = bookkeeping.terms.statement_timeout;
    (nature.is_concurrent() && !ours.is_zero() && batch.terms.statement_timeout.is_none()).then_some(ours)
}

/// Behind it: what the file had set.
pub(super) fn own_timeouts(batch: &Batch<'_>, nature: &Nature, bookkeeping: &Bookkeeping) -> String {
    let lifted = match lifted_bound(batch, nature, bookkeeping) {
        Some(_) => {
            ", pg_catalog.set_config('statement_timeout', pg_catalog.current_setting('migrate.statement_timeout'), false)"
        }
        None => "",
    };
    format!(
        "SELECT pg_catalog.set_config('lock_timeout', \
         coalesce(nullif(pg_catalog.current_setting('migrate.lock_timeout', true), ''), '0'), false){lifted}"
    )
}

/// Behind a file that may have opened a transaction or given its locks back (`DISCARD ALL` does): a row written into
/// an open transaction would be lost with the session, and one written without the lock could be the second.
///
/// A message outside a transaction block is a transaction of its own, which starts when the message does.
pub(super) fn closing(batch: &Batch<'_>, tables: &Tables) -> String {
    let history = batch.record.as_ref().map(|record| history_check(batch, record, tables)).unwrap_or_default();
    format!(
        "DO $migrate$ BEGIN\n{OPEN}  IF NOT pg_catalog.pg_try_advisory_lock({LOCK_KEY}) THEN {}; END IF;\n\
         {history}END $migrate$",
        Refusal::Busy.raise("another runner holds the migration lock")
    )
}

/// Fails where a transaction is open.
const OPEN: &str = "  IF pg_catalog.now() <> pg_catalog.statement_timestamp() THEN\n    \
     RAISE EXCEPTION 'it leaves a transaction open' USING ERRCODE = 'active_sql_transaction';\n  END IF;\n";

/// Behind statements that may have opened a transaction: an entry in the journal would be lost with it, or end it.
pub(super) fn none_open() -> String {
    format!("DO $migrate$ BEGIN\n{OPEN}END $migrate$")
}

/// Gives the session's lock back, however often it was taken.
pub(super) fn session_unlock() -> &'static str {
    "SELECT pg_catalog.pg_advisory_unlock_all()"
}
