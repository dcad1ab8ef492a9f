//! The names of the version table and of our ledger beside it.
//!
//! `goose_db_version` is created as goose does, filled as goose does, never altered; its rows are inserted and deleted,
//! never updated. Its schema is found once, by the session's `search_path` as goose would, and from then on written in
//! every statement.
//!
//! `<table>_journal` is made when a NO TRANSACTION file is first pending: an entry a statement, open until the version
//! is recorded or a person decides. An open entry that contradicts the version table counts for nothing: goose, or a
//! person, has decided.
//!
//! `<table>_ledger` holds what goose has no column for: the statements of the Down with their digest, so that a release
//! without the version can undo it (`apply/stored.rs`); the file's name, SHA-256 of its text (CRLF = LF) and of its
//! tokens, duration, role, release, tool, and the floor that the file sets for releases (`-- migrate:requires-app`). A
//! ledger row belongs to one goose row, by id *and* version *and* tstamp. A version that goose applied, or undid and
//! applied again, has another id, and after its table was made anew the same id has another time: no ledger row joins,
//! the digest is unknown, and unknown is never an error. The token digest tells an edit of the SQL (28) from one of
//! white space or comments (a warning); annotations count as tokens.

use crate::history::SideTable;

/// The table as the user names it: `goose_db_version` or `schema.table`.
///
/// Only plain lower-case identifiers: that is the set on which goose's command, goose's Provider and PostgreSQL agree
/// about which table is meant (goose/spec.md Q18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    schema: Option<String>,
    table: String,
}

/// A text that is not a plain table name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a plain table name: write `table` or `schema.table` in lower-case letters, digits and `_`")]
pub struct TableNameError;

impl std::str::FromStr for TableName {
    type Err = TableNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (schema, table) = match text.split_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, text),
        };
        if schema.is_none_or(is_plain) && is_plain(table) {
            Ok(Self { schema: schema.map(str::to_owned), table: table.to_owned() })
        } else {
            Err(TableNameError)
        }
    }
}

impl Default for TableName {
    fn default() -> Self {
        Self { schema: None, table: "goose_db_version".to_owned() }
    }
}

impl TableName {
    /// The schema, when the user named one.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The table's own name.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The name of a table of ours beside it: `goose_db_version_ledger`.
    pub(crate) fn side(&self, side: SideTable) -> String {
        format!("{}_{}", self.table, side.word())
    }

    /// The name of goose's lock table, as `to_regclass` reads it.
    #[cfg(feature = "postgres")]
    pub(crate) fn lease(&self) -> String {
        self.schema.as_ref().map_or_else(|| LEASE.to_owned(), |schema| format!("{}.{LEASE}", quote(schema)))
    }

    /// The names of the version table and of all that stand beside it.
    pub(crate) fn all(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.table.clone()).chain(SideTable::ALL.map(|side| self.side(side)))
    }

    /// The tables in a schema: resolved once, then used in every statement, so that a migration that changes
    /// `search_path` changes nothing for us.
    #[must_use]
    pub fn in_schema(&self, schema: &str) -> Tables {
        let quoted = quote(schema);
        Tables {
            version: format!("{quoted}.{}", quote(&self.table)),
            sides: SideTable::ALL.map(|side| format!("{quoted}.{}", quote(&self.side(side)))),
            lease: format!("{quoted}.{}", quote(LEASE)),
        }
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.table),
            None => f.write_str(&self.table),
        }
    }
}

/// The tables, qualified and quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    pub(crate) version: String,
    sides: [String; SideTable::ALL.len()],
    /// Of goose's table locker, where an application uses it.
    pub(crate) lease: String,
}

impl Tables {
    /// A table of ours beside the version table.
    pub(crate) fn side(&self, side: SideTable) -> &str {
        &self.sides[side as usize]
    }

    pub(crate) fn ledger(&self) -> &str {
        self.side(SideTable::Ledger)
    }

    pub(crate) fn journal(&self) -> &str {
        self.side(SideTable::Journal)
    }
}

/// The table in which goose's table locker keeps who holds its lock, and until when (goose/spec.md 8.2).
const LEASE: &str = "goose_lock";

/// A name PostgreSQL stores unchanged, short enough that the journal's name is not cut at 63 bytes.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    first && name.len() <= 55 && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// An identifier in double quotes.
#[must_use]
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string literal that reads the same whatever `standard_conforming_strings` says.
#[must_use]
pub(crate) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// A condition that always holds, for every SELECT of the bookkeeping that decides something. A pooler that balances reads
/// (pgpool-II 4.3) sends a plain SELECT to a standby, which may be behind, even one in a transaction that only reads; one
/// that also reads a system catalog goes to the primary.
pub(crate) const ON_PRIMARY: &str = "EXISTS (SELECT FROM pg_catalog.pg_namespace)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_accepted_with_and_without_a_schema() {
        assert_eq!("app.goose_v2".parse::<TableName>().map(|name| name.to_string()), Ok("app.goose_v2".to_owned()));
        assert!("goose_db_version".parse::<TableName>().is_ok());
    }

    #[test]
    fn other_forms_are_refused_by_name() {
        for text in ["", "GooseV", "\"Gq\"", "a.b.c", "goose v", "t;drop table x", "1a", ".t", "s."] {
            assert_eq!(text.parse::<TableName>(), Err(TableNameError), "{text}");
        }
    }

    /// PostgreSQL cuts a longer one.
    #[test]
    fn the_names_beside_the_longest_table_are_whole() {
        let longest: TableName = "t".repeat(55).parse().unwrap();
        assert!("t".repeat(56).parse::<TableName>().is_err());
        assert!(longest.all().all(|name| name.len() <= 63), "{:?}", longest.all().collect::<Vec<_>>());
    }

    #[test]
    fn literals_survive_quotes_and_backslashes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
