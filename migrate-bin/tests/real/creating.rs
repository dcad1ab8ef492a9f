//! What other tools left behind, as goose files: real goose applies and undoes what is written.

use std::path::Path;

use crate::stage::{Database, Ended, folder, goose, migrate, migrate_command, names, run_goose, text, workspace};

const FUNCTION: &str = "CREATE FUNCTION next_id() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;\n";

fn create(files: &Path, arguments: &[&str], more: &[&Path]) -> Ended {
    let mut command = migrate_command(&["create"]);
    command.args(arguments).args(more).arg("--dir").arg(files);
    command.output().expect("migrate starts").into()
}

/// Converts files of another tool, and has goose apply and undo what came out; the names of the files.
fn convert(theirs: &[(&str, &str)]) -> Vec<String> {
    let (theirs_in, files) = (folder(theirs), folder(&[]));
    let paths: Vec<_> = theirs.iter().map(|(name, _)| theirs_in.path().join(name)).collect();
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    let created = create(files.path(), &["--from"], &paths);
    assert_eq!(created.code, 0, "{}", created.stderr);
    let database = Database::create();
    let validated = migrate(&database.url, files.path(), &["validate"]);
    assert_eq!(validated.code, 0, "{}", validated.stderr);
    if let Some(goose) = goose("files of another tool") {
        for command in ["up", "reset"] {
            let ended = run_goose(&goose, &database.url, files.path(), &[command]);
            assert_eq!(ended.code, 0, "{command}: {}", ended.stderr);
        }
    }
    names(files.path())
}

#[test]
fn halves_of_golang_migrate_and_sqlx_become_one_file_each() {
    let names = convert(&[
        ("000001_users.up.sql", "BEGIN;\n\nCREATE TABLE users (id int);\n\nCOMMIT;\n"),
        ("000001_users.down.sql", "BEGIN;\nDROP TABLE users;\nCOMMIT;\n"),
        ("000002_next_id.up.sql", FUNCTION),
        ("000002_next_id.down.sql", "DROP FUNCTION next_id()"),
        ("000003_index.up.sql", "CREATE INDEX CONCURRENTLY users_id ON users (id)"),
        ("000003_index.down.sql", "DROP INDEX CONCURRENTLY users_id;"),
        ("000004_mark.up.sql", "\u{feff}CREATE TABLE marked (id int);\n"),
        ("000005_level.up.sql", "BEGIN ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE levelled (id int);\nCOMMIT;\n"),
        ("20240102030405_only_up.sql", "-- no-transaction\nVACUUM users;\n"),
    ]);
    assert_eq!(
        names,
        [
            "000001_users.sql",
            "000002_next_id.sql",
            "000003_index.sql",
            "000004_mark.sql",
            "000005_level.sql",
            "20240102030405_only_up.sql"
        ]
    );
}

#[test]
fn the_other_half_is_found_beside_the_one_that_is_named() {
    let theirs = folder(&[("1_a.up.sql", "CREATE TABLE a (id int);\n"), ("1_a.down.sql", "DROP TABLE a;\n")]);
    let files = folder(&[]);
    assert_eq!(create(files.path(), &["--from"], &[&theirs.path().join("1_a.up.sql")]).code, 0);
    let expected = "-- +goose Up\nCREATE TABLE a (id int);\n\n-- +goose Down\nDROP TABLE a;\n";
    assert_eq!(text(&files.path().join("1_a.sql")), expected);
}

#[test]
fn files_of_dbmate_become_goose_s() {
    let function = format!(
        "-- migrate:up\nCREATE TABLE a (id int);\n{FUNCTION}\n-- migrate:down\nDROP FUNCTION next_id();\nDROP TABLE a;\n"
    );
    let names = convert(&[
        ("20240101000000_a.sql", &function),
        (
            "20240102000000_b.sql",
            "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON a (id);\n-- migrate:down\nDROP INDEX i;\n",
        ),
        ("20240103000000_c.sql", "-- migrate:up\nALTER TABLE a ADD b int;\n\n-- migrate:down\n"),
    ]);
    assert_eq!(names.len(), 3);
}

#[test]
fn files_of_flyway_become_goose_s_in_flyway_s_order() {
    let names = convert(&[
        ("V1__Create users.sql", "CREATE TABLE users (id int);\n"),
        ("V1.1__add_name.sql", "ALTER TABLE users ADD name text;\n"),
        ("V1.10__add_email.sql", "ALTER TABLE users ADD email text;\n"),
        ("V1.9__index_name.sql", "CREATE INDEX ON users (name);\n"),
        ("U1.9__index_name.sql", "DROP INDEX users_name_idx;\n"),
        ("R__user_ids.sql", "CREATE OR REPLACE VIEW user_ids AS SELECT id FROM users;\n"),
    ]);
    assert_eq!(
        names,
        [
            "00001_create_users.sql",
            "00002_add_name.sql",
            "00003_index_name.sql",
            "00004_add_email.sql",
            "00005_user_ids.sql"
        ]
    );
}

#[test]
fn a_dump_of_the_example_schema_makes_that_schema() {
    let (database, again, files) = (Database::create(), Database::create(), folder(&[]));
    let ended = migrate(&database.url, &workspace().join("migrations"), &["up"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let dump = format!("--\n\\restrict abc\n\n{}\\unrestrict abc\n", database.schema());
    let theirs = folder(&[("dump.sql", &dump)]);
    let dump = theirs.path().join("dump.sql");
    let created = create(files.path(), &["baseline", "-s", "--from-dump"], &[&dump]);
    assert_eq!(created.code, 0, "{}", created.stderr);
    assert_eq!(names(files.path()), ["00001_baseline.sql"]);
    match goose("a dump as a migration") {
        Some(goose) => assert_eq!(run_goose(&goose, &again.url, files.path(), &["up"]).code, 0),
        None => assert_eq!(migrate(&again.url, files.path(), &["up"]).code, 0),
    }
    assert_eq!(again.schema(), database.schema());
}

#[test]
fn a_dump_with_rows_is_refused_with_the_line() {
    let (theirs, files) =
        (folder(&[("dump.sql", "CREATE TABLE a (id int);\n\nCOPY public.a (id) FROM stdin;\n1\n\\.\n")]), folder(&[]));
    let refused = create(files.path(), &["baseline", "--from-dump"], &[&theirs.path().join("dump.sql")]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("dump.sql:3: COPY") && refused.stderr.contains("--schema-only"),
        "{}",
        refused.stderr
    );
    assert!(names(files.path()).is_empty());
}

#[test]
fn what_cannot_be_converted_leaves_nothing_behind() {
    for (theirs, code, words) in [
        (&[("1_a.up.sql", "SELECT 1;"), ("notes.sql", "SELECT 1;")][..], 2, "no file of golang-migrate"),
        (&[("1_a.up.sql", "SELECT 1;"), ("2_b.sql", "-- +goose Up\nSELECT 1;")], 2, "a goose file already"),
        (&[("1_a.up.sql", "SELECT 1;"), ("2_b.up.sql", "CREATE TABEL b ();")], 29, "2_b.sql"),
    ] {
        let (theirs_in, files) = (folder(theirs), folder(&[]));
        let paths: Vec<_> = theirs.iter().map(|(name, _)| theirs_in.path().join(name)).collect();
        let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
        let refused = create(files.path(), &["--from"], &paths);
        assert_eq!(refused.code, code, "{}", refused.stderr);
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
        assert!(names(files.path()).is_empty());
    }
    let (theirs, files) =
        (folder(&[("1_a.up.sql", "SELECT 1;"), ("2_b.up.sql", "SELECT 2;")]), folder(&[("2_b.sql", "kept")]));
    let paths = [theirs.path().join("1_a.up.sql"), theirs.path().join("2_b.up.sql")];
    let refused = create(files.path(), &["--from"], &[&paths[0], &paths[1]]);
    assert_eq!(refused.code, 20, "{}", refused.stderr);
    assert_eq!(
        (names(files.path()), text(&files.path().join("2_b.sql"))),
        (vec!["2_b.sql".to_owned()], "kept".to_owned())
    );
}
