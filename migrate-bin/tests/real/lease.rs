//! goose's table locker, which takes no advisory lock: beside it each migration is applied once, as goose's own statements
//! show (goose/spec.md 8.2).

use crate::background::Background;
use crate::stage::{Database, Ended, eventually, folder, migrate};

const MADE: &str = "CREATE TABLE goose_lock (lock_id bigint NOT NULL PRIMARY KEY, locked boolean NOT NULL DEFAULT false, \
    locked_at timestamptz NULL, locked_by text NULL, lease_expires_at timestamptz NULL, updated_at timestamptz NULL)";

/// How goose's locker acquires its lock; no row is returned where somebody holds it.
const ACQUIRED: &str = "INSERT INTO goose_lock (lock_id, locked, locked_at, locked_by, lease_expires_at, updated_at) \
    VALUES (4097083626, true, now(), 'pod-1', now() + interval '30 seconds', now()) \
    ON CONFLICT (lock_id) DO UPDATE SET locked = true, locked_at = now(), locked_by = 'pod-1', \
    lease_expires_at = now() + interval '30 seconds', updated_at = now() \
    WHERE goose_lock.locked = false OR goose_lock.lease_expires_at < now() RETURNING locked_by";

const RELEASED: &str = "UPDATE goose_lock SET locked = false, locked_at = NULL, locked_by = NULL, \
    lease_expires_at = NULL, updated_at = now() WHERE lock_id = 4097083626 AND locked_by = 'pod-1'";

const ONE: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const ALONE: (&str, &str) = (
    "00002_b.sql",
    "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n",
);

fn up(database: &Database, files: &tempfile::TempDir, wait: &str) -> Ended {
    migrate(&database.url, files.path(), &["up", "--lock-wait", wait])
}

#[test]
fn a_lease_that_is_held_is_waited_for_and_one_that_is_over_is_nobody_s() {
    for files in [folder(&[ONE]), folder(&[ALONE])] {
        let database = Database::create();
        database.rows(&format!("{MADE}; {ACQUIRED}"));
        let ended = up(&database, &files, "1s");
        assert_eq!(ended.code, 41, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("held the migration lock for 1 s: goose's table locker (pod-1) for "),
            "{}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("or stop that program") && !ended.stderr.contains("pg_terminate_backend"),
            "{}",
            ended.stderr
        );
        assert!(!database.version_rows().contains(":1:"), "{}", database.version_rows());
        database.rows("UPDATE goose_lock SET lease_expires_at = now() - interval '1 second'");
        let ended = up(&database, &files, "1s");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(database.rows(ACQUIRED), ["pod-1"], "goose finds its lock free behind us");
        database.rows(RELEASED);
        assert_eq!(migrate(&database.url, files.path(), &["down"]).code, 0);
    }
}

/// As a line every ten seconds would, `unlock` and `doctor` tell of a program that no session shows.
#[test]
fn whoever_has_the_lease_is_named_by_the_commands_that_look_at_the_lock() {
    let (database, files) = (Database::create(), folder(&[ONE]));
    database.rows(&format!("{MADE}; {ACQUIRED}"));
    let ended = migrate(&database.url, files.path(), &["unlock"]);
    assert!(ended.stderr.contains("held by goose's table locker (pod-1)"), "{ended:?}");
    let ended = migrate(&database.url, files.path(), &["unlock", "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(told["holder"]["locker"], "pod-1", "{told}");
    assert!(told["holder"]["lease_s"].as_u64().is_some_and(|seconds| seconds <= 30), "{told}");
    let ended = migrate(&database.url, files.path(), &["doctor"]);
    assert!(ended.stdout.contains("held by goose's table locker (pod-1)"), "{ended:?}");
    // A lease of goose's in another schema is no lock of this table.
    let ended = migrate(&database.url, files.path(), &["unlock", "--table", "elsewhere.goose_db_version"]);
    assert!(ended.stderr.contains("nobody holds"), "{ended:?}");
}

#[test]
fn whoever_asks_for_the_lease_meanwhile_is_kept_waiting_until_the_migration_is_committed() {
    let slow = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\nSELECT pg_sleep(3);\n");
    for prepared in [MADE.to_owned(), format!("{MADE}; {ACQUIRED}; {RELEASED}")] {
        let (database, files) = (Database::create(), folder(&[slow]));
        database.rows(&prepared);
        let run = Background::start(&database.url, files.path(), &["up"]);
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
                      AND query LIKE '%pg_sleep(3)%' AND pid <> pg_backend_pid() AND query NOT LIKE '%pg_stat%'";
        eventually("the migration is under way", || database.rows(asleep) == ["1"]);
        // Nothing of it is seen outside, and goose's statement comes back when it is committed.
        assert_eq!(database.rows(ACQUIRED), ["pod-1"]);
        assert_eq!(database.versions(), ["0", "1"]);
        let ended = run.wait();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
}

#[test]
fn a_lease_that_was_taken_behind_the_guard_rolls_the_file_back() {
    let takes = format!("-- +goose Up\nCREATE TABLE a (id int);\n{MADE};\n{ACQUIRED};\n");
    let (database, files) = (Database::create(), folder(&[("00001_a.sql", takes.as_str())]));
    let ended = up(&database, &files, "1s");
    assert_eq!(ended.code, 41, "{}", ended.stderr);
    assert_eq!(database.rows("SELECT to_regclass('a') IS NULL AND to_regclass('goose_lock') IS NULL"), ["t"]);
    assert_eq!(database.versions(), ["0"]);
}

#[test]
fn another_table_of_that_name_and_one_that_is_out_of_reach_are_nobody_s_lock() {
    for other in [
        "CREATE TABLE goose_lock (id int)",
        "CREATE VIEW goose_lock AS SELECT 4097083626::bigint AS lock_id, false AS locked, now() AS lease_expires_at",
        "CREATE TABLE goose_lock (lock_id text PRIMARY KEY, locked boolean NOT NULL, lease_expires_at timestamptz)",
        "CREATE TABLE goose_lock (lock_id bigint PRIMARY KEY, locked boolean, lease_expires_at timestamptz, more int NOT NULL)",
    ] {
        let (database, files) = (Database::create(), folder(&[ONE, ALONE]));
        database.rows(other);
        let ended = up(&database, &files, "1s");
        assert_eq!(ended.code, 0, "{other}: {}", ended.stderr);
    }
    let (database, files) = (Database::create(), folder(&[ONE]));
    let role = format!("lease_{}", database.name);
    database.rows(&format!("{MADE}; CREATE ROLE {role} LOGIN; GRANT CREATE ON SCHEMA public TO {role}"));
    let ended = migrate(&database.url.replace("postgres@", &format!("{role}@")), files.path(), &["up"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    database.rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
