//! Whether a relation is the table that its name says, and whether all of its rows are seen: asked of the catalogs, so that
//! no answer depends on the language of an error message.

use super::side::{Layout, layout};
use super::table::literal;
use crate::history::{Presence, SideTable};

/// goose's columns, as far as they are read.
pub(crate) const VERSION: &[&str] = &["id", "version_id", "is_applied", "tstamp"];

/// How a table of ours is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is another thing of that name.
    Odd,
    /// The role may not read it.
    Forbidden,
    /// Row level security keeps rows from the role.
    Filtered,
    /// It is not there, or it can be read.
    Plain(Presence),
}

impl Seen {
    /// What [`state`] answers.
    pub(crate) fn read(word: Option<&str>) -> Self {
        match word {
            Some("odd") => Self::Odd,
            Some("forbidden") => Self::Forbidden,
            Some("filtered") => Self::Filtered,
            Some("older") => Self::Plain(Presence::Older),
            Some("there") => Self::Plain(Presence::Whole),
            _ => Self::Plain(Presence::Absent),
        }
    }

    /// What of it can be read.
    pub(crate) const fn presence(self) -> Presence {
        if let Self::Plain(presence) = self { presence } else { Presence::Absent }
    }
}

/// How a table of ours is found: a relation with `oid` and `relkind` that may be a row of NULLs. Where `refused` holds it is
/// not asked further.
pub(crate) fn state(relation: &str, side: SideTable, refused: Option<&str>) -> String {
    let (oid, Layout { first, later, .. }) = (format!("{relation}.oid"), layout(side));
    let refused = refused.map(|condition| format!(" WHEN {condition} THEN 'forbidden'")).unwrap_or_default();
    let older = if later.is_empty() { String::new() } else { format!(" WHEN NOT {} THEN 'older'", has(&oid, later)) };
    format!(
        "CASE WHEN {oid} IS NULL THEN 'absent' WHEN {relation}.relkind NOT IN ('r', 'p') OR NOT {} THEN 'odd'{refused} \
         WHEN {} THEN 'filtered'{older} ELSE 'there' END",
        has(&oid, first),
        is_filtered(&oid)
    )
}

/// Whether a relation has all these columns, in types that our queries work with.
pub(crate) fn has(oid: &str, columns: &[&str]) -> String {
    let named: Vec<String> = columns.iter().map(|column| literal(column)).collect();
    format!(
        "(SELECT pg_catalog.count(*) = {} FROM pg_catalog.pg_attribute a WHERE a.attrelid = {oid} AND a.attnum > 0 \
         AND NOT a.attisdropped AND a.attname IN ({}) AND {FITTING})",
        columns.len(),
        named.join(", ")
    )
}

/// NULL for a relation that has all these columns; otherwise the first one that it lacks, or nothing when all are there
/// and one has another type.
#[cfg(feature = "postgres")]
pub(crate) fn lacks(oid: &str, columns: &[&str]) -> String {
    let wanted: Vec<String> =
        columns.iter().enumerate().map(|(at, column)| format!("({at}, {})", literal(column))).collect();
    format!(
        "CASE WHEN {} THEN NULL ELSE coalesce((SELECT w.name FROM (VALUES {}) w (at, name) WHERE NOT EXISTS (\
         SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {oid} AND a.attname = w.name AND a.attnum > 0 \
         AND NOT a.attisdropped) ORDER BY w.at LIMIT 1), '') END",
        has(oid, columns),
        wanted.join(", ")
    )
}

/// Whether the policies of a table keep rows from this role: what it reads then is not the table.
pub(crate) fn is_filtered(oid: &str) -> String {
    format!("pg_catalog.row_security_active({oid})")
}

const FITTING: &str = "CASE WHEN a.attname IN ('id', 'row_id', 'version_id', 'requires_app', 'statement_no') \
    THEN a.atttypid = ANY ('{pg_catalog.int2,pg_catalog.int4,pg_catalog.int8}'::pg_catalog.regtype[]) \
    WHEN a.attname = 'is_applied' THEN a.atttypid = 'pg_catalog.bool'::pg_catalog.regtype WHEN a.attname = 'tstamp' \
    THEN a.atttypid = ANY ('{pg_catalog.timestamp,pg_catalog.timestamptz}'::pg_catalog.regtype[]) ELSE true END";
