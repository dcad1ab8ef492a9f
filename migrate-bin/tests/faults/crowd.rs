//! Many runners of one set at once, directly and through a pooler, killed and started again: each migration is applied
//! once, in the order of the versions. The real goose may be one of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::crash::dice::Dice;
use crate::lab::{Cell, DIRECT, POOLED_5, in_each};
use crate::stage::{Database, folder, goose, migrate_command};

/// Files that count themselves, and make a table each: a second application would fail or show.
fn files(count: usize, apart: impl Fn(usize) -> bool) -> tempfile::TempDir {
    let file = |version: usize| {
        let first = if version == 1 { "CREATE TABLE counter (version int NOT NULL, at serial);\n" } else { "" };
        let text = if apart(version) {
            format!(
                "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO counter VALUES ({version}, DEFAULT);\n\
                 CREATE INDEX CONCURRENTLY counter_{version} ON counter (version);\nVACUUM counter;\n"
            )
        } else {
            format!(
                "-- +goose Up\n{first}CREATE TABLE t{version} (id int);\nINSERT INTO counter VALUES ({version}, DEFAULT);\n\
                 INSERT INTO t{version} SELECT generate_series(1, 100);\n"
            )
        };
        (format!("{version:05}_c.sql"), text)
    };
    let files: Vec<(String, String)> = (1..=count).map(file).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(&files)
}

/// A program that is run until it succeeds.
#[derive(Debug, Clone)]
enum Runner {
    Ours(String),
    Goose(PathBuf, String),
}

impl Runner {
    fn command(&self, dir: &Path) -> Command {
        match self {
            Self::Ours(url) => {
                let mut command = migrate_command(&["up", "--lock-wait", "5m", "--database-url", url, "--dir"]);
                command.arg(dir);
                command
            }
            Self::Goose(program, url) => {
                let mut command = Command::new(program);
                command.env_clear().arg("-dir").arg(dir).args(["postgres", &format!("{url}?sslmode=disable"), "up"]);
                command
            }
        }
    }

    /// Whether a run may end so because of the others: goose takes no lock, so each of the two can find a table that
    /// the other one has just made.
    fn may_end(&self, code: Option<i32>, told: &str, with_goose: bool) -> bool {
        let taken = ["42P07", "23505", "42710", "already exists", "duplicate key"].iter().any(|it| told.contains(it));
        match (self, code) {
            (_, Some(0)) => true,
            (Self::Goose(..), Some(1)) => taken,
            (Self::Ours(_), Some(25)) => with_goose && taken,
            _ => false,
        }
    }
}

/// What a crowd did.
#[derive(Debug, Default)]
struct Tally {
    runs: usize,
    killed: usize,
    refused: usize,
}

/// How long a run lives before it is killed, where it is.
const LIVES_AT_MOST: usize = 700;
const RUNS_AT_MOST: usize = 200;

/// Starts a runner again and again until it succeeds; every second run of the first few is killed on its way.
fn until_done(runner: &Runner, dir: &Path, with_goose: bool, mut dice: Dice) -> Tally {
    let mut tally = Tally::default();
    while tally.runs < RUNS_AT_MOST {
        tally.runs += 1;
        let life =
            (tally.killed < 3 && dice.one_in(2)).then(|| Duration::from_millis(dice.below(LIVES_AT_MOST) as u64));
        let told = tempfile::NamedTempFile::new().expect("a file");
        let stderr = told.reopen().expect("the same file");
        let mut command = runner.command(dir);
        let mut child = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("a runner starts");
        let started = Instant::now();
        let (status, killed) = loop {
            if let Some(status) = child.try_wait().expect("its state") {
                break (status, false);
            }
            if life.is_some_and(|life| started.elapsed() >= life) {
                child.kill().expect("SIGKILL");
                break (child.wait().expect("its end"), true);
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        // It may have ended by itself in the last moment.
        if killed && status.code().is_none() {
            tally.killed += 1;
            continue;
        }
        let told = crate::stage::text(told.path());
        assert!(runner.may_end(status.code(), &told, with_goose), "{runner:?} ended with {status}: {told}");
        if status.success() {
            return tally;
        }
        tally.refused += 1;
    }
    panic!("{runner:?} did not succeed in {RUNS_AT_MOST} runs");
}

fn run_all(runners: &[Runner], dir: &Path, seed: u64) -> Tally {
    let with_goose = runners.iter().any(|runner| matches!(runner, Runner::Goose(..)));
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let one = |(number, runner): (usize, _)| {
            let dice = Dice::of(seed * 1000 + number as u64);
            scope.spawn(move || until_done(runner, dir, with_goose, dice))
        };
        let runs: Vec<_> = runners.iter().enumerate().map(one).collect();
        runs.into_iter().map(|run| run.join().expect("a runner")).collect()
    });
    tallies.into_iter().fold(Tally::default(), |sum, one| Tally {
        runs: sum.runs + one.runs,
        killed: sum.killed + one.killed,
        refused: sum.refused + one.refused,
    })
}

/// Every version has one row, in order, and was counted once, in order.
fn assert_each_once(database: &Database, files: usize) {
    let expected: Vec<String> = (0..=files).map(|version| version.to_string()).collect();
    assert_eq!(database.versions(), expected, "rows in the order of their ids");
    let counted = database.rows("SELECT version FROM counter ORDER BY at");
    assert_eq!(counted, expected[1..], "each file ran once, in the order of the versions");
    assert_eq!(database.rows("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), ["0"]);
}

/// How many runners there are at once, and of what seed their deaths are.
const CROWDS: [(usize, u64); 4] = [(2, 1), (5, 2), (12, 3), (32, 4)];

#[test]
fn runners_that_come_directly_and_through_a_pooler_and_die_apply_each_migration_once() {
    in_each("many runners", POOLED_5, |cell| {
        for (count, seed) in CROWDS {
            let (database, files) = (Database::create_on(cell.server), files(40, |_| false));
            let runners: Vec<Runner> = (0..count).map(|number| in_turns(number, cell, &database)).collect();
            let tally = run_all(&runners, files.path(), seed);
            println!("PostgreSQL {}, {count} runners, half of them pooled: {tally:?}", cell.server.major());
            assert_each_once(&database, 40);
            leave(cell, &database);
        }
    });
}

#[test]
fn runners_of_files_without_a_transaction_that_die_apply_each_migration_once() {
    in_each("many runners without a transaction", DIRECT, |cell| {
        for (count, seed) in CROWDS {
            let (database, files) = (Database::create_on(cell.server), files(12, |version| version % 3 == 0));
            let runners: Vec<Runner> = (0..count).map(|_| Runner::Ours(database.url.clone())).collect();
            let tally = run_all(&runners, files.path(), seed + 100);
            println!("PostgreSQL {}, {count} runners, files without a transaction: {tally:?}", cell.server.major());
            assert_each_once(&database, 12);
        }
    });
}

/// goose's command takes no lock; where each file makes a table, whoever comes second to a version is refused by that.
#[test]
fn goose_may_be_one_of_the_runners() {
    let Some(program) = goose("goose_may_be_one_of_the_runners") else { return };
    in_each("goose among the runners", POOLED_5, |cell| {
        for (count, seed) in CROWDS {
            let (database, files) = (Database::create_on(cell.server), files(40, |_| false));
            let mut runners: Vec<Runner> = (1..count).map(|number| in_turns(number, cell, &database)).collect();
            runners.push(Runner::Goose(program.clone(), database.url.clone()));
            let tally = run_all(&runners, files.path(), seed + 200);
            println!("PostgreSQL {}, {count} runners, one of them goose: {tally:?}", cell.server.major());
            assert_each_once(&database, 40);
            leave(cell, &database);
        }
    });
}

/// Every second runner comes directly, the others through the pooler.
fn in_turns(number: usize, cell: &Cell, database: &Database) -> Runner {
    if number.is_multiple_of(2) {
        return Runner::Ours(database.url.clone());
    }
    Runner::Ours(cell.pooler.as_ref().expect("a cell with a pooler").url(&database.name))
}

/// Ends the pooler's own sessions with a database, so that it can be dropped.
fn leave(cell: &Cell, database: &Database) {
    let pooler = cell.pooler.as_ref().expect("a cell with a pooler");
    pooler.console(&format!("KILL {0}", database.name));
    pooler.console(&format!("RESUME {0}", database.name));
}
