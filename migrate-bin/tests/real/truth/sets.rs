//! No database is migrated by a set that nobody named.

use std::process::Command;

use super::{ONE, TWO, there, told};
use crate::stage::{Database, Ended, example_command, folder, goose, migrate_command};

#[test]
fn the_program_that_is_installed_has_no_migrations_of_its_own() {
    let database = Database::create();
    for arguments in [
        &["up"][..],
        &["up", "--dry-run"],
        &["up-to", "3"],
        &["up-by-one"],
        &["down"],
        &["redo"],
        &["reset"],
        &["status"],
        &["plan"],
        &["plan", "--offline", "--from", "0"],
        &["validate"],
        &["lint"],
        &["check"],
        &["inspect", "1"],
        &["baseline", "--to", "3", "--yes"],
    ] {
        let mut command = migrate_command(arguments);
        let ended: Ended = command.env("DATABASE_URL", &database.url).output().expect("migrate starts").into();
        told(&ended, 2, &["no migrations are named", "--dir DIR", "GOOSE_MIGRATION_DIR", "nothing was changed"]);
    }
    assert_eq!(database.version_rows(), "(no table)");
    // What is about a database alone needs none.
    for arguments in [&["version"][..], &["journal"], &["unlock"], &["exit-codes"], &["explain", "L04"]] {
        let mut command = migrate_command(arguments);
        let ended: Ended = command.env("DATABASE_URL", &database.url).output().expect("migrate starts").into();
        assert!(!ended.stderr.contains("no migrations are named"), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn goose_s_variables_mean_what_they_mean_to_goose() {
    let files = folder(&[ONE, TWO]);
    let variables = |database: &Database, command: &mut Command| -> Ended {
        let url = format!("{}?sslmode=disable", database.url);
        command.env("GOOSE_DRIVER", "postgres").env("GOOSE_DBSTRING", url).env("GOOSE_TABLE", "public.versions");
        command.env("GOOSE_MIGRATION_DIR", files.path()).output().expect("it starts").into()
    };
    let database = Database::create();
    told(&variables(&database, &mut migrate_command(&["up"])), 0, &["at version 2"]);
    assert_eq!(database.rows("SELECT version_id FROM public.versions ORDER BY id"), ["0", "1", "2"]);
    let flag = folder(&[ONE]);
    let mut command = migrate_command(&["status"]);
    let ended = variables(&database, command.args(["--output", "json", "--dir"]).arg(flag.path()));
    let status: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(status["migrations"][1]["state"], "unknown", "the flag comes before the variable: {status}");
    let Some(goose) = goose("goose's variables") else { return };
    let theirs = Database::create();
    let mut command = Command::new(goose);
    assert_eq!(variables(&theirs, command.arg("up").env_clear()).code, 0);
    assert_eq!(theirs.rows("SELECT version_id FROM public.versions ORDER BY id"), ["0", "1", "2"]);
    assert_eq!(there(&theirs, "b"), there(&database, "b"));
}

#[test]
fn a_variable_for_another_database_is_not_taken_for_ours() {
    let files = folder(&[ONE]);
    for driver in ["mysql", "sqlite3", "redshift"] {
        let mut command = migrate_command(&["up", "--dir"]);
        command.arg(files.path()).env("GOOSE_DRIVER", driver).env("GOOSE_DBSTRING", "me:Xq7canary@tcp(db)/app");
        let ended: Ended = command.output().expect("migrate starts").into();
        told(&ended, 2, &[driver, "PostgreSQL only"]);
        assert!(!ended.stderr.contains("Xq7canary"), "{}", ended.stderr);
    }
}

#[test]
fn a_program_with_a_set_says_which_before_anything_else() {
    let database = Database::create();
    let run = |arguments: &[&str]| -> Ended {
        let mut command = example_command(arguments);
        command.args(["--database-url", &database.url]).env("GOOSE_MIGRATION_DIR", "/nowhere");
        command.output().expect("it starts").into()
    };
    for arguments in [&["up", "--to", "1"][..], &["status"], &["plan"], &["down"]] {
        let ended = run(arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let first = ended.stderr.lines().next().unwrap_or_default();
        for word in ["20 migrations built into this program", "migrations", "GOOSE_MIGRATION_DIR is left out"] {
            assert!(first.contains(word), "{arguments:?}: {first}");
        }
    }
    let files = folder(&[ONE]);
    let dir = files.path().display().to_string();
    let ended = run(&["up", "--dir", &dir]);
    let first = ended.stderr.lines().next().unwrap_or_default();
    assert!(first.contains(&dir) && first.contains("the 20 migrations") && first.contains("left out"), "{first}");
    assert!(there(&database, "a") && !there(&database, "users"));
    let mut command = example_command(&["up", "--log-format", "json", "--dry-run", "--database-url", &database.url]);
    let ended: Ended = command.output().expect("it starts").into();
    let first = ended.stderr.lines().next().unwrap_or_default();
    let line: serde_json::Value = serde_json::from_str(first).expect("JSON");
    assert_eq!(line["event"], "migrations", "{first}");
}
