//! What a run costs over a network, beside the real goose: `cargo bench -p migrate-bin --bench round_trips`.
//!
//! A hundred migrations of three statements, then a run with nothing pending, on a server 20 ms away and on one right
//! here. Seconds are medians; the client's turns say why. Tests assert the turns (`tests/real/round_trips.rs`).

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench reports by printing and fails whole"
)]

#[path = "../tests/real/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "the scenes of the tests need more of it")]
#[path = "../tests/real/stage.rs"]
mod stage;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proxy::Proxy;
use stage::{Database, Ended, goose, hundred_migrations, migrate, run_goose, server};

const RUNS: usize = 3;

/// Seconds and turns of one command.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    turns: u64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>7.3} s {:>4} turns", self.seconds, self.turns)
    }
}

/// The program to measure: the real goose, or this one.
type Tool = Option<PathBuf>;

/// `up` twice on a fresh database: of a hundred files, and of none.
fn run(tool: &Tool, proxy: &Proxy, dir: &Path) -> [Cost; 2] {
    let database = Database::create();
    let url = proxy.url(&database.name);
    [(); 2].map(|()| {
        proxy.take_turns();
        let start = Instant::now();
        let ended: Ended = match tool {
            Some(goose) => run_goose(goose, &url, dir, &["up"]),
            None => migrate(&url, dir, &["up"]),
        };
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        Cost { seconds, turns: proxy.take_turns() }
    })
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    costs[costs.len() / 2]
}

fn measure(tool: &Tool, proxy: &Proxy, dir: &Path) -> [Cost; 2] {
    let runs: Vec<_> = (0..RUNS).map(|_| run(tool, proxy, dir)).collect();
    [0, 1].map(|command| median(runs.iter().map(|run| run[command]).collect()))
}

fn main() {
    let folder = hundred_migrations();
    let goose = goose("the comparison with goose");
    println!("medians of {RUNS} runs, 100 migrations of 3 statements");
    for milliseconds in [20, 0] {
        let proxy = Proxy::start(server().port(), Duration::from_millis(milliseconds));
        let ours = measure(&None, &proxy, folder.path());
        let theirs = goose.is_some().then(|| measure(&goose, &proxy, folder.path()));
        for (command, what) in ["up of 100", "up of none"].iter().enumerate() {
            let mine = ours[command];
            let beside = theirs.map_or_else(String::new, |theirs| {
                let its = theirs[command];
                format!("   goose {its}   {:.1} times as long", its.seconds / mine.seconds)
            });
            println!("RTT {milliseconds:>2} ms  {what:<10}  migrate {mine}{beside}");
        }
    }
}
