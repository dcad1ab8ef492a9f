//! What a server and its version table say, read in two round trips and without writing anything.

use futures_util::future::join;

use super::{Session, failure};
use crate::flight::{
    Ledger, TableName, Tables, journal_name, ledger_name, literal, quote, select_history, select_journal,
};
use crate::history::{Attempt, Existing, History, Row};
use crate::plan::Versioning;
use crate::report::{Exit, Failure, Opened};

/// A database as a command finds it.
#[derive(Debug, Clone)]
pub struct Database {
    /// What was applied.
    pub history: History,
    /// The tables, in the schema that they have or will have.
    pub tables: Tables,
    /// The server.
    pub server: Opened,
}

/// Reads the history. The schema is resolved once, as goose's command would by `search_path`, and pinned.
///
/// # Errors
/// A server that is not PostgreSQL, a schema that does not exist, a table that is not goose's, a missing privilege, or a
/// lost connection.
pub async fn read(session: &Session, name: &TableName, versioning: Versioning) -> Result<Database, Failure> {
    let rows = session.rows(&resolve_query(name)).await.map_err(|error| failure::of_read(&error, name))?;
    let mut columns = rows.into_iter().next().unwrap_or_default().into_iter();
    let mut next = || columns.next().flatten();
    let (schema, version_kind) = (next(), next());
    let existing = Existing {
        version: version_kind.is_some(),
        ledger: next().is_some(),
        ledger_is_current: next().is_some(),
        journal: next().is_some(),
    };
    let server = server(&mut next)?;
    if versioning == Versioning::Ignored {
        let tables = name.in_schema(name.schema().unwrap_or("public"));
        return Ok(Database { history: History::default(), tables, server });
    }
    let Some(schema) = schema else {
        return Err(missing_schema(name));
    };
    let tables = name.in_schema(&schema);
    if let Some(kind) = version_kind.filter(|kind| kind != "r" && kind != "p") {
        return Err(failure::odd_table(name, &format!("it is not a table (pg_class.relkind is `{kind}`)")));
    }
    let mut history = History { tables: existing, ..History::default() };
    if existing.version {
        (history.rows, history.attempts) = read_tables(session, name, &tables, existing).await?;
    }
    Ok(Database { history, tables, server })
}

/// That no version table was dropped beside a ledger: what the ledger names would be applied a second time.
///
/// # Errors
/// How many versions the ledger names.
pub(super) async fn not_orphaned(session: &Session, name: &TableName, database: &Database) -> Result<(), Failure> {
    let Existing { version, ledger, .. } = database.history.tables;
    if version || !ledger {
        return Ok(());
    }
    let query = format!("SELECT pg_catalog.count(DISTINCT version_id) FROM {}", database.tables.ledger);
    let rows = session.rows(&query).await.map_err(|error| failure::of_read(&error, name))?;
    let versions = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()).unwrap_or_default();
    if versions == "0" { Ok(()) } else { Err(failure::orphaned_ledger(name, &versions)) }
}

/// Both tables in one round trip.
async fn read_tables(
    session: &Session,
    name: &TableName,
    tables: &Tables,
    existing: Existing,
) -> Result<(Vec<Row>, Vec<Attempt>), Failure> {
    let history = select_history(&tables.version, &Ledger::of(tables, existing).source());
    let journal = select_journal(&tables.journal);
    let entries = async { if existing.journal { session.rows(&journal).await } else { Ok(Vec::new()) } };
    let (rows, entries) = join(session.read_rows(&history, Row::read), entries).await;
    let rows = rows.map_err(|error| failure::of_read(&error, name))?;
    let entries = entries.map_err(|error| failure::of_read(&error, name))?;
    let rows: Option<Vec<Row>> = rows.into_iter().collect();
    let rows = rows.ok_or_else(|| failure::odd_table(name, "its columns hold other types than goose's"))?;
    let attempts = Attempt::read_all(entries).ok_or_else(|| failure::odd_journal(name))?;
    Ok((rows, attempts))
}

/// The server by what it says of itself.
fn server(next: &mut impl FnMut() -> Option<String>) -> Result<Opened, Failure> {
    let mut text = || next().unwrap_or_default();
    let (number, version) = (text(), text());
    let opened = Opened { server: text(), address: text(), database: text(), user: text(), ..Opened::default() };
    let other = ["Redshift", "-YB-", "CockroachDB", "Materialize", "EnterpriseDB Advanced"];
    if !version.starts_with("PostgreSQL ") || other.iter().any(|other| version.contains(other)) {
        let version: String = version.chars().take(80).collect();
        return Err(Failure::new(
            Exit::UnsupportedServer,
            format!("the server is not PostgreSQL, but `{version}`: its locks or its transactions are others"),
            "name a PostgreSQL server in the database URL",
        ));
    }
    if number.parse::<u32>().is_ok_and(|number| number < OLDEST) {
        return Err(Failure::new(
            Exit::UnsupportedServer,
            format!("the server is PostgreSQL {}, and 12 is the oldest that this program knows", opened.server),
            "upgrade the server",
        ));
    }
    Ok(opened)
}

/// `server_version_num` of the oldest server on which every statement of ours works.
const OLDEST: u32 = 120_000;

/// Schema, kind of the version table, the tables beside it, and the server, in one row. The tables are looked for in
/// the schema of the version table.
fn resolve_query(name: &TableName) -> String {
    let (schema, table) = match name.schema() {
        Some(schema) => (
            format!("(SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = {})", literal(schema)),
            format!("{}.{}", quote(schema), quote(name.table())),
        ),
        None => ("pg_catalog.current_schema()".to_owned(), quote(name.table())),
    };
    let beside = |table: &str, more: &str| {
        format!(
            "(SELECT 't' FROM pg_catalog.pg_class l WHERE l.relnamespace = coalesce(n.oid, \
             (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})) AND l.relname = {}{more})",
            literal(table)
        )
    };
    let complete = " AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = l.oid \
                    AND a.attname = 'requires_app' AND NOT a.attisdropped)";
    format!(
        "SELECT coalesce(n.nspname, {schema}), c.relkind, {ledger}, {complete}, {journal}, \
         pg_catalog.current_setting('server_version_num'), pg_catalog.version(), \
         pg_catalog.current_setting('server_version'), coalesce(pg_catalog.host(pg_catalog.inet_server_addr()), ''), \
         pg_catalog.current_database(), session_user \
         FROM (SELECT pg_catalog.to_regclass({table}) AS oid) t \
         LEFT JOIN pg_catalog.pg_class c ON c.oid = t.oid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
        ledger = beside(&ledger_name(name.table()), ""),
        complete = beside(&ledger_name(name.table()), complete),
        journal = beside(&journal_name(name.table()), ""),
        table = literal(&table),
    )
}

fn missing_schema(name: &TableName) -> Failure {
    match name.schema() {
        Some(schema) => Failure::new(
            Exit::Config,
            format!("the schema `{schema}` of the version table does not exist"),
            format!("create it (`CREATE SCHEMA {schema}`), or name another with `--table`"),
        ),
        None => Failure::new(
            Exit::Config,
            "no schema of this session's search_path exists, so there is no place for the version table",
            "name one with `--table SCHEMA.TABLE`, or give the role a search_path",
        ),
    }
}
