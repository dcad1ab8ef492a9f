//! A folder or a file that goose could not read, or that PostgreSQL could not run.

use super::{GOOD, assert_refused, assert_untouched};
use crate::stage::{Database, folder, migrate, migrate_command};

/// A file that refuses the folder it is in, with the code and the place of the message.
const BAD_FILES: [(&str, &str, &str, &str); 13] = [
    ("seed.sql", "-- +goose Up\nSELECT 1;\n", "N01 bad-name", "seed.sql"),
    ("1_b.sql", "-- +goose Up\nSELECT 1;\n", "N02 duplicate-version", "1_b.sql"),
    ("00002_b.sql", "\u{feff}-- +goose Up\nSELECT 1;\n", "P09 sql-before-up", "00002_b.sql:1:1"),
    ("00002_b.sql", "-- +goose Up\nSELECT 1\n", "P12 missing-semicolon", "00002_b.sql:2:1"),
    ("00002_b.sql", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n", "P11 block-not-closed", "00002_b.sql:2:1"),
    ("00002_b.sql", "-- +goose Down\nSELECT 1;\n-- +goose Up\n", "P06 down-out-of-place", "00002_b.sql:1:1"),
    ("00002_b.sql", "-- a\nSELECT 1;\n-- +goose Up\n", "P09 sql-before-up", "00002_b.sql:2:1"),
    ("00002_b.sql", "-- nothing\n", "P10 no-up", "00002_b.sql"),
    ("00002_b.sql", "-- +goose Up\nSELECT 'a\0b';\n", "P32 nul-byte", "00002_b.sql:2:10"),
    ("00002_b.sql", "-- +goose Up\nCOPY a FROM stdin;\n", "P33 copy-data", "00002_b.sql:2:1"),
    ("00002_b.sql", "-- +goose Up\n-- see +goose docs\n", "P04 annotation-unknown", "00002_b.sql:2"),
    (
        "00002_b.sql",
        "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\nCREATE TABLE b (id int);\n",
        "P30 block-drops-sql",
        "00002_b.sql:4:1",
    ),
    ("00002_b.sql", "-- +goose ENVSUB ON\n-- +goose Up\nSELECT ${1};\n", "P14 variable-name", "00002_b.sql:3"),
];

#[test]
fn one_bad_file_refuses_the_folder_before_anything_runs_and_says_where_it_is_bad() {
    let database = Database::create();
    for (name, text, code, place) in BAD_FILES {
        let files = folder(&[GOOD, (name, text)]);
        let shown = format!("{}/{place}", files.path().display());
        let ended = migrate(&database.url, files.path(), &["up"]);
        assert_refused(&ended, 29, &[&format!("error[{code}]"), &shown, "help: ", "nothing was changed"]);
        // What is wrong with one file is told, and keeps nobody from looking at what is applied.
        let ended = migrate(&database.url, files.path(), &["status"]);
        assert_eq!(ended.code, if code.starts_with('N') { 29 } else { 0 }, "{code}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("error[{code}]")) && ended.stderr.contains(&shown), "{}", ended.stderr);
        assert_untouched(&database);
    }
}

#[test]
fn a_file_that_is_not_utf_8_names_the_byte_and_its_line() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    std::fs::write(files.path().join("00002_b.sql"), b"-- +goose Up\nSELECT '\xe9';\n").expect("a file");
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_refused(&ended, 29, &["error[N03 not-utf-8]", "00002_b.sql", "0xE9", "line 2"]);
    assert_untouched(&database);
}

#[test]
fn a_line_of_five_mebibytes_is_refused_without_being_printed() {
    let database = Database::create();
    let text = format!("-- +goose Up\nSELECT '{}';\n", "x".repeat(5 << 20));
    let files = folder(&[GOOD, ("00002_b.sql", &text)]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_refused(&ended, 29, &["error[P13 line-too-long]", "00002_b.sql:2:1"]);
    assert!(ended.stderr.len() < 2_000, "{} bytes", ended.stderr.len());
    assert_untouched(&database);
}

#[test]
fn a_folder_that_is_missing_empty_or_a_file_is_named() {
    let database = Database::create();
    let files = folder(&[GOOD, ("empty/README.md", "")]);
    for (dir, code) in [("nowhere", "N05 no-folder"), ("empty", "N06 no-migrations"), ("00001_a.sql", "N05 no-folder")]
    {
        let ended = migrate(&database.url, &files.path().join(dir), &["up"]);
        assert_refused(&ended, 29, &[&format!("error[{code}]"), dir, "help: ", "nothing was changed"]);
    }
    assert_untouched(&database);
}

#[test]
fn a_folder_named_like_a_migration_is_refused() {
    let database = Database::create();
    let files = folder(&[GOOD, ("00002_b.sql/x", "")]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_refused(&ended, 29, &["error[N04 unreadable]", "00002_b.sql"]);
    assert_untouched(&database);
}

/// Nobody writes into it: whoever reads it waits for ever.
#[test]
fn a_pipe_named_like_a_migration_is_refused_and_not_read() {
    let files = folder(&[GOOD]);
    let pipe = files.path().join("00002_pipe.sql");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts").success());
    let (database, words) = (Database::create(), ["00002_pipe.sql", "a device, a pipe or a socket"]);
    assert_refused(&migrate(&database.url, files.path(), &["up"]), 29, &words);
    let ended = migrate_command(&["validate", "--dir"]).arg(files.path()).output().expect("migrate starts").into();
    assert_refused(&ended, 29, &words);
    assert_untouched(&database);
}

/// As `<(pg_dump …)` of a shell gives it.
#[test]
fn a_pipe_that_is_named_is_read() {
    let (files, dump) = (folder(&[GOOD]), tempfile::NamedTempFile::new().expect("a file"));
    std::fs::write(dump.path(), "CREATE TABLE public.piped (id integer);\n").expect("a file");
    let mut cat = std::process::Command::new("cat");
    let mut cat = cat.arg(dump.path()).stdout(std::process::Stdio::piped()).spawn().expect("cat starts");
    let mut command = migrate_command(&["create", "piped", "-s", "--from-dump", "/dev/stdin", "--dir"]);
    command.arg(files.path()).stdin(cat.stdout.take().expect("a pipe"));
    let ended: crate::stage::Ended = command.output().expect("migrate starts").into();
    assert!(cat.wait().expect("its end").success());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(crate::stage::text(&files.path().join("00002_piped.sql")).contains("CREATE TABLE public.piped"));
}

#[test]
fn all_problems_of_a_folder_are_told_at_once() {
    let files = folder(&[
        ("00001_a.sql", "SELECT 1;\n-- +goose Up\n"),
        ("00002_b.sql", "-- +goose Up\nSELECT 1\n"),
        ("seed.sql", "-- +goose Up\n"),
    ]);
    let ended: crate::stage::Ended =
        migrate_command(&["validate", "--dir"]).arg(files.path()).output().expect("migrate starts").into();
    assert_eq!(ended.code, 29, "{}", ended.stderr);
    for code in ["P09", "P12", "N01", "3 errors"] {
        assert!(ended.stderr.contains(code), "{code} is not in\n{}", ended.stderr);
    }
}

#[test]
fn a_problem_as_json_has_its_code_file_line_and_column() {
    let files = folder(&[("00001_a.sql", "-- +goose Up\n\nSELECT 1\n")]);
    let mut command = migrate_command(&["validate", "--log-format", "json", "--dir"]);
    let ended: crate::stage::Ended = command.arg(files.path()).output().expect("migrate starts").into();
    let lines: Vec<serde_json::Value> =
        ended.stderr.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let [problem, end] = lines.as_slice() else { panic!("{}", ended.stderr) };
    assert_eq!((&problem["code"], &problem["line"], &problem["column"]), (&"P12".into(), &3.into(), &1.into()));
    assert!(problem["file"].as_str().is_some_and(|file| file.ends_with("00001_a.sql")), "{problem}");
    assert_eq!((&end["event"], &end["exit"]), (&"failed".into(), &29.into()));
}

#[test]
fn a_value_that_breaks_a_file_is_refused_at_its_line_before_anything_runs() {
    let database = Database::create();
    let text = "-- +goose ENVSUB ON\n-- +goose Up\nCREATE TABLE ${NAME?name the table} (id int);\n";
    let files = folder(&[GOOD, ("00002_b.sql", text)]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_refused(&ended, 29, &["name the table", "00002_b.sql:3:14", "nothing was changed"]);
    assert_untouched(&database);
}

/// The folder is read while the command connects, and what is wrong with it is said first.
#[test]
fn nobody_waits_for_a_server_with_files_that_are_refused() {
    let files = folder(&[GOOD, ("00002_b.sql", "-- +goose Sideways\n")]);
    let nobody = "postgres://postgres@127.0.0.1:1/postgres";
    for arguments in [&["up"][..], &["up", "--dry-run"], &["up-by-one"], &["reset"]] {
        let ended = migrate(nobody, files.path(), &[arguments, &["--connect-wait", "10m"]].concat());
        assert_eq!(ended.code, 29, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("00002_b.sql"), "{arguments:?}: {}", ended.stderr);
    }
    let database = Database::create();
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((ended.code, database.version_rows().as_str()), (29, "(no table)"), "{}", ended.stderr);
}
