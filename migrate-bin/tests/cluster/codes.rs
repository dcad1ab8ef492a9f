//! Each exit code that a cluster sees is forced, and the Job ends with the conditions, reasons and counts of its band.

use serde_json::{Value, json};

use crate::control_plane::{Namespace, condition};
use crate::job::{Release, exit_code, message};
use crate::pooler::Pooler;
use crate::proxy::{Act, At, Break, Connection, Fault, Proxy, Side};
use crate::stage::{Database, free_port, server, sql};

pub(crate) const GOOD: &str = "-- +goose Up\nCREATE TABLE a (id int);\n";
const WITHOUT: &str = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\nVACUUM a;\n";

/// What makes the program end with a code, and which.
struct Case {
    code: i64,
    url: fn(&Database) -> String,
    before: fn(&Database),
    file: &'static str,
    more: &'static [&'static str],
}

const PLAIN: Case = Case { code: 0, url: |database| database.url.clone(), before: |_| {}, file: GOOD, more: &[] };

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
    Case {
        code: 24,
        before: |database| {
            let _replaced = database.rows(
                "CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE \
                 AS $$ SELECT 'CockroachDB CCL v25.1'::text $$",
            );
        },
        ..PLAIN
    },
    Case { code: 25, file: "-- +goose Up\nSELECT 1 / 0;\n", ..PLAIN },
    Case {
        code: 26,
        file: "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\nVACUUM missing;\n",
        ..PLAIN
    },
    Case {
        code: 28,
        before: |database| {
            let _made = sql(&database.url, "CREATE TABLE goose_db_version (odd text)");
        },
        ..PLAIN
    },
    Case { code: 29, file: "-- +goose Up\nSELECT 1\n", ..PLAIN },
    Case {
        code: 40,
        url: |_| format!("postgres://postgres@127.0.0.1:{}/x", free_port()),
        more: &["--connect-wait=0s"],
        ..PLAIN
    },
    Case {
        code: 42,
        file: "-- +goose Up\nDO $$ BEGIN RAISE SQLSTATE '55P03'; END $$;\n",
        more: &["--lock-retry-budget=0s"],
        ..PLAIN
    },
    Case { code: 46, file: "-- +goose Up\nSELECT pg_sleep(60);\n", more: &["--deadline=1s"], ..PLAIN },
    Case {
        code: 47,
        file: "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN RAISE SQLSTATE '53100'; END $$;\n-- +goose StatementEnd\n",
        ..PLAIN
    },
];

/// A Job that is under way, and the code that its Pods have to end with.
struct Started {
    namespace: Namespace,
    job: String,
    code: i64,
}

impl Started {
    /// One try more instead of four: they lie further and further apart.
    fn of(code: i64, url: &str, file: &str, more: &[&str]) -> Option<Self> {
        let namespace = Namespace::create("exit codes and the policy of the Job")?;
        let release = Release { name: "r1", url, files: &[("00001_a.sql", file)], arguments: more };
        let job = release.start_with(&namespace, |spec| spec["backoffLimit"] = json!(1));
        Some(Self { namespace, job, code })
    }

    /// Waits for its end with the script of `deploy/`, and looks at the Job and its Pods.
    fn assert(&self) {
        let told = self.namespace.wait(&self.job, &["--timeout", "150"]);
        let (job, pods) = (self.namespace.object(&format!("job/{}", self.job)), self.namespace.pods(&self.job));
        let code = self.code;
        let context = format!("{code}: {told:?} {}", job["status"]);
        let (end, kind, reason, failed) = match code {
            0 => (0, "Complete", "CompletionsReached", 0),
            2 | 20..=39 => (3, "Failed", "PodFailurePolicy", 1),
            _ => (4, "Failed", "BackoffLimitExceeded", 2),
        };
        assert_eq!(told.code, end, "{context}");
        assert_eq!(condition(&job, kind).as_deref(), Some(reason), "{context}");
        assert_eq!(job["status"]["failed"].as_i64().unwrap_or(0), failed, "{context}");
        assert_eq!(pods.len(), usize::try_from(failed.max(1)).expect("a count"), "{context}");
        for pod in &pods {
            assert_eq!((exit_code(pod), message(pod)["exit"].as_i64()), (Some(code), Some(code)), "{context}");
        }
        assert!(told.stdout.contains(&format!("exit code {code}")), "{context}");
        assert!(told.stdout.contains(&format!("\"exit\":{code},")), "{context}");
        if code != 0 {
            let described = self.namespace.kubectl(&["describe", "pods"]).stdout;
            assert!(described.contains(&format!("Exit Code:    {code}")), "{described}");
            assert!(described.contains("\"runbook\":\"docs/book/failures.md#"), "{described}");
        }
    }
}

#[test]
fn every_code_that_can_be_forced_ends_the_job_as_its_band_says() {
    let databases: Vec<Database> = CASES.iter().map(|_| Database::create()).collect();
    let start = |(case, database): (&Case, &Database)| {
        (case.before)(database);
        Started::of(case.code, &(case.url)(database), case.file, case.more)
    };
    let Some(all) = CASES.iter().zip(&databases).map(start).collect::<Option<Vec<Started>>>() else { return };
    all.iter().for_each(Started::assert);
    let owned = CASES.iter().zip(&databases).find(|(case, _)| case.code == 22).map(|(_, database)| database);
    let _dropped = owned.map(|database| database.rows(&format!("DROP ROLE {}", role(database))));
}

#[test]
fn what_only_a_person_can_tell_fails_the_job_for_good_and_the_next_one_too() {
    let database = Database::create();
    let committing = "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nCREATE PROCEDURE work() \
                      LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE a (id int); COMMIT; PERFORM 1 / 0; END $$;\n\
                      -- +goose StatementEnd\nCALL work();\n";
    let Some(first) = Started::of(26, &database.url, committing, &[]) else { return };
    first.assert();
    // Somebody who starts it again is told that a person has to look.
    if let Some(second) = Started::of(27, &database.url, committing, &[]) {
        second.assert();
    }
}

#[test]
fn a_file_without_a_transaction_behind_a_pooler_fails_the_job_for_good() {
    let Some(pooler) = Pooler::start("a Job behind a pooler", server().port(), "") else { return };
    let database = Database::create();
    let through = pooler.url(&database.name);
    let Some(refused) = Started::of(30, &through, WITHOUT, &[]) else { return };
    refused.assert();
    if let Some(other) = Started::of(0, &through, GOOD, &[]) {
        other.assert();
    }
}

#[test]
fn a_connection_that_breaks_again_and_again_is_tried_again_by_the_job() {
    let database = Database::create();
    let fault = |act| Fault { on: Connection::First(99), side: Side::Client, at: At::Text("TABLE a (", 1), act };
    let way = Proxy::with_faults(server().port(), &[fault(Act::CutBehind(Break::Close))]);
    let Some(broken) = Started::of(44, &way.url(&database.name), GOOD, &[]) else { return };
    broken.assert();
    if let Some(other) = Started::of(0, &database.url, GOOD, &[]) {
        other.assert();
    }
}

/// The codes of the Pods of a Job, in their order.
pub(crate) fn codes(pods: &[Value]) -> Vec<Option<i64>> {
    pods.iter().map(exit_code).collect()
}
