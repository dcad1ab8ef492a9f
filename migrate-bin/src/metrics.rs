//! A run in numbers, for Prometheus: a file that a `node_exporter`'s textfile collector reads.
//!
//! Made from the events of a run and from how it ended. Invariant: a reader finds the whole file of one run or of another,
//! never a part of one, and every metric has its HELP and its TYPE.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use migrate_core::migration::Direction;
use migrate_core::plan::Versioning;
use migrate_core::report::{Event, Exit};

use crate::end::End;
use crate::termination;

const FLAG: &str = "--metrics-file";

/// What is known of a run while it goes on.
#[derive(Debug, Clone, Default)]
struct Tally {
    database: String,
    /// Whether the history was read: before that nobody knows the version.
    is_planned: bool,
    applied: u64,
    undone: u64,
    retries: u64,
    /// How long other runners were waited for, and since when one is.
    lock_wait: Duration,
    waits_since: Option<Instant>,
}

impl Tally {
    /// Whatever happens next, another runner is not waited for any more.
    fn stop_waiting(&mut self) {
        self.lock_wait += self.waits_since.take().map_or(Duration::ZERO, |since| since.elapsed());
    }
}

/// The numbers of a run, and where they go.
#[derive(Debug)]
pub(crate) struct Metrics {
    file: MetricsFile,
    began: Instant,
    has_versions: bool,
    tally: Mutex<Tally>,
}

impl Metrics {
    pub(crate) fn of(path: PathBuf, versioning: Versioning) -> Self {
        let has_versions = versioning != Versioning::Ignored;
        Self { file: MetricsFile(path), began: Instant::now(), has_versions, tally: Mutex::default() }
    }

    /// The numbers of a run whose command line was not understood.
    pub(crate) fn unread(file: MetricsFile) -> Self {
        Self::of(file.0, Versioning::Recorded)
    }

    /// Counts an event of the run.
    pub(crate) fn follow(&self, event: &Event) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Waiting { waited, .. } => {
                let since = Instant::now().checked_sub(*waited);
                tally.waits_since = tally.waits_since.or(since);
                return;
            }
            Event::Connected { database, .. } => tally.database.clone_from(database),
            Event::Opened(opened) => tally.database.clone_from(&opened.database),
            Event::Planned { .. } => tally.is_planned = true,
            Event::Finished(ran, _) if ran.direction == Direction::Up => tally.applied += 1,
            Event::Finished(..) => tally.undone += 1,
            Event::Retry(_) => tally.retries += 1,
            _ => {}
        }
        tally.stop_waiting();
    }

    /// Writes the file. Why it could not be written, otherwise.
    pub(crate) fn write(&self, end: &End) -> Option<String> {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tally.stop_waiting();
        let current = end.current.filter(|_| tally.is_planned && self.has_versions);
        let spent = self.began.elapsed();
        let error = self.file.write(&text(&tally, end.exit, current, spent)).err()?;
        Some(format!("the metrics cannot be written to {}: {error}", self.file.0.display()))
    }
}

/// The place of the file.
#[derive(Debug)]
pub(crate) struct MetricsFile(PathBuf);

impl MetricsFile {
    /// The place that a command line names which clap does not understand.
    pub(crate) fn of_refused(arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        termination::asked_for(FLAG, arguments).map(Self)
    }

    /// Beside its place first, and then by one step to it. The name of what is not ready yet does not end in `.prom`.
    fn write(&self, text: &str) -> std::io::Result<()> {
        let Self(path) = self;
        termination::place(path)?;
        let name = path.file_name().ok_or_else(|| std::io::Error::other("it is no file"))?;
        let mut unready = OsString::from(".");
        unready.push(name);
        unready.push(format!(".{}", std::process::id()));
        let unready = path.parent().unwrap_or(Path::new("")).join(unready);
        let written = std::fs::write(&unready, text).and_then(|()| std::fs::rename(&unready, path));
        if written.is_err() {
            let _never_made = std::fs::remove_file(&unready);
        }
        written
    }
}

fn text(tally: &Tally, exit: Exit, current: Option<i64>, spent: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut page = Page { labels: labels(&tally.database), text: String::new() };
    let succeeded = u8::from(exit == Exit::Ok);
    page.gauge("run_timestamp_seconds", "When the last run ended, in seconds since 1970.", seconds(now));
    page.gauge("run_success", "Whether the last run did what it was asked for: 1, otherwise 0.", succeeded);
    page.gauge("run_exit_code", "The exit code of the last run.", exit.row().code);
    page.gauge("run_duration_seconds", "How long the last run took.", seconds(spent));
    page.gauge("run_migrations_applied", "How many migrations the last run applied.", tally.applied);
    page.gauge("run_migrations_undone", "How many migrations the last run undid.", tally.undone);
    page.gauge("run_retries", "How often the last run tried something again.", tally.retries);
    page.gauge("run_lock_wait_seconds", "How long the last run waited for another runner.", seconds(tally.lock_wait));
    if let Some(current) = current {
        page.gauge("schema_version", "The version that the database was at when the last run ended.", current);
    }
    page.text
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// Runs on several databases of one machine are told apart; before a connection the name is not known.
fn labels(database: &str) -> String {
    if database.is_empty() {
        return String::new();
    }
    let value = database.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{database=\"{value}\"}}")
}

struct Page {
    labels: String,
    text: String,
}

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        let name = if name.starts_with("run_") { format!("migrate_last_{name}") } else { format!("migrate_{name}") };
        let labels = &self.labels;
        let _never_fails = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_database_can_hold_anything() {
        assert_eq!(labels(""), "");
        assert_eq!(labels("a\"b\\c\nd"), "{database=\"a\\\"b\\\\c\\nd\"}");
    }

    #[test]
    fn a_version_that_nobody_read_is_not_told() {
        let told = |current| text(&Tally::default(), Exit::Connect, current, Duration::from_millis(1500));
        assert!(!told(None).contains("migrate_schema_version"));
        assert!(told(Some(7)).contains("\nmigrate_schema_version 7\n"));
        assert!(told(None).contains("\nmigrate_last_run_duration_seconds 1.500\n"));
    }
}
