//! The program as the one process of a Job's Pod: what it leaves behind, what it never asks, what it does not read.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::stage::{Database, Ended, eventually, example_command, folder, migrate, migrate_command, permit, text};

const A: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const B: (&str, &str) = ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n");

/// Runs a command, and reads the message that it leaves behind.
fn run_with_log(database: &Database, dir: &Path, arguments: &[&str]) -> (Ended, Value) {
    let place = folder(&[]);
    let log = place.path().join("log");
    let ended = migrate(&database.url, dir, &[arguments, &["--termination-log", &log.display().to_string()]].concat());
    let message = text(&log);
    assert!(message.len() <= 4096, "{} bytes", message.len());
    (ended, serde_json::from_str(&message).unwrap_or_else(|error| panic!("{error}: {message}")))
}

#[test]
fn a_run_leaves_a_message_behind_when_it_succeeds_and_when_it_fails() {
    let database = Database::create();
    let good = folder(&[A, B]);
    let (ended, message) = run_with_log(&database, good.path(), &["up"]);
    assert_eq!((ended.code, &message["exit"], &message["code"]), (0, &json!(0), &json!("ok")));
    assert_eq!((&message["ran"], &message["current"]), (&json!(2), &json!(2)), "{message}");
    let bad = folder(&[A, B, ("00003_c.sql", "-- +goose Up\nSELECT missing FROM a;\n")]);
    let (ended, message) = run_with_log(&database, bad.path(), &["up"]);
    assert_eq!((ended.code, &message["exit"], &message["code"]), (25, &json!(25), &json!("migration-failed")));
    assert_eq!((&message["sqlstate"], &message["line"]), (&json!("42703"), &json!(2)), "{message}");
    assert!(message["file"].as_str().is_some_and(|file| file.ends_with("00003_c.sql")), "{message}");
    assert!(message["state"].is_string() && message["next"].is_string(), "{message}");
    assert_eq!(message["runbook"], "docs/book/failures.md#25-migration-failed");
    assert!(ended.stderr.contains("runbook: docs/book/failures.md#25-migration-failed"), "{}", ended.stderr);
}

#[test]
fn the_message_names_the_release_when_the_migrations_are_built_in() {
    let database = Database::create();
    let place = folder(&[]);
    let log = place.path().join("log");
    let mut command = example_command(&["up", "--database-url", &database.url, "--termination-log"]);
    let ended: Ended = command.arg(&log).output().expect("migrate starts").into();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let message: Value = serde_json::from_str(&text(&log)).expect("JSON");
    assert!(message["release"].as_str().is_some_and(|release| release.starts_with("migrate-bin ")), "{message}");
    assert_eq!(message["set_sha256"].as_str().map(str::len), Some(64), "{message}");
    assert_eq!(message["current"], message["latest"]);
}

#[test]
fn an_error_of_64_kib_becomes_a_message_of_4096_bytes_that_is_still_json() {
    let database = Database::create();
    let raise = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN RAISE EXCEPTION '%', \
                 repeat(E'caf\\u00e9 \"\\\\\\u0001', 8000) USING DETAIL = repeat('d', 65536); END $$;\n\
                 -- +goose StatementEnd\n";
    let files = folder(&[("00001_a.sql", raise)]);
    let (ended, message) = run_with_log(&database, files.path(), &["up"]);
    assert_eq!((ended.code, &message["exit"]), (25, &json!(25)));
    assert_eq!((&message["sqlstate"], &message["current"]), (&json!("P0001"), &json!(0)), "{message}");
    assert!(message["detail"].as_str().is_some_and(|detail| detail.starts_with("ddd") && detail.ends_with('…')));
}

#[test]
fn a_wrong_command_line_a_wrong_file_and_an_answer_leave_a_message_too() {
    let place = folder(&[("m/00001_a.sql", "-- +goose Up\nSELECT 1\n")]);
    let (log, dir) = (place.path().join("log"), place.path().join("m"));
    for (arguments, code) in [(vec!["up", "--nonsense"], 2), (vec!["up"], 29), (vec!["exit-codes"], 0)] {
        let mut command = migrate_command(&arguments);
        command.arg("--termination-log").arg(&log).arg("--dir").arg(&dir);
        let ended: Ended = command.env("DATABASE_URL", "postgres://h/d").output().expect("migrate starts").into();
        let message: Value = serde_json::from_str(&text(&log)).expect("JSON");
        assert_eq!((ended.code, &message["exit"]), (code, &json!(code)), "{arguments:?}: {message}");
    }
}

#[test]
fn no_message_holds_a_password() {
    let place = folder(&[]);
    let log = place.path().join("log");
    let url = "postgres://me:canary7@127.0.0.1:1/d?nonsense=canary7";
    for arguments in [["up", "--database-url", url], ["up", "--nonsense", url], ["up", "--database-urls", url]] {
        let mut command = migrate_command(&arguments);
        let ended = command.args(["--connect-wait", "0s", "--termination-log"]).arg(&log).output().expect("migrate");
        let message = text(&log);
        assert!(!message.is_empty() && !message.contains("canary7"), "{message}");
        assert!(!String::from_utf8_lossy(&ended.stderr).contains("canary7"));
        std::fs::remove_file(&log).expect("the message");
    }
}

#[test]
fn a_place_that_cannot_be_written_changes_nothing_of_the_exit_code() {
    let database = Database::create();
    let files = folder(&[A]);
    let place = folder(&[("taken", "")]);
    let fifo = place.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let folderless = place.path().join("no/such/folder/log");
    let below_a_file = place.path().join("taken/log");
    for log in [place.path(), &fifo, &folderless, &below_a_file, Path::new("/proc/version"), Path::new("/dev/full")] {
        let log = log.display().to_string();
        let ended = migrate(&database.url, files.path(), &["up", "--termination-log", &log]);
        assert_eq!(ended.code, 0, "{log}: {}", ended.stderr);
        assert!(ended.stderr.contains("warning: the termination message cannot be written to"), "{}", ended.stderr);
        let ended = migrate(&database.url, files.path(), &["up-by-one", "--termination-log", &log]);
        assert_eq!(ended.code, 28, "{log}: {}", ended.stderr);
    }
}

#[test]
fn an_end_by_a_signal_is_reported() {
    let database = Database::create();
    let files = folder(&[A, ("00002_b.sql", "-- +goose Up\nSELECT pg_sleep(600);\n")]);
    let log = files.path().join("log");
    let mut command = migrate_command(&["up", "--database-url", &database.url, "--termination-log"]);
    let mut run = command.arg(&log).arg("--dir").arg(files.path()).stderr(Stdio::null()).spawn().expect("migrate");
    eventually("the statement runs", || database.is_asleep());
    let told = Command::new("kill").args(["-TERM", &run.id().to_string()]).status().expect("kill");
    assert!(told.success());
    assert_eq!(run.wait().expect("its end").code(), Some(50));
    let message: Value = serde_json::from_str(&text(&log)).expect("JSON");
    assert_eq!((&message["exit"], &message["code"]), (&json!(50), &json!("interrupted")), "{message}");
    assert_eq!(message["runbook"], "docs/book/failures.md#50-interrupted");
}

#[test]
fn a_command_that_only_looks_ends_at_the_first_signal_and_reports_it() {
    let place = folder(&[]);
    let log = place.path().join("log");
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let url = format!("postgres://me@{}/d", mute.local_addr().expect("its address"));
    let mut command = example_command(&["status", "--database-url", &url, "--termination-log"]);
    let mut run = command.arg(&log).stderr(Stdio::null()).spawn().expect("migrate");
    let _connected = mute.accept().expect("a connection");
    assert!(Command::new("kill").args(["-TERM", &run.id().to_string()]).status().expect("kill").success());
    assert_eq!(run.wait().expect("its end").code(), Some(50));
    let message: Value = serde_json::from_str(&text(&log)).expect("JSON");
    assert_eq!(message["exit"], 50);
}

#[test]
fn undoing_in_a_cluster_needs_a_flag_of_its_own() {
    let database = Database::create();
    let files = folder(&[A, B]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let in_cluster = |arguments: &[&str]| -> Ended {
        let mut command = migrate_command(arguments);
        command.args(["--database-url", &database.url, "--dir"]).arg(files.path());
        command.env("KUBERNETES_SERVICE_HOST", "10.96.0.1").output().expect("migrate starts").into()
    };
    for arguments in [&["down"][..], &["down-to", "0"], &["redo"], &["reset"]] {
        let ended = in_cluster(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("--allow-down-in-cluster"), "{}", ended.stderr);
        assert_eq!(database.versions(), ["0", "1", "2"]);
        assert_eq!(in_cluster(&[arguments, &["--dry-run"]].concat()).code, 0, "a plan changes nothing");
    }
    assert_eq!(in_cluster(&["up"]).code, 0, "going forward needs no flag");
    assert_eq!(in_cluster(&["down", "--allow-down-in-cluster"]).code, 0);
    assert_eq!(database.versions(), ["0", "1"]);
    assert_eq!(migrate(&database.url, files.path(), &["down"]).code, 0, "outside of a cluster it is goose's command");
}

#[test]
fn what_destroys_asks_nothing_and_is_refused_without_yes() {
    let database = Database::create();
    let files = folder(&[A, B]);
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
    database.rows("CREATE TABLE twice (n int); INSERT INTO twice VALUES (1), (1)");
    let failed =
        std::panic::catch_unwind(|| database.rows("CREATE UNIQUE INDEX CONCURRENTLY left_behind ON twice (n)"));
    assert!(failed.is_err());
    for (arguments, would) in [
        (&["resolve", "--version", "2", "--applied"][..], "it would be recorded as applied, and nothing of it run"),
        (&["repair", "public.left_behind"], "public.left_behind on public.twice"),
        (&["unlock", "--terminate", "1"], "pid 1 does not hold the migration lock"),
    ] {
        // A stream that never ends: whoever asks a question waits for ever.
        let mut command = migrate_command(arguments);
        command.args(["--database-url", &database.url, "--dir"]).arg(files.path());
        let mut run = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("migrate starts");
        let open = run.stdin.take();
        let ended: Ended = run.wait_with_output().expect("its end").into();
        drop(open);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("--yes") && ended.stderr.contains(would), "{}", ended.stderr);
    }
    assert_eq!(database.versions(), ["0", "1"]);
    assert_eq!(database.rows("SELECT to_regclass('left_behind')"), ["left_behind"]);
    let empty = Database::create();
    let told = migrate(&empty.url, files.path(), &["baseline", "--to", "2"]);
    assert_eq!((told.code, empty.version_rows().as_str()), (2, "(no table)"), "{}", told.stderr);
    assert!(told.stderr.contains("2 migrations would be recorded as applied"), "{}", told.stderr);
}

/// What a program reads is JSON without being asked to.
#[test]
fn log_lines_are_json_in_a_cluster_where_no_person_reads_them() {
    let database = Database::create();
    let files = folder(&[A]);
    let lines = |cluster: Option<&str>, more: &[&str]| -> String {
        let mut command = migrate_command(&[&["up"], more].concat());
        command.args(["--database-url", &database.url, "--dir"]).arg(files.path());
        command.envs(cluster.map(|host| ("KUBERNETES_SERVICE_HOST", host)));
        let ended: Ended = command.output().expect("migrate starts").into();
        ended.stderr
    };
    let in_cluster = lines(Some("10.96.0.1"), &[]);
    assert!(in_cluster.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{in_cluster}");
    assert!(!in_cluster.is_empty());
    for text in [lines(Some("10.96.0.1"), &["--log-format", "text"]), lines(None, &[])] {
        assert!(!text.starts_with('{'), "{text}");
    }
}

#[test]
fn the_variables_of_service_links_are_nobodys() {
    let database = Database::create();
    let files = folder(&[A]);
    let mut command = migrate_command(&["up", "--database-url", &database.url, "--dir"]);
    command.arg(files.path());
    // A Service of each of these names, as the kubelet writes it into every container of the namespace.
    for service in ["MIGRATE", "POSTGRES", "PG", "DATABASE", "GOOSE", "DATABASE_URL", "PGHOST", "PGPORT"] {
        command.env(format!("{service}_PORT"), "tcp://10.0.0.1:5432");
        command.env(format!("{service}_PORT_5432_TCP"), "tcp://10.0.0.1:5432");
        command.env(format!("{service}_PORT_5432_TCP_ADDR"), "10.0.0.1");
        command.env(format!("{service}_PORT_5432_TCP_PORT"), "5432");
        command.env(format!("{service}_PORT_5432_TCP_PROTO"), "tcp");
        command.env(format!("{service}_SERVICE_HOST"), "10.0.0.1");
        command.env(format!("{service}_SERVICE_PORT"), "5432");
    }
    let ended: Ended = command.output().expect("migrate starts").into();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(database.versions(), ["0", "1"]);
    let mut alone = migrate_command(&["up"]);
    alone.env("POSTGRES_PORT", "tcp://10.0.0.1:5432").env("PG_SERVICE_HOST", "10.0.0.1");
    let ended: Ended = alone.output().expect("migrate starts").into();
    assert_eq!(ended.code, 2, "a service link names no database: {}", ended.stderr);
}

#[test]
fn a_file_that_only_others_may_write_is_let_be() {
    use std::os::unix::process::CommandExt as _;
    if !crate::stage::is_root() {
        return;
    }
    let place = folder(&[("log", "kept")]);
    permit(place.path(), 0o755);
    permit(&place.path().join("log"), 0o644);
    let program = place.path().join("migrate");
    std::fs::copy(env!("CARGO_BIN_EXE_migrate"), &program).expect("a copy");
    let mut command = Command::new(&program);
    command.env_clear().args(["exit-codes", "--termination-log"]).arg(place.path().join("log")).uid(65532).gid(65532);
    assert_eq!(command.output().expect("migrate starts").status.code(), Some(0));
    assert_eq!(text(&place.path().join("log")), "kept");
}
