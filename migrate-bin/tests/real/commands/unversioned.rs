//! `--no-versioning`: the files run whatever the version table says, in goose's order, and it is left alone.

use std::path::Path;

use crate::stage::{Database, folder, goose, migrate, run_goose};

/// Files that write down what was run.
fn diary() -> tempfile::TempDir {
    let files: Vec<(String, String)> = [1, 2, 10]
        .map(|version| {
            let text = format!(
                "-- +goose Up\nINSERT INTO diary (entry) VALUES ('up {version}');\n\
                 -- +goose Down\nINSERT INTO diary (entry) VALUES ('down {version}');\n"
            );
            (format!("{version}_x.sql"), text)
        })
        .into();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(&files)
}

/// Commands in goose's words, and what they run.
const RUNS: [(&[&str], &str); 10] = [
    (&["up"], "up 1, up 2, up 10"),
    (&["up"], "up 1, up 2, up 10"),
    (&["up-to", "2"], "up 1, up 2"),
    (&["up-by-one"], "up 1"),
    (&["up-by-one"], "up 1"),
    (&["down"], "down 10"),
    (&["down-to", "1"], "down 10, down 2"),
    (&["down-to", "10"], ""),
    (&["reset"], "down 10, down 2, down 1"),
    (&["redo"], "down 10, up 10"),
];

fn entries(database: &Database) -> String {
    let entries = database.rows("SELECT entry FROM diary ORDER BY id").join(", ");
    database.rows("TRUNCATE diary");
    entries
}

fn every_run(run: impl Fn(&Database, &Path, &[&str]) -> i32) {
    let database = Database::create();
    database.rows("CREATE TABLE diary (id serial, entry text)");
    let files = diary();
    for (arguments, ran) in RUNS {
        let code = run(&database, files.path(), arguments);
        assert_eq!((code, entries(&database).as_str()), (0, ran), "{arguments:?}");
        assert_eq!(database.version_rows(), "(no table)", "{arguments:?}");
    }
}

#[test]
fn every_command_runs_its_files_and_leaves_the_version_table_alone() {
    every_run(|database, dir, arguments| migrate(&database.url, dir, &[arguments, &["--no-versioning"]].concat()).code);
}

#[test]
fn goose_runs_the_same_files() {
    let Some(goose) = goose("goose_runs_the_same_files") else { return };
    every_run(|database, dir, arguments| {
        run_goose(&goose, &database.url, dir, &[&["-no-versioning"], arguments].concat()).code
    });
}

#[test]
fn recorded_versions_do_not_count_and_do_not_change() {
    let database = Database::create();
    database.rows("CREATE TABLE diary (id serial, entry text)");
    let files = diary();
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let rows = database.version_rows();
    assert_eq!(entries(&database), "up 1, up 2, up 10");
    let ended = migrate(&database.url, files.path(), &["up", "--no-versioning"]);
    assert!(ended.stderr.contains("neither read nor written"), "{}", ended.stderr);
    assert_eq!((entries(&database).as_str(), database.version_rows()), ("up 1, up 2, up 10", rows));
}

/// Whatever the table holds, nobody looked.
#[test]
fn a_failure_says_nothing_of_versions_that_were_not_read() {
    let database = Database::create();
    database.rows("CREATE TABLE diary (id serial, entry text)");
    let whole = diary();
    assert_eq!(migrate(&database.url, whole.path(), &["up"]).code, 0);
    for (text, code, state) in [
        ("-- +goose Up\nSELECT 1/0;\n", 25, "1_x.sql was rolled back; the version table was neither read nor written"),
        (
            "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\nSELECT 1/0;\n",
            26,
            "1 of 2 statements of 1_x.sql are done and stay done, because it has NO TRANSACTION; the version table was \
             neither read nor written",
        ),
    ] {
        let files = folder(&[("1_x.sql", text)]);
        let ended = migrate(&database.url, files.path(), &["up", "--no-versioning"]);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains(state) && !ended.stderr.contains("at version"), "{}", ended.stderr);
    }
}
