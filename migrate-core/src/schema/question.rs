//! The one query that reads a schema. Its parts are the files of the folder beside this one.
//!
//! The server writes every definition itself, with an empty `search_path` and fixed settings, so that names are qualified
//! and constants read the same whoever asks. All of it is one message: its settings last as long as the message does, and
//! those of a transaction that it is asked in are put back. Columns that older servers lack are read through `to_jsonb`.
//!
//! The order of the script is that of the server's own dependencies (`schema/order.rs`). `verify` compares these values;
//! it copies databases instead of replaying into new ones, because a copy costs 50 ms whatever came before it, and keeps
//! the rows that a Down would lose.

use crate::flight::{TableName, literal};

/// How many columns a row of the answer has.
pub(super) const COLUMNS: usize = 9;

const SCOPE: &str = include_str!("question/scope.sql");
const PARTS: [&str; 10] = [
    include_str!("question/places.sql"),
    include_str!("question/types.sql"),
    include_str!("question/sequences.sql"),
    include_str!("question/routines.sql"),
    include_str!("question/tables.sql"),
    include_str!("question/table_parts.sql"),
    include_str!("question/views.sql"),
    include_str!("question/database_wide.sql"),
    include_str!("question/privileges.sql"),
    include_str!("question/needs.sql"),
];

/// What the text of a definition depends on, and what plans of such a query do not need.
const SETTINGS: [(&str, &str); 9] = [
    ("search_path", ""),
    ("quote_all_identifiers", "off"),
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "postgres"),
    ("timezone", "UTC"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("standard_conforming_strings", "on"),
    ("jit", "off"),
];

/// The texts in braces that stand for an expression over what follows them.
const ABBREVIATIONS: [(&str, &str); 6] = [
    (
        "options",
        "coalesce(' OPTIONS (' || (SELECT string_agg(quote_ident(o.option_name) || ' ' || quote_literal(o.option_value), ', ') \
         FROM pg_options_to_table(%1) AS o) || ')', '')",
    ),
    (
        "reloptions",
        "coalesce(' WITH (' || (SELECT string_agg(split_part(o, '=', 1) || '=' || \
         quote_literal(substr(o, strpos(o, '=') + 1)), ', ' ORDER BY o COLLATE \"C\") FROM unnest(%1) AS o) || ')', '')",
    ),
    (
        "collation",
        "CASE WHEN %1 = 0 OR %1 = (SELECT u.typcollation FROM pg_type u WHERE u.oid = %2) THEN '' ELSE ' COLLATE ' || \
         (SELECT quote_ident(n.nspname) || '.' || quote_ident(o.collname) FROM pg_collation o JOIN pg_namespace n \
         ON n.oid = o.collnamespace WHERE o.oid = %1) END",
    ),
    ("state", "CASE %1 WHEN 'D' THEN ' DISABLE ' WHEN 'R' THEN ' ENABLE REPLICA ' ELSE ' ENABLE ALWAYS ' END"),
    ("rights", "SELECT grantee, privilege_type AS word, is_grantable AS grantable FROM aclexplode(%1)"),
    (
        "sequence",
        // The bounds of the type, which are what they are when nothing is said.
        "CASE WHEN q.seqincrement = 1 THEN '' ELSE ' INCREMENT BY ' || q.seqincrement END \
         || CASE WHEN q.seqmin = CASE WHEN q.seqincrement > 0 THEN 1 ELSE CASE q.seqtypid WHEN 'int2'::regtype THEN -32768 \
         WHEN 'int4'::regtype THEN -2147483648 ELSE -9223372036854775808 END END THEN '' ELSE ' MINVALUE ' || q.seqmin END \
         || CASE WHEN q.seqmax = CASE WHEN q.seqincrement < 0 THEN -1 ELSE CASE q.seqtypid WHEN 'int2'::regtype THEN 32767 \
         WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END END THEN '' ELSE ' MAXVALUE ' || q.seqmax END \
         || CASE WHEN q.seqstart = CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END THEN '' \
         ELSE ' START WITH ' || q.seqstart END \
         || CASE WHEN q.seqcache = 1 THEN '' ELSE ' CACHE ' || q.seqcache END || CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END",
    ),
];

/// The message. Rows of another width than the answer's are of the settings.
#[must_use]
pub fn question(table: &TableName) -> String {
    let keep: Vec<String> = SETTINGS
        .iter()
        .map(|(name, _)| format!("set_config('migrate.kept_{name}', current_setting('{name}'), true)"))
        .collect();
    let set: Vec<String> =
        SETTINGS.iter().map(|(name, value)| format!("set_config('{name}', '{value}', true)")).collect();
    let put_back: Vec<String> = SETTINGS
        .iter()
        .map(|(name, _)| format!("set_config('{name}', current_setting('migrate.kept_{name}'), true)"))
        .collect();
    // Two rows of a set_config that must not look like the answer: none has its number of columns.
    let call = |calls: Vec<String>| format!("SELECT ARRAY[{}]", qualified(&calls).join(", "));
    let text = format!("{}\n{}", SCOPE, PARTS.join("UNION ALL\n"));
    let text = expanded(&text).replace("{bookkeeping}", &bookkeeping(table));
    format!("{};\n{};\n{text};\n{}", call(keep), call(set), call(put_back))
}

/// The session's own `search_path` may have other functions of these names.
fn qualified(calls: &[String]) -> Vec<String> {
    let within = |call: &String| {
        call.replace("set_config(", "pg_catalog.set_config(").replace("current_", "pg_catalog.current_")
    };
    calls.iter().map(within).collect()
}

/// Which relations `c` in a place `p` are ours.
fn bookkeeping(table: &TableName) -> String {
    let names = table.all().map(|name| literal(&name)).collect::<Vec<_>>().join(", ");
    let place = table.schema().map_or_else(String::new, |schema| format!(" AND p.nspname = {}", literal(schema)));
    format!("c.relname IN ({names}){place}")
}

/// The text with every `{name:argument:argument}` written out.
fn expanded(text: &str) -> String {
    let mut rest = text;
    let mut full = String::with_capacity(text.len() * 2);
    while let Some((before, after)) = rest.split_once('{') {
        full.push_str(before);
        let written = after.split_once('}').and_then(|(inside, behind)| Some((written_out(inside)?, behind)));
        rest = if let Some((written, behind)) = written {
            full.push_str(&written);
            behind
        } else {
            full.push('{');
            after
        };
    }
    full.push_str(rest);
    full
}

fn written_out(inside: &str) -> Option<String> {
    let mut words = inside.split(':');
    let name = words.next()?;
    let (_, form) = ABBREVIATIONS.iter().find(|(known, _)| *known == name)?;
    let arguments = words.enumerate();
    let text =
        arguments.fold((*form).to_owned(), |text, (at, argument)| text.replace(&format!("%{}", at + 1), argument));
    Some(format!("({text})"))
}
