//! What a run costs beside other tools, as ratios of one run on one machine: `cargo bench -p migrate-bin --bench peers`.
//!
//! The real goose is looked for in `GOOSE` and on PATH; the others on PATH and where `--install` puts them. goose stands
//! there twice: the second time says what a tie is on this machine. Servers live in `TMPDIR`, best in memory: `/dev/shm`.
//! Tests assert turns (`tests/real/round_trips.rs`), this prints times. An argument names the scenarios to run by a part
//! of their names.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench reports by printing and fails whole"
)]

mod cost;
mod crowd;
mod disk;
mod embedded;
mod files;
#[expect(dead_code, reason = "nothing goes wrong in a bench")]
#[path = "../../tests/real/proxy.rs"]
mod proxy;
mod readers;
mod scenario;
#[expect(dead_code, reason = "the scenes of the tests need more of it")]
#[path = "../../tests/real/stage.rs"]
mod stage;
mod tool;

use std::time::Duration;

use cost::Cost;
use disk::{Disk, server};
use proxy::Proxy;
use scenario::{Limit, SCENARIOS, Scenario};
use stage::Database;
use tempfile::TempDir;
use tool::Tool;

fn main() {
    let (options, wanted): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    if options.iter().any(|option| option == "--install") {
        tool::install();
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    let tools = tool::installed();
    if !disk::is_slow() {
        let names: Vec<String> = tools.iter().map(|tool| tool.version()).collect();
        println!("{}, PostgreSQL {}", names.join(", "), server(Disk::Memory).major());
    }
    for scenario in SCENARIOS.iter().filter(|scenario| is_wanted(scenario.name)) {
        if scenario.disk == Disk::Slow && !disk::is_slow() {
            disk::run_again(scenario.name);
            continue;
        }
        let ours = if scenario.is_built_in { Tool::Embedded } else { Tool::Migrate };
        let others = tools[1..].iter().copied().filter(|tool| tool.is_goose() || !scenario.is_gooses);
        let tools: Vec<Tool> = std::iter::once(ours).chain(others).collect();
        print(scenario, &measure(scenario, &tools));
    }
    if is_wanted(crowd::NAME) && !disk::is_slow() {
        crowd::print();
    }
    if is_wanted(readers::NAME) && !disk::is_slow() {
        readers::print(&tools);
    }
}

/// The cost of a scenario by tool: seconds and memory without anything in between where the network is near, turns
/// always through a proxy.
fn measure(scenario: &Scenario, tools: &[Tool]) -> Vec<(Tool, Cost)> {
    let far = Duration::from_millis(scenario.round_trip_ms);
    let proxy = Proxy::start(server(scenario.disk).port(), far);
    let stands: Vec<Stand<'_>> = tools.iter().map(|tool| Stand::set_up(scenario, *tool)).collect();
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); tools.len()];
    for round in 0..scenario.rounds {
        // Each of them comes first, and behind each of the others.
        for turn in 0..stands.len() {
            let which = if round % 2 == 0 {
                (turn + round) % stands.len()
            } else {
                (round + stands.len() - turn) % stands.len()
            };
            costs[which].push(stands[which].run((!far.is_zero()).then_some(&proxy)));
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
            let database = Database::create_on(server(scenario.disk));
            cost::of(tool.up(&database.url, folder.path()));
            database
        });
        Self { scenario, tool, folder, applied }
    }

    fn run(&self, through: Option<&Proxy>) -> Cost {
        let fresh = self.applied.is_none().then(|| Database::create_on(server(self.scenario.disk)));
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
    println!("\n{} ({} rounds)", scenario.name, scenario.rounds);
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
