//! What the spans of a run say: of one that succeeds, one that fails, one that is ended.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::background::Background;
use crate::collector::{Collector, Span};
use crate::stage::{Database, Ended, eventually, folder, migrate_command, server};

const A: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const B: (&str, &str) = ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\nINSERT INTO b VALUES (1);\n");
const INDEXES: (&str, &str) = (
    "00003_c.sql",
    "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY a_id ON a (id);\nCREATE INDEX CONCURRENTLY b_id ON b (id);\n",
);
const SLOW: (&str, &str) = ("00002_slow.sql", "-- +goose Up\nCREATE TABLE s (id int);\nSELECT pg_sleep(60);\n");

/// A run that tells this collector.
fn command(collector: &Collector, database: &Database, dir: &Path, arguments: &[&str]) -> Command {
    let mut command = migrate_command(arguments);
    command.args(["--database-url", &database.url, "--dir"]).arg(dir);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint);
    command
}

fn run(command: &mut Command) -> Ended {
    command.output().expect("migrate starts").into()
}

fn attribute<'s>(span: &'s Span, name: &str) -> &'s Value {
    span.attributes.get(name).unwrap_or(&Value::Null)
}

/// The attributes that OpenTelemetry's conventions ask for, on any span.
fn assert_names_the_database(span: &Span, database: &Database) {
    assert_eq!(attribute(span, "db.system.name"), "postgresql", "{span:#?}");
    assert_eq!(attribute(span, "db.namespace"), database.name.as_str(), "{span:#?}");
    assert_eq!(attribute(span, "server.address"), "127.0.0.1", "{span:#?}");
    assert_eq!(attribute(span, "server.port"), server().port(), "{span:#?}");
}

#[test]
fn a_run_is_a_span_with_one_for_each_migration_and_for_each_statement_that_is_sent_alone() {
    let (collector, database) = (Collector::answering("200 OK"), Database::create());
    let files = folder(&[A, B, INDEXES]);
    let ended = run(&mut command(&collector, &database, files.path(), &["up"]));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let root = collector.span("migrate up");
    assert_eq!((root.parent.as_str(), root.kind, root.status), ("", 1, 0), "{root:#?}");
    assert_eq!((attribute(&root, "migrate.exit_code"), attribute(&root, "migrate.current")), (&json!(0), &json!(3)));
    assert_eq!((attribute(&root, "migrate.planned"), &root.service), (&json!(3), &json!("migrate")));
    let mut before = root.start;
    for (version, name) in [(1, "migration 00001_a"), (2, "migration 00002_b"), (3, "migration 00003_c")] {
        let span = collector.span(name);
        assert_eq!((&span.parent, &span.trace, span.kind), (&root.id, &root.trace, 3), "{span:#?}");
        assert_eq!(
            (attribute(&span, "migrate.version"), attribute(&span, "db.operation.name")),
            (&json!(version), &json!("up"))
        );
        assert!(before <= span.start && span.start <= span.end && span.end <= root.end, "{span:#?}");
        assert_names_the_database(&span, &database);
        before = span.end;
    }
    let third = collector.span("migration 00003_c").id;
    for (name, line) in [("statement 1", 3), ("statement 2", 4)] {
        let span = collector.span(name);
        assert_eq!((&span.parent, attribute(&span, "migrate.line")), (&third, &json!(line)), "{span:#?}");
        assert_names_the_database(&span, &database);
    }
    assert_names_the_database(&root, &database);
    assert_eq!(collector.spans().len(), 6);
}

#[test]
fn the_sqlstate_of_a_failed_migration_is_on_its_span() {
    let (collector, database) = (Collector::answering("200 OK"), Database::create());
    let files = folder(&[A, ("00002_bad.sql", "-- +goose Up\nSELECT missing FROM a;\n")]);
    let ended = run(&mut command(&collector, &database, files.path(), &["up"]));
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    for name in ["migrate up", "migration 00002_bad"] {
        let span = collector.span(name);
        assert_eq!(span.status, 2, "{span:#?}");
        assert_eq!(attribute(&span, "db.response.status_code"), "42703", "{span:#?}");
        assert_eq!(attribute(&span, "error.type"), "42703", "{span:#?}");
    }
    assert_eq!(attribute(&collector.span("migrate up"), "migrate.exit_code"), 25);
    assert_eq!(collector.span("migration 00001_a").status, 0);
}

#[test]
fn a_run_without_a_server_has_its_span_and_the_name_of_what_went_wrong() {
    let (collector, files) = (Collector::answering("200 OK"), folder(&[A]));
    let mut command = migrate_command(&["up", "--database-url", "postgres://me@127.0.0.1:1/d", "--connect-wait", "0s"]);
    command.arg("--dir").arg(files.path()).env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint);
    assert_eq!(run(&mut command).code, 40);
    let root = collector.span("migrate up");
    assert_eq!((root.status, attribute(&root, "error.type")), (2, &json!("connect")));
    assert_eq!(
        (attribute(&root, "db.response.status_code"), attribute(&root, "migrate.current")),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn the_spans_of_a_run_that_sigterm_ends_are_delivered() {
    let (collector, database) = (Collector::answering("200 OK"), Database::create());
    let files = folder(&[A, SLOW]);
    let run = Background::spawn(&mut command(&collector, &database, files.path(), &["up"]));
    wait_for_sleep(&database);
    run.signal("TERM");
    let ended = run.wait();
    assert_eq!(ended.code, 50, "{}", ended.stderr);
    for name in ["migrate up", "migration 00002_slow"] {
        let span = collector.span(name);
        assert_eq!((span.status, attribute(&span, "error.type")), (2, &json!("interrupted")), "{span:#?}");
    }
    assert_eq!(collector.span("migration 00002_slow").events, ["stopping"]);
}

#[test]
fn the_spans_of_a_run_whose_time_is_over_are_delivered() {
    let (collector, database) = (Collector::answering("200 OK"), Database::create());
    let files = folder(&[A, SLOW]);
    let ended = run(&mut command(&collector, &database, files.path(), &["up", "--deadline", "2s"]));
    assert_eq!(ended.code, 46, "{}", ended.stderr);
    let span = collector.span("migration 00002_slow");
    assert_eq!((span.status, attribute(&span, "error.type")), (2, &json!("deadline")), "{span:#?}");
}

/// With the server stopped nothing can be cancelled: the second signal is what ends the process.
#[test]
fn the_spans_of_a_run_that_a_second_signal_ends_are_delivered() {
    let (collector, files) = (Collector::answering("200 OK"), folder(&[A, SLOW]));
    let server = migrate_scratch::Server::newest().expect("PostgreSQL server binaries");
    let database = Database::create_on(&server);
    let run = Background::spawn(&mut command(&collector, &database, files.path(), &["up"]));
    wait_for_sleep(&database);
    let backend = database.rows("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'").concat();
    // A stopped backend hears no cancel.
    signal("STOP", &backend);
    run.signal("TERM");
    eventually("the first signal is heard", || has_pending_signal_of(&backend));
    run.signal("TERM");
    let ended = run.wait();
    signal("CONT", &backend);
    assert_eq!(ended.code, 51, "{}", ended.stderr);
    let span = collector.span("migration 00002_slow");
    assert_eq!((span.status, attribute(&span, "error.type")), (2, &json!("interrupted-partial")), "{span:#?}");
    eventually("the backend's end", || {
        database
            .rows("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")
            == ["0"]
    });
}

fn wait_for_sleep(database: &Database) {
    let query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    eventually("the slow statement", || database.rows(query) == ["1"]);
}

fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args(["-s", name, pid]).status().expect("kill").success());
}

/// Whether a process that is stopped has been sent something: the postmaster passes a cancel on as SIGINT.
fn has_pending_signal_of(pid: &str) -> bool {
    let status = crate::stage::text(Path::new(&format!("/proc/{pid}/status")));
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).expect("a line").trim();
    u64::from_str_radix(pending, 16).expect("a set of signals") & (1 << 1) != 0
}

#[test]
fn the_span_of_whatever_started_the_run_is_its_parent() {
    let (collector, database, files) = (Collector::answering("200 OK"), Database::create(), folder(&[A]));
    let mut command = command(&collector, &database, files.path(), &["up"]);
    command.env("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    command.env("OTEL_SERVICE_NAME", "app-migrate");
    assert_eq!(run(&mut command).code, 0);
    let root = collector.span("migrate up");
    assert_eq!((root.trace.as_str(), root.parent.as_str()), ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"));
    assert_eq!(root.service, "app-migrate");
    assert_eq!(collector.span("migration 00001_a").trace, root.trace);
}

#[test]
fn nobody_is_told_who_does_not_ask() {
    let (collector, database, files) = (Collector::answering("200 OK"), Database::create(), folder(&[A]));
    for (name, value) in
        [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")]
    {
        let ended = run(command(&collector, &database, files.path(), &["up"]).env(name, value));
        assert_eq!((ended.code, ended.stderr.contains("telemetry")), (0, false), "{name}: {}", ended.stderr);
    }
    assert_eq!(run(&mut command(&collector, &database, files.path(), &["up", "--dry-run"])).code, 0);
    assert!(collector.raw().is_empty(), "{}", collector.raw());
}
