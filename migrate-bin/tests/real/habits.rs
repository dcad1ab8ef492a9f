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
    assert_eq!((ended.code, database.versions()), (29, vec!["0".into(), "1".into(), "2".into()]), "{}", ended.stderr);
    assert!(ended.stderr.contains("00002_b.sql:2"), "{}", ended.stderr);
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_line_in_status_and_is_not_called_unknown() {
    let (database, files) = (Database::create(), folder(&[ONE, TWO]));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    for name in [TWO.0, "00003_c.sql"] {
        std::fs::write(files.path().join(name), "-- +goose Up\nSELECT 1\n").expect("a file");
    }
    let ended = migrate(&database.url, files.path(), &["status", "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let lines = told["migrations"].as_array().expect("lines");
    let states: Vec<_> = lines.iter().map(|line| (line["version"].as_i64(), &line["name"], &line["state"])).collect();
    let (b, c) = (serde_json::json!("b"), serde_json::json!("c"));
    assert_eq!(states[1..], [(Some(2), &b, &"applied".into()), (Some(3), &c, &"pending".into())], "{told}");
    assert!(migrate(&database.url, files.path(), &["status"]).stderr.contains("; 1 not applied"));
}

#[test]
fn an_empty_database_url_on_the_command_line_leads_to_no_other_database() {
    let (database, files) = (Database::create(), folder(&[ONE]));
    let dir = files.path().to_str().expect("a path");
    let elsewhere = [("DATABASE_URL", database.url.as_str()), ("PGHOST", "127.0.0.1")];
    for arguments in [
        &["-dir", dir, "postgres", "", "up"][..],
        &["-dir", dir, "postgres", " ", "reset"],
        &["up", "--dir", dir, "--database-url", ""],
        &["version", "--output", "json", "--database-url="],
    ] {
        let ended = run(arguments, &elsewhere);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("the database URL on the command line is empty"), "{}", ended.stderr);
    }
    assert_eq!(database.version_rows(), "(no table)");
}

#[test]
fn goose_s_connection_string_is_named_where_another_variable_goes_before_it() {
    let (database, files) = (Database::create(), folder(&[ONE]));
    let dir = files.path().to_str().expect("a path");
    let goose = ("GOOSE_DBSTRING", "postgres://nobody:Xq7canary@127.0.0.1:1/nowhere");
    let ended = run(&["up", "--dir", dir], &[("DATABASE_URL", &database.url), goose, ("GOOSE_DRIVER", "postgres")]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("GOOSE_DBSTRING is left out: DATABASE_URL goes before it"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("Xq7canary"), "{}", ended.stderr);
}

#[test]
fn a_makefile_s_flags_before_every_command_do_no_harm() {
    let (database, files) = (Database::create(), folder(&[ONE, TWO]));
    let (dir, url) = (files.path().to_str().expect("a path"), database.url.as_str());
    for command in ["up", "status", "version", "down", "fix", "validate"] {
        let before = ["-dir", dir, "-timeout", "1m", "-allow-missing", "-table", "", "postgres", url];
        let ended = run(&[&before[..], &[command]].concat(), &[]);
        assert_eq!(ended.code, 0, "{command}: {}", ended.stderr);
    }
    let ended = run(&["-dir", dir, "-timeout", "0s", url, "up"], &[("GOOSE_DRIVER", "postgres")]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let ended = run(&["-no-versioning", "-dir", dir, "postgres", url, "status"], &[]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
}

/// What is advised in backticks, typed as it stands.
#[test]
fn the_command_that_a_failure_advises_is_about_the_same_migrations() {
    let broken = ("00003_c.sql", "-- +goose Up\nCREATE TABLE c (id int);\nSELECT 1/0;\n");
    let (database, files) = (Database::create(), folder(&[ONE, TWO, broken]));
    let dir = files.path().to_str().expect("a path");
    let variables = [("DATABASE_URL", database.url.as_str())];
    let ended = run(&["up", "--dir", dir, "--table", "app_versions", "--allow-missing"], &variables);
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    let advice = ended.stderr.split("then run `").nth(1).and_then(|rest| rest.split('`').next()).expect("a command");
    std::fs::write(files.path().join(broken.0), "-- +goose Up\nCREATE TABLE c (id int);\n").expect("a file");
    let words: Vec<&str> = advice.split(' ').skip(1).collect();
    assert_eq!(words.last(), Some(&"--allow-missing"), "{advice}");
    let ended = run(&words, &variables);
    assert_eq!(ended.code, 0, "{advice}: {}", ended.stderr);
    assert_eq!(database.rows("SELECT max(version_id) FROM app_versions"), ["3"]);
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
