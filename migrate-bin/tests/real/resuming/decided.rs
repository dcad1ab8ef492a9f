//! What counts of a file that was begun without a transaction when something else was decided, or written, since.

use super::{count, rewrite, scene, told, up};
use crate::stage::{Database, folder, goose, migrate, run_goose};

/// In a transaction it would begin from its first statement, and do a second time what is done.
#[test]
fn a_file_that_was_begun_without_a_transaction_is_not_begun_anew_in_one() {
    let (database, files) = scene("INSERT INTO counter VALUES (1);\nSELECT 1/0;\nINSERT INTO counter VALUES (2);\n");
    told(&up(&database, &files), 26, &["1 of 3 statements"]);
    let mended = "-- +goose Up\nINSERT INTO counter VALUES (1);\nSELECT 1;\nINSERT INTO counter VALUES (2);\n";
    std::fs::write(files.path().join("00001_a.sql"), mended).expect("a file");
    let ways_out = ["1 of its statements is done", "-- +goose NO TRANSACTION", " resolve --version 1`"];
    told(&up(&database, &files), 27, &ways_out);
    told(&migrate(&database.url, files.path(), &["up", "--single-transaction"]), 27, &ways_out);
    assert_eq!((count(&database).as_str(), database.versions().join(" ").as_str()), ("1", "0"));
    rewrite(&files, "INSERT INTO counter VALUES (1);\nSELECT 1;\nINSERT INTO counter VALUES (2);\n");
    told(&up(&database, &files), 0, &["goes on behind statement 1"]);
    assert_eq!(count(&database), "1 2");
}

#[test]
fn a_down_that_was_begun_without_a_transaction_is_not_begun_anew_in_one() {
    let database = Database::create();
    database.rows("CREATE TABLE counter (n int)");
    let text = |first: &str, last: &str| {
        format!("{first}-- +goose Up\nSELECT 1;\n-- +goose Down\nINSERT INTO counter VALUES (-1);\n{last}\n")
    };
    let files = folder(&[("00001_a.sql", &text("-- +goose NO TRANSACTION\n", "SELECT 1/0;"))]);
    told(&up(&database, &files), 0, &[]);
    told(&migrate(&database.url, files.path(), &["down"]), 26, &["1 of 2 statements"]);
    // Nothing is pending, and yet the version is not what it says.
    told(&up(&database, &files), 27, &["half undone", " down`"]);
    std::fs::write(files.path().join("00001_a.sql"), text("", "SELECT 1;")).expect("a file");
    told(&migrate(&database.url, files.path(), &["down"]), 27, &["`--not-applied` when it is finished"]);
    assert_eq!(count(&database), "-1");
}

/// Entries that a baseline, or goose, has overtaken: a later Down would make them count again.
#[test]
fn what_was_done_before_somebody_else_recorded_the_version_counts_no_more() {
    let by_goose = goose("what_was_done_before_somebody_else_recorded_the_version_counts_no_more");
    for overtake in ["baseline", "goose"] {
        let text = |statement: &str| {
            format!(
                "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE IF NOT EXISTS t ();\n{statement}\n-- +goose Down\nDROP TABLE t;\n"
            )
        };
        let database = Database::create();
        let files = folder(&[("00001_a.sql", &text("SELECT 1/0;"))]);
        told(&up(&database, &files), 26, &["1 of 2 statements"]);
        std::fs::write(files.path().join("00001_a.sql"), text("SELECT 1;")).expect("a file");
        let ended = match (&by_goose, overtake) {
            (Some(goose), "goose") => run_goose(goose, &database.url, files.path(), &["up"]),
            _ => migrate(&database.url, files.path(), &["baseline", "--to", "1", "--yes"]),
        };
        assert_eq!(ended.code, 0, "{overtake}: {}", ended.stderr);
        told(&migrate(&database.url, files.path(), &["down"]), 0, &[]);
        assert_eq!(database.rows("SELECT count(*) FROM goose_db_version_journal WHERE closed_at IS NULL"), ["0"]);
        told(&up(&database, &files), 0, &[]);
        assert_eq!(database.rows("SELECT to_regclass('t')"), ["t"], "{overtake}");
    }
}

/// Whoever records what he finished by hand need not mend the file first.
#[test]
fn a_baseline_decides_a_file_that_is_half_done_and_was_edited_since() {
    let edits =
        ["-- +goose Up\nINSERT INTO counter VALUES (1);\n", "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 7;\n"];
    for edited in edits {
        let (database, files) = scene("INSERT INTO counter VALUES (1);\nSELECT 1/0;\n");
        told(&up(&database, &files), 26, &["1 of 2 statements"]);
        std::fs::write(files.path().join("00001_a.sql"), edited).expect("a file");
        told(&migrate(&database.url, files.path(), &["baseline", "--to", "1", "--yes"]), 0, &["none was run"]);
        assert_eq!((count(&database).as_str(), database.versions().join(" ").as_str()), ("1", "0 1"), "{edited}");
        let open = "SELECT count(*) FROM goose_db_version_journal WHERE closed_at IS NULL";
        assert_eq!(database.rows(open), ["0"], "{edited}");
    }
}

/// A statement that is another kind to this release than to the one that began it was not edited.
#[test]
fn what_is_not_edited_is_not_said_to_be() {
    let (database, files) = scene("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\n");
    told(&up(&database, &files), 26, &["23505"]);
    database.rows("UPDATE goose_db_version_journal SET kind = 'another', evidence = NULL");
    let doubtful = up(&database, &files);
    told(&doubtful, 27, &["statement 1"]);
    assert!(!doubtful.stderr.contains("edited"), "{}", doubtful.stderr);
}

/// Its session is gone, and the statement is done: neither doing it again nor asking again leads anywhere.
#[test]
fn what_ended_with_its_session_has_a_way_out_that_works() {
    let statements = "CREATE TEMP TABLE seen (n int);\nINSERT INTO counter VALUES (1);\n";
    let (database, files) = scene(&format!("{statements}SELECT 1/0;\n"));
    told(&up(&database, &files), 26, &["2 of 3 statements"]);
    rewrite(&files, &format!("{statements}INSERT INTO counter VALUES (2);\n"));
    told(&up(&database, &files), 27, &["statement 1", "--resume-from 3", "--applied"]);
    let resolved = migrate(&database.url, files.path(), &["resolve", "--version", "1", "--resume-from", "3", "--yes"]);
    told(&resolved, 0, &[]);
    told(&up(&database, &files), 0, &["goes on behind statement 2"]);
    assert_eq!(count(&database), "1 2");
}

#[test]
fn a_version_that_nobody_knows_is_a_slip_of_the_hand_and_no_history() {
    let (database, files) = scene("SELECT 1;\n");
    told(&migrate(&database.url, files.path(), &["baseline", "--to", "99"]), 2, &["there is no version 99"]);
    told(&up(&database, &files), 0, &[]);
    let unknown = migrate(&database.url, files.path(), &["resolve", "--version", "99", "--applied", "--yes"]);
    told(&unknown, 2, &["there is no version 99"]);
}

/// The end of the session would undo what is behind it, and the version would be recorded in it.
#[test]
fn a_transaction_that_the_file_does_not_end_is_refused_before_anything_runs() {
    let insert = "INSERT INTO counter VALUES (1);\n";
    for (text, line) in [
        (format!("BEGIN;\n{insert}"), 3),
        (format!("{insert}START TRANSACTION;\n"), 4),
        (format!("BEGIN;\n{insert}SAVEPOINT s;\nROLLBACK TO s;\nRELEASE s;\n"), 3),
        (format!("BEGIN;\n{insert}COMMIT;\nBEGIN;\n{insert}"), 6),
    ] {
        let (database, files) = scene(&text);
        let place = format!("00001_a.sql:{line}:1");
        told(&up(&database, &files), 29, &[&place, "this transaction is not ended in the file"]);
        assert_eq!((count(&database).as_str(), database.version_rows().as_str()), ("", "(no table)"), "{text}");
    }
    let (database, files) = scene(&format!("BEGIN;\n{insert}COMMIT;\nSTART TRANSACTION;\n{insert}END;\n"));
    told(&up(&database, &files), 0, &[]);
    assert_eq!(count(&database), "1 1");
}

#[test]
fn a_file_that_is_half_done_shows_in_status() {
    let (database, files) = scene("INSERT INTO counter VALUES (1);\nSELECT 1/0;\nINSERT INTO counter VALUES (2);\n");
    told(&up(&database, &files), 26, &["1 of 3 statements"]);
    told(
        &migrate(&database.url, files.path(), &["status"]),
        0,
        &["version 1 (00001_a.sql) is half applied", "journal"],
    );
    let json = migrate(&database.url, files.path(), &["status", "--output", "json"]).stdout;
    let told: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let half_done = serde_json::json!([{ "version": 1, "direction": "up", "file": "00001_a.sql", "done": 1 }]);
    assert_eq!(told["half_done"], half_done, "{told}");
}
