//! The SQL commands that the code of a PL/pgSQL block spells out: from the body of `DO` to [`Command`]s.
//!
//! Control flow is not followed, and text that is put together when the block runs is not known: what is found may not
//! run, and more may run than is found. Invariant: nothing here is opaque.

use squawk_lexer::{LiteralKind, TokenKind};

use super::{Action, Command, read};

/// Words that begin a command of SQL. SELECT is not among them: in PL/pgSQL its INTO names a variable.
const VERBS: [&str; 16] = [
    "alter", "analyze", "comment", "create", "delete", "drop", "execute", "grant", "insert", "lock", "merge",
    "refresh", "reindex", "revoke", "truncate", "update",
];

/// Words behind which a command may begin.
const OPENERS: [&str; 4] = ["begin", "then", "else", "loop"];

struct Token<'a> {
    kind: TokenKind,
    text: &'a str,
    start: usize,
    end: usize,
}

impl Token<'_> {
    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.text.eq_ignore_ascii_case(word))
    }
}

/// The commands that the body spells out, in order. Their spans are those of their own texts.
#[must_use]
pub fn block(body: &str) -> Vec<Command> {
    let tokens = tokens(body);
    let segments = tokens.split(|token| token.text == ";");
    let commands = segments.flat_map(|segment| commands(body, segment));
    commands.filter(|command| command.action != Action::Opaque).collect()
}

/// Whether a body handles exceptions: what such a block does is a transaction of its own below the one that it is in.
#[must_use]
pub fn handles_exceptions(body: &str) -> bool {
    tokens(body).windows(2).any(|pair| pair[0].is_any(&["exception"]) && pair[1].is_any(&["when"]))
}

/// Whether all that a body makes, changes and drops are roles, which belong to no schema.
#[must_use]
pub fn changes_roles_only(body: &str) -> bool {
    let tokens = tokens(body);
    let is = |at: usize, words: &[&str]| tokens.get(at).is_some_and(|token| token.is_any(words));
    (0..tokens.len()).all(|at| {
        let of_a_role = is(at + 1, &["role", "user", "group"]) && !is(at + 2, &["mapping"]);
        !is(at, &["execute", "perform", "call", "truncate"]) && (!is(at, &["create", "alter", "drop"]) || of_a_role)
    })
}

fn tokens(body: &str) -> Vec<Token<'_>> {
    let mut start = 0;
    let tokens = squawk_lexer::tokenize(body).filter_map(|token| {
        let end = start + token.len as usize;
        let text = body.get(start..end)?;
        let token = Token { kind: token.kind, text, start, end };
        start = end;
        Some(token)
    });
    let ignored = |kind: TokenKind| {
        matches!(kind, TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } | TokenKind::Eof)
    };
    tokens.filter(|token| !ignored(token.kind)).collect()
}

/// What one piece between two semicolons holds.
fn commands(body: &str, segment: &[Token<'_>]) -> Vec<Command> {
    let begins = |at: usize| at == 0 || segment.get(at - 1).is_some_and(|token| token.is_any(&OPENERS));
    let verb = segment.iter().enumerate().find(|(at, token)| token.is_any(&VERBS) && begins(*at));
    let (Some((at, verb)), Some(last)) = (verb, segment.last()) else { return Vec::new() };
    if !verb.is_any(&["execute"]) {
        return body.get(verb.start..last.end).map(read).unwrap_or_default();
    }
    match segment.get(at + 1..) {
        Some([literal]) => text_of(literal).map(|sql| read(&sql)).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The text of a literal without escapes.
fn text_of(token: &Token<'_>) -> Option<String> {
    match token.kind {
        TokenKind::Literal { kind: LiteralKind::Str { .. } } => {
            Some(token.text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
        }
        TokenKind::Literal { kind: LiteralKind::DollarQuotedString { .. } } => {
            let tag = token.text.get(..=token.text.get(1..)?.find('$')? + 1)?;
            Some(token.text.strip_prefix(tag)?.strip_suffix(tag)?.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> Vec<String> {
        let name = |action: &Action| match action {
            Action::AlterTable(alter) => format!("alter {}", alter.name),
            Action::Write(write) => format!("{} {}", write.verb, write.table),
            Action::CreateType(create) => format!("type {}", create.name),
            other => format!("{other:?}"),
        };
        block(body).iter().map(|command| name(&command.action)).collect()
    }

    #[test]
    fn commands_are_found_behind_control_words() {
        let body = "DECLARE r record; BEGIN IF NOT EXISTS (SELECT 1 FROM x WHERE a = ';') THEN ALTER TABLE t ADD COLUMN c int; \
                    ELSE UPDATE u SET a = 1; END IF; FOR r IN SELECT 1 LOOP DELETE FROM v; END LOOP; END";
        assert_eq!(found(body), ["alter t", "update u", "delete v"]);
    }

    #[test]
    fn text_that_is_run_is_read_when_it_is_a_literal() {
        assert_eq!(
            found("BEGIN EXECUTE 'ALTER TABLE t SET (x = ''1'')'; EXECUTE $q$UPDATE u SET a = 1$q$; END"),
            ["alter t", "update u"]
        );
        assert_eq!(
            found("BEGIN EXECUTE format('ALTER TABLE %I ADD c int', name); EXECUTE 'UPDATE ' || t; END"),
            [""; 0]
        );
    }

    #[test]
    fn roles_are_told_from_what_has_a_schema() {
        for body in [
            "BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END",
            "BEGIN IF NOT EXISTS (SELECT FROM pg_roles) THEN CREATE USER app; ALTER ROLE app SET work_mem = '1'; END IF; END",
            "BEGIN RAISE NOTICE 'create table x'; END",
        ] {
            assert!(changes_roles_only(body), "{body}");
        }
        for body in [
            "BEGIN CREATE ROLE app; CREATE TABLE t (a int); END",
            "BEGIN EXECUTE 'CREATE ROLE app'; END",
            "BEGIN CREATE USER MAPPING FOR app SERVER s; END",
            "BEGIN PERFORM make(); END",
        ] {
            assert!(!changes_roles_only(body), "{body}");
        }
    }

    #[test]
    fn a_raised_exception_is_not_handled() {
        assert!(handles_exceptions("BEGIN NULL; EXCEPTION WHEN OTHERS THEN NULL; END"));
        assert!(!handles_exceptions("BEGIN RAISE EXCEPTION 'x'; END"));
    }

    #[test]
    fn what_is_not_sql_is_left_out() {
        let body = "DECLARE update_count int := 0; BEGIN RAISE NOTICE 'drop table t'; -- DELETE FROM t;\n PERFORM f(); \
                    EXCEPTION WHEN duplicate_object THEN NULL; END";
        assert_eq!(found(body), [""; 0]);
        assert_eq!(
            found("BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END"),
            ["type mood"]
        );
    }
}
