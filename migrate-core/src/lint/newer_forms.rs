//! Forms of SQL that older servers do not read, by the words that only they have.
//!
//! Source: the release notes of PostgreSQL 14 to 18; `migrate-bin/tests/real/newer_forms.rs` tries each on the servers on
//! both sides of its release.

use squawk_lexer::{LiteralKind, TokenKind};

use crate::parse::grammar::token::{Token, significant};

/// The release that brought a form, and its name in messages.
pub(super) type Need = (u32, &'static str);

/// Words in a row that no older server reads where they may stand. `(` and `,` stand for themselves.
const ANYWHERE: &[(&[&str], Need)] = &[
    (&["without", "overlaps"], (18, "WITHOUT OVERLAPS")),
    (&["not", "matched", "by", "source"], (17, "WHEN NOT MATCHED BY SOURCE")),
    (&["not", "matched", "by", "target"], (17, "WHEN NOT MATCHED BY TARGET")),
    (&["json_table", "("], (17, "JSON_TABLE")),
    (&["at", "local"], (17, "AT LOCAL")),
    (&["absent", "on", "null"], (16, "ABSENT ON NULL")),
    (&["null", "on", "null"], (16, "NULL ON NULL")),
    (&["is", "json"], (16, "IS JSON")),
    (&["is", "not", "json"], (16, "IS JSON")),
    (&["(", "security_invoker"], (15, "security_invoker")),
    (&["begin", "atomic"], (14, "BEGIN ATOMIC")),
    (&["search", "breadth", "first"], (14, "SEARCH BREADTH FIRST")),
    (&["search", "depth", "first"], (14, "SEARCH DEPTH FIRST")),
    (&["group", "by", "distinct"], (14, "GROUP BY DISTINCT")),
];

/// The same in commands that begin so.
const IN_COMMANDS: &[(&[&str], &[&str], Need)] = &[
    (&["merge"], &["returning"], (17, "RETURNING of MERGE")),
    (&["grant"], &["maintain", "on"], (17, "the privilege MAINTAIN")),
    (&["alter", "default", "privileges"], &["on", "large", "objects"], (18, "default privileges of large objects")),
    (&["alter", "table"], &["set", "access", "method", "default"], (17, "SET ACCESS METHOD DEFAULT")),
    (&["alter", "table"], &["set", "storage", "default"], (16, "SET STORAGE DEFAULT")),
    (&["create", "statistics"], &["statistics", "on"], (16, "statistics without a name")),
    (&["grant"], &["option", ",", "inherit"], (16, "WITH INHERIT of GRANT")),
    (&["grant"], &["option", ",", "set"], (16, "WITH SET of GRANT")),
    (&["grant"], &["with", "inherit"], (16, "WITH INHERIT of GRANT")),
    (&["grant"], &["with", "set"], (16, "WITH SET of GRANT")),
    (&["grant"], &["on", "parameter"], (15, "GRANT ON PARAMETER")),
    (&["create", "publication"], &["where"], (15, "a row filter of a publication")),
    (&["alter", "database"], &["refresh", "collation"], (15, "REFRESH COLLATION VERSION of a database")),
    (&["create", "statistics"], &["on", "("], (14, "statistics of an expression")),
];

/// What a command's text needs, newest first; nothing for what every supported server reads.
pub(super) fn needs(sql: &str) -> Vec<Need> {
    let words = significant(sql);
    let starts =
        |first: &[&str]| words.len() >= first.len() && words.iter().zip(first).all(|(word, first)| word.is(first));
    let anywhere = ANYWHERE.iter().filter(|(row, _)| stand(&words, row)).map(|(_, need)| *need);
    let in_commands =
        IN_COMMANDS.iter().filter(|(first, row, _)| starts(first) && stand(&words, row)).map(|(_, _, need)| *need);
    let mut needs: Vec<Need> = anywhere.chain(in_commands).collect();
    needs.extend(words.iter().any(is_newer_number).then_some((16, "a number with `0x`, `0o`, `0b` or `_`")));
    needs.extend(stores_column(&words).then_some((16, "STORAGE of a new column")));
    needs.extend(returns_versions(&words).then_some((18, "RETURNING of OLD or NEW")));
    needs.extend(has_period(&words).then_some((18, "PERIOD of a foreign key")));
    needs.extend(has_nameless_subquery(&words).then_some((16, "a sub-query in FROM without an alias")));
    needs.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    needs
}

fn is_newer_number(word: &Token<'_>) -> bool {
    let is_number =
        matches!(word.kind, TokenKind::Literal { kind: LiteralKind::Int { .. } | LiteralKind::Numeric { .. } });
    is_number && word.text.contains(['_', 'x', 'X', 'o', 'O', 'b', 'B'])
}

fn stand(words: &[Token<'_>], row: &[&str]) -> bool {
    words.windows(row.len()).any(|window| window.iter().zip(row).all(|(word, expected)| word.is(expected)))
}

/// `STORAGE` where a column is made; `SET STORAGE` is older than every supported server.
fn stores_column(words: &[Token<'_>]) -> bool {
    let makes_columns = words.first().is_some_and(|first| first.is("create") || first.is("alter"))
        && words.iter().take(4).any(|word| word.is("table"));
    let kinds = ["plain", "external", "extended", "main"];
    makes_columns
        && words.windows(3).any(|three| {
            !three[0].is("set")
                && three[0].is_name()
                && three[1].is("storage")
                && kinds.iter().any(|kind| three[2].is(kind))
        })
}

/// `old.` and `new.` behind RETURNING, unless something else of the command has that name.
fn returns_versions(words: &[Token<'_>]) -> bool {
    let Some(at) = words.iter().rposition(|word| word.is("returning")) else { return false };
    let renames =
        words.get(at + 1).is_some_and(|word| word.is("with")) && words.get(at + 2).is_some_and(|word| word.is("("));
    let (before, behind) = words.split_at(at);
    let versions = |name: &str| {
        let named = before.iter().any(|word| word.is(name));
        !named && behind.windows(2).any(|two| two[0].is(name) && two[1].is("."))
    };
    renames || versions("old") || versions("new")
}

/// `PERIOD` in the columns of a foreign key.
fn has_period(words: &[Token<'_>]) -> bool {
    let key = words.windows(3).position(|three| three[0].is("foreign") && three[1].is("key") && three[2].is("("));
    let Some(key) = key else { return false };
    let columns = words[key + 3..].iter().take_while(|word| !word.is(")"));
    let columns: Vec<&Token<'_>> = columns.collect();
    columns.windows(2).any(|two| two[0].is("period") && two[1].is_name())
}

/// What may follow a table of FROM and is no alias of it.
const BEHIND_A_TABLE: &[&str] = &[
    "cross",
    "except",
    "fetch",
    "for",
    "full",
    "group",
    "having",
    "inner",
    "intersect",
    "join",
    "left",
    "limit",
    "natural",
    "offset",
    "on",
    "order",
    "returning",
    "right",
    "tablesample",
    "union",
    "using",
    "where",
    "window",
];

/// A sub-query in FROM or behind JOIN without a name. The FROM of `extract(… FROM …)` is no clause of a query.
fn has_nameless_subquery(words: &[Token<'_>]) -> bool {
    let mut is_query = vec![false];
    for (at, word) in words.iter().enumerate() {
        if word.is("(") {
            is_query.push(false);
        } else if word.is(")") {
            is_query.pop();
        } else if ["select", "delete", "update"].iter().any(|verb| word.is(verb)) {
            is_query.last_mut().into_iter().for_each(|level| *level = true);
        }
        let is_distinct = at > 0 && words[at - 1].is("distinct");
        let is_clause = (word.is("from") && !is_distinct) || word.is("join");
        if is_clause && is_query.last() == Some(&true) && is_nameless(&words[at + 1..]) {
            return true;
        }
    }
    false
}

/// Whether a text begins with a sub-query that has no alias.
fn is_nameless(words: &[Token<'_>]) -> bool {
    let is_query =
        words.len() > 2 && words[0].is("(") && ["select", "values", "with", "table"].iter().any(|it| words[1].is(it));
    if !is_query {
        return false;
    }
    let mut depth = 0_usize;
    let end = words.iter().position(|word| {
        depth = if word.is("(") { depth + 1 } else { depth.saturating_sub(usize::from(word.is(")"))) };
        depth == 0
    });
    let Some(end) = end else { return false };
    words.get(end + 1).is_none_or(|next| !next.is_name() || BEHIND_A_TABLE.iter().any(|word| next.is(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_something_else_need_nothing() {
        for sql in [
            "DELETE FROM t old RETURNING old.id",
            "CREATE TABLE t (period int, storage text, overlaps int, kind storage DEFAULT 'x')",
            "GRANT maintain TO app; GRANT SELECT ON maintain, t TO app",
            "ALTER TABLE t ALTER a SET STORAGE external",
            "SELECT '0x1f', \"without\", x1_0 FROM t1_0 WHERE 'is json' = a",
            "INSERT INTO t (old, new) VALUES (1, 2) RETURNING id",
            "ALTER TABLE t ADD FOREIGN KEY (period, a) REFERENCES u (period, a)",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 0x1f $$",
            "SELECT extract(year FROM (SELECT now())), a IS DISTINCT FROM (SELECT 1) FROM (SELECT 1 AS a) AS x, (SELECT 2) y",
            "DELETE FROM t USING (VALUES (1)) v WHERE a IN (SELECT a FROM (SELECT 1 AS a) w)",
        ] {
            assert_eq!(needs(sql), [], "{sql}");
        }
    }

    #[test]
    fn the_newest_need_comes_first() {
        assert_eq!(
            needs("INSERT INTO t VALUES (0x1f) RETURNING new.a"),
            [(18, "RETURNING of OLD or NEW"), (16, "a number with `0x`, `0o`, `0b` or `_`")]
        );
    }
}
