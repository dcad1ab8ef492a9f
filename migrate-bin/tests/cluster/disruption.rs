//! Pods and Jobs that are ended from outside: drained, evicted, deleted, killed, suspended, out of time, replaced. Every
//! migration is applied exactly once all the same.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::codes::{GOOD, codes};
use crate::control_plane::{ControlPlane, Namespace, await_words, condition};
use crate::job::{Release, exit_code, message};
use crate::stage::{Database, Ended, eventually, signal};

const WITHOUT: &str = "-- +goose NO TRANSACTION\n";
/// The second statement waits for as long as the row says.
const STATEMENTS: &str = "-- +goose Up\nCREATE TABLE a (id int);\nSELECT pg_sleep(seconds) FROM patience;\n";

/// A database whose migration sleeps when it is applied for the first time, and then no more.
struct Sleeper {
    namespace: Namespace,
    database: Database,
    file: String,
}

impl Sleeper {
    fn create(scene: &str, mode: &str) -> Option<Self> {
        Namespace::create(scene).map(|namespace| Self::create_in(namespace, mode))
    }

    fn create_in(namespace: Namespace, mode: &str) -> Self {
        let database = Database::create();
        database.rows("CREATE TABLE patience AS SELECT 600 AS seconds");
        Self { namespace, database, file: format!("{mode}{STATEMENTS}") }
    }

    /// Starts the Job with a change, and waits until its Pod sleeps: the names of both.
    fn start_with(&self, change: impl FnOnce(&mut Value)) -> (String, String) {
        let files = &[("00001_a.sql", self.file.as_str())];
        let release = Release { name: "r1", url: &self.database.url, files, arguments: &[] };
        let job = release.start_with(&self.namespace, change);
        let pod = self.await_sleep(&job);
        (job, pod)
    }

    /// Waits until the Pod of a Job sleeps, and names it. What comes after it sleeps no more.
    fn await_sleep(&self, job: &str) -> String {
        let pod = self.namespace.running_pod(job);
        eventually("the statement", || self.database.is_asleep());
        self.database.rows("UPDATE patience SET seconds = 0");
        pod
    }

    fn start(&self) -> (String, String) {
        self.start_with(|_| {})
    }

    fn job(&self, name: &str) -> Value {
        self.namespace.object(&format!("job/{name}"))
    }

    /// Waits for the Job, which gets there after Pods with these codes, `failed` of which were counted.
    fn assert_complete(&self, job: &str, expected: &[i64], failed: u64) {
        let told = self.namespace.wait(job, &["--timeout", "150"]);
        let (pods, status) = (self.namespace.pods(job), self.job(job)["status"].clone());
        assert_eq!((told.code, codes(&pods)), (0, expected.iter().copied().map(Some).collect()), "{told:?} {status}");
        assert_eq!(status["failed"].as_u64().unwrap_or(0), failed, "{status}");
        self.assert_applied_once();
    }

    fn assert_applied_once(&self) {
        assert_eq!(self.database.versions(), ["0", "1"]);
        assert_eq!(self.database.rows("SELECT count(*) FROM pg_class WHERE relname = 'a'"), ["1"]);
    }
}

/// A disruption is looked at before the code, whatever that is, and it is not counted.
#[test]
fn a_pod_that_is_evicted_is_not_counted_and_its_replacement_completes_the_job() {
    for (mode, code) in [("", 50), (WITHOUT, 51)] {
        let Some(sleeper) = Sleeper::create("eviction", mode) else { return };
        // No try more is left: what counted would end the Job.
        let (job, pod) = sleeper.start_with(|spec| spec["backoffLimit"] = json!(0));
        let watched = sleeper.namespace.watch(&pod);
        sleeper.namespace.evict(&pod);
        let pod = watched.end();
        assert_eq!((exit_code(&pod), message(&pod)["exit"].as_i64()), (Some(code), Some(code)), "{pod}");
        assert_eq!(condition(&pod, "DisruptionTarget").as_deref(), Some("EvictionByEvictionAPI"), "{pod}");
        // The Pod itself is deleted.
        sleeper.assert_complete(&job, &[0], 0);
    }
}

#[test]
fn a_node_that_is_drained_hands_the_job_to_a_new_pod() {
    // The other scenes need their node: what they create while it is cordoned may wait for minutes after that.
    let Some(plane) = ControlPlane::own("a drain", "") else { return };
    let sleeper = Sleeper::create_in(Namespace::create_on(plane), "");
    let (job, pod) = sleeper.start();
    let watched = sleeper.namespace.watch(&pod);
    let drained = sleeper.namespace.kubectl(&["drain", "local", "--timeout=60s"]);
    assert_eq!(drained.code, 0, "{drained:?}");
    let back = sleeper.namespace.kubectl(&["uncordon", "local"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(exit_code(&watched.end()), Some(50));
    sleeper.assert_complete(&job, &[0], 0);
}

#[test]
fn a_pod_that_is_deleted_by_hand_counts_and_is_replaced() {
    let Some(sleeper) = Sleeper::create("a Pod that is deleted", WITHOUT) else { return };
    let (job, pod) = sleeper.start();
    let deleted = sleeper.namespace.kubectl(&["delete", "pod", &pod, "--wait=true"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    // The Pod and its code are gone; the Job has counted it.
    sleeper.assert_complete(&job, &[0], 1);
}

/// What a node does to a Pod whose memory has run out, and nothing in the program hears of it.
#[test]
fn a_pod_that_is_killed_counts_and_the_next_one_goes_on_from_what_is_there() {
    for mode in ["", WITHOUT] {
        let Some(sleeper) = Sleeper::create("SIGKILL", mode) else { return };
        let (job, pod) = sleeper.start();
        signal_to_program(&pod, "KILL");
        sleeper.assert_complete(&job, &[137, 0], 1);
    }
}

/// Sends a signal to the program of a Pod, which knows its Pod by the variable `HOSTNAME`.
#[expect(clippy::disallowed_methods, reason = "these are no migrations")]
fn signal_to_program(pod: &str, name: &str) {
    let own = format!("HOSTNAME={pod}");
    let is_its = |process: &Path| {
        let of = |file: &str| std::fs::read(process.join(file)).unwrap_or_default();
        // Not the shell that set the container up.
        let program = of("cmdline").starts_with(b"/migrate\0");
        program && of("environ").split(|byte| *byte == 0).any(|variable| variable == own.as_bytes())
    };
    let processes = std::fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let process = processes.into_iter().find(|process| is_its(process)).expect("the program of the Pod");
    let id = process.file_name().and_then(std::ffi::OsStr::to_str).expect("a number").to_owned();
    signal(&id, name);
}

#[test]
fn a_job_that_is_out_of_time_fails_by_its_deadline_and_leaves_the_database_as_it_was() {
    let Some(sleeper) = Sleeper::create("activeDeadlineSeconds", "") else { return };
    let (job, _) = sleeper.start_with(|spec| spec["activeDeadlineSeconds"] = json!(8));
    let told = sleeper.namespace.wait(&job, &["--timeout", "60"]);
    assert_eq!(told.code, 5, "{told:?}");
    eventually("Failed", || condition(&sleeper.job(&job), "Failed").is_some());
    assert_eq!(condition(&sleeper.job(&job), "Failed").as_deref(), Some("DeadlineExceeded"));
    // The Pod went with the deadline, and the run was rolled back.
    assert_eq!(sleeper.namespace.pods(&job), Vec::<Value>::new());
    assert_eq!(sleeper.database.versions(), ["0"]);
    assert_eq!(sleeper.database.rows("SELECT to_regclass('a') IS NULL"), ["t"]);
}

#[test]
fn the_deadline_of_the_program_ends_before_that_of_the_job_and_says_why() {
    let Some(namespace) = Namespace::create("--deadline") else { return };
    let database = Database::create();
    let files = &[("00001_a.sql", "-- +goose Up\nSELECT pg_sleep(600);\n")];
    let release = Release { name: "r1", url: &database.url, files, arguments: &["--deadline=2s"] };
    let job = release.start_with(&namespace, |spec| {
        spec["backoffLimit"] = json!(0);
        spec["activeDeadlineSeconds"] = json!(60);
    });
    let told = namespace.wait(&job, &["--timeout", "60"]);
    assert!(told.code == 4 && told.stdout.contains("\"exit\":46"), "{told:?}");
}

#[test]
fn a_job_that_is_suspended_ends_its_pod_counts_nothing_and_goes_on_when_it_is_resumed() {
    let Some(sleeper) = Sleeper::create("suspend", "") else { return };
    let (job, pod) = sleeper.start();
    let mut waiting = sleeper.namespace.start_waiting(&job, &["--timeout", "150"]);
    let patch = |suspend: bool| {
        let patch = json!({ "spec": { "suspend": suspend } }).to_string();
        let told = sleeper.namespace.kubectl(&["patch", &format!("job/{job}"), "-p", &patch]);
        assert_eq!(told.code, 0, "{told:?}");
    };
    patch(true);
    eventually("the Pod is gone", || sleeper.namespace.object(&format!("pod/{pod}")).is_null());
    assert_eq!(condition(&sleeper.job(&job), "Suspended").as_deref(), Some("JobSuspended"));
    assert_eq!(sleeper.job(&job)["status"]["failed"].as_u64().unwrap_or(0), 0);
    let _more = await_words(&mut waiting, "is suspended");
    patch(false);
    assert!(waiting.wait().expect("its end").success());
    sleeper.assert_complete(&job, &[0], 0);
}

/// `kubectl replace --force` and `delete` with `apply` start a second Pod while the first one still ends: the lock holds.
#[test]
fn two_pods_side_by_side_apply_every_migration_once() {
    let Some(sleeper) = Sleeper::create("replace --force", "") else { return };
    let (job, first) = sleeper.start();
    let files = &[("00001_a.sql", sleeper.file.as_str())];
    let release = Release { name: "r1", url: &sleeper.database.url, files, arguments: &[] };
    // The first Pod does not hear that it shall end, and goes on beside the second.
    signal_to_program(&first, "STOP");
    let replaced = sleeper.namespace.kubectl_with(&["replace", "--force", "-f", "-"], &[release.job()]);
    assert_eq!(replaced.code, 0, "{replaced:?}");
    eventually("a second Pod runs", || {
        let pods = sleeper.namespace.pods(&job);
        let running = |pod: &Value| pod["status"]["phase"] == "Running";
        pods.len() == 2 && pods.iter().all(running)
    });
    // The second one waits for the lock of the first, which has its grace period to end in.
    let connected = "SELECT count(DISTINCT client_port) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
    eventually("both are connected", || sleeper.database.rows(connected) == ["2"]);
    signal_to_program(&first, "CONT");
    let told = sleeper.namespace.wait(&job, &["--timeout", "150"]);
    assert_eq!(told.code, 0, "{told:?}");
    sleeper.assert_applied_once();
}

#[test]
fn a_job_that_is_deleted_in_the_middle_of_a_file_without_a_transaction_is_gone_on_from() {
    let Some(sleeper) = Sleeper::create("a Job that is deleted", WITHOUT) else { return };
    let (job, _) = sleeper.start();
    let waiting = sleeper.namespace.start_waiting(&job, &["--timeout", "60"]);
    let deleted = sleeper.namespace.kubectl(&["delete", &format!("job/{job}"), "--cascade=foreground"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    let gone = Instant::now();
    let told: Ended = waiting.wait_with_output().expect("its end").into();
    assert_eq!(told.code, 20, "{told:?}");
    assert!(gone.elapsed() < Duration::from_secs(10), "{:?}", gone.elapsed());
    let files = &[("00001_a.sql", sleeper.file.as_str())];
    let again = Release { name: "r1", url: &sleeper.database.url, files, arguments: &[] }.start(&sleeper.namespace);
    sleeper.assert_complete(&again, &[0], 0);
}

#[test]
fn a_job_that_is_gone_after_its_time_was_told_before_and_is_not_found_afterwards() {
    let Some(namespace) = Namespace::create("ttlSecondsAfterFinished") else { return };
    let database = Database::create();
    let files = &[("00001_a.sql", GOOD)];
    let release = Release { name: "r1", url: &database.url, files, arguments: &[] };
    let job = release.start_with(&namespace, |spec| spec["ttlSecondsAfterFinished"] = json!(5));
    let told = namespace.wait(&job, &[]);
    assert_eq!(told.code, 0, "{told:?}");
    eventually("the Job goes", || namespace.object(&format!("job/{job}")).is_null());
    assert_eq!(namespace.wait(&job, &[]).code, 21);
}
