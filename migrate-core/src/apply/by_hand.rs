//! What a person does to a database beside its versions: which INVALID index goes, which session that holds the migration
//! lock ends. And the questions that come before it.

use std::time::Duration;

use super::convoy::{Crew, Ending, Fault, Leg, fly};
use super::run::{clean_up, sqlstate};
use super::session::TextRow;
use super::watch::Watch;
use super::{Means, Session, failure, lookout, pooler};
use crate::flight::{self, LOCK_KEY, ON_PRIMARY, Purpose, TableName, literal, quote, shape};
use crate::history::SideTable;
use crate::report::{Exit, Failure, Holder};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalLine {
    /// The version.
    pub version: i64,
    /// `up` or `down`.
    pub direction: String,
    /// The file.
    pub file: String,
    /// The statement, counted from 1; 0 for a decision of a person.
    pub statement: i64,
    /// How many the file has.
    pub of: i64,
    /// What kind of statement.
    pub kind: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// The server's code of its failure.
    pub sqlstate: Option<String>,
    /// When it was begun.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Which run began it.
    pub run: String,
    /// What closed it: the record of its version, or a decision.
    pub closed_by: Option<String>,
    /// Why a person decided so.
    pub note: Option<String>,
}

/// The journal, oldest first; empty where there is none.
///
/// # Errors
/// A table that is not the journal, or a lost connection.
pub async fn journal(session: &Session, name: &TableName) -> Result<Vec<JournalLine>, Failure> {
    let table = name.side(SideTable::Journal);
    let qualified = match name.schema() {
        Some(schema) => format!("{}.{}", quote(schema), quote(&table)),
        None => quote(&table),
    };
    let failed = |error| failure::of_read(&error, name);
    let there = format!(
        "SELECT t.oid IS NOT NULL, {}, session_user FROM (SELECT pg_catalog.to_regclass({})::pg_catalog.oid AS oid) t \
         WHERE {ON_PRIMARY}",
        shape::is_filtered("t.oid"),
        literal(&qualified)
    );
    let rows = session.rows(&there).await.map_err(failed)?;
    let mut columns = rows.into_iter().next().unwrap_or_default().into_iter().map(Option::unwrap_or_default);
    let mut next = || columns.next().unwrap_or_default();
    let (is_there, is_filtered, user) = (next() == "t", next() == "t", next());
    if !is_there {
        return Ok(Vec::new());
    }
    if is_filtered {
        return Err(failure::filtered_table(&format!("{name}_journal"), &user));
    }
    let time =
        |column: &str| format!("pg_catalog.to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
    let query = format!(
        "SELECT version_id, direction, file, statement_no, statements, kind, state, sqlstate, {}, {}, run_id, closed_by, \
         note FROM {qualified} WHERE {ON_PRIMARY} ORDER BY id",
        time("started_at"),
        time("finished_at"),
    );
    Ok(session.rows(&query).await.map_err(failed)?.into_iter().map(journal_line).collect())
}

fn journal_line(row: TextRow) -> JournalLine {
    let mut columns = row.into_iter();
    let mut next = || columns.next().flatten();
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or_default();
    JournalLine {
        version: number(next()),
        direction: next().unwrap_or_default(),
        file: next().unwrap_or_default(),
        statement: number(next()),
        of: number(next()),
        kind: next().unwrap_or_default(),
        state: next().unwrap_or_default(),
        sqlstate: next(),
        started_at: next().unwrap_or_default(),
        finished_at: next(),
        run: next().unwrap_or_default(),
        closed_by: next(),
        note: next(),
    }
}

/// An index that queries do not use and writes keep up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InvalidIndex {
    /// Its name, with its schema, as SQL writes it.
    pub name: String,
    /// Its table, likewise.
    pub table: String,
    /// Its size, such as `12 MB`.
    pub size: String,
    /// Whether a session is building it right now.
    pub building: bool,
}

/// The INVALID indexes of the database.
///
/// # Errors
/// A lost connection.
pub async fn invalid_indexes(session: &Session) -> Result<Vec<InvalidIndex>, Failure> {
    let query = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.format('%I.%I', tn.nspname, t.relname), \
         pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(c.oid)), \
         EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = c.oid) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_class t ON t.oid = i.indrelid \
         JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace \
         WHERE NOT (i.indisvalid AND i.indisready) AND c.relkind = 'i' ORDER BY 1";
    let rows = session.rows(query).await;
    let rows = rows.map_err(|error| failure::of_own(&error, "the indexes cannot be read"))?;
    let index = |row: TextRow| {
        let mut columns = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || columns.next().unwrap_or_default();
        InvalidIndex { name: next(), table: next(), size: next(), building: next() == "t" }
    };
    Ok(rows.into_iter().map(index).collect())
}

/// The INVALID index of a name, which nobody is building.
///
/// # Errors
/// An index that is neither, or a lost connection.
pub async fn droppable(session: &Session, name: &str) -> Result<InvalidIndex, Failure> {
    let indexes = invalid_indexes(session).await?;
    let Some(index) = indexes.into_iter().find(|index| index.name == name) else {
        let message = format!("there is no INVALID index `{}`", name.escape_debug());
        return Err(Failure::new(Exit::Usage, message, "`migrate repair` lists them, with the names to give"));
    };
    if index.building {
        let message = format!("a session is building the index {name} right now");
        return Err(Failure::new(Exit::LockBusy, message, "wait until it is done"));
    }
    Ok(index)
}

/// Drops an index that is INVALID and that nobody is building, under the migration lock. `connect` opens the session by
/// which a pooler is noticed: through one the lock would stay with a backend that is not ours.
///
/// # Errors
/// An index that is neither, a pooler in between, another runner that holds the lock, a server that refuses, or a run that
/// is asked to end: the drop is cancelled then.
pub async fn drop_invalid_index(session: &mut Session, name: &str, means: &Means<'_>) -> Result<(), Failure> {
    if let Some(pooled) = pooler::verdict(session, means.connect).await {
        return Err(failure::needs_direct("DROP INDEX CONCURRENTLY runs outside a transaction", &pooled));
    }
    let index = droppable(session, name).await?;
    let leg = Leg::own(flight::drop_index(&index.name));
    let mut watch = Watch::new(None, &means.stop, Duration::ZERO);
    let mut crew = Crew { watch: &mut watch, stop: &means.stop, tell: &mut |_| {} };
    let Fault { leg, message, error, .. } = match fly(session, &mut std::iter::once(leg), 1, &mut crew).await {
        Ending::Done => return Ok(()),
        Ending::Stopped => return Err(means.stopped("before the index was dropped")),
        Ending::Lost(loss) => return Err(failure::lost(loss.error.as_ref())),
        Ending::Failed(fault) => fault,
    };
    clean_up(session, &leg.flight).await;
    // Behind the drop something else failed, which only gives back what the end of the session gives back, too.
    if leg.flight.messages.iter().take(message).any(|done| done.purpose == Purpose::Prepare) {
        return Ok(());
    }
    if means.stop.cause().is_some() {
        return Err(means.stopped(&format!("while the index {name} was being dropped, which is still there")));
    }
    if sqlstate(&error) == "MG001" {
        let holder = lookout::lock_holder(session).await;
        return Err(failure::lock_busy(holder.as_ref(), Duration::ZERO));
    }
    Err(failure::of_own(&error, &format!("the index {name} cannot be dropped")))
}

/// Who holds the migration lock, or goose's lease beside this version table.
pub async fn lock_holder(session: &Session, name: &TableName) -> Option<Holder> {
    lookout::in_the_way(session, name).await
}

/// Ends a session, if it is the one that holds the migration lock.
///
/// # Errors
/// A session that does not hold it, or a server that refuses.
pub async fn terminate(session: &Session, pid: i32) -> Result<(), Failure> {
    let query = format!(
        "SELECT pg_catalog.pg_terminate_backend(l.pid) FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' \
         AND l.granted AND (l.classid::bigint << 32) + l.objid::bigint = {LOCK_KEY} AND l.objsubid = 1 AND l.pid = {pid} \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    );
    let rows = session.rows(&query).await;
    let rows = rows.map_err(|error| failure::of_own(&error, "the session cannot be ended"))?;
    if rows.is_empty() {
        let message = format!("the session with pid {pid} does not hold the migration lock");
        return Err(Failure::new(Exit::Usage, message, "`migrate unlock` shows who does"));
    }
    Ok(())
}
