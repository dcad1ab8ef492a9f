//! How often a run has to wait for the network: the promise is one round trip a migration.

use std::path::Path;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::stage::{Database, goose, hundred_migrations, migrate, run_goose, server};

const ROUND_TRIP: Duration = Duration::from_millis(20);

/// The client's turns of one command through a proxy.
fn turns(proxy: &Proxy, database: &Database, dir: &Path, arguments: &[&str]) -> u64 {
    proxy.take_turns();
    let ended = migrate(&proxy.url(&database.name), dir, arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    proxy.take_turns()
}

#[test]
fn a_hundred_migrations_take_little_more_than_a_hundred_turns() {
    let proxy = Proxy::start(server().port(), ROUND_TRIP);
    let (database, folder) = (Database::create(), hundred_migrations());
    let fresh_status = turns(&proxy, &database, folder.path(), &["status"]);
    let up = turns(&proxy, &database, folder.path(), &["up"]);
    assert_eq!(database.versions().len(), 101);
    let idle = turns(&proxy, &database, folder.path(), &["up"]);
    let status = turns(&proxy, &database, folder.path(), &["status"]);
    let down = turns(&proxy, &database, folder.path(), &["down"]);
    println!("migrate, turns: up of 100 {up}, up of nothing {idle}, status {fresh_status} and {status}, down {down}");
    // 100 flights, and a start, two reads, the tables and a goodbye; never so few that the proxy cannot have counted.
    assert!((100..=130).contains(&up), "up of 100 migrations took {up} turns");
    for (what, turns) in [("up of nothing", idle), ("status of nothing", fresh_status), ("status", status)] {
        assert!((2..=6).contains(&turns), "{what} took {turns} turns");
    }
    assert!((3..=7).contains(&down), "down took {down} turns");
}

#[test]
fn goose_takes_more_turns_for_the_same_files() {
    let Some(goose) = goose("goose_takes_more_turns_for_the_same_files") else { return };
    // Turns are counted, not timed: without delay goose is done sooner.
    let proxy = Proxy::start(server().port(), Duration::ZERO);
    let (ours, theirs, folder) = (Database::create(), Database::create(), hundred_migrations());
    let beside = |arguments: &[&str]| {
        let mine = turns(&proxy, &ours, folder.path(), arguments);
        let ended = run_goose(&goose, &proxy.url(&theirs.name), folder.path(), arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let its = proxy.take_turns();
        println!("{arguments:?}: migrate {mine} turns, goose {its}");
        (mine, its)
    };
    let (up, goose_up) = beside(&["up"]);
    assert!(goose_up > 4 * up, "goose {goose_up}, migrate {up}");
    let (idle, goose_idle) = beside(&["up"]);
    assert!(goose_idle >= idle, "goose {goose_idle}, migrate {idle}");
}
