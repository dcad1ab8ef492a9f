//! A goose user's command lines, from a Makefile or from memory, with the real program.

use crate::stage::{Database, Ended, folder, goose, migrate, migrate_command, run_goose};

const ONE: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const TWO: (&str, &str) = ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n");

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    migrate_command(arguments).envs(variables.iter().copied()).output().expect("migrate starts").into()
}

#[test]
fn the_same_words_do_the_same_as_goose_s() {
    let Some(goose) = goose("goose's own words") else { return };
    let (ours, theirs, files) = (Database::create(), Database::create(), folder(&[ONE, TWO]));
    let dir = files.path().to_str().expect("a path");
    for words in [
        &["up-by-one"][..],
        &["up"],
        &["down"],
        &["up-to", "2"],
        &["redo"],
        &["down-to", "1"],
        &["status"],
        &["version"],
        &["reset"],
        &["up"],
    ] {
        let url = format!("{}?sslmode=disable", ours.url);
        let ended = run(&[&["-dir", dir, "postgres", &url][..], words].concat(), &[]);
        assert_eq!(ended.code, 0, "{words:?}: {}", ended.stderr);
        assert_eq!(run_goose(&goose, &theirs.url, files.path(), words).code, 0, "{words:?}");
        assert_eq!(ours.versions(), theirs.versions(), "{words:?}");
    }
}

#[test]
fn flags_stand_anywhere_and_variables_count() {
    let (database, files) = (Database::create(), folder(&[ONE, TWO]));
    let (dir, url) = (files.path().to_str().expect("a path"), database.url.as_str());
    let connection = [("GOOSE_DRIVER", "postgres"), ("GOOSE_DBSTRING", url), ("GOOSE_MIGRATION_DIR", dir)];
    for (arguments, variables) in [
        (&["postgres", url, "up", "-dir", dir][..], &[][..]),
        (&["-dir", dir, "status"], &connection[..2]),
        (&["status"], &connection),
        (&["-v", "-dir", dir, "pgx", url, "down", "-no-versioning=false"], &[]),
        (&["-table", "goose_db_version", "-dir", dir, "postgres", url, "version"], &[]),
        (&["-dir", dir, "-timeout", "1m", "postgres", url, "up", "-allow-missing"], &[]),
    ] {
        let ended = run(arguments, variables);
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    }
    let ended = run(&["-dir", dir, "create", "add_users", "sql", "-s"], &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(files.path().join("00003_add_users.sql").is_file());
}

#[test]
fn what_cannot_be_done_is_answered_in_our_words_without_the_connection_string() {
    for arguments in [
        &["mysql", "root:Xq7canary@/db", "up"][..],
        &["-env", ".env", "postgres", "postgres://u:Xq7canary@h/d", "up"],
        &["postgres", "postgres://u:Xq7canary@h/d"],
        &["postgres", "postgres://u:Xq7canary@h/d", "upp"],
        &["-dir", "m", "postgres", "postgres://u:Xq7canary@h/d", "up", "-grpc"],
        &["-dir", "m", "create", "add_users", "go"],
        &["-dir", "m", "postgres", "host=h password=Xq7canary", "env"],
    ] {
        let ended = run(arguments, &[]);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(!format!("{ended:?}").contains("Xq7canary"), "{ended:?}");
    }
}

#[test]
fn a_pending_file_that_is_broken_keeps_nobody_from_what_is_applied() {
    let (database, files) = (Database::create(), folder(&[ONE, TWO]));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    for broken in
        ["SELECT 1;\n", "-- +goose Up\nSELECT 1\n", "-- +goose Upp\nSELECT 1;\n", "-- +goose Up\nSELECT '\0';\n"]
    {
        std::fs::write(files.path().join("00003_c.sql"), broken).expect("a file");
        for (command, code) in [("status", 0), ("version", 0), ("down", 0), ("up", 29), ("validate", 29)] {
            let ended: Ended = if command == "validate" {
                migrate_command(&[command, "--dir"]).arg(files.path()).output().expect("migrate starts").into()
            } else {
                migrate(&database.url, files.path(), &[command])
            };
            assert_eq!(ended.code, code, "{broken:?}: {command}: {}", ended.stderr);
            assert!(command == "version" || ended.stderr.contains("00003_c.sql"), "{command}: {}", ended.stderr);
        }
        std::fs::remove_file(files.path().join("00003_c.sql")).expect("no file");
        assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    }
    // What goes by the files, and what passes over versions without one, would do something else than was asked for.
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    for words in [&["reset"][..], &["redo"], &["down", "--no-versioning"]] {
        std::fs::write(files.path().join("00001_a.sql"), "-- +goose Up\nSELECT 1\n").expect("a file");
        let ended = migrate(&database.url, files.path(), words);
        assert_eq!((ended.code, database.versions().len()), (29, 3), "{words:?}: {}", ended.stderr);
        std::fs::write(files.path().join(ONE.0), ONE.1).expect("a file");
    }
    // One that is applied cannot be undone, and nothing else is undone in its place.
    std::fs::write(files.path().join("00002_b.sql"), "-- +goose Up\nSELECT 1\n").expect("a file");
    let ended = migrate(&database.url, files.path(), &["down"]);
    assert_eq!((ended.code, database.versions()), (28, vec!["0".into(), "1".into(), "2".into()]), "{}", ended.stderr);
}

#[test]
fn files_of_other_tools_are_known_and_the_way_to_goose_files_is_told() {
    for (files, words) in [
        (
            &[("000001_a.up.sql", "CREATE TABLE a (id int);\n"), ("000001_a.down.sql", "DROP TABLE a;\n")][..],
            "golang-migrate or sqlx",
        ),
        (&[("V1__create_a.sql", "CREATE TABLE a (id int);\n")], "Flyway: name it like `00001_create_a.sql`"),
        (
            &[("20240101000000_a.sql", "-- migrate:up\nCREATE TABLE a (id int);\n\n-- migrate:down\nDROP TABLE a;\n")],
            "dbmate",
        ),
    ] {
        let (database, folder) = (Database::create(), folder(files));
        for command in ["validate", "up"] {
            let ended: Ended = if command == "validate" {
                migrate_command(&[command, "--dir"]).arg(folder.path()).output().expect("migrate starts").into()
            } else {
                migrate(&database.url, folder.path(), &[command])
            };
            assert_eq!(ended.code, 29, "{}", ended.stderr);
            assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        }
    }
}
