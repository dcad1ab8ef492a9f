//! `lock`, and what a lock and the settings do to the other commands.

use std::path::Path;

use serde_json::json;

use super::{A, B, alone, done, json};
use crate::stage::{Database, folder, migrate_command, names, text};

const C: (&str, &str) = ("00003_c.sql", "-- +goose Up\nCREATE TABLE c (id int);\n");
const LOCK: &str = "migrate.lock";

fn put(dir: &Path, (name, text): (&str, &str)) {
    std::fs::write(dir.join(name), text).expect("a file");
}

/// The codes of what `validate` finds, by file.
fn codes(dir: &Path) -> Vec<String> {
    let ended = alone(dir, &["validate", "--output", "json"]);
    let value = json(&ended.stdout);
    let codes = value["diagnostics"].as_array().into_iter().flatten();
    let codes: Vec<String> = codes.map(|found| found["code"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(ended.code, if codes.is_empty() { 0 } else { 29 }, "{}", ended.stderr);
    codes
}

#[test]
fn lock_names_every_migration_and_says_what_it_changed() {
    let files = folder(&[A, B]);
    let first = alone(files.path(), &["lock"]);
    assert_eq!((first.code, first.stdout.as_str()), (0, "added 00001_a.sql\nadded 00002_b.sql\n"), "{}", first.stderr);
    let lock = text(&files.path().join(LOCK));
    let firsts: Vec<&str> = lock.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(firsts, ["#", "00001_a.sql", "00002_b.sql", "set"]);
    let again = alone(files.path(), &["lock"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{}", again.stderr);
    assert_eq!(text(&files.path().join(LOCK)), lock);
    put(files.path(), (A.0, B.1));
    std::fs::rename(files.path().join(B.0), files.path().join("00003_b.sql")).expect("a rename");
    let accepted = alone(files.path(), &["lock", "--output", "json"]);
    let changes = json!({ "path": files.path().join(LOCK), "changes": [
        { "file": "00001_a.sql", "change": "changed" },
        { "file": "00002_b.sql", "change": "removed" },
        { "file": "00003_b.sql", "change": "added" },
    ]});
    assert_eq!((accepted.code, json(&accepted.stdout)), (0, changes), "{}", accepted.stderr);
    assert_eq!(codes(files.path()), Vec::<String>::new());
}

#[test]
fn lock_writes_nothing_over_a_folder_with_problems_but_anew_over_a_lock_that_git_left_unmerged() {
    let files = folder(&[A, ("00002_b.sql", "garbage\n"), (LOCK, "<<<<<<< HEAD\n")]);
    assert_eq!(alone(files.path(), &["lock"]).code, 29);
    assert_eq!(text(&files.path().join(LOCK)), "<<<<<<< HEAD\n");
    put(files.path(), B);
    let ended = alone(files.path(), &["lock"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("git could not merge this lock"), "{}", ended.stderr);
    assert_eq!(alone(files.path(), &["lock", "--check"]).code, 0);
}

#[test]
fn check_wants_a_lock_of_just_these_migrations_and_writes_nothing() {
    let files = folder(&[A, B]);
    let none = alone(files.path(), &["lock", "--check"]);
    assert_eq!(none.code, 29);
    assert!(
        none.stderr.contains("has no migrate.lock") && none.stderr.contains(" lock`, and commit it"),
        "{}",
        none.stderr
    );
    assert_eq!(names(files.path()), [A.0, B.0]);
    assert_eq!(alone(files.path(), &["lock"]).code, 0);
    assert_eq!(alone(files.path(), &["lock", "--check"]).code, 0);
    let lock = text(&files.path().join(LOCK));
    put(files.path(), C);
    let new = alone(files.path(), &["lock", "--check"]);
    assert_eq!((new.code, new.stdout.as_str()), (29, "added 00003_c.sql\n"));
    assert!(new.stderr.contains("not locked yet: 00003_c.sql"), "{}", new.stderr);
    put(files.path(), (A.0, C.1));
    let edited = alone(files.path(), &["lock", "--check"]);
    assert_eq!(edited.code, 29);
    assert!(edited.stderr.contains("error[K01 locked-file-changed]"), "{}", edited.stderr);
    assert_eq!(text(&files.path().join(LOCK)), lock);
}

#[test]
fn validate_refuses_what_the_lock_refuses_and_lets_new_files_above_it_be() {
    let files = folder(&[A, C]);
    assert_eq!(alone(files.path(), &["lock"]).code, 0);
    put(files.path(), ("00004_d.sql", C.1));
    assert_eq!(codes(files.path()), Vec::<String>::new());
    put(files.path(), (A.0, &A.1.replace('\n', "\r\n")));
    assert_eq!(codes(files.path()), Vec::<String>::new(), "line ends are no edit");
    put(files.path(), (A.0, &A.1.replace("int", "bigint")));
    put(files.path(), B);
    std::fs::remove_file(files.path().join(C.0)).expect("a file");
    std::fs::remove_file(files.path().join("00004_d.sql")).expect("a file");
    assert_eq!(codes(files.path()), ["K01", "K03", "K02"], "by path");
    put(files.path(), (LOCK, "garbage\n"));
    assert_eq!(codes(files.path()), ["K04"]);
}

#[test]
fn fix_takes_the_lock_along_and_numbers_what_is_new_after_it() {
    let times = ["20240101000000_old.sql", "20240301000000_last.sql"];
    let files = folder(&[A, (times[0], B.1), (times[1], C.1)]);
    assert_eq!(alone(files.path(), &["lock"]).code, 0);
    put(files.path(), ("20240201000000_new.sql", "-- +goose Up\nCREATE TABLE d (id int);\n"));
    assert_eq!(codes(files.path()), ["K03"]);
    let ended = alone(files.path(), &["fix"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(names(files.path()), [A.0, "00002_old.sql", "00003_last.sql", "00004_new.sql", LOCK]);
    assert_eq!(codes(files.path()), Vec::<String>::new());
    let check = alone(files.path(), &["lock", "--check"]);
    assert!(check.stderr.contains("not locked yet: 00004_new.sql"), "{}", check.stderr);
}

#[test]
fn create_leaves_the_lock_alone() {
    let files = folder(&[A]);
    assert_eq!(alone(files.path(), &["lock"]).code, 0);
    let lock = text(&files.path().join(LOCK));
    assert_eq!(alone(files.path(), &["create", "x", "-s"]).code, 0);
    assert_eq!(text(&files.path().join(LOCK)), lock);
    assert_eq!(codes(files.path()), Vec::<String>::new());
}

#[test]
fn a_database_is_changed_and_asked_whatever_the_lock_says() {
    let database = Database::create();
    let files = folder(&[A, B, (LOCK, "garbage\n")]);
    for arguments in [&["plan"][..], &["up"], &["status"], &["down"]] {
        done(&database, files.path(), arguments);
    }
}

#[test]
fn validate_reads_the_settings_above_the_folder_or_those_it_is_given() {
    let root = folder(&[("m/00001_a.sql", A.1), ("migrate.toml", "[lint]\njudge_from = 2\n"), ("ours.toml", "")]);
    let dir = root.path().join("m");
    assert_eq!(codes(&dir), ["C01"]);
    let ended = alone(&dir.join(A.0), &["validate"]);
    assert_eq!(ended.code, 29);
    for word in ["error[C01 bad-config]", "migrate.toml:2:1", "expected `judge-from`"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    let with = |name: &str| alone(&dir, &["validate", "--config", root.path().join(name).to_str().expect("a path")]);
    assert_eq!(with("ours.toml").code, 0, "{}", with("ours.toml").stderr);
    let none = with("none.toml");
    assert_eq!(none.code, 20, "{}", none.stderr);
    assert!(none.stderr.contains("there is no file") && none.stderr.contains("--config"), "{}", none.stderr);
}

#[test]
fn settings_are_shown_by_the_path_from_the_working_folder() {
    let root = folder(&[("m/00001_a.sql", A.1), ("migrate.toml", "x = 1\n")]);
    let output =
        migrate_command(&["validate", "--dir", "m"]).current_dir(root.path()).output().expect("migrate starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("--> migrate.toml:1:1"), "{told}");
}
