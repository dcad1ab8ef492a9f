//! The codes that need more than a database to be forced: a server between, a server behind, a connection that breaks.
//! Each ends the Job of the manifest as its band says.

use crate::controller::JobEnd;
use crate::pods::{Pod, job_of};
use crate::pooler::Pooler;
use crate::proxy::{Act, At, Break, Connection, Fault, Proxy, Side};
use crate::stage::{Database, server};
use crate::standby::Standby;

const GOOD: &str = "-- +goose Up\nCREATE TABLE a (id int);\n";
const WITHOUT: &str = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\nVACUUM a;\n";

/// Runs the Job, whose Pods all end with this code.
fn assert_job(pod: &Pod, code: i32, how: JobEnd, pods: usize) {
    let (ended, last) = job_of(pod);
    assert_eq!(last, code, "{}", pod.message());
    assert_eq!((ended.how, ended.pods.len()), (how, pods), "{code}: {ended:?}");
}

#[test]
fn what_only_a_person_can_tell_fails_the_job_for_good() {
    let database = Database::create();
    let committing = "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nCREATE PROCEDURE work() \
                      LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE a (id int); COMMIT; PERFORM 1 / 0; END $$;\n\
                      -- +goose StatementEnd\nCALL work();\n";
    let pod = Pod::with(&database.url, &[("00001_a.sql", committing)], &[]);
    assert_job(&pod, 26, JobEnd::PodFailurePolicy, 1);
    // Somebody who starts the Job again is told that a person has to look.
    assert_job(&pod, 27, JobEnd::PodFailurePolicy, 1);
}

#[test]
fn a_file_without_a_transaction_behind_a_pooler_fails_the_job_for_good() {
    let Some(pooler) = Pooler::start("a Job behind a pooler", server().port(), "") else { return };
    let database = Database::create();
    let through = pooler.url(&database.name);
    assert_job(&Pod::with(&through, &[("00001_a.sql", WITHOUT)], &[]), 30, JobEnd::PodFailurePolicy, 1);
    assert_job(&Pod::with(&through, &[("00001_a.sql", GOOD)], &[]), 0, JobEnd::Complete, 1);
}

#[test]
fn a_server_that_is_none_of_ours_fails_the_job_for_good() {
    let database = Database::create();
    database.rows(
        "CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE \
         AS $$ SELECT 'CockroachDB CCL v25.1'::text $$",
    );
    assert_job(&Pod::with(&database.url, &[("00001_a.sql", GOOD)], &[]), 24, JobEnd::PodFailurePolicy, 1);
}

#[test]
fn a_standby_is_tried_again_and_completes_the_job_once_it_is_promoted() {
    let primary = migrate_scratch::Server::newest().expect("PostgreSQL server binaries");
    let database = Database::create_on(&primary);
    let standby = Standby::of(&primary, true);
    let pod = Pod::with(&standby.url(&database.name), &[("00001_a.sql", GOOD)], &["--connect-wait=0s"]);
    crate::stage::eventually("the standby reads", || pod.run().exit != 40);
    assert_job(&pod, 43, JobEnd::BackoffLimitExceeded, 5);
    standby.promote();
    let writable = || crate::stage::sql(&standby.url("postgres"), "SELECT pg_is_in_recovery()") == ["f"];
    crate::stage::eventually("the promotion", writable);
    assert_job(&pod, 0, JobEnd::Complete, 1);
}

#[test]
fn a_connection_that_breaks_again_and_again_is_tried_again_by_the_job() {
    let database = Database::create();
    let fault = |act| Fault { on: Connection::First(99), side: Side::Client, at: At::Text("TABLE a (", 1), act };
    let way = Proxy::with_faults(server().port(), &[fault(Act::CutBehind(Break::Close))]);
    let pod = Pod::with(&way.url(&database.name), &[("00001_a.sql", GOOD)], &[]);
    assert_job(&pod, 44, JobEnd::BackoffLimitExceeded, 5);
    assert_job(&Pod::with(&database.url, &[("00001_a.sql", GOOD)], &[]), 0, JobEnd::Complete, 1);
}

#[test]
fn an_outcome_that_is_unknown_is_found_out_by_the_next_try() {
    let database = Database::create();
    let commit = Fault {
        on: Connection::First(1),
        side: Side::Client,
        at: At::Text("COMMIT\0", 1),
        act: Act::Unanswered(Break::Close),
    };
    let refused =
        Fault { on: Connection::From(2), side: Side::Client, at: At::Message(1), act: Act::Cut(Break::Reset) };
    // The tables are there already: their own COMMIT is not the one that is asked about.
    let first = ("00001_a.sql", "-- +goose Up\nSELECT 1;\n");
    assert_job(&Pod::with(&database.url, &[first], &[]), 0, JobEnd::Complete, 1);
    let way = Proxy::with_faults(server().port(), &[commit, refused]);
    let pod = Pod::with(&way.url(&database.name), &[first, ("00002_a.sql", GOOD)], &["--connect-wait=1s"]);
    let mut codes = Vec::new();
    let ended = crate::controller::run(&crate::manifests::job(), |number| {
        if number == 1 {
            pod.turn_to(&database.url);
        }
        let end = pod.run();
        codes.push(end.exit);
        end
    });
    assert_eq!((ended.how, codes), (JobEnd::Complete, vec![45, 0]));
    assert_eq!(database.versions(), ["0", "1", "2"]);
}
