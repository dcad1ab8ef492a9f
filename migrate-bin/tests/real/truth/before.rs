//! What cannot work is said before anything runs, with the way out.

use super::told;
use crate::stage::{Database, Ended, folder, migrate, migrate_command};

fn validate(text: &str) -> Ended {
    let files = folder(&[("00001_a.sql", text)]);
    let mut command = migrate_command(&["validate", "--dir"]);
    command.arg(files.path()).output().expect("migrate starts").into()
}

#[test]
fn a_body_that_goose_would_cut_is_told_with_the_lines_to_wrap() {
    for (name, body, first, last) in [
        ("a function", "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND;\n$$;\n", 2, 6),
        ("a procedure", "CREATE PROCEDURE p() LANGUAGE plpgsql AS $body$\nBEGIN\n  NULL;\nEND\n$body$;\n", 2, 6),
        ("an SQL body", "CREATE FUNCTION f() RETURNS int\nBEGIN ATOMIC\n  SELECT 1;\n  SELECT 2;\nEND;\n", 2, 6),
        ("a DO block", "SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1;\nEND $$;\n", 3, 6),
        ("a string of several lines", "INSERT INTO t VALUES ('one;\ntwo');\n", 2, 3),
    ] {
        let ended = validate(&format!("-- +goose Up\n{body}"));
        assert_eq!(ended.code, 29, "{name}: {}", ended.stderr);
        for word in ["StatementBegin", "StatementEnd", &format!("line {first}"), &format!("line {last}")] {
            assert!(ended.stderr.contains(word), "{name}: {word}: {}", ended.stderr);
        }
    }
}

#[test]
fn commands_of_psql_are_named_wherever_they_stand() {
    for (command, text) in [
        ("\\restrict", "-- +goose Up\n\\restrict abc\nSELECT 1;\n"),
        ("\\unrestrict", "-- +goose Up\nSELECT 1;\n\\unrestrict abc\n"),
        ("\\connect", "-- +goose Up\nSELECT 1;\n\\connect other\nSELECT 2;\n"),
        ("\\i", "-- +goose Up\n\\i other.sql\n"),
        ("\\set", "-- +goose Up\nSELECT 1;\n-- +goose Down\n\\set ON_ERROR_STOP on\nSELECT 1;\n"),
    ] {
        let ended = validate(text);
        assert_eq!(ended.code, 29, "{command}: {}", ended.stderr);
        assert!(ended.stderr.contains(command) && ended.stderr.contains("psql"), "{command}: {}", ended.stderr);
        assert!(!ended.stderr.contains("end the statement with `;`"), "{command}: {}", ended.stderr);
    }
    for text in ["SELECT '\\restrict';", "SELECT $$\n\\connect x\n$$;", "-- \\i other\nSELECT 1;", "SELECT E'\\\\d';"] {
        let ended = validate(&format!("-- +goose Up\n-- +goose StatementBegin\n{text}\n-- +goose StatementEnd\n"));
        assert_eq!(ended.code, 0, "{text}: {}", ended.stderr);
    }
}

#[test]
fn what_cannot_run_in_a_transaction_is_told_with_the_annotation_and_its_line() {
    let alone = [
        "CREATE INDEX CONCURRENTLY i ON a (id);",
        "DROP INDEX CONCURRENTLY i;",
        "REINDEX TABLE CONCURRENTLY a;",
        "VACUUM a;",
        "CREATE DATABASE d;",
        "ALTER SYSTEM SET work_mem = '8MB';",
    ];
    for statement in alone {
        let database = Database::create();
        let files = folder(&[("00001_a.sql", &format!("-- +goose Up\n{statement}\n"))]);
        let checked = migrate_command(&["validate", "--dir"]).arg(files.path()).output().expect("migrate starts");
        let checked = Ended::from(checked);
        let ended = migrate(&database.url, files.path(), &["up"]);
        if checked.code == 0 {
            told(&ended, 25, &["25001", "-- +goose NO TRANSACTION", "line 1", "00001_a.sql was rolled back"]);
        } else {
            assert!(checked.stderr.contains("-- +goose NO TRANSACTION"), "{statement}: {}", checked.stderr);
        }
    }
}
