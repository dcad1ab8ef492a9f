//! What a server and its version table say, read in two round trips and without writing anything.

use tokio_postgres::Error;

use super::session::TextRow;
use super::{Session, failure};
use crate::flight::{TableName, Tables, ledger_name, literal, quote, select_history};
use crate::history::{self, History, LedgerEntry, Row};
use crate::migration::{Digest, Version};
use crate::plan::Versioning;
use crate::report::{Exit, Failure};

/// A database as a command finds it.
#[derive(Debug, Clone)]
pub struct Database {
    /// What was applied.
    pub history: History,
    /// The tables, in the schema that they have or will have.
    pub tables: Tables,
}

/// Reads the history. The schema is resolved once, as goose's command would by `search_path`, and pinned.
///
/// # Errors
/// A schema that does not exist, a table that is not goose's, a missing privilege, or a lost connection.
pub async fn read(session: &Session, name: &TableName, versioning: Versioning) -> Result<Database, Failure> {
    if versioning == Versioning::Ignored {
        return Ok(Database { history: History::default(), tables: name.in_schema(name.schema().unwrap_or("public")) });
    }
    let rows = session.rows(&resolve_query(name)).await.map_err(|error| failure::of_read(&error, name))?;
    let row = rows.into_iter().next().unwrap_or_default();
    let [schema, version_kind, ledger] = <[Option<String>; 3]>::try_from(row).unwrap_or_default();
    let Some(schema) = schema else {
        return Err(missing_schema(name));
    };
    let tables = name.in_schema(&schema);
    let existing = history::Existing { version: version_kind.is_some(), ledger: ledger.is_some() };
    if let Some(kind) = version_kind.filter(|kind| kind != "r" && kind != "p") {
        return Err(failure::odd_table(name, &format!("it is not a table (pg_class.relkind is `{kind}`)")));
    }
    if !existing.version {
        return Ok(Database { history: History { rows: vec![], tables: existing }, tables });
    }
    let query = select_history(&tables, existing.ledger);
    let rows = session.rows(&query).await.map_err(|error: Error| failure::of_read(&error, name))?;
    let rows: Option<Vec<Row>> = rows.into_iter().map(history_row).collect();
    let rows = rows.ok_or_else(|| failure::odd_table(name, "its columns hold other types than goose's"))?;
    Ok(Database { history: History { rows, tables: existing }, tables })
}

/// Schema, kind of the version table and existence of the ledger, in one row. The ledger is looked for in the schema
/// of the version table.
fn resolve_query(name: &TableName) -> String {
    let (schema, table) = match name.schema() {
        Some(schema) => (
            format!("(SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = {})", literal(schema)),
            format!("{}.{}", quote(schema), quote(name.table())),
        ),
        None => ("pg_catalog.current_schema()".to_owned(), quote(name.table())),
    };
    format!(
        "SELECT coalesce(n.nspname, {schema}), c.relkind, \
         (SELECT 't' FROM pg_catalog.pg_class l WHERE l.relnamespace = coalesce(n.oid, \
         (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})) AND l.relname = {ledger}) \
         FROM (SELECT pg_catalog.to_regclass({table}) AS oid) t \
         LEFT JOIN pg_catalog.pg_class c ON c.oid = t.oid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
        ledger = literal(&ledger_name(name.table())),
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

fn history_row(row: TextRow) -> Option<Row> {
    let [version, applied, at, text, tokens] = <[Option<String>; 5]>::try_from(row).ok()?;
    let digest = |hex: Option<String>| hex.as_deref().and_then(Digest::from_hex);
    let ledger = digest(text).zip(digest(tokens)).map(|(text, tokens)| LedgerEntry { text, tokens });
    let applied = match applied?.as_str() {
        "t" => true,
        "f" => false,
        _ => return None,
    };
    Some(Row { version: Version(version?.parse().ok()?), applied, at, ledger })
}
