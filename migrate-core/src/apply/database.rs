//! What a server and its version table say, read in two round trips and without writing anything.

use std::time::Duration;

use futures_util::future::join;

use super::{Session, failure, pooler, privileges};
use crate::flight::shape::{self, is_filtered, lacks, state};
use crate::flight::{Ledger, ON_PRIMARY, Seen, TableName, Tables, literal, quote, select_history, select_journal};
use crate::history::{Attempt, Existing, History, Presence, Row, SideTable, Sides};
use crate::plan::Versioning;
use crate::report::{Exit, Failure, Opened, Setting};
use crate::schema::{Schema, question};

/// A database as a command finds it.
#[derive(Debug, Clone)]
pub struct Database {
    /// What was applied.
    pub history: History,
    /// The tables, in the schema that they have or will have.
    pub tables: Tables,
    /// The server.
    pub server: Opened,
    /// Whether everything looks as if the session had the backend for itself that answered.
    pub is_direct: bool,
}

/// Reads the history. The schema is resolved once, as goose's command would by `search_path`, and pinned.
///
/// # Errors
/// A server that is not PostgreSQL, a schema that does not exist, a table that is not goose's or was dropped beside its
/// ledger, a missing privilege, or a lost connection.
pub async fn read(session: &Session, name: &TableName, versioning: Versioning) -> Result<Database, Failure> {
    let database = read_what_is_there(session, name, versioning).await?;
    not_orphaned(session, name, &database).await?;
    Ok(database)
}

/// What [`read`] would give, where it comes at once and without a problem; what else there is to say of it, `apply` says.
/// The answer to a question that is given up is awaited by the next one.
pub async fn glance(session: &Session, name: &TableName, versioning: Versioning) -> Option<Database> {
    const AT_ONCE: Duration = Duration::from_secs(1);
    tokio::time::timeout(AT_ONCE, look(session, name, versioning)).await.ok()?.ok()
}

/// The same for whoever may set right what was lost.
pub(super) async fn read_what_is_there(
    session: &Session,
    name: &TableName,
    versioning: Versioning,
) -> Result<Database, Failure> {
    match look(session, name, versioning).await {
        Err(failure) if is_denied(&failure) => Err(privileges::explained(session, name, failure).await),
        read => read,
    }
}

impl Session {
    /// Everything in the database, without the bookkeeping's tables.
    ///
    /// # Errors
    /// A lost connection, or what the server refuses to tell.
    pub async fn schema(&self, table: &TableName) -> Result<Schema, Failure> {
        let rows = self.rows(&question(table)).await.map_err(|error| failure::of_own(&error, "reading the schema"))?;
        Schema::read(rows).ok_or_else(|| {
            Failure::new(Exit::Internal, "the server's answer is none to the question about its schema", "report this")
        })
    }
}

/// Whether the server denied something to the role.
pub(super) fn is_denied(failure: &Failure) -> bool {
    failure.exit == Exit::Privilege && failure.server.as_ref().is_some_and(|server| server.sqlstate == "42501")
}

async fn look(session: &Session, name: &TableName, versioning: Versioning) -> Result<Database, Failure> {
    let rows = session.rows(&resolve_query(name)).await.map_err(|error| failure::of_read(&error, name))?;
    let mut columns = rows.into_iter().next().unwrap_or_default().into_iter();
    let mut next = || columns.next().flatten();
    let (schema, found) = (next(), Found::read(&mut next));
    let server = server(&mut next)?;
    let backend = next();
    let is_direct = pooler::is_own(session, backend.as_deref()).await;
    let server = Opened { between: pooler::at_first_sight(session, backend).await, ..server };
    if versioning == Versioning::Ignored {
        let tables = name.in_schema(name.schema().unwrap_or("public"));
        return Ok(Database { history: History::default(), tables, server, is_direct });
    }
    let Some(schema) = schema else {
        return Err(missing_schema(name));
    };
    if is_unfit(&schema) {
        return Err(unfit_schema(name, &schema));
    }
    let found = if versioning == Versioning::WithoutLedger { found.without_ledger() } else { found };
    found.check(name, &server.user)?;
    let tables = name.in_schema(&schema);
    let existing = found.existing();
    let mut history = History { tables: existing, ..History::default() };
    if existing.version {
        (history.rows, history.attempts) = read_tables(session, name, &tables, existing).await?;
    }
    Ok(Database { history, tables, server, is_direct })
}

/// What the catalogs say of the three names.
struct Found {
    /// `pg_class.relkind` of the version table.
    kind: Option<String>,
    /// The first column of goose's that it lacks; empty for one of another type.
    lacks: Option<String>,
    is_filtered: bool,
    sides: Sides<Seen>,
}

impl Found {
    fn read(next: &mut impl FnMut() -> Option<String>) -> Self {
        Self {
            kind: next(),
            lacks: next(),
            is_filtered: next().as_deref() == Some("t"),
            sides: Sides::each(|_| Seen::read(next().as_deref())),
        }
    }

    /// As if there were no ledger, whoever made one.
    fn without_ledger(self) -> Self {
        Self { sides: self.sides.with(SideTable::Ledger, Seen::Plain(Presence::Absent)), ..self }
    }

    fn existing(&self) -> Existing {
        Existing { version: self.kind.is_some(), sides: Sides::each(|side| self.sides.of(side).presence()) }
    }

    /// That each of them is what its name says, and is seen whole.
    fn check(&self, name: &TableName, user: &str) -> Result<(), Failure> {
        if let Some(kind) = self.kind.as_deref().filter(|kind| !["r", "p"].contains(kind)) {
            return Err(failure::odd_table(name, &format!("it is not a table (pg_class.relkind is `{kind}`)")));
        }
        if let Some(column) = self.lacks.as_deref().filter(|_| self.kind.is_some()) {
            let why = if column.is_empty() {
                "its columns hold other types than goose's".to_owned()
            } else {
                format!("column {column} does not exist")
            };
            return Err(failure::odd_table(name, &why));
        }
        if self.is_filtered {
            return Err(failure::filtered_table(&name.to_string(), user));
        }
        let is = |seen| move |side: &SideTable| self.sides.of(*side) == seen;
        if let Some(side) = SideTable::ALL.into_iter().find(is(Seen::Filtered)) {
            return Err(failure::filtered_table(&format!("{name}_{}", side.word()), user));
        }
        SideTable::ALL.into_iter().find(is(Seen::Odd)).map_or(Ok(()), |side| Err(failure::odd_side(name, side)))
    }
}

/// A schema that forgets its tables with the session, or that belongs to the server.
fn is_unfit(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

fn unfit_schema(name: &TableName, schema: &str) -> Failure {
    let why = if schema.starts_with("pg_temp") {
        "a temporary one: what it says was applied is forgotten with the session, and every run would apply everything anew"
    } else {
        "the server's own"
    };
    let (at, next) = match name.schema() {
        Some(_) => ("the schema of the version table", "name another table"),
        None => (
            "the schema where this session's search_path puts the version table",
            "name it with its schema, or give the role or the database URL a search_path that begins with that",
        ),
    };
    Failure::new(Exit::Config, format!("{at}, `{schema}`, is {why}"), next).with_setting(Setting::Table)
}

/// That no version table was dropped beside a ledger: what the ledger names would be applied a second time.
///
/// # Errors
/// How many versions the ledger names.
pub(super) async fn not_orphaned(session: &Session, name: &TableName, database: &Database) -> Result<(), Failure> {
    let existing = database.history.tables;
    if existing.version || !existing.has(SideTable::Ledger) {
        return Ok(());
    }
    // The two were looked up one after the other, and somebody may have made both in between: the plan for none is refused
    // by its guard then.
    let query = format!(
        "SELECT pg_catalog.count(DISTINCT version_id) FROM {} WHERE {ON_PRIMARY} AND pg_catalog.to_regclass({}) IS NULL",
        database.tables.ledger(),
        literal(&database.tables.version)
    );
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
    let journal = select_journal(tables.journal());
    let entries =
        async { if existing.has(SideTable::Journal) { session.rows(&journal).await } else { Ok(Vec::new()) } };
    let (rows, entries) = join(session.read_rows(&history, Row::read), entries).await;
    let rows = rows.map_err(|error| failure::of_read(&error, name))?;
    let entries = entries.map_err(|error| failure::of_read(&error, name))?;
    let rows: Option<Vec<Row>> = rows.into_iter().collect();
    let rows = rows.ok_or_else(|| failure::odd_table(name, "its columns hold other types than goose's"))?;
    let attempts = Attempt::read_all(entries).ok_or_else(|| failure::odd_side(name, SideTable::Journal))?;
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
    let joined = |side: SideTable| {
        format!(
            " LEFT JOIN LATERAL (SELECT b.oid, b.relkind FROM pg_catalog.pg_class b WHERE b.relnamespace = \
             coalesce(n.oid, (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})) AND b.relname = {}) \
             {} ON true",
            literal(&name.side(side)),
            side.word()
        )
    };
    format!(
        "SELECT coalesce(n.nspname, {schema}), c.relkind, {lacks}, {filtered}, {states}, \
         pg_catalog.current_setting('server_version_num'), pg_catalog.version(), \
         pg_catalog.current_setting('server_version'), coalesce(pg_catalog.host(pg_catalog.inet_server_addr()), ''), \
         pg_catalog.current_database(), session_user, pg_catalog.pg_backend_pid() \
         FROM (SELECT pg_catalog.to_regclass({table}) AS oid) t \
         LEFT JOIN pg_catalog.pg_class c ON c.oid = t.oid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\
         {joined}",
        lacks = lacks("c.oid", shape::VERSION),
        filtered = is_filtered("c.oid"),
        states = SideTable::ALL.map(|side| state(side.word(), side, None)).join(", "),
        joined = SideTable::ALL.map(joined).concat(),
        table = literal(&table),
    )
}

fn missing_schema(name: &TableName) -> Failure {
    let failure = match name.schema() {
        Some(schema) => Failure::new(
            Exit::Config,
            format!("the schema `{schema}` of the version table does not exist"),
            format!("create it (`CREATE SCHEMA {schema}`), or name another table"),
        ),
        None => Failure::new(
            Exit::Config,
            "no schema of this session's search_path exists, so there is no place for the version table",
            "name the table with a schema, or give the role a search_path",
        ),
    };
    failure.with_setting(Setting::Table)
}
