//! The steps of `inspect`: what each statement does, from the schema that it meets.

use std::path::Path;

use serde_json::{Value, json};

use super::{A, alone, json};
use crate::stage::{folder, migrate_command};

const CHANGES: (&str, &str) = (
    "00002_changes.sql",
    "-- +goose Up\nALTER TABLE a ADD COLUMN b text;\nCREATE TABLE n (id int);\nCREATE INDEX n_id ON n (id);\n\
     DROP TABLE a;\n-- +goose Down\nCREATE TABLE a (id int);\n",
);

/// The steps of one direction.
fn steps(dir: &Path, which: &str, direction: &str) -> Vec<Value> {
    let ended = alone(dir, &["inspect", which, "--output", "json"]);
    let value = json(&ended.stdout);
    value[direction].as_array().into_iter().flatten().map(|statement| statement["step"].clone()).collect()
}

/// The locks of a step as `relation mode evidence`.
fn locks(step: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tell = |lock: &Value| ["relation", "mode", "evidence"].map(|key| word(&lock[key])).join(" ");
    step["locks"].as_array().into_iter().flatten().map(tell).collect()
}

#[test]
fn every_statement_has_a_step_with_every_field() {
    let files = folder(&[A, CHANGES]);
    let up = steps(files.path(), "2", "up");
    assert_eq!(up.len(), 4);
    for step in up.iter().chain(&steps(files.path(), "2", "down")) {
        assert!(step["verb"].as_str().is_some_and(|verb| !verb.is_empty()), "{step}");
        for key in ["objects", "locks", "rewrites", "scans"] {
            assert!(step[key].is_array(), "{key}: {step}");
        }
        assert_eq!((&step["runs"], step["destructive"].is_boolean()), (&"anywhere".into(), true), "{step}");
    }
    let destructive: Vec<&Value> = up.iter().map(|step| &step["destructive"]).collect();
    assert_eq!(destructive, [&json!(false), &json!(false), &json!(false), &json!(true)]);
}

#[test]
fn a_step_names_the_locks_on_what_was_there_before() {
    let files = folder(&[A, CHANGES]);
    let path = files.path().join(CHANGES.0);
    for which in ["2", "changes", path.to_str().expect("a path")] {
        let up = steps(files.path(), which, "up");
        assert!(locks(&up[0])[0].starts_with("a AccessExclusiveLock "), "{which}: {}", up[0]);
        assert_eq!(locks(&up[1]), [""; 0], "a table that the statement makes is in nobody's way");
        assert!(locks(&up[2])[0].starts_with("n ShareLock "), "{which}: {}", up[2]);
    }
    let whole = json(&alone(files.path(), &["inspect", "--output", "json"]).stdout);
    assert_eq!(whole[1], json(&alone(files.path(), &["inspect", "2", "--output", "json"]).stdout));
}

#[test]
fn what_runs_outside_a_transaction_only_says_so() {
    let text = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY a_id ON a (id);\n";
    let files = folder(&[A, ("00002_index.sql", text)]);
    let step = steps(files.path(), "2", "up").remove(0);
    assert_eq!(step["runs"], "outside-transaction", "{step}");
    let told = alone(files.path(), &["inspect", "2"]).stdout;
    assert!(told.contains("--   runs outside a transaction only\nCREATE INDEX CONCURRENTLY"), "{told}");
}

#[test]
fn a_file_alone_meets_a_database_of_which_nothing_is_known() {
    for name in ["draft.sql", "00031_later.sql"] {
        let files = folder(&[(name, "-- +goose Up\nALTER TABLE users ADD COLUMN b text;\n")]);
        let path = files.path().join(name);
        let step = steps(files.path(), path.to_str().expect("a path"), "up").remove(0);
        assert_eq!(locks(&step), ["users AccessExclusiveLock assumed"], "{name}: {step}");
        assert_eq!(step["assumed"], true);
    }
}

#[test]
fn a_direction_that_can_be_read_has_its_steps_although_the_other_is_refused() {
    let files = folder(&[A, ("00002_b.sql", "-- +goose Up\nDROP TABLE a;\n-- +goose Down\nSELECT 1\n")]);
    let path = files.path().join("00002_b.sql");
    let step = steps(files.path(), path.to_str().expect("a path"), "up").remove(0);
    assert!(locks(&step)[0].starts_with("a AccessExclusiveLock"), "{step}");
}

#[test]
fn what_variables_make_is_known_once_they_are_filled_in() {
    let first = "-- +goose ENVSUB ON\n-- +goose Up\nCREATE TABLE ${NAME:-users} (id int);\n";
    let files =
        folder(&[("00001_a.sql", first), ("00002_b.sql", "-- +goose Up\nALTER TABLE users ADD COLUMN b int;\n")]);
    let evidence = |name: Option<&str>| {
        let mut command = migrate_command(&["inspect", "2", "--output", "json", "--dir"]);
        command.arg(files.path()).envs(name.map(|name| ("NAME", name)));
        let output = command.output().expect("migrate starts");
        let value = json(&String::from_utf8_lossy(&output.stdout));
        locks(&value["up"][0]["step"])
    };
    assert!(evidence(None)[0].starts_with("users AccessExclusiveLock"), "{:?}", evidence(None));
    assert_ne!(evidence(None), evidence(Some("others")), "then nothing is known of users");
}

#[test]
fn the_text_form_says_above_each_statement_what_it_does() {
    let files = folder(&[A, CHANGES]);
    let told = alone(files.path(), &["inspect", "2"]).stdout;
    for part in ["ACCESS EXCLUSIVE on a (blocks reads and writes)", "--   data is lost", "--   blocks nobody"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
