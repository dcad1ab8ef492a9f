//! What holds for every workflow below `.github`.

use std::process::Command;

use serde_json::{Value, json};

use crate::rendered::objects;
use crate::stage::{folder, text, workspace};

pub(crate) fn workflow(name: &str) -> Value {
    objects(&text(&workspace().join(".github/workflows").join(name))).remove(0)
}

pub(crate) fn steps<'a>(workflow: &'a Value, job: &str) -> &'a Vec<Value> {
    workflow["jobs"][job]["steps"].as_array().expect("steps")
}

/// Name and content of each.
fn all() -> Vec<(String, Value)> {
    #[expect(clippy::disallowed_methods, reason = "a folder of the repository")]
    let entries = std::fs::read_dir(workspace().join(".github/workflows")).expect("workflows");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
    names.map(|name| (name.clone(), workflow(&name))).collect()
}

#[test]
fn every_job_ends_and_says_what_it_may() {
    for (name, workflow) in all() {
        for (job, content) in workflow["jobs"].as_object().expect("jobs") {
            assert!(content["timeout-minutes"].is_u64(), "{name}: {job} ends");
            assert!(
                workflow["permissions"].as_object().or(content["permissions"].as_object()).is_some(),
                "{name}: {job}"
            );
        }
    }
}

#[test]
fn every_action_has_a_version_and_every_script_is_one_without_a_value_in_it() {
    for (name, workflow) in all() {
        for step in workflow["jobs"].as_object().expect("jobs").keys().flat_map(|job| steps(&workflow, job)) {
            let uses = step["uses"].as_str().unwrap_or("x@v1");
            let version = uses.rsplit_once("@v").map_or("", |(_, version)| version);
            assert!(version.parse::<u32>().is_ok(), "{name}: {uses}");
            let script = step["run"].as_str().unwrap_or_default();
            assert!(!script.contains("${{"), "{name}: a value in a script is a way in: {script}");
            let place = folder(&[("step.sh", script)]);
            let checked = Command::new("bash").arg("-n").arg(place.path().join("step.sh")).status().expect("bash");
            assert!(checked.success(), "{name}: {script}");
        }
    }
}

#[test]
fn a_release_is_there_when_all_of_its_parts_are_and_only_its_last_job_may_write_it() {
    let release = workflow("release.yml");
    assert_eq!(release["jobs"]["release"]["needs"], json!(["archives", "image"]));
    assert_eq!(release["permissions"], json!({}));
    assert_eq!(release["jobs"]["archives"]["permissions"], json!({ "contents": "read" }));
    assert_eq!(release["jobs"]["image"]["permissions"]["contents"], "read");
}
