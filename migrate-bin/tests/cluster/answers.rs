//! `deploy/wait-job.sh` with a real `kubectl`, against an API server of the scene: what it makes of answers that a healthy
//! cluster does not give, or not when a test asks for them.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::api::{Api, Fault, State};
use crate::cluster_tools::kubectl;
use crate::stage::{Ended, eventually, folder, workspace};

const NAME: &str = "migrate-42";
const MESSAGE: &str = r#"{"exit":25,"code":"migration-failed","message":"column \"x\" does not exist"}"#;

fn job(conditions: &Value) -> Value {
    json!({
        "kind": "Job", "apiVersion": "batch/v1", "metadata": { "name": NAME, "namespace": "app", "uid": "u-1" },
        "spec": { "suspend": false }, "status": { "conditions": conditions, "active": 1 },
    })
}

fn condition(kind: &str, reason: &str) -> Value {
    json!({ "type": kind, "status": "True", "reason": reason, "message": format!("told by the controller: {reason} | \"{kind}\"") })
}

fn pod(number: u32, status: &Value) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1", "status": status,
        "metadata": { "name": format!("{NAME}-{number}"), "namespace": "app", "uid": format!("p-{number}"),
            "creationTimestamp": format!("2026-11-22T10:00:{number:02}Z"),
            "labels": { "batch.kubernetes.io/job-name": NAME } },
        "spec": { "containers": [{ "name": "migrate", "image": "x" }] },
    })
}

fn running() -> Value {
    json!({ "phase": "Running", "conditions": [{ "type": "PodScheduled", "status": "True" }],
        "containerStatuses": [{ "name": "migrate", "state": { "running": {} } }] })
}

fn terminated(code: i32, message: &str) -> Value {
    let phase = if code == 0 { "Succeeded" } else { "Failed" };
    json!({ "phase": phase, "containerStatuses": [{ "name": "migrate",
        "state": { "terminated": { "exitCode": code, "reason": "Error", "message": message } } }] })
}

fn waits_for(reason: &str) -> Value {
    json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "True" }],
        "containerStatuses": [{ "name": "migrate",
            "state": { "waiting": { "reason": reason, "message": "told by the kubelet:\n  of two lines" } } }] })
}

fn has_no_node() -> Value {
    json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/3 nodes are available: 3 Insufficient memory." }] })
}

/// A Job whose Pod runs.
fn under_way() -> State {
    State {
        job: Some(job(&json!([]))),
        pods: vec![pod(1, &running())],
        log: "line 1\nline 2\n".into(),
        ..State::default()
    }
}

/// The script, waiting for the Job of a server.
struct Wait {
    child: Child,
    _home: tempfile::TempDir,
}

impl Wait {
    /// `None` after saying that the scene is skipped.
    fn start(api: &Api, scene: &str, arguments: &[&str]) -> Option<Self> {
        let kubectl = kubectl(scene)?;
        let home = folder(&[("config", &api.kubeconfig())]);
        let mut command = Command::new(workspace().join("deploy/wait-job.sh"));
        command.args(arguments).arg(NAME).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("KUBECTL", kubectl).env("KUBECONFIG", home.path().join("config")).env("HOME", home.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Some(Self { child: child.expect("the script starts"), _home: home })
    }

    fn end(self) -> Ended {
        self.child.wait_with_output().expect("its end").into()
    }
}

/// Waits for a Job that is as it is.
fn wait_for(state: State, scene: &str, arguments: &[&str]) -> Option<Ended> {
    let api = Api::with(state);
    Wait::start(&api, scene, arguments).map(Wait::end)
}

/// Changes the Job while it is waited for, and counts how often the script looked at it from then on.
fn wait_until(scene: &str, change: impl FnOnce(&mut State)) -> Option<(Ended, usize)> {
    let api = Api::with(under_way());
    let wait = Wait::start(&api, scene, &[])?;
    let asked = |what: &str| api.state().asked.iter().filter(|asked| asked.contains(what)).count();
    // It has looked at the Pods of a Job that goes on.
    eventually("the script looks", || asked("/pods?") >= 2);
    let before = {
        let mut state = api.state();
        change(&mut state);
        state.asked.iter().filter(|asked| asked.contains("/jobs/")).count()
    };
    let ended = wait.end();
    Some((ended, asked("/jobs/") - before))
}

/// A look a second, and two seconds for the last words of a Pod: five seconds, on a machine whose looks take no time.
const LOOKS: usize = 4;

#[test]
fn a_job_that_fails_is_told_within_five_seconds_by_its_reason() {
    for (reason, code) in [("PodFailurePolicy", 3), ("BackoffLimitExceeded", 4), ("DeadlineExceeded", 5), ("Odd", 1)] {
        let failed = |state: &mut State| {
            let conditions = json!([condition("FailureTarget", reason), condition("Failed", reason)]);
            state.job = Some(job(&conditions));
            // Not in the order of their age: the newest Pod is the one that tells.
            state.pods = vec![pod(7, &terminated(25, MESSAGE)), pod(2, &terminated(41, "an older one"))];
        };
        let Some((ended, looks)) = wait_until(reason, failed) else { return };
        assert!(ended.code == code && looks <= LOOKS, "{reason}: {looks} {ended:?}");
        assert!(ended.stdout.contains("exit code 25") && ended.stdout.contains(MESSAGE), "{ended:?}");
        assert!(!ended.stdout.contains("an older one") && ended.stdout.contains("line 2"), "{ended:?}");
        assert!(ended.stderr.contains("told by the controller"), "{ended:?}");
    }
}

#[test]
fn what_comes_before_an_end_is_no_end() {
    let mut state = under_way();
    state.job =
        Some(job(&json!([condition("SuccessCriteriaMet", "SuccessPolicy"), condition("Suspended", "JobResumed")])));
    let Some(ended) = wait_for(state, "SuccessCriteriaMet", &["--timeout", "3"]) else { return };
    assert_eq!(ended.code, 40, "{ended:?}");
}

/// `Failed` waits for the end of the Pods, which never comes on a node that was lost.
#[test]
fn a_job_that_is_bound_to_fail_is_told_although_its_pods_never_end() {
    for (reason, code) in [("PodFailurePolicy", 3), ("DeadlineExceeded", 5)] {
        let doomed = |state: &mut State| state.job = Some(job(&json!([condition("FailureTarget", reason)])));
        let Some((ended, looks)) = wait_until("FailureTarget", doomed) else { return };
        assert!(ended.code == code && looks <= LOOKS, "{reason}: {looks} {ended:?}");
    }
}

/// Its text is the controller's, and perhaps a webhook's.
#[test]
fn no_message_of_a_condition_is_taken_for_a_condition() {
    let mut state = under_way();
    let message = "told |Complete=x=by|Failed=PodFailurePolicy=\nsomebody";
    let told = json!({ "type": "Suspended", "status": "True", "reason": "JobResumed", "message": message });
    state.job = Some(job(&json!([told])));
    let Some(ended) = wait_for(state, "a message", &["--timeout", "3"]) else { return };
    assert_eq!(ended.code, 40, "{ended:?}");
}

#[test]
fn a_job_that_is_deleted_or_replaced_is_told_within_five_seconds() {
    let Some((ended, looks)) = wait_until("deleted", |state| state.job = None) else { return };
    assert!(ended.code == 20 && looks <= LOOKS, "{looks} {ended:?}");
    let replaced = |state: &mut State| {
        let mut other = job(&json!([condition("Complete", "")]));
        other["metadata"]["uid"] = json!("u-2");
        state.job = Some(other);
    };
    let Some((ended, looks)) = wait_until("replaced", replaced) else { return };
    assert!(ended.code == 20 && looks <= LOOKS, "{looks} {ended:?}");
}

#[test]
fn a_pod_that_never_starts_is_told_apart_by_what_it_waits_for() {
    for (status, code, words) in [
        (waits_for("ImagePullBackOff"), 10, "image cannot be pulled"),
        (waits_for("ErrImagePull"), 10, "image cannot be pulled"),
        (waits_for("InvalidImageName"), 10, "told by the kubelet"),
        (waits_for("CreateContainerConfigError"), 11, "container cannot be made"),
        (has_no_node(), 12, "Insufficient memory"),
    ] {
        let state = State { pods: vec![pod(1, &status)], ..under_way() };
        let patience = ["--start-patience", "1", "--node-patience", "1"];
        let Some(ended) = wait_for(state, words, &patience) else { return };
        assert!(ended.code == code && ended.stderr.contains(words), "{ended:?}");
    }
}

#[test]
fn a_job_without_a_pod_is_told_and_one_that_is_suspended_is_waited_for() {
    let state = || State { pods: Vec::new(), ..under_way() };
    let Some(ended) = wait_for(state(), "no Pod", &["--start-patience", "1"]) else { return };
    assert!(ended.code == 13 && ended.stderr.contains("no Pod is made"), "{ended:?}");
    let mut suspended = state();
    suspended.job.as_mut().expect("a Job")["spec"]["suspend"] = json!(true);
    let Some(ended) = wait_for(suspended, "suspended", &["--start-patience", "1", "--timeout", "4"]) else { return };
    assert!(ended.code == 40 && ended.stderr.contains("is suspended"), "{ended:?}");
}

/// A Secret that is missing keeps a volume from being mounted, and no status says so; nor why a quota refuses a Pod.
#[test]
fn what_shows_in_events_alone_is_told_from_them() {
    let patience = ["--start-patience", "1", "--timeout", "6"];
    let name = format!("{NAME}-1");
    let mount = "FailedMount: MountVolume.SetUp failed for volume \"url\" : secret \"app-db\" not found";
    let creating = || State { pods: vec![pod(1, &waits_for("ContainerCreating"))], ..under_way() };
    let state = State { events: vec![("Pod", name.clone(), mount)], ..creating() };
    let Some(ended) = wait_for(state, "a missing Secret", &patience) else { return };
    assert!(ended.code == 11 && ended.stderr.contains("secret \"app-db\" not found"), "{ended:?}");
    // An image that takes its time, on a node that was full for a while.
    let state = State { events: vec![("Pod", name, "FailedScheduling: 0/3 nodes are available")], ..creating() };
    let Some(ended) = wait_for(state, "a large image", &patience) else { return };
    assert_eq!(ended.code, 40, "{ended:?}");
    let refused = "FailedCreate: pods \"migrate-42-x\" is forbidden: exceeded quota: small";
    let state = State { pods: Vec::new(), events: vec![("Job", NAME.to_owned(), refused)], ..under_way() };
    let Some(ended) = wait_for(state, "a quota", &patience) else { return };
    assert!(ended.code == 13 && ended.stderr.contains("exceeded quota: small"), "{ended:?}");
}

/// Only the node says that a Pod has ended: the Job of one on a node that was lost never ends.
#[test]
fn a_pod_whose_node_is_lost_is_not_waited_for_for_ever() {
    let mut lost = pod(1, &running());
    lost["metadata"]["deletionTimestamp"] = json!("2026-11-22T10:05:00Z");
    let state = State { pods: vec![lost], ..under_way() };
    let Some(ended) = wait_for(state, "a lost node", &["--node-patience", "1"]) else { return };
    assert!(ended.code == 14 && ended.stderr.contains("its node does not say that it has"), "{ended:?}");
}

#[test]
fn an_image_that_is_pulled_after_all_is_no_trouble() {
    let api = Api::with(State { pods: vec![pod(1, &waits_for("ErrImagePull"))], ..under_way() });
    let Some(wait) = Wait::start(&api, "a late image", &["--start-patience", "30"]) else { return };
    eventually("the script looks", || api.state().asked.iter().filter(|asked| asked.contains("/pods?")).count() >= 2);
    {
        let mut state = api.state();
        state.pods = vec![pod(1, &terminated(0, "done"))];
        state.job = Some(job(&json!([condition("Complete", "")])));
    }
    let ended = wait.end();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_api_server_that_is_away_for_a_moment_is_waited_for() {
    for fault in [Fault::Status(500, "InternalError"), Fault::Cut, Fault::Status(429, "TooManyRequests")] {
        let api = Api::with(State { fault: Some(fault), ..under_way() });
        let Some(wait) = Wait::start(&api, "an outage", &["--api-patience", "60"]) else { return };
        eventually("the script asks", || api.state().asked.len() >= 2);
        {
            let mut state = api.state();
            state.fault = None;
            state.job = Some(job(&json!([condition("Complete", "")])));
        }
        let ended = wait.end();
        assert_eq!(ended.code, 0, "{fault:?}: {ended:?}");
    }
}

#[test]
fn an_api_server_that_stays_away_and_one_that_refuses_are_told_apart() {
    for (fault, code) in [
        (Fault::Status(500, "InternalError"), 30),
        (Fault::Cut, 30),
        (Fault::Status(403, "Forbidden"), 31),
        (Fault::Status(401, "Unauthorized"), 31),
    ] {
        let state = State { fault: Some(fault), ..under_way() };
        let Some(ended) = wait_for(state, "API errors", &["--api-patience", "2"]) else { return };
        assert_eq!(ended.code, code, "{fault:?}: {ended:?}");
    }
}

#[test]
fn a_job_that_goes_on_for_too_long_is_told_with_what_its_pod_says() {
    let Some(ended) = wait_for(under_way(), "timeout", &["--timeout", "3", "--log-lines", "7"]) else { return };
    assert!(ended.code == 40 && ended.stdout.contains("the last 7 lines of its log\nline 1\n"), "{ended:?}");
}

#[test]
fn wrong_arguments_end_with_two_and_the_help_names_every_code_of_these_tests() {
    let script = workspace().join("deploy/wait-job.sh");
    let run =
        |arguments: &[&str]| -> Ended { Command::new(&script).args(arguments).output().expect("the script").into() };
    for arguments in [&[][..], &["--nonsense"], &["a", "b"], &["--timeout", "soon", "a"], &["-n"]] {
        assert_eq!(run(arguments).code, 2, "{arguments:?}");
    }
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    for code in [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 20, 21, 30, 31, 40] {
        assert!(help.stdout.lines().any(|line| line.starts_with(&format!("{code:>4}  "))), "{code} is not in the help");
    }
}
