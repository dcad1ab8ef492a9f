//! What PostgreSQL refuses and the grammar lets through; each rule found by a statement that a server refused.

use squawk_lexer::TokenKind;

use super::Fault;
use super::token::Token;
use crate::text::Span;

/// The first fault of a text that the grammar accepted; `is_name` says of a word whether the grammar takes it for a name.
pub(super) fn find(tokens: &[Token<'_>], is_name: impl Fn(&Token<'_>) -> bool) -> Option<Fault> {
    tokens.split(|token| token.kind == TokenKind::Semi).find_map(|command| {
        let end = command.last()?.span.end;
        nameless_drop(command, end)
            .or_else(|| bare_alter(command, end))
            .or_else(|| nothing_named(command, end))
            .or_else(|| half_nulls_not_distinct(command, end))
            .or_else(|| typeless_attribute(command))
            .or_else(|| unknown_test(command, &is_name))
    })
}

fn expected(at: u32, what: &str) -> Fault {
    Fault { span: Span::new(at, at), message: format!("expected {what}") }
}

fn starts(command: &[Token<'_>], words: &[&str]) -> bool {
    command.len() >= words.len() && command.iter().zip(words).all(|(token, word)| token.is(word))
}

/// `DROP TABLE;`
fn nameless_drop(command: &[Token<'_>], end: u32) -> Option<Fault> {
    let last = command.last()?;
    let kinds = ["TABLE", "VIEW", "INDEX", "SEQUENCE", "TYPE", "SCHEMA", "DOMAIN", "EXTENSION"];
    let nameless = starts(command, &["DROP"]) && command.len() == 2 && last.is_any(&kinds)
        || starts(command, &["DROP", "TABLE", "IF", "EXISTS"]) && command.len() == 4;
    nameless.then(|| expected(end, "the name of what to drop"))
}

/// `ALTER TABLE t;`
fn bare_alter(command: &[Token<'_>], end: u32) -> Option<Fault> {
    let skipped = ["IF", "EXISTS", "ONLY", "."];
    let names = command.get(2..)?.iter().filter(|token| !token.is_any(&skipped));
    let dots = command.iter().filter(|token| token.is(".")).count();
    let bare = starts(command, &["ALTER", "TABLE"]) && names.count() <= 1 + dots;
    bare.then(|| expected(end, "what to alter"))
}

/// `CREATE TABLE t;`, `GRANT TO a;` and `DISCARD;`
fn nothing_named(command: &[Token<'_>], end: u32) -> Option<Fault> {
    if starts(command, &["DISCARD"]) && command.len() == 1 {
        return Some(expected(end, "what to discard"));
    }
    let second = command.get(1)?;
    if starts(command, &["GRANT", "TO"]) || starts(command, &["REVOKE", "FROM"]) {
        return Some(expected(second.span.start, "a privilege or a role"));
    }
    let kinds = ["TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "UNLOGGED"];
    let table = 1 + command.iter().skip(1).take_while(|token| token.is_any(&kinds)).count();
    if !starts(command, &["CREATE"]) || !command.get(table)?.is("TABLE") {
        return None;
    }
    let named = command.get(table + 1..)?;
    let named = if starts(named, &["IF", "NOT", "EXISTS"]) { named.get(3..)? } else { named };
    let dots = named.iter().filter(|token| token.is(".")).count();
    (named.len() == 1 + 2 * dots).then(|| expected(end, "the table's columns"))
}

/// `UNIQUE NULLS NOT`
fn half_nulls_not_distinct(command: &[Token<'_>], end: u32) -> Option<Fault> {
    let half = |at: &usize| {
        let [before, nulls, not] = &command[*at..at + 3] else { return false };
        let begins = before.is_any(&["UNIQUE", ")"]) && nulls.is("NULLS") && not.is("NOT");
        begins && !command.get(at + 3).is_some_and(|token| token.is("DISTINCT"))
    };
    let at = (0..command.len().saturating_sub(2)).find(half)?;
    Some(expected(command.get(at + 3).map_or(end, |token| token.span.start), "DISTINCT"))
}

/// `CREATE TYPE a AS (x);`
fn typeless_attribute(command: &[Token<'_>]) -> Option<Fault> {
    if !starts(command, &["CREATE", "TYPE"]) {
        return None;
    }
    let start = command.windows(2).position(|pair| pair[0].is("AS") && pair[1].is("("))? + 2;
    let (mut open, mut length) = (0_usize, 0_usize);
    for token in command.get(start..)? {
        let ends = open == 0 && token.is_any(&[",", ")"]);
        if ends && length == 1 {
            return Some(expected(token.span.start, "type name"));
        }
        match token.kind {
            _ if ends => length = 0,
            TokenKind::OpenParen => open += 1,
            TokenKind::CloseParen => open = open.saturating_sub(1),
            _ => length += 1,
        }
        if ends && token.is(")") {
            return None;
        }
    }
    None
}

/// `a IS NUL`
fn unknown_test(command: &[Token<'_>], is_name: impl Fn(&Token<'_>) -> bool) -> Option<Fault> {
    const TESTS: &[&str] = &[
        "NULL",
        "NOT",
        "TRUE",
        "FALSE",
        "UNKNOWN",
        "DISTINCT",
        "DOCUMENT",
        "JSON",
        "NORMALIZED",
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "OF",
    ];
    let unknown = |words: &&[Token<'_>]| {
        let [before, is, test] = words else { return false };
        let asks = is.is("IS") && !is_name(is) || before.is("IS") && is.is("NOT") && !is_name(before);
        asks && test.kind == TokenKind::Ident && !test.is_any(TESTS)
    };
    let found = command.windows(3).find(unknown)?;
    Some(expected(found.last()?.span.start, "NULL, TRUE, FALSE or another test"))
}

#[cfg(test)]
mod tests {
    use crate::parse::grammar::judge;

    #[test]
    fn a_drop_names_what_it_drops() {
        assert_eq!(judge("DROP TABLE;").unwrap_err().message, "syntax error at or near `;`");
        assert!(judge("DROP TABLE IF EXISTS;").is_err());
        assert!(judge("DROP TABLE IF EXISTS exists;").is_ok());
    }

    #[test]
    fn an_alter_alters_something() {
        assert!(judge("ALTER TABLE IF EXISTS ONLY a.t;").is_err());
        assert!(judge("ALTER TABLE a.t DISABLE ROW LEVEL SECURITY;").is_ok());
    }

    #[test]
    fn a_command_names_what_it_is_about() {
        for (sql, at) in [
            ("CREATE TABLE t;", ";"),
            ("CREATE UNLOGGED TABLE IF NOT EXISTS a.t;", ";"),
            ("GRANT TO a;", "TO"),
            ("REVOKE FROM a;", "FROM"),
            ("DISCARD;", ";"),
        ] {
            assert_eq!(judge(sql).expect_err(sql).span.of(sql), at, "{sql}");
        }
        for sql in ["CREATE TABLE t ();", "CREATE TABLE t AS SELECT 1;", "CREATE TABLE t OF x;", "DISCARD ALL;"] {
            assert!(judge(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn nulls_are_not_distinct_or_nothing_is_said_of_them() {
        assert_eq!(
            judge("CREATE TABLE t (a int UNIQUE NULLS NOT);").unwrap_err().message,
            "syntax error at or near `)`"
        );
        assert!(judge("CREATE UNIQUE INDEX i ON t (a) NULLS NOT;").is_err());
        assert!(judge("CREATE TABLE t (a int UNIQUE NULLS NOT DISTINCT NOT NULL, b nulls NOT NULL);").is_ok());
    }

    #[test]
    fn an_attribute_has_a_type() {
        assert_eq!(judge("CREATE TYPE a AS (x, y int);").unwrap_err().message, "syntax error at or near `,`");
        assert!(judge("CREATE TYPE a AS (x int, y);").is_err());
        assert!(judge("CREATE TYPE a AS (x numeric(3, 2), y int);").is_ok());
        assert!(judge("CREATE TYPE a AS ();").is_ok());
    }

    #[test]
    fn a_test_is_one_that_postgresql_knows() {
        assert_eq!(judge("SELECT a IS NUL;").unwrap_err().message, "syntax error at or near `NUL`");
        assert!(judge("SELECT a IS NOT NUL;").is_err());
        for sql in [
            "SELECT a IS NOT NULL;",
            "SELECT 1 AS is FROM t;",
            "COMMENT ON TABLE t IS 'x';",
            "SELECT a IS JSON;",
            "SELECT a.is b FROM a;",
        ] {
            assert!(judge(sql).is_ok(), "{sql}");
        }
    }
}
