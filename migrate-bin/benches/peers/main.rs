//! What a run costs beside other tools, as ratios of one run on one machine: `cargo bench -p migrate-bin --bench peers`.
//!
//! The real goose is looked for in `GOOSE` and on PATH; sqlx-cli, refinery and diesel on PATH. goose stands there twice:
//! the second time says what a tie is on this machine. Tests assert turns (`tests/real/round_trips.rs`), this prints
//! times. An argument names the scenarios to run by a part of their names.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench reports by printing and fails whole"
)]

mod cost;
mod embedded;
#[expect(dead_code, reason = "nothing goes wrong in a bench")]
#[path = "../../tests/real/proxy.rs"]
mod proxy;
mod scenario;
#[expect(dead_code, reason = "the scenes of the tests need more of it")]
#[path = "../../tests/real/stage.rs"]
mod stage;
mod tool;

use std::time::Duration;

use cost::Cost;
use proxy::Proxy;
use scenario::{Limit, SCENARIOS, Scenario};
use stage::{Database, server};
use tempfile::TempDir;
use tool::Tool;

/// Runs of each tool in each scenario, in turns; the median counts.
const ROUNDS: usize = 3;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let tools = tool::installed();
    let names: Vec<String> = tools.iter().map(ToString::to_string).collect();
    println!("medians of {ROUNDS} rounds of {}, PostgreSQL {}", names.join(", "), server().major());
    for scenario in SCENARIOS {
        if wanted.is_empty() || wanted.iter().any(|part| scenario.name.contains(part.as_str())) {
            let ours = if scenario.is_applied { Tool::Embedded } else { Tool::Migrate };
            let tools: Vec<Tool> = std::iter::once(ours).chain(tools[1..].iter().copied()).collect();
            print(scenario, &measure(scenario, &tools));
        }
    }
}

/// The cost of a scenario by tool: seconds and memory without anything in between where the network is near, turns
/// always through a proxy.
fn measure(scenario: &Scenario, tools: &[Tool]) -> Vec<(Tool, Cost)> {
    let far = Duration::from_millis(scenario.round_trip_ms);
    let proxy = Proxy::start(server().port(), far);
    let stands: Vec<Stand<'_>> = tools.iter().map(|tool| Stand::set_up(scenario, *tool)).collect();
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); tools.len()];
    for _ in 0..ROUNDS {
        for (stand, costs) in stands.iter().zip(&mut costs) {
            costs.push(stand.run((!far.is_zero()).then_some(&proxy)));
        }
    }
    let turns = stands.iter().map(|stand| stand.run(Some(&proxy)).turns);
    let costs = costs.into_iter().map(cost::median).zip(turns).map(|(median, turns)| Cost { turns, ..median });
    tools.iter().copied().zip(costs).collect()
}

/// A tool with its files, and the database where they are applied already.
struct Stand<'s> {
    scenario: &'s Scenario,
    tool: Tool,
    folder: TempDir,
    applied: Option<Database>,
}

impl<'s> Stand<'s> {
    fn set_up(scenario: &'s Scenario, tool: Tool) -> Self {
        let folder = tool.lay_out(&(scenario.files)());
        let applied = scenario.is_applied.then(|| {
            let database = Database::create();
            cost::of(tool.up(&database.url, folder.path()));
            database
        });
        Self { scenario, tool, folder, applied }
    }

    fn run(&self, through: Option<&Proxy>) -> Cost {
        let fresh = self.applied.is_none().then(Database::create);
        let Some(database) = self.applied.as_ref().or(fresh.as_ref()) else { unreachable!("one of them is there") };
        for statement in self.scenario.before {
            database.rows(statement);
        }
        let url = through.map_or_else(|| database.url.clone(), |proxy| proxy.url(&database.name));
        if let Some(proxy) = through {
            proxy.take_turns();
        }
        let measured = cost::of((self.scenario.command)(self.tool, &url, self.folder.path()));
        Cost { turns: through.map_or(0, |proxy| u32::try_from(proxy.take_turns()).expect("not that many")), ..measured }
    }
}

fn print(scenario: &Scenario, costs: &[(Tool, Cost)]) {
    println!("\n{}", scenario.name);
    let ours = costs[0].1;
    for (tool, cost) in costs {
        println!(
            "  {:<14} {:>8.3} s {:>6} turns {:>7.1} MiB   {:>6.2} times as long as migrate",
            tool.to_string(),
            cost.seconds,
            cost.turns,
            cost.mebibytes,
            cost.seconds / ours.seconds
        );
    }
    for limit in scenario.limits {
        print_limit(limit, costs);
    }
}

fn print_limit(limit: &Limit, costs: &[(Tool, Cost)]) {
    let ours = costs[0].1;
    let peer = |name: &str| costs.iter().find(|(tool, _)| tool.to_string() == name).map(|(_, cost)| *cost);
    let fastest = || costs[1..].iter().map(|(_, cost)| cost.seconds).reduce(f64::min);
    let (what, measured, bound) = match *limit {
        Limit::Turns(bound) => ("turns".to_owned(), Some(f64::from(ours.turns)), f64::from(bound)),
        Limit::Mebibytes(bound) => ("MiB".to_owned(), Some(ours.mebibytes), bound),
        Limit::TimeOfFastest(bound) => {
            ("of the fastest peer's time".to_owned(), fastest().map(|peer| ours.seconds / peer), bound)
        }
        Limit::TimeOf(name, bound) => {
            (format!("of the time of {name}"), peer(name).map(|peer| ours.seconds / peer.seconds), bound)
        }
        Limit::MemoryOf(name, bound) => {
            (format!("of the memory of {name}"), peer(name).map(|peer| ours.mebibytes / peer.mebibytes), bound)
        }
    };
    match measured {
        Some(measured) => {
            let verdict = if measured <= bound { "held" } else { "MISSED" };
            println!("    {verdict}: {measured:.3} {what}, at most {bound:.3}");
        }
        None => println!("    not known: {what}, at most {bound:.3}; that tool is not installed"),
    }
}
