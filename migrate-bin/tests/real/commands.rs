//! Every command from outside: what it prints, what it leaves in the database, and how it ends.

mod edits;
mod files;
mod inspect;
mod ledger;
mod lint;
mod lock;
mod plans;
mod review;
mod sizes;
mod status;
mod steps;
mod unversioned;

use std::path::Path;

use serde_json::Value;

use crate::stage::{Database, Ended, migrate, migrate_command};

/// Two migrations that nothing is wrong with.
const A: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const B: (&str, &str) = ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n");

/// Runs a command that has to succeed.
fn done(database: &Database, dir: &Path, arguments: &[&str]) -> Ended {
    let ended = migrate(&database.url, dir, arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    ended
}

/// Runs a command that needs no database, without naming one.
pub(crate) fn alone(dir: &Path, arguments: &[&str]) -> Ended {
    migrate_command(arguments).arg("--dir").arg(dir).output().expect("migrate starts").into()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The relations that somebody made, and the version rows with their times.
fn everything(database: &Database) -> Vec<String> {
    let mut all = database.rows(
        "SELECT c.oid || ' ' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY c.oid",
    );
    if database.version_rows() != "(no table)" {
        all.extend(database.rows("SELECT xmin, v.* FROM goose_db_version v ORDER BY id"));
        all.extend(database.rows("SELECT xmin, l.* FROM goose_db_version_ledger l ORDER BY row_id"));
    }
    all
}
