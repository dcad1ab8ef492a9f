//! Commands about what all databases of a server share: roles, tablespaces, databases, the server's settings.
//!
//! No scratch database holds that: what such a command does is there for everybody, and stays.

use crate::check::ready_statements;
use crate::command::{Action, read};
use crate::history::History;
use crate::lint::words_of_commands;
use crate::migration::{Direction, Migration, Set};
use crate::parse::Environment;
use crate::report::Place;

/// One of a set's commands, in its Up or its Down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedChange {
    /// Where it stands.
    pub place: Place,
    /// Its first words, such as `ALTER ROLE`.
    pub words: String,
}

/// The first such command of a set's migrations that are not applied already, as far as its text tells: what a block runs as
/// text is not read.
#[must_use]
pub fn shared_change(set: &Set, history: &History, environment: &Environment) -> Option<SharedChange> {
    let pending = set.migrations.iter().filter(|migration| !history.holds(migration.version));
    let sections = pending.flat_map(|migration| {
        [Direction::Up, Direction::Down].into_iter().map(move |direction| (migration, direction))
    });
    sections.into_iter().find_map(|(migration, direction)| of_section(set, migration, direction, environment))
}

/// Whether Up of a file holds one.
pub(super) fn changes_shared(set: &Set, migration: &Migration, environment: &Environment) -> bool {
    of_section(set, migration, Direction::Up, environment).is_some()
}

fn of_section(
    set: &Set,
    migration: &Migration,
    direction: Direction,
    environment: &Environment,
) -> Option<SharedChange> {
    let path = set.path_of(migration);
    let statements = ready_statements(migration, direction, &path, environment).unwrap_or_default();
    statements.iter().find_map(|statement| {
        let sql = statement.sql(&migration.text);
        let words = words_of(sql)?;
        Some(SharedChange { place: Place::new(path.as_str(), &migration.text, statement.span()), words })
    })
}

/// The words of a statement's first such command, or of one in its body.
fn words_of(sql: &str) -> Option<String> {
    let bodies = read(sql).into_iter().filter_map(|command| match command.action {
        Action::Do { body, .. } => Some(body),
        _ => None,
    });
    let own = words_of_commands(sql);
    let commands = own.into_iter().chain(bodies.flat_map(|body| words_of_commands(&body)));
    commands.into_iter().find_map(|words| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        is_shared(&words).then(|| words.iter().take(2).map(|word| word.to_uppercase()).collect::<Vec<_>>().join(" "))
    })
}

fn is_shared(words: &[&str]) -> bool {
    match words {
        ["create" | "alter" | "drop", "user", "mapping", ..] => false,
        ["create" | "alter" | "drop", "role" | "user" | "group" | "tablespace" | "database", ..]
        | ["alter", "system", ..]
        | ["comment", "on", "role" | "tablespace" | "database", ..]
        | ["drop" | "reassign", "owned", ..] => true,
        // Membership of a role, which names no object.
        ["grant" | "revoke", rest @ ..] => match rest.iter().position(|word| *word == "on") {
            None => true,
            Some(at) => matches!(rest.get(at + 1), Some(&("database" | "tablespace" | "parameter"))),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_databases_share_is_told_from_what_one_holds() {
        for (sql, words) in [
            ("CREATE ROLE a", "CREATE ROLE"),
            ("alter user a SET search_path = x", "ALTER USER"),
            ("DROP OWNED BY a", "DROP OWNED"),
            ("GRANT a TO b", "GRANT A"),
            ("GRANT CONNECT ON DATABASE d TO b", "GRANT CONNECT"),
            ("ALTER SYSTEM SET work_mem = '1GB'", "ALTER SYSTEM"),
            ("DO $$ BEGIN IF true THEN CREATE ROLE a; END IF; END $$", "CREATE ROLE"),
        ] {
            assert_eq!(words_of(sql).as_deref(), Some(words), "{sql}");
        }
        for sql in [
            "CREATE TABLE role (id int)",
            "GRANT SELECT ON t TO a",
            "CREATE USER MAPPING FOR a SERVER s",
            "ALTER TABLE t OWNER TO a",
            "SELECT 'CREATE ROLE a'",
            "COMMENT ON TABLE t IS 'x'",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a",
        ] {
            assert_eq!(words_of(sql), None, "{sql}");
        }
    }
}
