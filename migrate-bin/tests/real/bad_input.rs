//! Whatever is wrong with what the command is given: one clear message with a code, the documented exit code, and
//! nothing half-done.

mod failures;
mod files;
mod relations;
mod secrets;
mod servers;
mod sessions;

use crate::stage::{Database, Ended};

/// A migration that nothing is wrong with.
const GOOD: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");

/// One message, no data, this exit code, and these words.
fn assert_refused(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{words:?}\n{}", ended.stderr);
    assert_eq!(ended.stderr.matches("error[").count(), 1, "{words:?}\n{}", ended.stderr);
    assert_eq!(ended.stdout, "", "{words:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} is not in\n{}", ended.stderr);
    }
}

/// Everything that somebody made in a database.
fn relations(database: &Database) -> Vec<String> {
    database.rows(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1",
    )
}

fn assert_untouched(database: &Database) {
    assert_eq!(relations(database), Vec::<String>::new());
}
