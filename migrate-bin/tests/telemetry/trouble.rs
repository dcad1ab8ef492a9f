//! Collectors that do not answer, refuse or are not there, and secrets: a run ends as it would have ended, and hardly later.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::authority::{Authority, Valid, write};
use crate::collector::Collector;
use crate::stage::{Database, Ended, folder, migrate_command};

const A: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n");
const BAD: (&str, &str) = ("00002_bad.sql", "-- +goose Up\nSELECT 'canary7'::int, 'canary8';\n");

/// What a run without telemetry takes here, at most, on a machine that has other things to do.
const USUAL: Duration = Duration::from_secs(2);

/// What telemetry may add.
const MORE: Duration = Duration::from_secs(2);

fn command(database: &Database, dir: &Path, endpoint: &str) -> Command {
    let mut command = migrate_command(&["up", "--database-url", &database.url, "--dir"]);
    command.arg(dir).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command
}

/// A collector that takes a connection and never says a word, as long as it is kept.
fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
    (listener, endpoint)
}

/// Runs it, and measures.
fn timed(command: &mut Command) -> (Ended, Duration) {
    let began = Instant::now();
    let ended = command.output().expect("migrate starts").into();
    (ended, began.elapsed())
}

#[test]
fn a_run_succeeds_and_ends_in_time_whatever_its_collector_does() {
    let (_mute, mute) = mute();
    let refusing = Collector::answering("503 Service Unavailable");
    let strict = Collector::answering("401 Unauthorized");
    let cases = [
        (mute.as_str(), "it does not answer"),
        ("http://127.0.0.1:1", "no connection"),
        (refusing.endpoint.as_str(), "it answers with status 503"),
        (strict.endpoint.as_str(), "it answers with status 401"),
        ("http://no-such-host.invalid:4318", "no connection"),
    ];
    for (endpoint, problem) in cases {
        let (database, files) = (Database::create(), folder(&[A]));
        let (ended, spent) = timed(&mut command(&database, files.path(), endpoint));
        assert_eq!(ended.code, 0, "{endpoint}: {}", ended.stderr);
        assert!(spent < USUAL + MORE, "{endpoint}: {spent:?}");
        let warning = format!("warning: the spans of this run did not reach the collector: {problem}");
        let unresolved = endpoint.contains(".invalid") && ended.stderr.contains("it does not answer");
        assert!(ended.stderr.contains(&warning) || unresolved, "{endpoint}: {}", ended.stderr);
        assert_eq!(database.versions(), ["0", "1"]);
    }
}

#[test]
fn a_failed_run_keeps_its_exit_code_and_its_words_beside_a_collector_that_is_mute() {
    let (_mute, endpoint) = mute();
    let (database, files) = (Database::create(), folder(&[A, BAD]));
    let (ended, spent) = timed(&mut command(&database, files.path(), &endpoint));
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    assert!(ended.stderr.contains("sqlstate: 22P02"), "{}", ended.stderr);
    assert!(spent < USUAL + MORE, "{spent:?}");
}

#[test]
fn a_protocol_that_is_not_spoken_and_a_certificate_that_is_not_there_are_warnings() {
    let (database, files) = (Database::create(), folder(&[A]));
    let (ended, _) =
        timed(command(&database, files.path(), "http://127.0.0.1:1").env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("can only be `http/protobuf`"), "{}", ended.stderr);
    let missing = files.path().join("no-such-file");
    let (ended, _) =
        timed(command(&database, files.path(), "https://127.0.0.1:1").env("OTEL_EXPORTER_OTLP_CERTIFICATE", missing));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("OTEL_EXPORTER_OTLP_CERTIFICATE"), "{}", ended.stderr);
    let (ended, _) = timed(&mut command(&database, files.path(), "no url: canary7"));
    assert_eq!((ended.code, ended.stderr.contains("canary7")), (0, false), "{}", ended.stderr);
}

#[test]
fn no_span_holds_a_password_a_text_of_a_file_or_a_word_of_the_server() {
    let (collector, database) = (Collector::answering("200 OK"), Database::create());
    let files = folder(&[A, BAD]);
    let url = database.url.replacen("://", "://postgres:canary6@", 1).replacen(
        "postgres:canary6@postgres@",
        "postgres:canary6@",
        1,
    );
    let mut command = migrate_command(&["up", "--database-url", &url, "--dir"]);
    command.arg(files.path()).env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint);
    let ended: Ended = command.output().expect("migrate starts").into();
    assert_eq!(ended.code, 25, "{url}: {}", ended.stderr);
    let raw = collector.raw();
    assert!(raw.contains("migration 00002_bad") && !raw.contains("canary"), "{raw}");
}

#[test]
fn spans_go_over_tls_to_a_collector_whose_authority_is_named_and_to_no_other() {
    let authority = Authority::new("the collector's authority");
    let (files, others) = (folder(&[A]), folder(&[]));
    let named = write(others.path(), "named.pem", &authority.pem());
    let stranger = write(others.path(), "stranger.pem", &Authority::new("another authority").pem());
    for (certificate, arrives) in [(Some(&named), true), (Some(&stranger), false), (None, false)] {
        let database = Database::create();
        let collector = Collector::in_tls(&authority.certify("collector", &["127.0.0.1"], Valid::Now));
        let mut command = command(&database, files.path(), &collector.endpoint);
        let (ended, _) = timed(command.envs(certificate.map(|path| ("OTEL_EXPORTER_OTLP_CERTIFICATE", path))));
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(collector.spans().len(), if arrives { 2 } else { 0 }, "{certificate:?}: {}", ended.stderr);
        assert_eq!(ended.stderr.contains("did not reach the collector"), !arrives, "{certificate:?}: {}", ended.stderr);
    }
}

#[test]
fn headers_reach_the_collector_and_nobody_else() {
    let (collector, database, files) = (Collector::answering("403 Forbidden"), Database::create(), folder(&[A]));
    let mut command = command(&database, files.path(), &collector.endpoint);
    let (ended, _) =
        timed(command.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary9").arg("--verbose"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(collector.raw().to_ascii_lowercase().contains("authorization: bearer canary9"), "{}", collector.raw());
    assert!(!ended.stderr.contains("canary9"), "{}", ended.stderr);
}
