//! Runs that are told to end, or whose time is over: what was under way is taken back or written down, and in time.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::background::{Background, Session};
use crate::stage::{Database, eventually, folder, migrate, migrate_command, skipped_without};

const SLEEP: &str = "-- +goose Up\nCREATE TABLE b (id int);\nSELECT pg_sleep(60);\n";
const GOOD: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n");

/// Whether a statement of this database is running that holds these words.
fn running(database: &Database, words: &str) -> bool {
    let query = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
         AND pid <> pg_backend_pid() AND query LIKE '%{words}%'"
    );
    database.rows(&query) != ["0"]
}

#[test]
fn sigterm_cancels_a_transactional_migration_and_rolls_it_back() {
    for signal in ["TERM", "INT"] {
        let (database, files) = (Database::create(), folder(&[GOOD, ("00002_b.sql", SLEEP)]));
        let run = Background::start(&database.url, files.path(), &["up"]);
        eventually("the slow statement", || running(&database, "pg_sleep(60)"));
        let asked = Instant::now();
        run.signal(signal);
        let ended = run.wait();
        assert_eq!(ended.code, 50, "{}", ended.stderr);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        assert!(ended.stderr.contains("00002_b.sql was rolled back; the database is at version 1"), "{}", ended.stderr);
        assert_eq!(
            (database.versions(), database.rows("SELECT to_regclass('b')")),
            (vec!["0".into(), "1".into()], vec![String::new()])
        );
        eventually("the backend's end", || !running(&database, "pg_sleep(60)"));
    }
}

/// The file of a secret can be on a mount that hangs, and whoever reads it hears nothing else.
#[test]
fn a_secret_that_cannot_be_read_keeps_no_run_from_ending() {
    let files = folder(&[GOOD]);
    let secret = files.path().join("secret");
    assert!(Command::new("mkfifo").arg(&secret).status().expect("mkfifo").success());
    // As long as somebody may write to it, it has no end.
    let _writer = File::options().read(true).write(true).open(&secret).expect("a pipe");
    let start = |arguments: &[&str]| {
        let mut command = migrate_command(&[&["up"], arguments].concat());
        Background::spawn(command.arg("--dir").arg(files.path()).env("DATABASE_URL_FILE", &secret))
    };
    let is_read_by = |pid: u32| {
        let listed = Command::new("ls").arg("-l").arg(format!("/proc/{pid}/fd")).output().expect("a list");
        String::from_utf8_lossy(&listed.stdout).contains(&secret.display().to_string())
    };
    let run = start(&[]);
    eventually("the reading of the secret", || is_read_by(run.pid()));
    let asked = Instant::now();
    run.signal("TERM");
    let ended = run.wait();
    assert_eq!(ended.code, 50, "{}", ended.stderr);
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(ended.stderr.contains("a signal ended the run while it was connecting"), "{}", ended.stderr);
    let ended = start(&["--deadline", "1s"]).wait();
    assert_eq!(ended.code, 46, "{}", ended.stderr);
    assert!(ended.stderr.contains("the time that the run was given is over"), "{}", ended.stderr);
}

/// The tables of the bookkeeping are made before the first file, and a trigger of the database can make that take its time.
#[test]
fn sigterm_cancels_the_preparation() {
    let (database, files) = (Database::create(), folder(&[GOOD]));
    database.rows(
        "CREATE FUNCTION slowly() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END';
         CREATE EVENT TRIGGER slowly ON ddl_command_start EXECUTE FUNCTION slowly()",
    );
    let run = Background::start(&database.url, files.path(), &["up"]);
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    eventually("the slow statement", || database.rows(sleeping) == ["1"]);
    let asked = Instant::now();
    run.signal("TERM");
    let ended = run.wait();
    assert_eq!(ended.code, 50, "{}", ended.stderr);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(ended.stderr.contains("while the preparation was running"), "{}", ended.stderr);
    eventually("the backend's end", || database.rows(sleeping) == ["0"]);
    assert_eq!(database.version_rows(), "(no table)");
}

#[test]
fn sigterm_while_the_lock_is_waited_for_ends_the_run_at_once() {
    let (database, files) = (Database::create(), folder(&[GOOD]));
    let _holder = Session::that(&database.url, "SELECT pg_advisory_lock(4097083626)");
    let mut run = Background::start(&database.url, files.path(), &["up"]);
    run.read_until("waiting for the migration lock");
    let asked = Instant::now();
    run.signal("TERM");
    let ended = run.wait();
    assert_eq!(ended.code, 50, "{}", ended.stderr);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert!(ended.stderr.contains("while the migration lock was waited for"), "{}", ended.stderr);
    assert_eq!(database.version_rows(), "(no table)");
}

#[test]
fn sigterm_in_a_file_without_a_transaction_is_written_down_and_the_next_run_goes_on() {
    let database = Database::create();
    database.rows("CREATE TABLE a (id int); INSERT INTO a VALUES (1); CREATE TABLE counter (n int)");
    let text = "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO counter VALUES (1);\n\
                CREATE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO counter VALUES (2);\n";
    let files = folder(&[("00001_i.sql", text)]);
    let reader = Session::that(&database.url, "BEGIN; INSERT INTO a VALUES (2)");
    let run = Background::start(&database.url, files.path(), &["up"]);
    eventually("the index being built", || running(&database, "CONCURRENTLY"));
    run.signal("TERM");
    let ended = run.wait();
    assert_eq!(ended.code, 51, "{}", ended.stderr);
    assert!(ended.stderr.contains("1 of 3 statements of 00001_i.sql are done"), "{}", ended.stderr);
    let journal = "SELECT statement_no, kind, state, sqlstate FROM goose_db_version_journal ORDER BY statement_no";
    assert_eq!(database.rows(journal), ["1|transaction|done|", "2|create-index-concurrently|failed|57014"]);
    drop(reader);
    let again = migrate(&database.url, files.path(), &["up"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(database.rows("SELECT n FROM counter ORDER BY ctid"), ["1", "2"]);
    assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), ["t"]);
    assert_eq!(database.rows("SELECT count(*) FROM goose_db_version_journal WHERE closed_at IS NULL"), ["0"]);
}

#[test]
fn a_deadline_ends_a_blocked_migration_in_time_and_names_who_is_in_the_way() {
    let database = Database::create();
    let files = folder(&[GOOD, ("00002_b.sql", "-- +goose Up\nALTER TABLE a ADD COLUMN more int;\n")]);
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
    let holder = Session::that(&database.url, "BEGIN; SELECT * FROM a");
    let start = Instant::now();
    let ended = migrate(&database.url, files.path(), &["up", "--deadline", "3s"]);
    let spent = start.elapsed();
    assert_eq!(ended.code, 46, "{}", ended.stderr);
    assert!((Duration::from_secs(3)..Duration::from_secs(6)).contains(&spent), "{spent:?}");
    assert!(ended.stderr.contains(&format!("pid {}", holder.pid)), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("pg_terminate_backend({})", holder.pid)), "{}", ended.stderr);
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn a_deadline_counts_while_another_runner_is_waited_for() {
    let (database, files) = (Database::create(), folder(&[GOOD]));
    let holder = Session::that(&database.url, "SELECT pg_advisory_lock(4097083626)");
    let ended = migrate(&database.url, files.path(), &["up", "--deadline", "1s"]);
    assert_eq!(ended.code, 46, "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("pid {}", holder.pid)), "{}", ended.stderr);
}

/// As PID 1 of a container a process without a handler ignores SIGTERM.
#[test]
fn sigterm_ends_it_as_the_first_process_of_a_container() {
    let probe = std::process::Command::new("unshare").args(["--pid", "--fork", "true"]).status();
    let may = probe.is_ok_and(|status| status.success()).then(std::path::PathBuf::new);
    let (scene, what) = ("the first process of a container", "the right to make a namespace of processes");
    if skipped_without(may, scene, "MIGRATE_REQUIRE_NAMESPACES", what).is_none() {
        return;
    }
    let (database, files) = (Database::create(), folder(&[("00001_b.sql", SLEEP)]));
    let program = migrate_command(&[]).get_program().to_owned();
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child=KILL"]).arg(program).arg("up").env_clear();
    unshare.args(["--database-url", &database.url, "--dir"]).arg(files.path()).stderr(Stdio::null());
    let mut child = unshare.spawn().expect("unshare starts");
    eventually("the slow statement", || running(&database, "pg_sleep(60)"));
    let asked = Instant::now();
    terminate_first_process(&child);
    let status = child.wait().expect("its end");
    assert_eq!(status.code(), Some(50));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

/// The only child of `unshare` is the first process of the new namespace.
fn terminate_first_process(unshare: &Child) {
    let parent = unshare.id().to_string();
    let status = std::process::Command::new("pkill").args(["-TERM", "-P", &parent]).status().expect("pkill");
    assert!(status.success());
}
