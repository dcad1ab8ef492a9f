//! What one statement does, as far as applying it needs to know.
//!
//! Floor 4. From a statement's text to a [`Step`], over PostgreSQL's lexical rules only. Invariant: when in doubt a
//! step says the more careful thing; a statement that nothing here understands is never an error.

mod departure;
mod lexeme;

#[cfg(feature = "postgres")]
pub(crate) use self::departure::Departure;
use self::lexeme::Lexeme;
use crate::migration::Digest;

/// The traits of one goose statement, which may hold several SQL commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "traits that are independent of each other")]
pub struct Step {
    /// Begins, ends or rewinds a transaction. Such a file is sent one statement at a time: behind a `COMMIT` or a
    /// `ROLLBACK TO` a failure no longer stops what was sent after it.
    pub transaction_control: bool,
    /// May leave something in the session: a setting, a role, a temporary object, a prepared statement, a lock.
    pub session_state: bool,
    /// Needs data beside the SQL: `COPY … FROM stdin`, `COPY … TO stdout`.
    pub data_channel: bool,
    /// Sets characteristics of the transaction that it runs in, and does nothing else. PostgreSQL takes that only before the
    /// transaction's first query (25001).
    pub characteristics: bool,
    /// May find an index of the name that it asks for: `CREATE INDEX IF NOT EXISTS`.
    pub may_find_index: bool,
    /// One command that ends with its own `;`, changes the catalog or rows, and has none of the traits above: it may
    /// share a message with others of its kind.
    pub plain: bool,
}

impl Step {
    /// The traits of two steps together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            transaction_control: self.transaction_control || other.transaction_control,
            session_state: self.session_state || other.session_state,
            data_channel: self.data_channel || other.data_channel,
            characteristics: self.characteristics && other.characteristics,
            may_find_index: self.may_find_index || other.may_find_index,
            plain: self.plain && other.plain,
        }
    }
}

/// What a statement does.
#[must_use]
pub fn classify(sql: &str) -> Step {
    let lexemes = lexeme::significant(sql);
    let step = traits(&lexemes);
    let hides = !step.transaction_control && lexemes.iter().any(Lexeme::may_end_later);
    let transaction_control =
        step.transaction_control || (hides && traits(&lexeme::with_escapes(sql)).transaction_control);
    let careful = transaction_control || step.session_state || step.data_channel;
    Step { transaction_control, plain: !careful && is_plain(&lexemes), ..step }
}

fn traits(lexemes: &[Lexeme<'_>]) -> Step {
    lexeme::commands(lexemes).into_iter().map(command).reduce(Step::and).unwrap_or_default()
}

/// Whether a statement needs data beside the SQL. Asked of every statement of a folder, and nearly always answered
/// without reading its tokens.
#[must_use]
pub fn uses_data_channel(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    (lower.contains("stdin") || lower.contains("stdout")) && classify(sql).data_channel
}

/// Whether it is one command that changes something and ends itself. A string that may end elsewhere hides the rest.
fn is_plain(lexemes: &[Lexeme<'_>]) -> bool {
    let Some((last, command)) = lexemes.split_last() else { return false };
    let one = last.is(";") && !command.iter().any(|lexeme| lexeme.is(";") || lexeme.may_end_later());
    one && command.first().is_some_and(|first| first.is_any(&SHARING))
}

/// The digest of a text's tokens: equal for two texts that differ only in white space and comments.
///
/// Annotations are comments to SQL but not to goose, so they count.
#[must_use]
pub fn token_digest(text: &str) -> Digest {
    Digest::of_parts(lexeme::meaningful(text).map(str::as_bytes))
}

/// The settings that are the running transaction's (PostgreSQL manual, "SET TRANSACTION").
const CHARACTERISTICS: [&str; 3] = ["transaction_isolation", "transaction_read_only", "transaction_deferrable"];

/// The first words of commands that control a transaction (PostgreSQL manual, "SQL Commands").
const CONTROL: [&str; 9] =
    ["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare transaction"];

/// Commands that change the catalog or rows and leave the session alone, unless a function that they call does not.
const QUIET: [&str; 18] = [
    "create", "alter", "drop", "comment", "grant", "revoke", "truncate", "lock", "reindex", "vacuum", "analyze",
    "cluster", "insert", "update", "delete", "merge", "with", "values",
];

/// Commands that may share a message with their like.
const SHARING: [&str; 9] = ["create", "alter", "drop", "comment", "grant", "revoke", "insert", "update", "delete"];

/// Quiet commands that evaluate expressions over rows, so that a function call in them may do anything.
const EVALUATING: [&str; 8] = ["insert", "update", "delete", "merge", "with", "values", "select", "refresh"];

/// Functions that are common in migrations and leave the session alone. Any other call counts as one that may not.
const HARMLESS_CALLS: [&str; 40] = [
    "now",
    "coalesce",
    "count",
    "min",
    "max",
    "sum",
    "avg",
    "lower",
    "upper",
    "trim",
    "length",
    "replace",
    "concat",
    "substring",
    "substr",
    "left",
    "right",
    "md5",
    "gen_random_uuid",
    "uuid_generate_v4",
    "random",
    "round",
    "floor",
    "ceil",
    "abs",
    "greatest",
    "least",
    "nullif",
    "cast",
    "extract",
    "date_trunc",
    "to_char",
    "to_timestamp",
    "jsonb_build_object",
    "jsonb_set",
    "row_number",
    "array_agg",
    "generate_series",
    "unnest",
    "clock_timestamp",
];

/// Words that may stand before a parenthesis without being a function.
const NOT_A_CALL: [&str; 24] = [
    "in", "any", "all", "some", "exists", "values", "and", "or", "not", "as", "on", "using", "over", "filter", "set",
    "by", "from", "select", "where", "then", "else", "when", "conflict", "array",
];

fn command(lexemes: &[Lexeme<'_>]) -> Step {
    let Some(first) = lexemes.first() else { return Step::default() };
    let word = |at: usize, text: &str| lexemes.get(at).is_some_and(|lexeme| lexeme.is(text));
    let has = |text: &str| lexemes.iter().any(|lexeme| lexeme.is(text));
    let pair = |one: &str, two: &str| lexemes.windows(2).any(|pair| pair[0].is(one) && pair[1].is(two));
    let control = first.is_any(&CONTROL) || (word(0, "prepare") && word(1, "transaction"));
    let data_channel = word(0, "copy") && (pair("from", "stdin") || pair("to", "stdout"));
    let session_state = if word(0, "set") {
        !(word(1, "local") || word(1, "constraints") || word(1, "transaction"))
    } else if control {
        false
    } else {
        let quiet = first.is_any(&QUIET) || word(0, "select") || word(0, "refresh");
        let temporary = word(0, "create") && lexemes.iter().take(5).any(|l| l.is("temp") || l.is("temporary"));
        let into_temporary = has("into") && (has("temp") || has("temporary"));
        let stored_query = word(0, "create") && has("as") && has("select") && !has("function") && !has("procedure");
        let evaluates = first.is_any(&EVALUATING) || stored_query;
        !quiet || temporary || into_temporary || has("set_config") || (evaluates && calls_unknown(lexemes))
    };
    let scope = usize::from(word(1, "local") || word(1, "session"));
    let characteristics =
        word(0, "set") && (word(1, "transaction") || CHARACTERISTICS.iter().any(|name| word(1 + scope, name)));
    let may_find_index =
        word(0, "create") && (word(1, "index") || word(2, "index")) && pair("if", "not") && pair("not", "exists");
    Step { transaction_control: control, session_state, data_channel, characteristics, may_find_index, plain: false }
}

/// Whether an identifier that is neither a harmless function nor a table after INTO stands before a parenthesis.
fn calls_unknown(lexemes: &[Lexeme<'_>]) -> bool {
    lexemes.windows(2).enumerate().any(|(at, pair)| {
        pair[0].is_name()
            && pair[1].is("(")
            && !pair[0].is_any(&HARMLESS_CALLS)
            && !pair[0].is_any(&NOT_A_CALL)
            && !names_a_target(&lexemes[..at])
    })
}

/// Whether the lexemes end with `INTO` or `INTO schema.`: what follows is a table with its columns.
fn names_a_target(before: &[Lexeme<'_>]) -> bool {
    match before {
        [.., into] if into.is("into") => true,
        [.., into, _, dot] if into.is("into") && dot.is(".") => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves_state(sql: &str) -> bool {
        classify(sql).session_state
    }

    #[test]
    fn plain_ddl_and_data_leave_the_session_alone() {
        for sql in [
            "CREATE TABLE t (id int DEFAULT nextval('s'));",
            "ALTER TABLE t ADD COLUMN c text;",
            "INSERT INTO app.t (a, b) VALUES (1, now());",
            "UPDATE t SET a = coalesce(a, 'temp') WHERE b IN (1, 2);",
            "SET LOCAL lock_timeout = '1s';",
            "-- SET ROLE x\nDROP TABLE t;",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT set_config('a','b',false)::int $$;",
        ] {
            assert!(!leaves_state(sql), "{sql}");
        }
    }

    #[test]
    fn what_may_touch_the_session_says_so() {
        for sql in [
            "SET search_path = app;",
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "DO $$ BEGIN NULL; END $$;",
            "SELECT my_function();",
            "INSERT INTO t SELECT f(1);",
            "CREATE TEMP TABLE x (id int);",
            "CREATE TABLE t (id int); SET ROLE other;",
            "LISTEN channel;",
            "CALL p();",
            "UNKNOWN COMMAND;",
        ] {
            assert!(leaves_state(sql), "{sql}");
        }
    }

    #[test]
    fn transaction_control_is_found_in_any_command_of_a_string() {
        for sql in
            ["COMMIT;", "SELECT 1; rollback to savepoint a;", "/* c */ BEGIN;", "PREPARE TRANSACTION 'x';", "END"]
        {
            assert!(classify(sql).transaction_control, "{sql}");
        }
        for sql in [
            "SELECT E'a'\n'\\''; COMMIT; --'",
            "SELECT 'a\\'' ; COMMIT; --'",
            "SELECT E'\\''; COMMIT; --'",
            "\u{c}COMMIT",
            "SELECT 1; -- a note\rCOMMIT;",
        ] {
            assert!(classify(sql).transaction_control, "{sql}");
        }
        for sql in [
            "SELECT 'COMMIT;';",
            "SELECT 'C:\\';",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END; $$;",
        ] {
            assert!(!classify(sql).transaction_control, "{sql}");
        }
    }

    #[test]
    fn an_index_that_may_be_there_is_told_from_other_objects_and_other_indexes() {
        for sql in [
            "CREATE INDEX IF NOT EXISTS i ON t (a);",
            "/* c */ create unique index if not exists i on t (a)",
            "SELECT 1; CREATE INDEX IF NOT EXISTS i ON t (a);",
        ] {
            assert!(classify(sql).may_find_index, "{sql}");
        }
        for sql in [
            "CREATE INDEX i ON t (a);",
            "CREATE TABLE IF NOT EXISTS index (a int);",
            "INSERT INTO t VALUES ('create index if not exists');",
        ] {
            assert!(!classify(sql).may_find_index, "{sql}");
        }
    }

    #[test]
    fn characteristics_of_the_transaction_are_told_from_other_settings() {
        for sql in [
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
            "/* c */ set transaction read write, deferrable;",
            "SET LOCAL transaction_isolation = 'repeatable read';",
            "SET transaction_deferrable TO on;",
            "SET TRANSACTION SNAPSHOT '1-1';",
        ] {
            assert!(classify(sql).characteristics, "{sql}");
        }
        for sql in [
            "SET LOCAL lock_timeout = '1s';",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;",
            "SET TRANSACTION READ WRITE; SELECT 1;",
            "SELECT 'SET TRANSACTION READ ONLY';",
            "",
        ] {
            assert!(!classify(sql).characteristics, "{sql}");
        }
    }

    #[test]
    fn a_word_in_a_body_a_literal_or_another_name_controls_no_transaction() {
        for sql in [
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;",
            "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC DELETE FROM t; END",
            "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b);",
            "INSERT INTO days VALUES ('week\\'end');",
            "INSERT INTO words VALUES ('a\\'commit; no');",
            "COMMENT ON TABLE t IS 'rollback; commit;';",
            "SELECT 1 AS \"commit\"; SELECT \"begin\" FROM t;",
            "INSERT INTO t VALUES ($$; COMMIT;$$);",
            "/* ; COMMIT; */ SELECT 1;",
        ] {
            assert!(!classify(sql).transaction_control, "{sql}");
        }
        assert!(classify("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; COMMIT;").transaction_control);
    }

    #[test]
    fn what_may_share_a_message_is_one_plain_command_with_its_end() {
        for sql in ["INSERT INTO t VALUES (1);", "CREATE TABLE t (id int);", "-- why\nDROP TABLE t; -- gone\n"] {
            assert!(classify(sql).plain, "{sql}");
        }
        for sql in [
            "INSERT INTO t VALUES (1)",
            "INSERT INTO t VALUES (1) -- no end;",
            "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);",
            "INSERT INTO t VALUES ('a\\'); COMMIT; --');",
            "INSERT INTO t SELECT f(1);",
            "SELECT 1;",
            "SET x = 1;",
            "COMMIT;",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
            ";",
            "",
        ] {
            assert!(!classify(sql).plain, "{sql}");
        }
    }

    #[test]
    fn copy_needs_a_data_channel_only_without_a_file() {
        assert!(classify("COPY t (a) FROM STDIN WITH CSV;").data_channel);
        assert!(!classify("COPY t FROM '/tmp/x';").data_channel);
        assert!(!classify("COPY stdin TO '/tmp/x';").data_channel);
    }

    #[test]
    fn the_token_digest_ignores_layout_but_not_annotations() {
        let digest = token_digest("-- +goose Up\nSELECT  1; -- one\n");
        assert_eq!(digest, token_digest("-- +goose Up\n\nSELECT /* 1 */ 1;"));
        assert_ne!(digest, token_digest("-- +goose Up\nSELECT 2;\n"));
        assert_ne!(digest, token_digest("-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n"));
    }
}
