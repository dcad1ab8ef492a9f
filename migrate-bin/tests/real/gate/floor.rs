//! The floor that a migration sets for releases.

use super::{ask, file, release, set, told};
use crate::stage::{Database, folder, migrate};
use migrate_core::gate::Gate;

/// Versions 1 to 3 as ever, and 4, which no release below 3 can live with.
fn contract() -> tempfile::TempDir {
    let mut files: Vec<(String, String)> = (1..=3).map(file).collect();
    let text = "-- migrate:requires-app >= 3\n-- +goose Up\nALTER TABLE t1 DROP COLUMN id;\n-- +goose Down\nALTER TABLE t1 ADD id int;\n";
    files.push(("00004_contract.sql".into(), text.into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(&files)
}

const STORED: &str = "SELECT version_id, requires_app FROM goose_db_version_ledger WHERE requires_app IS NOT NULL";

#[test]
fn an_older_release_is_refused_as_long_as_the_contract_is_applied() {
    let (database, files) = (Database::create(), contract());
    let (old, new) = (release(&[1, 2]), release(&[1, 2, 3]));
    assert_eq!(migrate(&database.url, files.path(), &["up-to", "3"]).code, 0);
    let check = |dir: &tempfile::TempDir| migrate(&database.url, dir.path(), &["check"]);
    assert_eq!((check(&old).code, check(&new).code), (0, 0), "expanded, not yet contracted");

    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    assert_eq!(database.rows(STORED), ["4|3"]);
    let refused = check(&old);
    assert_eq!(refused.code, 11, "{}", refused.stderr);
    for words in ["version 4 of the database", "knows version 3", "versions up to 2", "first undo version 4"] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    assert_eq!((check(&new).code, check(&files).code), (0, 0));

    assert_eq!(migrate(&database.url, files.path(), &["down"]).code, 0);
    assert_eq!((database.rows(STORED).len(), check(&old).code), (0, 0), "the Down takes the floor with it");
}

/// A version and its floor land together or not at all.
#[test]
fn a_contract_that_fails_sets_no_floor() {
    let (database, files) = (Database::create(), contract());
    assert_eq!(migrate(&database.url, files.path(), &["up-to", "3"]).code, 0);
    database.rows("CREATE VIEW v AS SELECT id FROM t1");
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 25);
    assert_eq!(database.rows(STORED).len(), 0);
    assert_eq!(migrate(&database.url, release(&[1, 2]).path(), &["check"]).code, 0);
}

#[test]
fn a_baseline_sets_the_floors_of_the_versions_that_it_records() {
    let (database, files) = (Database::create(), contract());
    assert_eq!(migrate(&database.url, files.path(), &["baseline", "--to", "4", "--yes"]).code, 0);
    assert_eq!(database.rows(STORED), ["4|3"]);
    assert_eq!(migrate(&database.url, release(&[1]).path(), &["check"]).code, 11);
}

#[test]
fn a_floor_of_a_file_without_a_transaction_counts_from_its_record_on() {
    let database = Database::create();
    let text = "-- +goose NO TRANSACTION\n-- migrate:requires-app >= 2\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t1 (id);\n";
    let one = file(1);
    let files = folder(&[(&one.0, &one.1), ("00002_i.sql", text)]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    assert_eq!(migrate(&database.url, release(&[1]).path(), &["check"]).code, 11);
    assert_eq!(migrate(&database.url, files.path(), &["check"]).code, 0);
}

#[test]
fn a_ledger_that_was_made_before_floors_is_read_and_completed() {
    let (database, files) = (Database::create(), contract());
    assert_eq!(migrate(&database.url, files.path(), &["up-to", "3"]).code, 0);
    database.rows("ALTER TABLE goose_db_version_ledger DROP COLUMN requires_app");
    let set = set(&[1, 2]);
    let verdict = ask(&database.url, "", &Gate::new(&set));
    assert_eq!((told(&verdict).as_str(), verdict.warnings.len()), ("ok-ahead 3", 0), "{verdict}");
    assert_eq!(migrate(&database.url, files.path(), &["status"]).code, 0);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((ended.code, database.rows(STORED)), (0, vec!["4|3".to_owned()]), "{}", ended.stderr);
}

#[test]
fn a_floor_that_cannot_be_read_is_refused_before_anything_runs() {
    let database = Database::create();
    let files = folder(&[("00001_a.sql", "-- migrate:requires-app >= 2\n-- +goose Up\nCREATE TABLE a (id int);\n")]);
    for command in ["up", "validate"] {
        let ended = migrate(&database.url, files.path(), &[command]);
        assert_eq!(ended.code, 29, "{command}: {}", ended.stderr);
        assert!(ended.stderr.contains("names no version up to 1"), "{command}: {}", ended.stderr);
    }
    assert_eq!(database.version_rows(), "(no table)");
    let files = folder(&[("00001_a.sql", "-- migrate:require-app >= 1\n-- +goose Up\nCREATE TABLE a (id int);\n")]);
    let ended = migrate(&database.url, files.path(), &["validate"]);
    assert!(ended.code == 29 && ended.stderr.contains("nobody obeys `migrate:require-app`"), "{}", ended.stderr);
}
