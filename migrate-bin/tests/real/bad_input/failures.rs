//! A migration that the server refuses half-way: where, why, what the database holds now, and what to do next.

use super::{GOOD, assert_refused, relations};
use crate::stage::{Database, Ended, folder, migrate};

const LAST: (&str, &str) = ("00003_c.sql", "-- +goose Up\nCREATE TABLE c (id int);\n");

/// Applies a good file and a second one with this text.
fn up(database: &Database, text: &str) -> (tempfile::TempDir, Ended) {
    let files = folder(&[GOOD, ("00002_b.sql", text), LAST]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    (files, ended)
}

/// What two goose rows look like once the first file is applied and the second is not.
const AT_ONE: &str = "1:0:true 2:1:true";

#[test]
fn an_error_is_shown_at_its_line_and_column_in_the_file() {
    for (name, text, place, shown) in [
        ("plain", "-- +goose Up\nCREATE TABLE b (id int);\nSELECT nope;\n", "3:8", "^^^^"),
        ("on a later line", "-- +goose Up\nSELECT 1,\n  nope;\n", "3:3", "^^^^"),
        ("CRLF", "-- +goose Up\r\nSELECT 1;\r\nSELECT 1,\r\n  nope;\r\n", "4:3", "^^^^"),
        ("behind other alphabets", "-- +goose Up\nSELECT 'äöü€', 'ж', nope;\n", "2:21", "^^^^"),
        (
            "in a block",
            "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n\n  SELECT nope;\n-- +goose StatementEnd\n",
            "5:10",
            "^^^^",
        ),
        (
            "in a function's body",
            "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\n\
             BEGIN\n  retrun 1;\nEND $$;\n-- +goose StatementEnd\n",
            "5:3",
            "^^^^^^",
        ),
        ("behind a variable", "-- +goose ENVSUB ON\n-- +goose Up\nSELECT 1,\n  nope;\n", "4:3", "^^^^"),
        ("without a position", "-- +goose Up\nSELECT 1/0;\n", "2:1", "^^^^^^^^^^^"),
    ] {
        let database = Database::create();
        let (files, ended) = up(&database, text);
        let place = format!("--> {}/00002_b.sql:{place}\n", files.path().display());
        assert!(
            ended.stderr.contains(&format!("  {shown}\n")) || ended.stderr.contains(&format!(" {shown}\n")),
            "{name}: {}",
            ended.stderr
        );
        assert_refused(&ended, 25, &["error[migration-failed]", &place, "00002_b.sql was rolled back", "at version 1"]);
        assert_eq!(database.version_rows(), AT_ONE, "{name}");
    }
}

#[test]
fn what_the_server_says_beside_its_message_is_passed_on() {
    let database = Database::create();
    let raise = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN\n  RAISE EXCEPTION 'no' USING ERRCODE = 'ZZ001', \
                 DETAIL = 'the detail', HINT = 'the hint';\nEND $$;\n-- +goose StatementEnd\n";
    let (_files, ended) = up(&database, raise);
    let words = ["sqlstate: ZZ001", "detail: the detail", "hint: the hint", "context: PL/pgSQL", "line 2 at RAISE"];
    assert_refused(&ended, 25, &words);
}

#[test]
fn a_failure_as_json_has_the_same_facts() {
    let database = Database::create();
    let files = folder(&[GOOD, ("00002_b.sql", "-- +goose Up\nSELECT nope;\n")]);
    let ended = migrate(&database.url, files.path(), &["up", "--log-format", "json"]);
    let last = ended.stderr.lines().last().expect("a line");
    let line: serde_json::Value = serde_json::from_str(last).expect("a line of JSON");
    assert_eq!(
        (&line["code"], &line["exit"], &line["sqlstate"], &line["line"], &line["column"], &line["current"]),
        (&"migration-failed".into(), &25.into(), &"42703".into(), &2.into(), &8.into(), &1.into()),
    );
    for field in ["state", "next", "file"] {
        assert!(line[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {line}");
    }
}

#[test]
fn a_constraint_that_fails_at_commit_rolls_the_file_back() {
    let database = Database::create();
    let (_files, ended) = up(
        &database,
        "-- +goose Up\nCREATE TABLE p (id int PRIMARY KEY);\n\
         CREATE TABLE q (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO q VALUES (1);\n",
    );
    assert_refused(&ended, 25, &["failed at COMMIT", "23503", "detail: Key (p)=(1)", "00002_b.sql was rolled back"]);
    assert_eq!(database.version_rows(), AT_ONE);
    assert_eq!(database.rows("SELECT to_regclass('p')"), [""]);
}

#[test]
fn without_a_transaction_the_message_counts_what_is_done_and_a_rerun_starts_again() {
    let database = Database::create();
    let text = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE IF NOT EXISTS b (id int);\nSELECT * FROM wanted;\n\
                CREATE TABLE d (id int);\n";
    let (files, ended) = up(&database, text);
    let words =
        ["error[migration-failed-partial]", "00002_b.sql:4:15", "1 of 3 statements", "version 2 is not recorded"];
    assert_refused(&ended, 26, &words);
    assert_eq!(database.version_rows(), AT_ONE);
    assert_eq!(database.rows("SELECT to_regclass('b'), to_regclass('d'), to_regclass('c')"), ["b||"]);
    database.rows("CREATE TABLE wanted (id int)");
    let again = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((again.code, database.versions().join(" ").as_str()), (0, "0 1 2 3"), "{}", again.stderr);
}

#[test]
fn a_failed_concurrent_index_says_that_it_may_have_left_one_behind() {
    let database = Database::create();
    let text = "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO a VALUES (1), (1);\n\
                CREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\n";
    let (_files, ended) = up(&database, text);
    assert_refused(&ended, 26, &["23505", "1 of 2 statements", "drops the INVALID index first", "00002_b.sql:4:1"]);
    assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), ["f"]);
    assert_eq!(database.version_rows(), AT_ONE);
}

#[test]
fn concurrently_inside_a_transaction_is_the_server_s_to_refuse_and_nothing_stays() {
    let database = Database::create();
    let (_files, ended) =
        up(&database, "-- +goose Up\nCREATE TABLE b (id int);\nCREATE INDEX CONCURRENTLY i ON b (id);\n");
    assert_refused(&ended, 25, &["25001", "cannot run inside a transaction block", "00002_b.sql:3:1"]);
    assert_eq!(database.rows("SELECT to_regclass('b')"), [""]);
}

#[test]
fn behind_a_failure_nothing_runs_even_where_the_file_ends_its_transaction_itself() {
    // What was committed stays: 26. Everything else is rolled back: 25.
    for (name, text, left, code) in [
        ("COMMIT", "CREATE TABLE b (id int);\nCOMMIT;\nSELECT 1/0;\nCREATE TABLE d (id int);\n", "b||", 26),
        ("failure before COMMIT", "CREATE TABLE b (id int);\nSELECT 1/0;\nCOMMIT;\nCREATE TABLE d ();\n", "||", 25),
        ("SAVEPOINT", "SAVEPOINT s;\nSELECT 1/0;\nROLLBACK TO SAVEPOINT s;\nCREATE TABLE d ();\n", "||", 25),
    ] {
        let database = Database::create();
        let files = folder(&[GOOD, ("00002_b.sql", &format!("-- +goose Up\n{text}")), LAST]);
        let ended = migrate(&database.url, files.path(), &["up", "--allow-transaction-control"]);
        let state = if code == 26 { "ends or rewinds its transaction itself" } else { "00002_b.sql was rolled back" };
        assert_refused(&ended, code, &["22012", state, "the database is at version 1"]);
        assert_eq!(database.version_rows(), AT_ONE, "{name}");
        let there = database.rows("SELECT to_regclass('b'), to_regclass('d'), to_regclass('c')");
        assert_eq!(there, [left], "{name}");
    }
}

#[test]
fn a_file_that_ends_its_transaction_half_way_is_refused_before_it_runs() {
    for (name, text, verb, line) in [
        ("work behind COMMIT", "CREATE TABLE b (id int);\nCOMMIT;\nCREATE TABLE d (id int);\n", "COMMIT", 3),
        ("work behind END", "CREATE TABLE b (id int);\nEND;\nINSERT INTO b VALUES (1);\n", "END", 3),
        ("two transactions", "BEGIN;\nCREATE TABLE b ();\nCOMMIT;\nBEGIN;\nCREATE TABLE d ();\nCOMMIT;\n", "COMMIT", 4),
        ("ROLLBACK", "CREATE TABLE b (id int);\nROLLBACK;\n", "ROLLBACK", 3),
        ("AND CHAIN", "CREATE TABLE b (id int);\nCOMMIT AND CHAIN;\n", "COMMIT", 3),
        ("another isolation level", "BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT 1;\nCOMMIT;\n", "BEGIN", 2),
        (
            "in one string",
            "-- +goose StatementBegin\nSELECT 1;\nCOMMIT;\nCREATE TABLE d ();\n-- +goose StatementEnd\n",
            "COMMIT",
            4,
        ),
    ] {
        let database = Database::create();
        let (files, ended) = up(&database, &format!("-- +goose Up\n{text}"));
        let place = format!("--> {}/00002_b.sql:{line}:1", files.path().display());
        assert_refused(&ended, 29, &[verb, "applied whole or not at all", &place, "--allow-transaction-control"]);
        assert_eq!(database.version_rows(), "(no table)", "{name}");
    }
}

#[test]
fn a_transaction_around_the_whole_file_is_the_one_that_it_has_anyway() {
    for (name, text) in [
        ("BEGIN and COMMIT", "BEGIN;\nCREATE TABLE b (id int);\nCOMMIT;\n"),
        ("a question behind it", "BEGIN;\nCREATE TABLE b (id int);\nCOMMIT;\nSELECT 1;\n"),
        ("only COMMIT", "CREATE TABLE b (id int);\nCOMMIT;\n"),
        ("other words", "START TRANSACTION;\nCREATE TABLE b (id int);\nEND TRANSACTION;\n"),
        (
            "one string",
            "-- +goose StatementBegin\nBEGIN;\n\nCREATE TABLE b (id int);\n\nCOMMIT;\n-- +goose StatementEnd\n",
        ),
    ] {
        let database = Database::create();
        let (_files, ended) = up(&database, &format!("-- +goose Up\n{text}"));
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        assert!(!ended.stderr.contains("WARNING"), "{name}: {}", ended.stderr);
        assert_eq!(database.versions(), ["0", "1", "2", "3"], "{name}");
        // Table and version were written by one transaction.
        let same = "SELECT (SELECT xmin FROM pg_class WHERE relname = 'b')::text \
                    = (SELECT xmin FROM goose_db_version WHERE version_id = 2)::text";
        assert_eq!(database.rows(same), ["t"], "{name}");
    }
}

#[test]
fn a_failure_inside_such_a_transaction_is_shown_at_its_place_and_leaves_nothing() {
    let database = Database::create();
    let text = "-- +goose Up\n-- +goose StatementBegin\nBEGIN;\nCREATE TABLE b (id int);\nSELECT nope;\nCOMMIT;\n\
                -- +goose StatementEnd\n";
    let (files, ended) = up(&database, text);
    let place = format!("--> {}/00002_b.sql:5:8\n", files.path().display());
    assert_refused(&ended, 25, &["42703", &place, "00002_b.sql was rolled back"]);
    assert_eq!(database.rows("SELECT to_regclass('b')"), [""]);
}

#[test]
fn a_down_that_fails_leaves_the_version_applied() {
    let database = Database::create();
    let files = folder(&[("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE b;\n")]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let before = relations(&database);
    for command in ["down", "redo", "reset", "down-to 0"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let ended = migrate(&database.url, files.path(), &arguments);
        assert_refused(&ended, 25, &["42P01", "00001_a.sql:4", "was rolled back; the database is at version 1"]);
    }
    assert_eq!((relations(&database), database.version_rows().as_str()), (before, AT_ONE));
}
