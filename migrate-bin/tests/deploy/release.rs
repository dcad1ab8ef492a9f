//! A release from its Job to its Pods, told in one go: what the Job leaves behind is what the gate of the Pods sees.

use std::path::Path;

use serde_json::{Value, json};

use crate::controller::JobEnd;
use crate::manifests::objects;
use crate::pods::{Pod, job_of};
use crate::stage::{Database, Ended, folder, migrate_command, text, workspace};

const FIRST: (&str, &str) = ("00001_users.sql", "-- +goose Up\nCREATE TABLE users (id int);\n");
const BROKEN: &str = "-- +goose Up\nALTER TABLE users ADD COLUMN email text;\nCREATE INDEX ON users (e_mail);\n";

/// The arguments of the init container, which is the gate of an application that has none in its process.
fn gate_arguments() -> Vec<String> {
    let patch = text(&workspace().join("deploy/components/init-container/deployment.yaml"));
    let arguments = objects(&patch).remove(0)["spec"]["template"]["spec"]["initContainers"][0]["args"].clone();
    arguments.as_array().expect("arguments").iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// What the init container of a new Pod says at once; `patience` instead of the manifest's, which is minutes.
fn gate(url: &str, files: &Path, patience: &str) -> (Ended, Value) {
    let place = folder(&[("url", url)]);
    let log = place.path().join("log");
    let arguments: Vec<String> = gate_arguments().iter().map(|word| word.replace("300s", patience)).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = migrate_command(&arguments);
    command
        .env("DATABASE_URL_FILE", place.path().join("url"))
        .arg("--dir")
        .arg(files)
        .arg("--termination-log")
        .arg(&log);
    let ended: Ended = command.output().expect("migrate starts").into();
    (ended, serde_json::from_str(&text(&log)).expect("JSON"))
}

#[test]
fn a_release_whose_job_fails_leaves_the_old_pods_ready_and_lets_no_new_one_start_until_it_is_mended() {
    let database = Database::create();
    let old = folder(&[FIRST]);
    // A Pod that comes before its Job does not start.
    let (ended, message) = gate(&database.url, old.path(), "0s");
    assert_eq!((ended.code, &message["exit"]), (14, &json!(14)), "{message}");
    // The Job, and the Pods of the first release.
    assert_eq!(job_of(&Pod::with(&database.url, &[FIRST], &[])).0.how, JobEnd::Complete);
    let (ended, message) = gate(&database.url, old.path(), "300s");
    assert_eq!((ended.code, &message["exit"]), (0, &json!(0)), "{message}");
    // The next release has a migration that fails: its Job fails for good, and says which line.
    let next = [FIRST, ("00002_email.sql", BROKEN)];
    let job = Pod::with(&database.url, &next, &[]);
    let (ended, code) = job_of(&job);
    assert_eq!((ended.how, ended.pods.len(), code), (JobEnd::PodFailurePolicy, 1, 25));
    let message = job.message();
    assert_eq!((&message["sqlstate"], &message["line"]), (&json!("42703"), &json!(3)), "{message}");
    // Old Pods that are started again are ready; a new one is not, and says what is missing.
    assert_eq!(gate(&database.url, old.path(), "0s").0.code, 0);
    let new = folder(&next);
    let (ended, message) = gate(&database.url, new.path(), "0s");
    assert_eq!(ended.code, 10, "{}", ended.stderr);
    assert!(message["message"].as_str().is_some_and(|message| message.contains('2')), "{message}");
    // Mended and released again: both releases may run while it rolls.
    let mended = BROKEN.replace("e_mail", "email");
    let fixed = [FIRST, ("00002_email.sql", mended.as_str())];
    assert_eq!(job_of(&Pod::with(&database.url, &fixed, &[])).0.how, JobEnd::Complete);
    assert_eq!(gate(&database.url, folder(&fixed).path(), "0s").0.code, 0);
    let (ended, message) = gate(&database.url, old.path(), "0s");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(message["message"].as_str().is_some_and(|message| message.contains("ahead")), "{message}");
}
