//! What passes between two tries of a Job: a lock, a server that is down, a standby that is promoted, an answer that got lost.

use serde_json::{Value, json};

use crate::codes::{GOOD, codes};
use crate::control_plane::Namespace;
use crate::holder::Holder;
use crate::job::Release;
use crate::proxy::{Act, At, Break, Connection, Fault, Proxy, Side};
use crate::stage::{Database, eventually, free_port, server, sql};
use crate::standby::Standby;

/// Waits until a Job has had this number of failures.
fn failures(namespace: &Namespace, job: &str, number: u64) {
    eventually("a Pod fails", || namespace.object(&format!("job/{job}"))["status"]["failed"].as_u64() == Some(number));
}

/// Waits for a Job that gets there in the end, after Pods with these codes.
fn assert_complete(namespace: &Namespace, job: &str, expected: &[i64]) {
    let told = namespace.wait(job, &["--timeout", "150"]);
    let pods = namespace.pods(job);
    assert_eq!((told.code, codes(&pods)), (0, expected.iter().copied().map(Some).collect()), "{told:?}");
}

#[test]
fn a_lock_that_is_held_for_a_while_is_waited_for_by_the_next_tries() {
    let Some(namespace) = Namespace::create("a lock that is held") else { return };
    let database = Database::create();
    let holder = Holder::of(&database);
    let files = &[("00001_a.sql", GOOD)];
    let release = Release { name: "r1", url: &database.url, files, arguments: &["--lock-wait=0s"] };
    let job = release.start(&namespace);
    failures(&namespace, &job, 2);
    drop(holder);
    assert_complete(&namespace, &job, &[41, 41, 0]);
    assert_eq!(database.versions(), ["0", "1"]);
    // The controller waits from the end of one Pod to the start of the next: 10 s, then 20 s.
    let pods = namespace.pods(&job);
    let second = |at: usize, pointer: &str| -> jiff::Timestamp {
        let moment = pods[at].pointer(pointer).and_then(Value::as_str).expect("a moment");
        moment.parse().expect("a time")
    };
    for (at, least) in [(1, 9), (2, 19)] {
        let ended = second(at - 1, "/status/containerStatuses/0/state/terminated/finishedAt");
        let waited = second(at, "/metadata/creationTimestamp").duration_since(ended);
        assert!(waited.as_secs() >= least, "{waited}");
    }
}

#[test]
fn a_server_that_comes_up_between_two_tries_completes_the_job() {
    let Some(namespace) = Namespace::create("a server that comes up") else { return };
    let database = Database::create();
    let nowhere = format!("postgres://postgres@127.0.0.1:{}/x", free_port());
    let files = &[("00001_a.sql", GOOD)];
    let release = Release { name: "r1", url: &nowhere, files, arguments: &["--connect-wait=0s"] };
    let job = release.start(&namespace);
    failures(&namespace, &job, 1);
    namespace.apply(&[Release { url: &database.url, ..release }.beside()[0].clone()]);
    assert_complete(&namespace, &job, &[40, 0]);
}

#[test]
fn a_standby_is_tried_again_and_completes_the_job_once_it_is_promoted() {
    let Some(namespace) = Namespace::create("a standby") else { return };
    let primary = migrate_scratch::Server::newest().expect("PostgreSQL server binaries");
    let database = Database::create_on(&primary);
    let standby = Standby::of(&primary, true);
    let there = || {
        sql(&standby.url("postgres"), &format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", database.name))
    };
    eventually("the standby has the database", || there() == ["1"]);
    let url = standby.url(&database.name);
    let files = &[("00001_a.sql", GOOD)];
    let release = Release { name: "r1", url: &url, files, arguments: &["--connect-wait=0s"] };
    let job = release.start(&namespace);
    failures(&namespace, &job, 1);
    standby.promote();
    assert_complete(&namespace, &job, &[43, 0]);
}

#[test]
fn an_outcome_that_is_unknown_is_found_out_by_the_next_try() {
    let Some(namespace) = Namespace::create("an unknown outcome") else { return };
    let database = Database::create();
    let act = Act::Unanswered(Break::Close);
    let commit = Fault { on: Connection::First(1), side: Side::Client, at: At::Text("COMMIT\0", 1), act };
    let refused =
        Fault { on: Connection::From(2), side: Side::Client, at: At::Message(1), act: Act::Cut(Break::Reset) };
    // The tables are there already: their own COMMIT is not the one that is asked about.
    let first = ("00001_a.sql", "-- +goose Up\nSELECT 1;\n");
    let before = Release { name: "r0", url: &database.url, files: &[first], arguments: &[] };
    assert_eq!(namespace.wait(&before.start(&namespace), &[]).code, 0);
    let way = Proxy::with_faults(server().port(), &[commit, refused]);
    let url = way.url(&database.name);
    let files = &[first, ("00002_a.sql", GOOD)];
    let release = Release { name: "r1", url: &url, files, arguments: &["--connect-wait=1s"] };
    let job = release.start(&namespace);
    failures(&namespace, &job, 1);
    namespace.apply(&[Release { url: &database.url, ..release }.beside()[0].clone()]);
    assert_complete(&namespace, &job, &[45, 0]);
    assert_eq!(database.versions(), ["0", "1", "2"]);
}

/// `kubectl wait` would not end at all when a Job fails.
#[test]
fn the_wait_ends_when_the_job_does_complete_or_not() {
    let Some(namespace) = Namespace::create("the end of the wait") else { return };
    let database = Database::create();
    let slow = ("00001_a.sql", "-- +goose Up\nSELECT pg_sleep(3);\n");
    let broken = ("00002_b.sql", "-- +goose Up\nSELECT pg_sleep(3), 1 / (SELECT 0);\n");
    for (name, files, code) in [("r1", &[slow][..], 0), ("r2", &[slow, broken][..], 3)] {
        let job = Release { name, url: &database.url, files, arguments: &[] }.start(&namespace);
        assert_eq!(namespace.wait(&job, &[]).code, code);
        let now = jiff::Timestamp::now();
        let job = namespace.object(&format!("job/{job}"));
        let last =
            job["status"]["conditions"].as_array().and_then(|conditions| conditions.last()).expect("a condition");
        let ended: jiff::Timestamp = last["lastTransitionTime"].as_str().expect("a moment").parse().expect("a time");
        // Kubernetes writes whole seconds, downwards; and as many again on two cores that six scenes share.
        assert!(now.duration_since(ended).as_secs() <= 10, "{now} {job}");
    }
}

/// A release that is rolled out twice, or whose Job has gone and is made anew.
#[test]
fn a_job_that_is_started_twice_does_nothing_the_second_time() {
    let Some(namespace) = Namespace::create("a Job twice") else { return };
    let database = Database::create();
    let files = &[("00001_a.sql", GOOD)];
    let release = Release { name: "r1", url: &database.url, files, arguments: &[] };
    let job = release.start(&namespace);
    assert_complete(&namespace, &job, &[0]);
    let rows = || database.rows("SELECT xmin, v.* FROM goose_db_version v ORDER BY id");
    let before = rows();
    let again = namespace.kubectl_with(&["replace", "--force", "--cascade=foreground", "-f", "-"], &[release.job()]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_complete(&namespace, &job, &[0]);
    assert_eq!((rows(), crate::job::message(&namespace.pods(&job)[0])["ran"].clone()), (before, json!(0)));
}
