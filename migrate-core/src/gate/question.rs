//! The gate's SELECT. It runs the queries that `apply` reads the tables with, on those tables that are there and may be
//! read.
//!
//! A query that names a table which is missing is refused before it runs, and an error would end a transaction of the
//! caller's. So the tables are looked up in the catalogs first, and `query_to_xml` runs the text that follows from that,
//! in the same snapshot.

use crate::flight::shape::{self, has, is_filtered, state};
use crate::flight::{Ledger, TableName, literal, select_history, select_journal};
use crate::history::SideTable;

/// What each row is, its number among its kind, and eight columns.
pub(super) fn question(name: &TableName) -> String {
    format!("{}\nUNION ALL\n{}\nUNION ALL\n{}", tables(name), rows(), entries())
}

/// One row about the tables: which are there, ours, and open to this role.
fn tables(name: &TableName) -> String {
    let version_fits = has("v.oid", shape::VERSION);
    let refused = |word: &str| format!("NOT pg_catalog.has_table_privilege({word}.oid, 'SELECT')");
    let found = |side: SideTable| {
        let word = side.word();
        let state = state(word, side, Some(&refused(word)));
        format!(",\n    {word}.oid AS {word}, {state} AS {word}_is")
    };
    let joined = |side: SideTable| {
        format!(
            "\n  LEFT JOIN pg_catalog.pg_class {word} ON {word}.relnamespace = v.relnamespace AND {word}.relname = {}",
            literal(&name.side(side)),
            word = side.word()
        )
    };
    format!(
        "WITH version AS (\n  SELECT c.oid, c.relkind, c.relnamespace, n.nspname\n  FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n  WHERE c.relname = {table} AND {place} LIMIT 1\n), \
         tables AS (\n  SELECT v.oid, v.relkind, v.nspname,\n    \
         {version_fits} AND v.relkind IN ('r', 'p') AS fits,\n    \
         pg_catalog.has_schema_privilege(v.relnamespace, 'USAGE') AND pg_catalog.has_table_privilege(v.oid, 'SELECT') \
         AND NOT {filtered} AS readable,\n    {filtered} AS filtered{found}\n  FROM version v{joined}\n)\n\
         SELECT 'tables', '0', t.nspname::text, t.filtered::text, t.fits::text, t.readable::text, \
         pg_catalog.concat_ws(',', {states}), current_user::text, pg_catalog.current_database()::text, \
         ({orphaned})::text\nFROM (SELECT) here LEFT JOIN tables t ON true",
        orphaned = is_there(&name.side(SideTable::Ledger), name),
        table = literal(name.table()),
        place = place(name),
        filtered = is_filtered("v.oid"),
        found = SideTable::ALL.map(found).concat(),
        joined = SideTable::ALL.map(joined).concat(),
        states = SideTable::ALL.map(|side| format!("t.{}_is", side.word())).join(", "),
    )
}

/// The rows of the version table with the ledger's, where the former may be read.
fn rows() -> String {
    format!(
        "SELECT 'row', x.number::text, x.a, x.b, x.c, x.d, x.e, x.f, x.g, NULL\nFROM tables t, \
         XMLTABLE('/table/row' PASSING\n  CASE WHEN t.readable AND t.fits THEN \
         pg_catalog.query_to_xml(pg_catalog.format(\n    {history},\n    t.oid::regclass, \
         CASE t.ledger_is WHEN 'there' THEN t.ledger::regclass::text\n    \
         WHEN 'older' THEN pg_catalog.format({old}, t.ledger::regclass) ELSE {absent} END\n  ), false, false, '') END\n  \
         COLUMNS number FOR ORDINALITY, a text PATH 'version_id', b text PATH 'is_applied', c text PATH 'at', \
         d text PATH 'text_sha256', e text PATH 'tokens_sha256', f text PATH 'requires_app', \
         g text PATH 'up_sha256') x",
        history = literal(&select_history("%1$s", "%2$s")),
        absent = literal(&Ledger::Absent.source()),
        old = literal(&Ledger::Older("%s").source()),
    )
}

/// The open entries of the journal, where it may be read.
fn entries() -> String {
    format!(
        "SELECT 'entry', x.number::text, x.a, x.b, x.c, x.d, x.e, x.f, x.g, x.h\nFROM tables t, \
         XMLTABLE('/table/row' PASSING\n  CASE WHEN t.readable AND t.journal_is = 'there' THEN \
         pg_catalog.query_to_xml(pg_catalog.format(\n    {entries}, t.journal::regclass\n  ), false, false, '') END\n  \
         COLUMNS number FOR ORDINALITY, a text PATH 'version_id', b text PATH 'direction', c text PATH 'file', \
         d text PATH 'statement_no', e text PATH 'tokens_sha256', f text PATH 'kind', g text PATH 'state', \
         h text PATH 'evidence') x",
        entries = literal(&select_journal("%s")),
    )
}

/// Whether a relation of a name is where the version table would be.
fn is_there(relation: &str, name: &TableName) -> String {
    let place = match name.schema() {
        Some(schema) => format!("n.nspname = {}", literal(schema)),
        None => "pg_catalog.pg_table_is_visible(c.oid)".to_owned(),
    };
    format!(
        "SELECT count(*) > 0 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = {} AND {place}",
        literal(relation)
    )
}

/// Which of the relations with the name is meant: the one that the `search_path` finds, or else the one that it would
/// find if the role had USAGE on the schema. `to_regclass` would be an error for a named schema without it.
fn place(name: &TableName) -> String {
    match name.schema() {
        Some(schema) => format!("n.nspname = {}", literal(schema)),
        None => "(pg_catalog.pg_table_is_visible(c.oid) OR (\n    \
                 NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND n.nspname = ANY (pg_catalog.regexp_split_to_array(\
                 pg_catalog.replace(pg_catalog.current_setting('search_path'), '\"', ''), E'\\\\s*,\\\\s*'))))\n  \
                 ORDER BY pg_catalog.pg_table_is_visible(c.oid) DESC"
            .to_owned(),
    }
}
