//! Every manifest before the real API server: strict validation, admission and Pod Security *restricted*, nothing stored.

use serde_json::{Value, json};

use crate::control_plane::Namespace;
use crate::rendered::{job_of_release, objects, rendered};

#[test]
fn the_api_server_accepts_every_manifest_and_every_rendered_variant_without_a_warning() {
    let Some(namespace) = Namespace::create("manifests before an API server") else { return };
    let Some(all) = rendered("manifests before an API server") else { return };
    for (variant, yaml) in all {
        let told =
            namespace.kubectl_with(&["create", "--dry-run=server", "--validate=strict", "-f", "-"], &objects(&yaml));
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{variant}");
    }
}

/// What the tests without a cluster find by rules of their own is what the API server refuses.
#[test]
fn the_api_server_refuses_the_policies_that_our_own_rules_refuse() {
    let Some(namespace) = Namespace::create("policies before an API server") else { return };
    let pod = "/spec/template/spec";
    let codes = "/spec/podFailurePolicy/rules/1/onExitCodes";
    for (pointer, value, words) in [
        (format!("{pod}/restartPolicy"), json!("OnFailure"), "only \"Never\" is supported when podFailurePolicy"),
        ("/spec/podReplacementPolicy".to_owned(), json!("TerminatingOrFailed"), "supported values: \"Failed\""),
        (format!("{codes}/values"), json!([0, 2]), "must not be 0 for the In operator"),
        (format!("{codes}/values"), json!([20, 2]), "must be ordered"),
        (format!("{codes}/values"), json!([]), "at least one value is required"),
        (format!("{codes}/containerName"), json!("other"), "must be one of the container or initContainer names"),
        ("/spec/podFailurePolicy/rules/1/action".to_owned(), json!("FailIndex"), "backoffLimitPerIndex"),
    ] {
        let mut job = job_of_release("r1");
        *job.pointer_mut(&pointer).expect("a place") = value;
        let told = namespace.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &[job]);
        assert!(told.code == 1 && told.stderr.contains(words), "{pointer}: {told:?}");
    }
}

/// The reason why each release has a Job of its own name.
#[test]
fn the_template_of_a_job_cannot_be_changed_and_the_next_release_has_another_name() {
    let Some(namespace) = Namespace::create("field is immutable") else { return };
    let mut job: Value = job_of_release("r1");
    job["spec"]["suspend"] = json!(true);
    namespace.apply(&[job.clone()]);
    let image = "/spec/template/spec/containers/0/image";
    *job.pointer_mut(image).expect("an image") = json!("registry.example/app-migrate:r2");
    let told = namespace.kubectl_with(&["apply", "-f", "-"], &[job]);
    assert!(told.code == 1 && told.stderr.contains("field is immutable"), "{told:?}");
    let mut next = job_of_release("r2");
    next["spec"]["suspend"] = json!(true);
    namespace.apply(&[next]);
}

#[test]
fn a_run_by_hand_is_made_from_the_suspended_template_with_its_policy() {
    let Some(namespace) = Namespace::create("a run by hand") else { return };
    let base = crate::rendered::base();
    let template = base.iter().find(|object| object["kind"] == "CronJob").expect("a CronJob");
    namespace.apply(std::slice::from_ref(template));
    let made = namespace.kubectl(&["create", "job", "--from=cronjob/migrate", "by-hand"]);
    assert_eq!((made.code, made.stderr.as_str()), (0, ""), "{made:?}");
    let job = namespace.object("job/by-hand");
    let rules = |job: &Value| job["spec"]["podFailurePolicy"]["rules"][1]["onExitCodes"].clone();
    assert_eq!(rules(&job), rules(&template["spec"]["jobTemplate"]));
    assert_eq!(job["spec"]["backoffLimit"], 0);
    let deleted = namespace.kubectl(&["delete", "job/by-hand"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
}
