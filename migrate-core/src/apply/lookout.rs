//! Questions about other sessions: who holds the migration lock, what our own statement does, and whom it waits for.
//!
//! Our own backend is known by the migration lock that it holds, not by a process number that a pooler would hide.
//! Invariant: nothing here changes anything, and a server that does not answer is no error.

use std::time::Duration;

use super::{Connect, Session};
use crate::flight::{LOCK_KEY, TableName, literal};
use crate::report::Holder;

/// What the server says of the statement that holds the migration lock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Look {
    /// Whether it waits for a lock.
    pub(super) blocked: bool,
    /// What it waits for, such as `IO DataFileRead`.
    pub(super) waits_for: String,
    pub(super) phase: String,
    pub(super) percent: Option<u8>,
    pub(super) blockers: Vec<Holder>,
}

/// Nobody waits longer than this for a look.
pub(super) const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// The columns of a session of `pg_stat_activity` that make a [`Holder`].
const HOLDER: &str = "a.pid, a.application_name, a.usename, coalesce(pg_catalog.host(a.client_addr), ''), a.state, \
     pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.backend_start))::numeric)";

fn lock_holders() -> String {
    format!(
        "SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
         AND (l.classid::bigint << 32) + l.objid::bigint = {LOCK_KEY} AND l.objsubid = 1"
    )
}

/// The session that holds the migration lock; nothing when nobody does, or the server does not tell.
pub(super) async fn lock_holder(session: &Session) -> Option<Holder> {
    let query = format!(
        "SELECT {HOLDER} FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.pid IN ({})",
        lock_holders()
    );
    let rows = session.rows(&query).await.ok()?;
    rows.into_iter().next().map(holder)
}

/// Who has the migration lock: a session that holds it, or whoever goose's table locker has given its lease to.
pub(super) async fn in_the_way(session: &Session, table: &TableName) -> Option<Holder> {
    match lock_holder(session).await {
        Some(holder) => Some(holder),
        None => lease(session, table).await,
    }
}

/// Who has the lease of goose's table locker, where an application uses it.
async fn lease(session: &Session, table: &TableName) -> Option<Holder> {
    let name = literal(&table.lease());
    let found = session.rows(&format!("SELECT pg_catalog.to_regclass({name})::text")).await.ok()?;
    let relation = found.into_iter().next()?.into_iter().next()??;
    let now = "pg_catalog.clock_timestamp()";
    let query = format!(
        "SELECT locked_by, pg_catalog.round(extract(epoch FROM {now} - locked_at)::numeric), \
         pg_catalog.ceil(extract(epoch FROM lease_expires_at - {now})::numeric) \
         FROM {relation} WHERE lock_id = {LOCK_KEY} AND locked AND lease_expires_at > {now}"
    );
    let mut columns = session.rows(&query).await.ok()?.into_iter().next()?.into_iter().map(Option::unwrap_or_default);
    let mut next = || columns.next().unwrap_or_default();
    let (application, age, lease) = (next(), next().parse().unwrap_or_default(), next().parse().ok()?);
    Some(Holder { application, age, lease: Some(lease), ..Holder::default() })
}

/// Who keeps others from reading the version table, seen from another session.
pub(super) async fn in_front_of(connect: Option<&dyn Connect>, table: &TableName) -> Vec<Holder> {
    let names: Vec<String> = table.all().map(|name| literal(&name)).collect();
    let query = format!(
        "SELECT {HOLDER} FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.pid IN \
         (SELECT l.pid FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation \
         WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND c.relname IN ({}) \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))",
        names.join(", ")
    );
    let look = async {
        let session = connect?.beside().await.ok()?;
        let rows = session.rows(&query).await.ok();
        session.close().await;
        rows
    };
    let seen = tokio::time::timeout(LOOK_TIMEOUT, look).await.ok().flatten();
    seen.unwrap_or_default().into_iter().map(holder).collect()
}

/// Who builds indexes in this database.
pub(super) async fn index_builders(session: &Session) -> Vec<Holder> {
    let query = format!(
        "SELECT {HOLDER} FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.pid IN \
         (SELECT p.pid FROM pg_catalog.pg_stat_progress_create_index p WHERE p.datname = pg_catalog.current_database())"
    );
    session.rows(&query).await.unwrap_or_default().into_iter().map(holder).collect()
}

fn holder(row: Vec<Option<String>>) -> Holder {
    let mut columns = row.into_iter().map(Option::unwrap_or_default);
    let mut next = || columns.next().unwrap_or_default();
    Holder {
        pid: next().parse().unwrap_or_default(),
        application: next(),
        user: next(),
        address: next(),
        state: next(),
        age: next().parse().unwrap_or_default(),
        lease: None,
    }
}

/// Looks at the session that holds the migration lock, from another one.
pub(super) async fn look(session: &Session) -> Result<Look, tokio_postgres::Error> {
    let query = format!(
        "SELECT a.pid, a.wait_event_type, a.wait_event, p.phase, p.percent FROM pg_catalog.pg_stat_activity a \
         LEFT JOIN ({PROGRESS}) p ON p.pid = a.pid \
         WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.pid IN ({})",
        lock_holders()
    );
    let Some(row) = session.rows(&query).await?.into_iter().next() else { return Ok(Look::default()) };
    let mut columns = row.into_iter();
    let mut next = || columns.next().flatten();
    let (pid, kind, event) = (next().unwrap_or_default(), next().unwrap_or_default(), next().unwrap_or_default());
    let mut look = Look {
        blocked: kind == "Lock",
        waits_for: format!("{kind} {event}").trim().to_owned(),
        phase: next().unwrap_or_default(),
        percent: next().and_then(|percent| percent.parse().ok()),
        blockers: Vec::new(),
    };
    if look.blocked {
        let query = format!(
            "SELECT {HOLDER} FROM pg_catalog.pg_stat_activity a \
             WHERE a.pid = ANY (pg_catalog.pg_blocking_pids({pid})) ORDER BY a.xact_start"
        );
        look.blockers = session.rows(&query).await?.into_iter().map(holder).collect();
    }
    Ok(look)
}

/// The views of progress as phase and percentage. COPY has neither a phase nor, from a program, a total.
const PROGRESS: &str = "\
SELECT pid, command || ': ' || phase || CASE WHEN current_locker_pid > 0 THEN ', for pid ' || current_locker_pid ELSE '' END AS phase, \
CASE WHEN phase LIKE 'waiting%' THEN 100 * lockers_done / nullif(lockers_total, 0) \
ELSE coalesce(100 * tuples_done / nullif(tuples_total, 0), 100 * blocks_done / nullif(blocks_total, 0)) END AS percent \
FROM pg_catalog.pg_stat_progress_create_index \
UNION ALL SELECT pid, 'VACUUM: ' || phase, 100 * heap_blks_scanned / nullif(heap_blks_total, 0) \
FROM pg_catalog.pg_stat_progress_vacuum \
UNION ALL SELECT pid, command || ': ' || phase, 100 * heap_blks_scanned / nullif(heap_blks_total, 0) \
FROM pg_catalog.pg_stat_progress_cluster \
UNION ALL SELECT pid, 'ANALYZE: ' || phase, 100 * sample_blks_scanned / nullif(sample_blks_total, 0) \
FROM pg_catalog.pg_stat_progress_analyze";
