//! Everything about a database that a run depends on, looked at in a few queries: what `migrate doctor` shows.
//!
//! Invariant: nothing here writes, waits for a lock or needs more than a login; what a role may not see is absent.

use super::pooler::{self, Pooling};
use super::privileges::{self, Privilege};
use super::{Connect, InvalidIndex, Session, by_hand, database, failure, lookout};
use crate::flight::TableName;
use crate::gate::{Gate, Verdict};
use crate::history::{Attempt, TextRow};
use crate::plan::Versioning;
use crate::report::{Failure, Holder};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Examination {
    /// Version of the server.
    pub server: String,
    /// Whether it takes writes.
    pub role_of_server: &'static str,
    /// Who logged in.
    pub user: String,
    /// Whether that role is a superuser.
    pub superuser: bool,
    /// What stands in between.
    pub pooling: Pooling,
    /// What a run needs, and whether the role has it.
    pub privileges: Vec<Privilege>,
    /// Who holds the migration lock.
    pub holder: Option<Holder>,
    /// INVALID indexes.
    pub invalid: Vec<InvalidIndex>,
    /// Files without a transaction that are not finished.
    pub unfinished: Vec<Attempt>,
    /// Settings of the role, the database or the server that hurt.
    pub hazards: Vec<Hazard>,
    /// What the gate says.
    pub verdict: Verdict,
}

/// A setting that hurts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hazard {
    /// Its name.
    pub name: String,
    /// Its value, with its unit.
    pub value: String,
    /// Where it comes from, in the words of `pg_settings`.
    pub source: String,
    /// What it does.
    pub effect: &'static str,
}

/// Looks at a database.
///
/// # Errors
/// A server that is not PostgreSQL, or a connection that broke. What may be forbidden to a role is no error.
pub async fn examine(
    session: &Session,
    name: &TableName,
    gate: &Gate<'_>,
    connect: Option<&dyn Connect>,
) -> Result<Examination, Failure> {
    let failed = |error| failure::of_own(&error, "the server cannot be looked at");
    let rows = session.rows(SERVER).await.map_err(failed)?;
    let mut columns = rows.into_iter().next().unwrap_or_default().into_iter().map(Option::unwrap_or_default);
    let mut next = || columns.next().unwrap_or_default();
    let (server, standby, read_only, user, superuser) = (next(), next(), next(), next(), next());
    let role_of_server = match (standby.as_str(), read_only.as_str()) {
        ("t", _) => "standby",
        (_, "on") => "read-only",
        _ => "primary",
    };
    let privileges = privileges::needed(session, name, &user).await.map_err(failed)?;
    let hazards = session.rows(&settings_query()).await.map_err(failed)?;
    // The gate tells what keeps the tables from being read.
    let read = database::read(session, name, Versioning::Recorded).await;
    let unfinished = read.map(|database| database.history.unfinished().cloned().collect()).unwrap_or_default();
    Ok(Examination {
        server,
        role_of_server,
        superuser: superuser == "t",
        pooling: pooler::pooling(session, connect).await,
        privileges,
        user,
        holder: lookout::in_the_way(session, name).await,
        invalid: by_hand::invalid_indexes(session).await?,
        unfinished,
        hazards: hazards.into_iter().filter_map(hazard).collect(),
        verdict: session.check(gate).await,
    })
}

const SERVER: &str = "SELECT pg_catalog.current_setting('server_version'), pg_catalog.pg_is_in_recovery(), \
    pg_catalog.current_setting('default_transaction_read_only'), session_user, \
    (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user)";

/// Settings, the value that does no harm, and what others do. A run sets its own in each transaction; the application
/// and whoever looks by hand have these.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("statement_timeout", "0", "ends statements; a run overrides it, `psql` and the application do not"),
    ("lock_timeout", "0", "ends waits for locks; CREATE INDEX CONCURRENTLY by hand leaves an INVALID index then"),
    ("idle_in_transaction_session_timeout", "0", "ends sessions between two statements; a run overrides it"),
    ("idle_session_timeout", "0", "ends sessions that wait for work: pools lose connections"),
    ("transaction_timeout", "0", "ends transactions; a run overrides it"),
    (
        "default_transaction_read_only",
        "off",
        "refuses writes; a run overrides it, what it calls by other sessions does not",
    ),
    (
        "default_transaction_isolation",
        "read committed",
        "changes what statements see; a run overrides it, files without a transaction run under it",
    ),
    ("standard_conforming_strings", "on", "lets backslashes escape quotes, so that files end elsewhere than they seem"),
    ("row_security", "on", "makes queries of tables with policies fail"),
    ("session_replication_role", "origin", "switches triggers and foreign keys off"),
];

fn settings_query() -> String {
    let harmful: Vec<String> =
        SETTINGS.iter().map(|(name, harmless, _)| format!("name = '{name}' AND setting <> '{harmless}'")).collect();
    format!(
        "SELECT name, setting || coalesce(' ' || unit, ''), source FROM pg_catalog.pg_settings WHERE {} ORDER BY name",
        harmful.join(" OR ")
    )
}

fn hazard(row: TextRow) -> Option<Hazard> {
    let mut columns = row.into_iter().map(Option::unwrap_or_default);
    let name = columns.next()?;
    let (_, _, effect) = SETTINGS.iter().find(|(own, ..)| *own == name)?;
    Some(Hazard { name, value: columns.next()?, source: columns.next()?, effect })
}
