//! Indexes that are built concurrently: what was there before, and whose an INVALID one is.
//!
//! Invariant: an index is dropped only when it came to be after the statement was begun, is INVALID, is what the statement
//! makes or leaves behind, and is not being built by anybody.

use super::super::kind::Nature;
use super::super::table::literal;
use super::regclass;
use crate::command::{Action, CreateIndex, IndexColumn, Kind, Name, read};

/// The words in the journal of the statements that this is about.
pub(super) const CREATED: &str = "create-index-concurrently";
pub(super) const REBUILT: &str = "reindex-concurrently";

/// What `CREATE INDEX CONCURRENTLY` finds, and what it is to make.
pub(super) fn before(index: &CreateIndex) -> String {
    let table = regclass(&index.table);
    format!("({} || {})::text", definition(index), found(&format!("SELECT {table}::pg_catalog.oid")))
}

/// What `REINDEX CONCURRENTLY` finds.
pub(super) fn before_rebuilding(kind: Kind, name: Option<&Name>) -> String {
    format!("({})::text", found(&tables_of(kind, name)))
}

/// The tables, their indexes, and those of them that are INVALID.
fn found(tables: &str) -> String {
    let indexes = |filter: &str| {
        format!(
            "(SELECT coalesce(pg_catalog.jsonb_agg(b.indexrelid::text), '[]') FROM pg_catalog.pg_index b \
             WHERE b.indrelid IN ({tables}){filter})"
        )
    };
    format!(
        "pg_catalog.jsonb_build_object('tables', (SELECT coalesce(pg_catalog.jsonb_agg(t.oid::text), '[]') \
         FROM ({tables}) t (oid)), 'indexes', {}, 'invalid', {})",
        indexes(""),
        indexes(" AND NOT b.indisvalid")
    )
}

/// What tells the index from another of the same name: as much of its definition as PostgreSQL keeps as it was written.
fn definition(index: &CreateIndex) -> String {
    let name = index.name.as_ref().map_or_else(|| "NULL".to_owned(), |name| literal(&name.name));
    let keys = index.columns.iter().map(|column| match column {
        IndexColumn::Column(name) => literal(name),
        IndexColumn::Expression(_) => "NULL".to_owned(),
    });
    let included = index.include.iter().map(|name| literal(name));
    let columns: Vec<String> = keys.chain(included).collect();
    format!(
        "pg_catalog.jsonb_build_object('index', {name}, 'unique', {}, 'method', {}, 'keys', {}, 'partial', {}, \
         'columns', pg_catalog.to_jsonb(ARRAY[{}]::text[]))",
        index.unique,
        literal(&index.method),
        index.columns.len(),
        index.predicate.is_some(),
        columns.join(", ")
    )
}

/// The evidence of an entry of an older release, as one of this release.
pub(super) fn older(nature: &Nature, before: &str) -> String {
    let (definition, tables) = match nature {
        Nature::CreateIndex(index) => {
            (format!("{} || ", definition(index)), format!("SELECT {}::pg_catalog.oid", regclass(&index.table)))
        }
        Nature::Reindex(kind, name) => (String::new(), tables_of(*kind, name.as_ref())),
        _ => (String::new(), "SELECT NULL::pg_catalog.oid".to_owned()),
    };
    format!(
        "({definition}pg_catalog.jsonb_build_object('tables', (SELECT coalesce(pg_catalog.jsonb_agg(t.oid::text), '[]') \
         FROM ({tables}) t (oid)), 'indexes', pg_catalog.to_jsonb(pg_catalog.string_to_array({}, ',')), 'invalid', \
         '[]'::jsonb))",
        literal(before)
    )
}

/// The question, from an expression for the evidence.
pub(super) fn question(kind: &str, evidence: &str) -> String {
    let building = "EXISTS (SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_progress_create_index p ON p.pid = l.pid \
                    WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.granted \
                    AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid())";
    let among =
        |list: &str| format!("i.indexrelid::text IN (SELECT pg_catalog.jsonb_array_elements_text(e.e -> '{list}'))");
    let rows = format!(
        "FROM (SELECT {evidence}::jsonb) e (e), pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_am m ON m.oid = c.relam \
         WHERE i.indrelid::text IN (SELECT pg_catalog.jsonb_array_elements_text(e.e -> 'tables'))"
    );
    let name = "pg_catalog.format('%I.%I', n.nspname, c.relname)";
    if kind == REBUILT {
        // What REINDEX CONCURRENTLY leaves when it is interrupted (PostgreSQL manual, "REINDEX"): the new index, or the old
        // one under another name, which was valid until then.
        return format!(
            "SELECT CASE WHEN {building} THEN 'wait' ELSE 'drop' END, {name} {rows} AND NOT i.indisvalid \
             AND (c.relname ~ '_ccnew[0-9]*$' AND NOT {} OR c.relname ~ '_ccold[0-9]*$' AND {} AND NOT {})",
            among("indexes"),
            among("indexes"),
            among("invalid"),
        );
    }
    format!(
        "SELECT CASE pg_catalog.count(*) WHEN 0 THEN 'redo' WHEN 1 THEN CASE WHEN NOT pg_catalog.bool_and({SAME}) THEN 'doubt' \
         WHEN pg_catalog.bool_and(i.indisvalid AND i.indisready) THEN 'done' WHEN pg_catalog.bool_or({building}) THEN 'wait' \
         ELSE 'drop' END ELSE 'doubt' END, pg_catalog.min({name}) {rows} \
         AND CASE WHEN e.e ->> 'index' IS NULL THEN {SAME} ELSE c.relname = e.e ->> 'index' END AND NOT {}",
        among("indexes"),
    )
}

/// Whether an index is what the evidence says. What PostgreSQL rewrites, expressions and predicates, is not compared.
const SAME: &str = "i.indisunique = (e.e ->> 'unique')::boolean AND m.amname = e.e ->> 'method' \
     AND (i.indpred IS NOT NULL) = (e.e ->> 'partial')::boolean AND i.indnkeyatts = (e.e ->> 'keys')::integer \
     AND i.indnatts = pg_catalog.jsonb_array_length(e.e -> 'columns') AND NOT EXISTS (SELECT \
     FROM pg_catalog.jsonb_array_elements_text(e.e -> 'columns') WITH ORDINALITY w (name, at) WHERE w.name IS NOT NULL \
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attname = w.name \
     AND a.attnum = (i.indkey::pg_catalog.int2[])[(w.at - 1)::integer]))";

/// The tables whose indexes are built anew, partitions with their table, and those of TOAST.
fn tables_of(kind: Kind, name: Option<&Name>) -> String {
    let relation = name.map_or_else(|| "NULL".to_owned(), regclass);
    let tree = format!(
        "SELECT {relation}::pg_catalog.oid UNION SELECT p.relid::pg_catalog.oid \
         FROM pg_catalog.pg_partition_tree({relation}) p"
    );
    let tables = match kind {
        Kind::Index => return format!("SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid IN ({tree})"),
        Kind::Table => tree,
        Kind::Schema => {
            let schema = name.map_or_else(|| "NULL".to_owned(), |name| literal(&name.name));
            format!(
                "SELECT r.oid FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace s ON s.oid = r.relnamespace \
                 WHERE s.nspname = {schema} AND r.relkind IN ('r', 'm')"
            )
        }
        _ => "SELECT r.oid FROM pg_catalog.pg_class r WHERE r.relkind IN ('r', 'm')".to_owned(),
    };
    format!(
        "SELECT q.oid FROM pg_catalog.pg_class q WHERE q.oid IN ({tables}) UNION ALL SELECT q.reltoastrelid \
         FROM pg_catalog.pg_class q WHERE q.reltoastrelid <> 0 AND q.oid IN ({tables})"
    )
}

/// The index that a statement names, wherever it is: of one that exists, `IF NOT EXISTS` does not ask on which table.
pub(super) fn named_by(index: &CreateIndex) -> Option<String> {
    let name = index.name.as_ref()?;
    Some(format!(
        "c.relname = {} AND c.relnamespace = (SELECT t.relnamespace FROM pg_catalog.pg_class t WHERE t.oid = {})",
        literal(&name.name),
        regclass(&index.table)
    ))
}

/// What fails where such an index is INVALID. One of a partitioned table, made with ON ONLY, is so until its partitions'
/// indexes are attached.
pub(super) fn invalid(which: &str, sqlstate: &str) -> String {
    format!(
        "DO $migrate$ DECLARE bad text; BEGIN\n  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) INTO bad\n  \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid\n  \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n  \
         WHERE {which} AND c.relkind = 'i' AND NOT (i.indisvalid AND i.indisready);\n  \
         IF FOUND THEN RAISE EXCEPTION 'the index % is INVALID, and the statement left it so', bad \
         USING ERRCODE = '{sqlstate}'; END IF;\nEND $migrate$"
    )
}

/// What fails when an index that `IF NOT EXISTS` of these statements took for done is INVALID. Nothing where none of them
/// says that.
pub(super) fn unbuilt<'a>(statements: impl Iterator<Item = &'a str>, sqlstate: &str) -> Option<String> {
    let mut named = Vec::new();
    for command in statements.flat_map(read) {
        let Action::CreateIndex(index) = command.action else { continue };
        named.extend(named_by(&index).filter(|_| index.if_not_exists && !index.concurrently));
    }
    (!named.is_empty()).then(|| invalid(&format!("({})", named.join(" OR ")), sqlstate))
}
