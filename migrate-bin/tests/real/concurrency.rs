//! Several runners at once, and runners that die: every version is applied exactly once.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::stage::{Database, Ended, eventually, folder, migrate, migrate_command};

/// A file that counts itself: what it does twice shows as a second row.
fn counting(version: u32, more: &str) -> (String, String) {
    let table = if version == 1 { "CREATE TABLE counter (version int NOT NULL);\n" } else { "" };
    let text = format!(
        "-- +goose Up\n{table}CREATE TABLE t{version} (id int);\nINSERT INTO counter VALUES ({version});\n{more}\
         -- +goose Down\nDROP TABLE t{version};\nINSERT INTO counter VALUES (-{version});\n"
    );
    (format!("{version:05}_t.sql"), text)
}

/// A file without a transaction that builds an index concurrently and counts itself.
fn concurrent_index(version: u32) -> (String, String) {
    let text = format!(
        "-- +goose NO TRANSACTION\n-- +goose Up\n\
         CREATE INDEX CONCURRENTLY counter_{version} ON counter (version);\nINSERT INTO counter VALUES ({version});\n\
         -- +goose Down\nDROP INDEX counter_{version};\n"
    );
    (format!("{version:05}_index.sql"), text)
}

fn files(files: &[(String, String)]) -> tempfile::TempDir {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(&files)
}

/// Starts a command so many times at once and waits for all.
fn at_once(count: usize, database: &Database, dir: &std::path::Path, command: &str) -> Vec<Ended> {
    std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..count).map(|_| scope.spawn(|| migrate(&database.url, dir, &[command, "--lock-wait", "5m"]))).collect();
        runs.into_iter().map(|run| run.join().expect("a run")).collect()
    })
}

fn assert_all_succeeded(runs: &[Ended]) {
    for run in runs {
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

/// Versions 0 to `last` in the order of their ids, and each counted once.
fn assert_each_applied_once(database: &Database, last: u32) {
    let expected: Vec<String> = (0..=last).map(|version| version.to_string()).collect();
    assert_eq!(database.versions(), expected, "rows in the order of their ids");
    let counted = database.rows("SELECT version FROM counter ORDER BY ctid");
    assert_eq!(counted, expected[1..], "each file ran once, in the order of the versions");
}

#[test]
fn eight_ups_at_once_apply_a_hundred_migrations_once_each_in_order() {
    let database = Database::create();
    let folder = files(&(1..=100).map(|version| counting(version, "")).collect::<Vec<_>>());
    assert_all_succeeded(&at_once(8, &database, folder.path(), "up"));
    assert_each_applied_once(&database, 100);
    assert_eq!(database.rows("SELECT count(*) FROM goose_db_version_ledger"), ["100"]);
}

#[test]
fn eight_ups_at_once_apply_files_without_a_transaction_once_each_in_order() {
    let database = Database::create();
    let file = |version| if version % 4 == 0 { concurrent_index(version) } else { counting(version, "") };
    let folder = files(&(1..=24).map(file).collect::<Vec<_>>());
    let runs = at_once(8, &database, folder.path(), "up");
    assert_all_succeeded(&runs);
    assert_each_applied_once(&database, 24);
    assert_eq!(database.rows("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), ["0"]);
    // A runner that waited for the lock has nothing to give back, and must not try to.
    let told: String = runs.into_iter().map(|run| run.stderr).collect();
    assert!(!told.contains("you don't own a lock"), "{told}");
}

#[test]
fn four_downs_at_once_undo_four_versions_once_each() {
    let database = Database::create();
    let folder = files(&(1..=10).map(|version| counting(version, "")).collect::<Vec<_>>());
    assert_eq!(migrate(&database.url, folder.path(), &["up"]).code, 0);
    assert_all_succeeded(&at_once(4, &database, folder.path(), "down"));
    assert_eq!(database.versions(), ["0", "1", "2", "3", "4", "5", "6"]);
    let undone = database.rows("SELECT version FROM counter WHERE version < 0 ORDER BY ctid");
    assert_eq!(undone, ["-10", "-9", "-8", "-7"]);
}

/// The key of goose's own session locker (goose/spec.md 8.1), written out: whoever changes ours must see this fail.
const GOOSE_LOCK: &str = "SELECT pg_backend_pid() FROM (SELECT pg_advisory_lock(4097083626)) locked";

/// Another session that holds goose's lock until it is dropped.
struct Holder {
    pid: String,
    _runtime: tokio::runtime::Runtime,
    _client: tokio_postgres::Client,
}

impl Holder {
    fn new(database: &Database) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
        let mut config: tokio_postgres::Config = database.url.parse().expect("a URL");
        config.application_name("goose-provider");
        let (client, pid) = runtime.block_on(async {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("a connection");
            tokio::spawn(connection);
            let pid: i32 = client.query_one(GOOSE_LOCK, &[]).await.expect("the lock").get(0);
            (client, pid.to_string())
        });
        Self { pid, _runtime: runtime, _client: client }
    }
}

#[test]
fn a_lock_that_goose_holds_stops_us_within_the_wait_and_its_holder_is_named() {
    let without_transaction =
        ("00001_a.sql".to_owned(), "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n".to_owned());
    for file in [counting(1, ""), without_transaction] {
        let (database, folder) = (Database::create(), files(&[file]));
        let holder = Holder::new(&database);
        let start = Instant::now();
        let up = migrate(&database.url, folder.path(), &["up", "--lock-wait", "1s"]);
        let spent = start.elapsed();
        assert_eq!(up.code, 41, "{}", up.stderr);
        assert!((Duration::from_secs(1)..Duration::from_secs(20)).contains(&spent), "{spent:?}");
        assert!(up.stderr.contains(&holder.pid) && up.stderr.contains("goose-provider"), "{}", up.stderr);
        assert_eq!(database.version_rows(), "(no table)");
        assert_eq!(database.rows("SELECT count(*) FROM pg_class WHERE relname IN ('t1', 'counter')"), ["0"]);
    }
}

#[test]
fn a_lock_that_is_given_back_while_we_wait_lets_us_go_on() {
    let (database, folder) = (Database::create(), files(&[counting(1, ""), concurrent_index(2)]));
    let holder = Holder::new(&database);
    let mut command = migrate_command(&["up", "--lock-wait", "5m", "--database-url", &database.url]);
    let mut run = command.arg("--dir").arg(folder.path()).stderr(Stdio::piped()).spawn().expect("migrate starts");
    let mut told = BufReader::new(run.stderr.take().expect("its stderr")).lines().map(|line| line.expect("a line"));
    let waiting = told.find(|line| line.contains("waiting for the migration lock")).expect("a word about the wait");
    assert!(waiting.contains(&holder.pid) && waiting.contains("goose-provider"), "{waiting}");
    assert_eq!(database.version_rows(), "(no table)");
    drop(holder);
    let rest: Vec<String> = told.collect();
    assert_eq!(run.wait().expect("its end").code(), Some(0), "{rest:?}");
    assert_each_applied_once(&database, 2);
}

/// A statement that ends when the table `go` exists, or after a minute.
const UNTIL_GO: &str = "-- +goose StatementBegin\nDO $$ BEGIN FOR i IN 1..6000 LOOP \
                        EXIT WHEN EXISTS (SELECT FROM pg_class WHERE relname = 'go'); PERFORM pg_sleep(0.01); END LOOP; END $$;\n\
                        -- +goose StatementEnd\n";

/// How many sessions of this database hold an advisory lock, or wait for one.
fn advisory_locks(database: &Database, granted: bool) -> String {
    let here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let locks = format!("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND {here} AND granted = {granted}");
    database.rows(&locks).concat()
}

#[test]
fn a_file_whose_lock_is_taken_behind_its_back_is_not_run_twice_in_one_run() {
    let database = Database::create();
    database.rows("CREATE TABLE counter (version int)");
    // A procedure that commits runs outside of any transaction of ours, and this one gives the lock back.
    let text = "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO counter VALUES (1);\n-- +goose StatementBegin\n\
                CREATE PROCEDURE give_back() LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_unlock_all(); COMMIT; \
                FOR i IN 1..6000 LOOP EXIT WHEN to_regclass('go') IS NOT NULL; PERFORM pg_sleep(0.01); COMMIT; \
                END LOOP; END $$;\n-- +goose StatementEnd\nCALL give_back();\nINSERT INTO counter VALUES (2);\n";
    let folder = files(&[("00001_a.sql".to_owned(), text.to_owned())]);
    let up = std::thread::scope(|scope| {
        let up = scope.spawn(|| migrate(&database.url, folder.path(), &["up", "--lock-wait", "1s"]));
        eventually("the file gives its lock back", || {
            database.rows("SELECT count(*) FROM counter") == ["1"]
                && database.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == ["1"]
                && advisory_locks(&database, true) == "0"
        });
        let _holder = Holder::new(&database);
        database.rows("CREATE TABLE go ()");
        up.join().expect("a run")
    });
    assert_eq!(up.code, 26, "{}", up.stderr);
    assert_eq!(database.rows("SELECT version FROM counter"), ["1"]);
    assert_eq!(database.versions(), ["0"]);
}

#[test]
fn without_versioning_a_wait_for_the_lock_starts_nothing_anew() {
    let database = Database::create();
    let folder = files(&[counting(1, ""), counting(2, UNTIL_GO), counting(3, "")]);
    let mut command = migrate_command(&["up", "--no-versioning", "--lock-wait", "5m", "--database-url", &database.url]);
    let mut run = command.arg("--dir").arg(folder.path()).stderr(Stdio::piped()).spawn().expect("migrate starts");
    let mut told = BufReader::new(run.stderr.take().expect("its stderr")).lines().map(|line| line.expect("a line"));
    let rest: Vec<String> = std::thread::scope(|scope| {
        eventually("the second file", || database.rows("SELECT to_regclass('counter') IS NOT NULL") == ["t"]);
        // Waits in line: the server hands it the lock the moment the file under way commits.
        let holder = scope.spawn(|| Holder::new(&database));
        eventually("somebody waits for the lock", || advisory_locks(&database, false) == "1");
        database.rows("CREATE TABLE go ()");
        told.find(|line| line.contains("waiting for the migration lock")).expect("a word about the wait");
        drop(holder.join().expect("a holder"));
        told.collect()
    });
    assert_eq!(run.wait().expect("its end").code(), Some(0), "{rest:?}");
    assert_eq!(database.rows("SELECT version FROM counter ORDER BY ctid"), ["1", "2", "3"]);
}

/// Kills a run with SIGKILL while version 3 is under way; the rerun must find the truth.
fn kill_in_the_middle(slow: (String, String)) -> Database {
    let database = Database::create();
    database.rows("CREATE TABLE slow (id int)");
    let folder = files(&[counting(1, ""), counting(2, ""), slow, counting(4, "")]);
    let mut command = migrate_command(&["up", "--database-url", &database.url]);
    let mut run = command.arg("--dir").arg(folder.path()).stderr(Stdio::null()).spawn().expect("migrate starts");
    eventually("the slow statement", || {
        database.rows(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep%' \
             AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'",
        ) == ["1"]
    });
    run.kill().expect("SIGKILL");
    run.wait().expect("its end");
    // From here on the file is quick; the killed run's backend may still be in it and hold the lock.
    database.rows("DROP TABLE slow");
    let rerun = migrate(&database.url, folder.path(), &["up", "--lock-wait", "5m"]);
    assert_eq!(rerun.code, 0, "{}", rerun.stderr);
    database
}

const SLEEP: &str = "SELECT pg_sleep(CASE WHEN to_regclass('slow') IS NULL THEN 0 ELSE 10 END);\n";

#[test]
fn after_a_kill_in_the_middle_of_a_migration_the_rerun_applies_the_rest_once() {
    assert_each_applied_once(&kill_in_the_middle(counting(3, SLEEP)), 4);
}

#[test]
fn after_a_kill_in_the_middle_of_a_file_without_a_transaction_the_rerun_starts_it_again() {
    let text = format!(
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX IF NOT EXISTS i ON counter (version);\n{SLEEP}\
         INSERT INTO counter VALUES (3);\n"
    );
    assert_each_applied_once(&kill_in_the_middle(("00003_i.sql".into(), text)), 4);
}
