//! The commands in the code of a DO block or a function, by their words: PL/pgSQL has no tree here.

use squawk_lexer::TokenKind;

/// Words behind which a command begins.
const STARTS: [&str; 6] = ["begin", "then", "else", "loop", "declare", "atomic"];

/// The words of each command, lower case; literals and comments are not among them.
pub(crate) fn commands(body: &str) -> Vec<Vec<String>> {
    let mut commands: Vec<Vec<String>> = vec![Vec::new()];
    let mut start = 0;
    for token in squawk_lexer::tokenize(body) {
        let end = start + token.len as usize;
        let text = body.get(start..end).unwrap_or_default();
        start = end;
        match token.kind {
            TokenKind::Ident => {
                let word = text.to_ascii_lowercase();
                let starts = STARTS.contains(&word.as_str());
                if let Some(command) = commands.last_mut() {
                    command.push(word);
                }
                commands.extend(starts.then(Vec::new));
            }
            TokenKind::Semi => commands.push(Vec::new()),
            _ => {}
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// The first word of a body that changes the schema, or runs text as SQL.
pub(super) fn changing_word(body: &str) -> Option<String> {
    const CHANGES: [&str; 4] = ["create", "alter", "drop", "truncate"];
    commands(body).into_iter().find_map(|words| {
        let first = words.first().filter(|word| CHANGES.contains(&word.as_str()));
        first.or_else(|| words.iter().find(|word| *word == "execute")).cloned()
    })
}

/// Whether a body holds the command COMMIT or ROLLBACK.
pub(super) fn ends_transaction(body: &str) -> bool {
    let ends = |word: &String| word == "commit" || word == "rollback";
    commands(body).iter().any(|words| words.first().is_some_and(ends) && words.iter().all(|word| word != "to"))
}

/// The command of a body that PostgreSQL refuses in every block and function, in the words of an error message.
pub(super) fn refused(body: &str) -> Option<&'static str> {
    commands(body).iter().find_map(|words| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["create", rest @ ..] if is_concurrent(rest, "index") => Some("CREATE INDEX CONCURRENTLY"),
            ["drop", rest @ ..] if is_concurrent(rest, "index") => Some("DROP INDEX CONCURRENTLY"),
            ["reindex", rest @ ..] if rest.contains(&"concurrently") => Some("REINDEX CONCURRENTLY"),
            ["vacuum", ..] => Some("VACUUM"),
            ["create", "database", ..] => Some("CREATE DATABASE"),
            ["drop", "database", ..] => Some("DROP DATABASE"),
            ["alter", "system", ..] => Some("ALTER SYSTEM"),
            _ => None,
        }
    })
}

fn is_concurrent(words: &[&str], kind: &str) -> bool {
    words.iter().take(2).any(|word| *word == kind) && words.iter().take(3).any(|word| *word == "concurrently")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_end_at_semicolons_and_begin_behind_words_of_the_language() {
        let body = "DECLARE x int; BEGIN IF x > 1 THEN DROP TABLE t; END IF; -- COMMIT;\n PERFORM 'ALTER;'; END";
        let found: Vec<String> = commands(body).iter().map(|words| words.join(" ")).collect();
        assert_eq!(found, ["declare", "x int", "begin", "if x then", "drop table t", "end if", "perform", "end"]);
    }

    #[test]
    fn only_what_runs_changes_the_schema() {
        assert_eq!(changing_word("BEGIN EXECUTE format('x'); END"), Some("execute".into()));
        assert_eq!(changing_word("BEGIN FOR r IN EXECUTE 'x' LOOP NULL; END LOOP; END"), Some("execute".into()));
        assert_eq!(changing_word("BEGIN PERFORM 1; ALTER TABLE t ADD c int; END"), Some("alter".into()));
        assert_eq!(changing_word("BEGIN RAISE NOTICE 'DROP TABLE'; SELECT t.create FROM t; END"), None);
    }

    #[test]
    fn transactions_end_in_bodies_by_command_only() {
        assert!(ends_transaction("BEGIN LOOP UPDATE t SET a = 1; COMMIT; END LOOP; END"));
        assert!(ends_transaction("BEGIN ROLLBACK AND CHAIN; END"));
        for body in ["BEGIN -- COMMIT;\nNULL; END", "BEGIN RAISE 'commit;'; END", "BEGIN x := commit; END"] {
            assert!(!ends_transaction(body), "{body}");
        }
    }

    #[test]
    fn what_no_block_may_run_is_named() {
        assert_eq!(
            refused("BEGIN CREATE UNIQUE INDEX CONCURRENTLY i ON t (a); END"),
            Some("CREATE INDEX CONCURRENTLY")
        );
        assert_eq!(refused("BEGIN VACUUM t; END"), Some("VACUUM"));
        assert_eq!(refused("BEGIN CREATE INDEX i ON t (concurrently); END"), None);
        assert_eq!(refused("BEGIN REFRESH MATERIALIZED VIEW CONCURRENTLY v; END"), None);
    }
}
