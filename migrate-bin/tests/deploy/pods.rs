//! The real program as the Pod of the release Job: each exit code that a cluster sees is forced, and the Job ends as
//! operations expect it to.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::controller::{Ended, JobEnd, PodEnd, run};
use crate::manifests::job;
use crate::stage::{Database, eventually, folder, free_port, migrate_command, server, sql, text};

const GOOD: &str = "-- +goose Up\nCREATE TABLE a (id int);\n";
/// The key of the migration lock.
const LOCK: &str = "4097083626";

/// A Pod of the Job: its arguments and environment, with the migrations and the Secret of a scene.
pub(crate) struct Pod {
    files: tempfile::TempDir,
    secret: tempfile::TempDir,
    /// Instead of, or beside, what the manifest says.
    arguments: Vec<String>,
}

impl Pod {
    pub(crate) fn with(url: &str, files: &[(&str, &str)], more: &[&str]) -> Self {
        let arguments = job()["spec"]["template"]["spec"]["containers"][0]["args"].clone();
        let named = |argument: &str| argument.split_once('=').map(|(name, _)| name.to_owned());
        let replaced: Vec<String> = more.iter().filter_map(|argument| named(argument)).collect();
        let manifest =
            arguments.as_array().expect("arguments").iter().map(|argument| argument.as_str().expect("a word"));
        // clap takes an option once.
        let kept = manifest.filter(|argument| named(argument).is_none_or(|name| !replaced.contains(&name)));
        let arguments = kept.chain(more.iter().copied()).map(str::to_owned).collect();
        Self { files: folder(files), secret: folder(&[("url", url)]), arguments }
    }

    fn termination_log(&self) -> PathBuf {
        self.secret.path().join("termination-log")
    }

    fn start(&self) -> Child {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut command = migrate_command(&arguments);
        command.arg("--dir").arg(self.files.path()).arg("--termination-log").arg(self.termination_log());
        command.env("DATABASE_URL_FILE", self.secret.path().join("url")).env("KUBERNETES_SERVICE_HOST", "10.96.0.1");
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    }

    /// Runs it to its end, and checks that its message says the same as its exit code.
    pub(crate) fn run(&self) -> PodEnd {
        let began = Instant::now();
        let status = self.start().wait().expect("its end");
        let exit = status.code().expect("no signal ended it");
        assert_eq!(self.message()["exit"], exit, "{}", self.message());
        PodEnd { exit, ran: began.elapsed(), disrupted_after: None }
    }

    /// Changes the Secret.
    pub(crate) fn turn_to(&self, url: &str) {
        std::fs::write(self.secret.path().join("url"), url).expect("the Secret");
    }

    pub(crate) fn message(&self) -> Value {
        serde_json::from_str(&text(&self.termination_log())).expect("JSON")
    }
}

/// Runs the Job with Pods that are all alike.
pub(crate) fn job_of(pod: &Pod) -> (Ended, i32) {
    let mut last = -1;
    let ended = run(&job(), |_| {
        let end = pod.run();
        last = end.exit;
        end
    });
    (ended, last)
}

/// A case that needs nothing but a database: the code, and what makes the program end with it.
struct Case {
    code: i32,
    url: fn(&Database) -> String,
    before: fn(&Database),
    files: &'static [(&'static str, &'static str)],
    more: &'static [&'static str],
}

const PLAIN: Case =
    Case { code: 0, url: |database| database.url.clone(), before: |_| {}, files: &[("00001_a.sql", GOOD)], more: &[] };

/// The URL of a database as another user, or with another part replaced.
fn instead(database: &Database, part: &str, other: &str) -> String {
    let url = database.url.replace(part, other);
    assert_ne!(url, database.url, "{part} is not in the URL");
    url
}

fn role(database: &Database) -> String {
    format!("app_{}", database.name)
}

const CASES: &[Case] = &[
    PLAIN,
    Case { code: 2, more: &["--nonsense"], ..PLAIN },
    Case { code: 20, url: |database| instead(database, &database.name, "nowhere"), ..PLAIN },
    Case { code: 21, url: |database| instead(database, "postgres@", "nobody@"), ..PLAIN },
    Case {
        code: 22,
        before: |database| {
            let _made = sql(&database.url, &format!("CREATE ROLE {} LOGIN", role(database)));
        },
        url: |database| instead(database, "postgres@", &format!("{}@", role(database))),
        ..PLAIN
    },
    Case { code: 23, url: |database| format!("{}?sslmode=require", database.url), ..PLAIN },
    Case { code: 25, files: &[("00001_a.sql", "-- +goose Up\nSELECT 1 / 0;\n")], ..PLAIN },
    Case {
        code: 26,
        files: &[(
            "00001_a.sql",
            "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\nVACUUM missing;\n",
        )],
        ..PLAIN
    },
    Case {
        code: 28,
        before: |database| {
            let _made = sql(&database.url, "CREATE TABLE goose_db_version (odd text)");
        },
        ..PLAIN
    },
    Case { code: 29, files: &[("00001_a.sql", "-- +goose Up\nSELECT 1\n")], ..PLAIN },
    Case {
        code: 40,
        url: |_| format!("postgres://postgres@127.0.0.1:{}/x", free_port()),
        more: &["--connect-wait=0s"],
        ..PLAIN
    },
    Case {
        code: 42,
        files: &[("00001_a.sql", "-- +goose Up\nDO $$ BEGIN RAISE SQLSTATE '55P03'; END $$;\n")],
        more: &["--lock-retry-budget=0s"],
        ..PLAIN
    },
    Case {
        code: 46,
        files: &[("00001_a.sql", "-- +goose Up\nSELECT pg_sleep(60);\n")],
        more: &["--deadline=1s"],
        ..PLAIN
    },
    Case {
        code: 47,
        files: &[(
            "00001_a.sql",
            "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN RAISE SQLSTATE '53100'; END $$;\n-- +goose StatementEnd\n",
        )],
        ..PLAIN
    },
];

#[test]
fn every_code_that_can_be_forced_ends_the_job_as_its_band_says() {
    let each = |case: &Case| {
        let database = Database::create();
        (case.before)(&database);
        let pod = Pod::with(&(case.url)(&database), case.files, case.more);
        let (ended, code) = job_of(&pod);
        assert_eq!(code, case.code, "{}", pod.message());
        let expected = match case.code {
            0 => (JobEnd::Complete, 1),
            2 | 20..=39 => (JobEnd::PodFailurePolicy, 1),
            _ => (JobEnd::BackoffLimitExceeded, 5),
        };
        assert_eq!((ended.how, ended.pods.len()), expected, "{}: {ended:?}", case.code);
        if let Some(role) = database.rows("SELECT rolname FROM pg_roles WHERE rolname LIKE 'app_%'").first() {
            let own = role == &self::role(&database);
            let _dropped = own.then(|| database.rows(&format!("DROP ROLE {role}")));
        }
    };
    for case in CASES {
        each(case);
    }
}

#[test]
fn a_lock_that_is_held_for_a_while_is_waited_for_by_the_next_tries() {
    let database = Database::create();
    let mut holder = Some(Holder::of(&database));
    let pod = Pod::with(&database.url, &[("00001_a.sql", GOOD)], &["--lock-wait=0s"]);
    let mut codes = Vec::new();
    let ended = run(&job(), |number| {
        if number == 2 {
            drop(holder.take());
        }
        let end = pod.run();
        codes.push(end.exit);
        end
    });
    assert_eq!((ended.how, codes), (JobEnd::Complete, vec![41, 41, 0]));
    assert!(ended.at > Duration::from_secs(30), "10 s and 20 s lie between: {:?}", ended.at);
    assert_eq!(database.versions(), ["0", "1"]);
}

/// Somebody who holds the migration lock.
struct Holder {
    session: Child,
}

impl Holder {
    fn of(database: &Database) -> Self {
        let psql = server().bin().join("psql");
        let psql = if psql.is_file() { psql } else { PathBuf::from("psql") };
        let hold = format!("SELECT pg_advisory_lock({LOCK}), pg_sleep(600)");
        let mut command = Command::new(psql);
        command.args(["-d", &database.url, "-c", &hold]).stdout(Stdio::null()).stderr(Stdio::null());
        let session = command.spawn().expect("psql starts");
        eventually("the lock is held", || {
            database.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == ["1"]
        });
        Self { session }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // An interrupt cancels the statement, and the session ends with its program.
        let told = Command::new("kill").args(["-INT", &self.session.id().to_string()]).status();
        assert!(told.is_ok_and(|told| told.success()), "psql is told to end");
        let _ended = self.session.wait();
    }
}

#[test]
fn a_server_that_comes_up_between_two_tries_completes_the_job() {
    let database = Database::create();
    let nowhere = format!("postgres://postgres@127.0.0.1:{}/x", free_port());
    let pod = Pod::with(&nowhere, &[("00001_a.sql", GOOD)], &["--connect-wait=0s"]);
    let ended = run(&job(), |number| {
        if number == 3 {
            pod.turn_to(&database.url);
        }
        pod.run()
    });
    assert_eq!((ended.how, ended.pods.len()), (JobEnd::Complete, 4));
}

/// A Pod that sleeps in a statement until a signal ends it; afterwards, one whose migrations are quick.
fn ended_by(signal: &str, drained: bool, mode: &str) -> (Ended, Vec<i32>, Database) {
    let database = Database::create();
    let slow = format!("{mode}-- +goose Up\nCREATE TABLE IF NOT EXISTS a (id int);\nSELECT pg_sleep(600);\n");
    let pod = Pod::with(&database.url, &[("00001_a.sql", &slow)], &[]);
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    let mut codes = Vec::new();
    let ended = run(&job(), |number| {
        let began = Instant::now();
        if number == 1 {
            let quick = slow.replace("600", "0");
            std::fs::write(pod.files.path().join("00001_a.sql"), quick).expect("a migration");
        }
        let mut child = pod.start();
        if number == 0 {
            eventually("the statement", || database.rows(sleeping) == ["1"]);
            let told = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
            assert!(told.success());
        }
        let status = child.wait().expect("its end");
        // What a kubelet reports of a process that a signal ended.
        let killed = || 128 + std::os::unix::process::ExitStatusExt::signal(&status).expect("a code or a signal");
        let exit = status.code().unwrap_or_else(killed);
        codes.push(exit);
        PodEnd { exit, ran: began.elapsed(), disrupted_after: (drained && number == 0).then_some(Duration::ZERO) }
    });
    (ended, codes, database)
}

#[test]
fn a_pod_that_is_drained_is_ignored_and_its_replacement_completes_the_job() {
    let (ended, codes, database) = ended_by("-TERM", true, "");
    assert_eq!((ended.how, codes), (JobEnd::Complete, vec![50, 0]));
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn a_pod_that_is_drained_in_a_file_without_a_transaction_is_gone_on_from() {
    let (ended, codes, database) = ended_by("-TERM", true, "-- +goose NO TRANSACTION\n");
    assert_eq!((ended.how, codes), (JobEnd::Complete, vec![51, 0]));
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn a_pod_that_runs_out_of_memory_is_tried_again() {
    let (ended, codes, database) = ended_by("-KILL", false, "");
    assert_eq!((ended.how, codes), (JobEnd::Complete, vec![137, 0]));
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn a_job_that_is_started_twice_does_nothing_the_second_time() {
    let database = Database::create();
    let pod = Pod::with(&database.url, &[("00001_a.sql", GOOD)], &[]);
    assert_eq!(job_of(&pod).0.how, JobEnd::Complete);
    let before = database.rows("SELECT xmin, v.* FROM goose_db_version v ORDER BY id");
    assert_eq!(job_of(&pod).0.how, JobEnd::Complete);
    assert_eq!(database.rows("SELECT xmin, v.* FROM goose_db_version v ORDER BY id"), before);
    assert_eq!(pod.message()["ran"], 0);
}

#[test]
fn a_failed_release_says_why_changes_nothing_and_its_successor_completes() {
    let database = Database::create();
    let first = Pod::with(&database.url, &[("00001_a.sql", GOOD)], &[]);
    assert_eq!(job_of(&first).0.how, JobEnd::Complete);
    let broken = "-- +goose Up\nCREATE TABLE b (id int);\nALTER TABLE missing ADD COLUMN x int;\n";
    let second = Pod::with(&database.url, &[("00001_a.sql", GOOD), ("00002_b.sql", broken)], &[]);
    let schema = database.schema();
    let (ended, code) = job_of(&second);
    assert_eq!((ended.how, code), (JobEnd::PodFailurePolicy, 25));
    let message = second.message();
    assert_eq!((&message["sqlstate"], &message["line"]), (&"42P01".into(), &3.into()), "{message}");
    assert_eq!(message["runbook"], "docs/book/failures.md#25-migration-failed");
    assert_eq!((database.schema(), database.versions()), (schema, vec!["0".to_owned(), "1".to_owned()]));
    let mended = broken.replace("missing", "b");
    let third = Pod::with(&database.url, &[("00001_a.sql", GOOD), ("00002_b.sql", &mended)], &[]);
    assert_eq!(job_of(&third).0.how, JobEnd::Complete);
    assert_eq!(database.versions(), ["0", "1", "2"]);
    assert!(Path::new(&third.termination_log()).is_file());
}
