//! What is compared, and what the product promises for it.

use std::path::Path;
use std::process::Command;

use crate::tool::Tool;

/// A migration, in no tool's own form.
pub(crate) struct File {
    pub(crate) version: usize,
    pub(crate) up: String,
}

/// One thing to do.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// How far the server is away.
    pub(crate) round_trip_ms: u64,
    pub(crate) files: fn() -> Vec<File>,
    /// What the database holds before.
    pub(crate) before: &'static [&'static str],
    /// Whether the files are applied already, and built into `migrate`: a run of every deploy, with nothing to do.
    pub(crate) is_applied: bool,
    pub(crate) command: fn(Tool, &str, &Path) -> Command,
    pub(crate) limits: &'static [Limit],
}

/// What `migrate` may take at most.
pub(crate) enum Limit {
    Turns(u32),
    Mebibytes(f64),
    /// A share of the time of the fastest of the others.
    TimeOfFastest(f64),
    TimeOf(&'static str, f64),
    MemoryOf(&'static str, f64),
}

/// Turns before the first question: the start of a connection and the login, what it says of itself, and the goodbye.
const CONNECTING: u32 = 3;
/// No slower: two runs of one program are as far apart as this on a quiet machine.
const TIE: f64 = 1.05;
const MIB: u32 = 20;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "up: 100 files of 3 statements, RTT 20 ms",
        round_trip_ms: 20,
        files: hundred,
        before: &[],
        is_applied: false,
        command: up,
        limits: &[Limit::Turns(20), Limit::TimeOf("goose", 1.0 / 15.0)],
    },
    Scenario {
        name: "up: 100 files of 3 statements, RTT 0",
        round_trip_ms: 0,
        files: hundred,
        before: &[],
        is_applied: false,
        command: up,
        limits: &[Limit::TimeOfFastest(TIE)],
    },
    Scenario {
        name: "up: 10 files of 5,000 INSERTs, RTT 0",
        round_trip_ms: 0,
        files: inserts,
        before: &["CREATE TABLE lines (file int, n int, words text)"],
        is_applied: false,
        command: up,
        limits: &[Limit::Turns(20), Limit::TimeOf("sqlx", 1.2)],
    },
    Scenario {
        name: "up: one file of 20 MB, RTT 0",
        round_trip_ms: 0,
        files: large,
        before: &["CREATE TABLE lines (file int, n int, words text)"],
        is_applied: false,
        command: up,
        // Two and a half times the file.
        limits: &[Limit::TimeOf("sqlx", 1.1), Limit::Mebibytes(50.0)],
    },
    Scenario {
        name: "up: nothing pending of 1,000 files (built in), RTT 0",
        round_trip_ms: 0,
        files: thousand,
        before: &[],
        is_applied: true,
        command: up,
        limits: &[Limit::Turns(CONNECTING + 4), Limit::TimeOf("goose", 1.0), Limit::MemoryOf("goose", 0.5)],
    },
    Scenario {
        name: "status: 1,000 files (built in), RTT 0",
        round_trip_ms: 0,
        files: thousand,
        before: &[],
        is_applied: true,
        command: status,
        limits: &[Limit::Turns(CONNECTING + 4), Limit::TimeOf("goose", 0.2)],
    },
];

fn up(tool: Tool, url: &str, dir: &Path) -> Command {
    tool.up(url, dir)
}

fn status(tool: Tool, url: &str, dir: &Path) -> Command {
    tool.status(url, dir)
}

fn hundred() -> Vec<File> {
    let up = |version| {
        format!(
            "CREATE TABLE t{version} (id int PRIMARY KEY, name text);\nCREATE INDEX ON t{version} (name);\nINSERT INTO \
             t{version} VALUES ({version}, 'x');\n"
        )
    };
    (1..=100).map(|version| File { version, up: up(version) }).collect()
}

pub(crate) fn thousand() -> Vec<File> {
    let up = |version| format!("CREATE TABLE t{version} (id int PRIMARY KEY, name text NOT NULL);\n");
    (1..=1000).map(|version| File { version, up: up(version) }).collect()
}

fn inserts() -> Vec<File> {
    let row = |file, n| format!("INSERT INTO lines VALUES ({file}, {n}, 'some words about line {n}');\n");
    (1..=10).map(|version| File { version, up: (1..=5000).map(|n| row(version, n)).collect() }).collect()
}

/// Rows of a kilobyte.
fn large() -> Vec<File> {
    let words = "twenty megabytes of words ".repeat(37);
    let row = |n| format!("INSERT INTO lines VALUES (1, {n}, '{words}');\n");
    let count = (MIB << 20) as usize / row(10_000).len();
    vec![File { version: 1, up: (1..=count).map(row).collect() }]
}
