//! What is compared, and what the product promises for it.

use std::path::Path;
use std::process::Command;

use crate::disk::Disk;
use crate::files::{self, File};
use crate::tool::Tool;

/// One thing to do.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// How far the server is away.
    pub(crate) round_trip_ms: u64,
    pub(crate) disk: Disk,
    /// Runs of each tool; the median counts.
    pub(crate) rounds: usize,
    pub(crate) files: fn() -> Vec<File>,
    /// What the database holds before.
    pub(crate) before: &'static [&'static str],
    /// Whether the files are applied already: a run of every deploy, with nothing to do.
    pub(crate) is_applied: bool,
    /// Whether only goose can do it, too.
    pub(crate) is_gooses: bool,
    /// Whether they are built into `migrate`.
    pub(crate) is_built_in: bool,
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

/// What most scenarios have in common.
const NEAR: Scenario = Scenario {
    name: "",
    round_trip_ms: 0,
    disk: Disk::Memory,
    rounds: 7,
    files: files::hundred,
    before: &[],
    is_applied: false,
    is_gooses: false,
    is_built_in: false,
    command: up,
    limits: &[],
};

const LINES: &[&str] = &["CREATE TABLE lines (file int, n int, words text)"];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "up: 100 files of 3 statements, RTT 0",
        limits: &[Limit::TimeOf("goose", 0.70), Limit::TimeOfFastest(0.95)],
        ..NEAR
    },
    Scenario {
        name: "up: 1,000 files of 3 statements, RTT 0",
        rounds: 3,
        files: files::thousand_of_three,
        limits: &[Limit::TimeOf("goose", 0.70), Limit::TimeOfFastest(0.95)],
        ..NEAR
    },
    Scenario {
        name: "up: 100 files of 3 statements, a flush of 3 ms",
        disk: Disk::Slow,
        limits: &[Limit::TimeOf("goose", 0.25)],
        ..NEAR
    },
    Scenario {
        name: "up: 1,000 files of 3 statements, a flush of 3 ms",
        disk: Disk::Slow,
        rounds: 3,
        files: files::thousand_of_three,
        limits: &[Limit::TimeOf("goose", 0.25)],
        ..NEAR
    },
    Scenario {
        name: "up: 100 files of 3 statements, RTT 20 ms",
        round_trip_ms: 20,
        rounds: 1,
        limits: &[Limit::Turns(14), Limit::TimeOf("goose", 0.025)],
        ..NEAR
    },
    Scenario {
        name: "up: 100 files of 3 statements, RTT 80 ms",
        round_trip_ms: 80,
        rounds: 1,
        limits: &[Limit::TimeOf("goose", 0.015)],
        ..NEAR
    },
    Scenario {
        name: "up: 10 files of 5,000 INSERTs, RTT 0",
        rounds: 3,
        files: files::inserts,
        before: LINES,
        limits: &[Limit::TimeOf("goose", 0.08), Limit::TimeOf("sqlx", 0.95)],
        ..NEAR
    },
    Scenario {
        name: "up: one file of 20 MB, RTT 0",
        rounds: 3,
        files: files::large,
        before: LINES,
        limits: &[Limit::TimeOf("goose", 0.15), Limit::TimeOf("sqlx", 1.0), Limit::Mebibytes(26.0)],
        ..NEAR
    },
    Scenario {
        name: "up: nothing pending, a folder of 1,000",
        rounds: 11,
        files: files::thousand,
        is_applied: true,
        limits: &[Limit::TimeOf("goose", 0.75)],
        ..NEAR
    },
    Scenario {
        name: "up: nothing pending, a folder of 10,000",
        files: files::ten_thousand,
        is_applied: true,
        limits: &[Limit::TimeOf("goose", 1.3)],
        ..NEAR
    },
    Scenario {
        name: "up: nothing pending, 1,000 built in",
        rounds: 11,
        files: files::thousand,
        is_applied: true,
        is_built_in: true,
        limits: &[Limit::Turns(CONNECTING + 4), Limit::TimeOf("goose", 1.0), Limit::Mebibytes(3.5)],
        ..NEAR
    },
    Scenario {
        name: "status: a folder of 1,000",
        files: files::thousand,
        is_applied: true,
        command: status,
        limits: &[Limit::TimeOf("goose", 0.10)],
        ..NEAR
    },
    Scenario {
        name: "status: a folder of 10,000",
        rounds: 3,
        files: files::ten_thousand,
        is_applied: true,
        command: status,
        limits: &[Limit::TimeOf("goose", 0.02)],
        ..NEAR
    },
    Scenario {
        name: "validate: a folder of 1,000",
        files: files::thousand_of_three,
        is_gooses: true,
        command: validate,
        limits: &[Limit::TimeOf("goose", 0.5), Limit::MemoryOf("goose", 1.0 / 3.0)],
        ..NEAR
    },
];

fn up(tool: Tool, url: &str, dir: &Path) -> Command {
    tool.up(url, dir)
}

fn status(tool: Tool, url: &str, dir: &Path) -> Command {
    tool.status(url, dir)
}

fn validate(tool: Tool, _url: &str, dir: &Path) -> Command {
    tool.validate(dir)
}
