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
        let text = format!("-- +goose Up\n{statement}\n");
        let files = folder(&[("00001_a.sql", &text)]);
        let way_out = ["T01", "00001_a.sql:2:1", "`-- +goose NO TRANSACTION` into line 1 of "];
        told(&validate(&text), 29, &way_out);
        let checked = migrate_command(&["lint", "--dir"]).arg(files.path()).output().expect("migrate starts");
        let checked = Ended::from(checked);
        assert_eq!(checked.code, 29, "{statement}: {}", checked.stdout);
        for word in way_out {
            assert!(checked.stdout.contains(word), "{statement}: {}", checked.stdout);
        }
        let ended = migrate(&database.url, files.path(), &["up"]);
        told(&ended, 25, &["25001", "-- +goose NO TRANSACTION", "line 1", "00001_a.sql was rolled back"]);
    }
}

#[test]
fn what_else_a_file_does_stays_in_its_transaction() {
    let validated = validate("-- +goose Up\nCREATE TABLE a (id int);\nCREATE INDEX CONCURRENTLY i ON a (id);\n");
    told(&validated, 29, &["00001_a.sql:3:1", "a file of its own, with `-- +goose NO TRANSACTION` in line 1"]);
    let in_down = "-- +goose Up\nCREATE INDEX i ON a (id);\n-- +goose Down\nDROP INDEX CONCURRENTLY i;\n";
    told(&validate(in_down), 29, &["00001_a.sql:4:1", "T01"]);
    let in_block = "DO $$\nBEGIN\n  EXECUTE 'SELECT 1';\n  VACUUM;\nEND $$;\n";
    let wrapped = format!("-- +goose Up\n-- +goose StatementBegin\n{in_block}-- +goose StatementEnd\n");
    told(&validate(&wrapped), 29, &["VACUUM cannot run in a block or a function"]);
    for right in [
        "-- +goose NO TRANSACTION\n-- +goose Up\nVACUUM a;\n",
        "-- +goose Up\nREINDEX TABLE a;\n",
        "-- +goose Up\n-- migrate:allow not-in-transaction reason=\"the pooler ends it\"\nVACUUM a;\n",
    ] {
        assert_eq!(validate(right).code, 0, "{right}: {}", validate(right).stderr);
    }
}
