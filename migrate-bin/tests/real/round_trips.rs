//! How often a run has to wait for the network: the promise is few turns, however many
//! migrations and statements there are.

use std::path::Path;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::stage::{Database, folder, goose, hundred_migrations, migrate, run_goose, server};

const ROUND_TRIP: Duration = Duration::from_millis(20);

/// The client's turns of one command through a proxy.
fn turns(proxy: &Proxy, database: &Database, dir: &Path, arguments: &[&str]) -> u64 {
    proxy.take_turns();
    let ended = migrate(&proxy.url(&database.name), dir, arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    proxy.take_turns()
}

/// Opening a connection, asking whether it takes writes, and saying goodbye.
const CONNECTING: u64 = 3;

#[test]
fn a_hundred_migrations_take_at_most_twenty_turns() {
    let proxy = Proxy::start(server().port(), ROUND_TRIP);
    let (database, folder) = (Database::create(), hundred_migrations());
    let fresh_status = turns(&proxy, &database, folder.path(), &["status"]);
    let up = turns(&proxy, &database, folder.path(), &["up"]);
    assert_eq!(database.versions().len(), 101);
    let idle = turns(&proxy, &database, folder.path(), &["up"]);
    let status = turns(&proxy, &database, folder.path(), &["status"]);
    let down = turns(&proxy, &database, folder.path(), &["down"]);
    println!("migrate, turns: up of 100 {up}, up of nothing {idle}, status {fresh_status} and {status}, down {down}");
    // Never so few that the proxy cannot have counted.
    assert!((6..=20).contains(&up), "up of 100 migrations took {up} turns");
    for (what, turns) in [("up of nothing", idle), ("status of nothing", fresh_status), ("status", status)] {
        assert!((2..=CONNECTING + 2).contains(&turns), "{what} took {turns} turns");
    }
    assert!((3..=7).contains(&down), "down took {down} turns");
}

#[test]
fn one_flight_at_a_time_is_a_turn_each() {
    let proxy = Proxy::start(server().port(), ROUND_TRIP);
    let (database, folder) = (Database::create(), hundred_migrations());
    let up = turns(&proxy, &database, folder.path(), &["up", "--flight", "1"]);
    println!("migrate, turns: up of 100, one at a time {up}");
    assert!((100..=130).contains(&up), "up of 100 migrations took {up} turns");
}

#[test]
fn ten_files_of_five_thousand_rows_take_at_most_twenty_turns() {
    let proxy = Proxy::start(server().port(), ROUND_TRIP);
    let database = Database::create();
    database.rows("CREATE TABLE rows (file int, n int, words text)");
    let files: Vec<(String, String)> = (1..=10)
        .map(|file| {
            let rows =
                (1..=5000).map(|n| format!("INSERT INTO rows VALUES ({file}, {n}, 'some words about row {n}');\n"));
            (format!("{file:05}_rows.sql"), format!("-- +goose Up\n{}", rows.collect::<String>()))
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    let up = turns(&proxy, &database, folder.path(), &["up"]);
    println!("migrate, turns: up of 10 files of 5000 rows {up}");
    assert_eq!(database.rows("SELECT count(*), count(DISTINCT (file, n)) FROM rows"), ["50000|50000"]);
    assert!((4..=20).contains(&up), "up took {up} turns");
}

#[test]
fn a_thousand_applied_migrations_take_no_more_turns_than_one() {
    let proxy = Proxy::start(server().port(), ROUND_TRIP);
    let database = Database::create();
    let files: Vec<(String, String)> =
        (1..=1000).map(|version| (format!("{version:05}_x.sql"), "-- +goose Up\nSELECT 1;\n".to_owned())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    assert_eq!(migrate(&database.url, folder.path(), &["up"]).code, 0);
    for command in ["up", "status", "version"] {
        let turns = turns(&proxy, &database, folder.path(), &[command]);
        println!("migrate, turns: {command} with 1000 applied {turns}");
        assert!((2..=CONNECTING + 4).contains(&turns), "{command} took {turns} turns");
    }
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
