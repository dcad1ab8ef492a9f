//! Applied files that were changed where it cannot matter, and on purpose.

use crate::stage::{Database, Ended, folder, goose, migrate, run_goose};

const UP: &str = "-- +goose Up\nCREATE TABLE a (id int);\n";
const DOWN: &str = "-- +goose Down\nDROP TABLE a;\n";
const FILE: &str = "00001_a.sql";

/// A folder of one file that was applied, and what it is changed to.
fn applied_then(database: &Database, changed: &str) -> tempfile::TempDir {
    let files = folder(&[(FILE, &format!("{UP}{DOWN}"))]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    std::fs::write(files.path().join(FILE), changed).expect("a file");
    files
}

fn told(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

const ACCEPT: [&str; 5] = ["accept", "1", "--reason", "squashed into a baseline", "--yes"];

#[test]
fn an_edit_of_the_down_alone_stops_no_deploy_and_is_what_undoes_the_version() {
    for down in [
        "-- +goose Down\nDROP TABLE IF EXISTS a;\n",
        "-- +goose Down\nDROP TABLE a;\nCREATE TABLE undone (id int);\n",
        "",
        "-- +goose Down\n-- +goose StatementBegin\nDROP TABLE a;\n-- +goose StatementEnd\n",
    ] {
        let database = Database::create();
        let files = applied_then(&database, &format!("{UP}{down}"));
        told(&migrate(&database.url, files.path(), &["up"]), 0, &["Down of", FILE]);
        told(&migrate(&database.url, files.path(), &["check"]), 0, &[]);
        let status = migrate(&database.url, files.path(), &["status", "--output", "json"]).stdout;
        assert!(status.contains("\"state\":\"applied\""), "{status}");
        told(&migrate(&database.url, files.path(), &["down"]), 0, &[]);
        let undone = database.rows("SELECT to_regclass('undone') IS NOT NULL");
        assert_eq!(undone, [if down.contains("undone") { "t" } else { "f" }]);
    }
}

#[test]
fn an_edit_of_the_up_stops_deploys_until_a_person_accepts_it() {
    for up in [
        "-- +goose Up\nCREATE TABLE IF NOT EXISTS a (id int);\n",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\n",
        "-- +goose Up\nCREATE TABLE a (id int);\nSELECT 1;\n",
    ] {
        let database = Database::create();
        let files = applied_then(&database, &format!("{up}{DOWN}"));
        told(&migrate(&database.url, files.path(), &["up"]), 28, &["restore the file", "`migrate accept`"]);
        told(&migrate(&database.url, files.path(), &["check"]), 13, &[]);
        told(&migrate(&database.url, files.path(), &ACCEPT[..4]), 2, &["--yes"]);
        told(&migrate(&database.url, files.path(), &ACCEPT), 0, &["counts as applied"]);
        told(&migrate(&database.url, files.path(), &["up"]), 0, &["nothing to apply"]);
        told(&migrate(&database.url, files.path(), &["check"]), 0, &[]);
        told(&migrate(&database.url, files.path(), &ACCEPT), 2, &["is the one that was applied"]);
        let journal = migrate(&database.url, files.path(), &["journal", "--output", "json"]).stdout;
        assert!(journal.contains("squashed into a baseline") && journal.contains("postgres: accept"), "{journal}");
        told(&migrate(&database.url, files.path(), &["down"]), 0, &[]);
    }
}

#[test]
fn what_nobody_can_accept_is_said() {
    let (database, files) = (Database::create(), folder(&[(FILE, &format!("{UP}{DOWN}"))]));
    told(&migrate(&database.url, files.path(), &ACCEPT), 2, &["version 1 is not applied"]);
    let Some(goose) = goose("a file that goose applied") else { return };
    assert_eq!(run_goose(&goose, &database.url, files.path(), &["up"]).code, 0);
    std::fs::write(files.path().join(FILE), "-- +goose Up\nSELECT 1;\n").expect("a file");
    told(&migrate(&database.url, files.path(), &ACCEPT), 2, &["as far as is known"]);
}

#[test]
fn a_ledger_of_an_older_release_is_read_and_completed() {
    let database = Database::create();
    let files = applied_then(&database, &format!("{UP}-- +goose Down\nDROP TABLE IF EXISTS a;\n"));
    database.rows("ALTER TABLE goose_db_version_ledger DROP COLUMN up_sha256");
    for (command, code) in [("status", 0), ("check", 13), ("up", 28)] {
        told(&migrate(&database.url, files.path(), &[command]), code, &[]);
    }
    told(&migrate(&database.url, files.path(), &ACCEPT), 0, &[]);
    told(&migrate(&database.url, files.path(), &["up"]), 0, &[]);
    std::fs::write(files.path().join(FILE), format!("{UP}{DOWN}")).expect("a file");
    told(&migrate(&database.url, files.path(), &["up"]), 0, &["Down of"]);
}
