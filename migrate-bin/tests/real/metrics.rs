//! The file of metrics: what it says of each end of a run, and that Prometheus can read it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::background::{Background, Session};
use crate::stage::{Database, Ended, eventually, folder, migrate, migrate_command, names, text, workspace};

const A: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const B: (&str, &str) = ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n");
const BAD: (&str, &str) = ("00003_bad.sql", "-- +goose Up\nSELECT missing FROM a;\n");
const SLOW: (&str, &str) = ("00002_slow.sql", "-- +goose Up\nSELECT pg_sleep(60);\n");

/// The metrics of a file, by name; the database that their labels name must be this one.
fn read(path: &Path, database: &str) -> BTreeMap<String, String> {
    let text = text(path);
    assert!(text.ends_with('\n'), "{text}");
    let mut metrics = BTreeMap::new();
    let lines: Vec<&str> = text.lines().collect();
    for triple in lines.chunks(3) {
        let [help, kind, sample] = triple else { panic!("half a metric: {triple:?}") };
        let (name, words) = help.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')).expect("a HELP");
        assert!(words.ends_with('.') && !words.contains('\\'), "{help}");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_') && name.starts_with("migrate_"), "{name}");
        assert_eq!(*kind, format!("# TYPE {name} gauge"));
        let (series, value) = sample.rsplit_once(' ').expect("a sample");
        let labels = if database.is_empty() { String::new() } else { format!("{{database=\"{database}\"}}") };
        assert_eq!(series, format!("{name}{labels}"));
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{sample}");
        assert!(metrics.insert(name.to_owned(), value.to_owned()).is_none(), "{name} twice");
    }
    metrics
}

/// Runs a command that writes its metrics, and reads them.
fn run(database: &Database, dir: &Path, arguments: &[&str]) -> (Ended, BTreeMap<String, String>) {
    let place = folder(&[]);
    let file = place.path().join("migrate.prom");
    let path = file.display().to_string();
    let ended = migrate(&database.url, dir, &[arguments, &["--metrics-file", &path]].concat());
    assert_eq!(names(place.path()), ["migrate.prom"], "nothing is left beside it");
    (ended, read(&file, &database.name))
}

#[test]
fn a_run_that_succeeds_and_one_that_fails_are_told_in_numbers() {
    let database = Database::create();
    let before = seconds_since_1970();
    let (ended, metrics) = run(&database, folder(&[A, B]).path(), &["up"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!([of(&metrics, "success"), of(&metrics, "exit_code"), of(&metrics, "retries")], ["1", "0", "0"]);
    assert_eq!([of(&metrics, "migrations_applied"), of(&metrics, "migrations_undone")], ["2", "0"]);
    assert_eq!(metrics["migrate_schema_version"], "2");
    let (at, spent) = (seconds(&metrics, "timestamp_seconds"), seconds(&metrics, "duration_seconds"));
    assert!((before..=seconds_since_1970()).contains(&at), "{at}");
    assert!(spent > 0.0 && spent < 60.0, "{spent}");

    let (ended, metrics) = run(&database, folder(&[A, B, BAD]).path(), &["up"]);
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    assert_eq!(
        [of(&metrics, "success"), of(&metrics, "exit_code"), of(&metrics, "migrations_applied")],
        ["0", "25", "0"]
    );
    assert_eq!(metrics["migrate_schema_version"], "2");

    let (ended, metrics) = run(&database, folder(&[A, B]).path(), &["reset"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!([of(&metrics, "migrations_undone"), &metrics["migrate_schema_version"]], ["2", "0"]);
}

/// A metric of the last run.
fn of<'m>(metrics: &'m BTreeMap<String, String>, name: &str) -> &'m str {
    &metrics[&format!("migrate_last_run_{name}")]
}

fn seconds(metrics: &BTreeMap<String, String>, name: &str) -> f64 {
    of(metrics, name).parse().expect("a number")
}

fn seconds_since_1970() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time after 1970");
    // As exact as the file is.
    (now.as_secs_f64() * 1000.0).round() / 1000.0
}

#[test]
fn the_book_names_every_metric_and_no_other() {
    let page = text(&workspace().join("docs/book/telemetry.md"));
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `migrate_")?.split('`').next());
    let told: BTreeSet<String> = rows.map(|name| format!("migrate_{name}")).collect();
    let (_, metrics) = run(&Database::create(), folder(&[A]).path(), &["up"]);
    assert_eq!(told, metrics.into_keys().collect());
}

#[test]
fn waiting_for_another_runner_is_counted() {
    let (database, files) = (Database::create(), folder(&[A]));
    let _holder = Session::that(&database.url, "SELECT pg_advisory_lock(4097083626)");
    let (ended, metrics) = run(&database, files.path(), &["up", "--lock-wait", "2s"]);
    assert_eq!(ended.code, 41, "{}", ended.stderr);
    assert_eq!(of(&metrics, "exit_code"), "41");
    let waited = seconds(&metrics, "lock_wait_seconds");
    assert!(waited > 1.5 && waited <= seconds(&metrics, "duration_seconds"), "{metrics:?}");
}

#[test]
fn a_database_that_was_not_reached_and_a_version_that_was_not_read_are_not_named() {
    let place = folder(&[A]);
    let file = place.path().join("migrate.prom");
    let mut command = migrate_command(&["up", "--database-url", "postgres://me@127.0.0.1:1/d", "--connect-wait", "0s"]);
    command.arg("--dir").arg(place.path()).arg("--metrics-file").arg(&file);
    assert_eq!(command.output().expect("migrate starts").status.code(), Some(40));
    let metrics = read(&file, "");
    assert_eq!((of(&metrics, "exit_code"), metrics.get("migrate_schema_version")), ("40", None));
    let mut command = migrate_command(&["up", "--nonsense", "--metrics-file"]);
    assert_eq!(command.arg(&file).output().expect("migrate starts").status.code(), Some(2));
    assert_eq!(of(&read(&file, ""), "exit_code"), "2");
}

#[test]
fn a_run_that_a_signal_or_its_deadline_ends_is_told_too() {
    let (database, files) = (Database::create(), folder(&[A, SLOW]));
    let (ended, metrics) = run(&database, files.path(), &["up", "--deadline", "2s"]);
    assert_eq!(ended.code, 46, "{}", ended.stderr);
    assert_eq!([of(&metrics, "exit_code"), &metrics["migrate_schema_version"]], ["46", "1"]);
    let place = folder(&[]);
    let file = place.path().join("migrate.prom");
    let run = Background::start(&database.url, files.path(), &["up", "--metrics-file", &file.display().to_string()]);
    eventually("the slow statement", || database.is_asleep());
    run.signal("TERM");
    assert_eq!(run.wait().code, 50);
    assert_eq!(of(&read(&file, &database.name), "exit_code"), "50");
}

#[test]
fn a_file_of_metrics_that_cannot_be_written_is_a_warning() {
    let (database, files) = (Database::create(), folder(&[A]));
    let place = folder(&[("taken", "")]);
    let fifo = place.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let (folderless, below_a_file) = (place.path().join("no/such/m.prom"), place.path().join("taken/m.prom"));
    for path in [place.path(), &fifo, &folderless, &below_a_file, Path::new("/dev/full"), Path::new("/proc/m.prom")] {
        let path = path.display().to_string();
        let ended = migrate(&database.url, files.path(), &["up", "--metrics-file", &path]);
        assert_eq!(ended.code, 0, "{path}: {}", ended.stderr);
        assert!(ended.stderr.contains("warning: the metrics cannot be written to"), "{path}: {}", ended.stderr);
        let ended = migrate(&database.url, files.path(), &["up-by-one", "--metrics-file", &path]);
        assert_eq!(ended.code, 28, "{path}: {}", ended.stderr);
    }
    assert_eq!(names(place.path()), ["pipe", "taken"], "nothing is left beside them");
}

/// A reader that looks again and again sees a whole file each time, the one before or the one after.
#[test]
fn whoever_reads_the_file_meanwhile_finds_it_whole() {
    let (database, files) = (Database::create(), folder(&[A]));
    let place = folder(&[]);
    let file = place.path().join("migrate.prom");
    let write = || migrate(&database.url, files.path(), &["up", "--metrics-file", &file.display().to_string()]);
    assert_eq!(write().code, 0);
    let done = std::sync::atomic::AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                assert_eq!(read(&file, &database.name).len(), 9);
                looks += 1;
            }
            looks
        });
        for _ in 0..10 {
            assert_eq!(write().code, 0);
        }
        done.store(true, std::sync::atomic::Ordering::Release);
        reader.join().expect("every look")
    });
    assert!(looks > 10, "only {looks} looks");
}
