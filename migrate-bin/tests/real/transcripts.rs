//! goose's recorded command runs, replayed with our program: after every step the same version rows, and the same
//! success or failure. Where we differ on purpose, the list says so, and the list is exact.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::differences::{DIFFERENCES, Kind, NOT_OURS};
use crate::stage::{self, Database, Ended, migrate_command, sql};

#[derive(Deserialize)]
struct Transcripts {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
struct Scenario {
    name: String,
    files: std::collections::BTreeMap<String, String>,
    setup: String,
    table: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Command { cmd: Words, exit: i32, stderr: String, version_rows: String },
    Write { write_file: String, content: String },
    Sql { sql: String, result: String },
    Listing { ls: Vec<String> },
}

/// A command line: goose's own notation for runs on the scenario's folder and database, or all its arguments.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Short(String),
    Full(Vec<String>),
}

/// One observed difference: scenario, step, and what differs.
type Found = (String, usize, String);

#[test]
fn every_recorded_run_of_goose_ends_the_same_with_our_program() {
    let path = stage::workspace().join("migrate-core/tests/vectors/cli/transcripts.json");
    let text = stage::text(&path);
    let transcripts: Transcripts = serde_json::from_str(&text).expect("the recordings' form");
    assert_eq!(transcripts.scenarios.len(), 60);
    every_exception_names_a_step(&transcripts);
    let found: BTreeSet<Found> = transcripts.scenarios.iter().flat_map(replay).collect();
    let listed: BTreeSet<Found> = DIFFERENCES
        .iter()
        .flat_map(|listed| listed.steps.iter().map(|(step, ours)| found_at(listed.scenario, *step, ours)))
        .collect();
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&found).collect();
    assert!(unlisted.is_empty() && stale.is_empty(), "unlisted: {unlisted:#?}\nlisted, but the same: {stale:#?}");
}

/// The recordings are those of 3.27.3: what a user of the newest goose sees is the same.
#[test]
fn every_recorded_run_ends_the_same_with_the_newest_goose() {
    let Some(newer) = stage::newer_goose("the recorded runs") else { return };
    let path = stage::workspace().join("migrate-core/tests/vectors/cli/transcripts.json");
    let transcripts: Transcripts = serde_json::from_str(&stage::text(&path)).expect("the recordings' form");
    // Their environment was not recorded.
    let told =
        transcripts.scenarios.iter().filter(|scenario| !["env vars", "dotenv"].contains(&scenario.name.as_str()));
    let found: Vec<Found> = told.flat_map(|scenario| replay_with(&newer, scenario)).collect();
    assert_eq!(found, []);
}

fn replay_with(goose: &Path, scenario: &Scenario) -> Vec<Found> {
    let (database, folder) = stand(scenario);
    let mut found = Vec::new();
    for (at, step) in scenario.steps.iter().enumerate() {
        let differs = match step {
            Step::Command { cmd, exit, stderr, version_rows: rows } => {
                let arguments = theirs(cmd, &scenario.table, folder.path(), &database);
                let mut command = std::process::Command::new(goose);
                command.args(&arguments).env_clear().current_dir(folder.path());
                let ended = Ended::from(command.output().expect("goose starts"));
                let mut differs = Vec::new();
                if ended.code != *exit {
                    differs.push(format!("exit {}: {}", ended.code, ended.stderr));
                }
                let now = version_rows(&database, &scenario.table);
                if now != *rows && scenario.table == "goose_db_version" {
                    differs.push(format!("rows {now}"));
                }
                let told = |text: &str| text.rsplit_once("goose: ").map(|(_, said)| said.to_owned());
                let is_version = arguments.last().is_some_and(|last| last == "version");
                if is_version && *exit == 0 && told(&ended.stderr) != told(stderr) {
                    differs.push(format!("says {}", ended.stderr));
                }
                differs
            }
            step => go_on(step, &database, folder.path()),
        };
        if !differs.is_empty() {
            found.push(found_at(&scenario.name, at, &differs.join(", ")));
        }
    }
    found
}

/// goose's command line as it was recorded.
fn theirs(words: &Words, table: &str, folder: &Path, database: &Database) -> Vec<String> {
    let dsn = format!("{}?sslmode=disable", database.url);
    let shown = folder.display().to_string();
    match words {
        Words::Full(words) => words.iter().map(|word| word.replace("<DIR>", &shown).replace("<DSN>", &dsn)).collect(),
        Words::Short(text) => {
            let before = ["-dir", &shown, "-table", table, "postgres", &dsn].map(str::to_owned);
            let flags = text.split(' ').filter(|word| word.starts_with('-')).map(str::to_owned);
            let command = text.split(' ').filter(|word| !word.starts_with('-')).map(str::to_owned);
            flags.chain(before).chain(command).collect()
        }
    }
}

#[test]
fn a_difference_is_either_a_refusal_or_something_that_goose_cannot_do() {
    for difference in DIFFERENCES {
        let (_, first) = difference.steps.first().expect(difference.reason);
        let succeeds = first.starts_with("exit 0") || first.starts_with("files");
        assert_eq!(succeeds, difference.kind == Kind::Better, "{}: {}", difference.scenario, difference.reason);
    }
}

fn found_at(scenario: &str, step: usize, ours: &str) -> Found {
    (scenario.to_owned(), step, ours.to_owned())
}

/// A misspelt scenario in a list would excuse nothing and say nothing.
fn every_exception_names_a_step(transcripts: &Transcripts) {
    for (scenario, step, reason) in NOT_OURS {
        let named = transcripts.scenarios.iter().find(|named| named.name == *scenario);
        let steps = named.unwrap_or_else(|| panic!("NOT_OURS names no scenario {scenario}")).steps.len();
        assert!(step.is_none_or(|step| step < steps), "NOT_OURS: {scenario} has no step {step:?}");
        assert!(!reason.is_empty());
    }
}

fn not_ours(scenario: &str, step: usize) -> bool {
    NOT_OURS.iter().any(|(name, only, _)| *name == scenario && only.is_none_or(|only| only == step))
}

/// The database and the folder of a scenario, as they are before its first step.
fn stand(scenario: &Scenario) -> (Database, tempfile::TempDir) {
    let database = Database::create();
    if !scenario.setup.is_empty() {
        sql(&database.url, &scenario.setup);
    }
    let files: Vec<(&str, &str)> = scenario.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    (database, stage::folder(&files))
}

/// A step that is no command.
fn go_on(step: &Step, database: &Database, folder: &Path) -> Vec<String> {
    match step {
        Step::Command { .. } => vec![],
        Step::Write { write_file, content } => {
            std::fs::write(folder.join(write_file), content).expect("a file");
            vec![]
        }
        Step::Sql { sql: query, result } => compare_sql(database, query, result),
        Step::Listing { ls } => compare_listing(folder, ls),
    }
}

fn replay(scenario: &Scenario) -> Vec<Found> {
    let (database, folder) = stand(scenario);
    let mut found = Vec::new();
    let mut before = version_rows(&database, &scenario.table);
    for (at, step) in scenario.steps.iter().enumerate() {
        let differs = match step {
            _ if not_ours(&scenario.name, at) => vec![],
            Step::Command { cmd, exit, stderr, version_rows: rows } => {
                let arguments = ours(cmd, &scenario.table, folder.path());
                let ended = run(&arguments, folder.path(), &database);
                let (succeeds, reads) = (*exit == 0, reads(&arguments));
                let expected = Expected { succeeds, stderr, rows, before: &before, reads };
                let now = version_rows(&database, &scenario.table);
                let differs = expected.compare(&ended, &now);
                before = now;
                differs
            }
            step => go_on(step, &database, folder.path()),
        };
        if !differs.is_empty() {
            found.push(found_at(&scenario.name, at, &differs.join(", ")));
        }
    }
    found
}

/// What goose did at a step.
struct Expected<'a> {
    succeeds: bool,
    stderr: &'a str,
    rows: &'a str,
    /// Our version rows before the step.
    before: &'a str,
    /// Whether the command only reads.
    reads: bool,
}

impl Expected<'_> {
    fn compare(&self, ended: &Ended, rows: &str) -> Vec<String> {
        let mut differs = Vec::new();
        if (ended.code == 0) != self.succeeds {
            differs.push(format!("exit {}", ended.code));
        }
        // The one general rule: a command that only reads, or that is refused before anything runs, changes nothing.
        // goose makes its table on the way, with row 0 in it (goose/spec.md Q26).
        let made_on_the_way = self.rows == "1:0:true" && self.before == NO_TABLE && (self.reads || ended.code != 0);
        let same = rows == self.rows || (made_on_the_way && rows == NO_TABLE);
        if !same {
            differs.push(format!("rows {rows}"));
        }
        let version = self.stderr.rsplit_once("goose: version ").map(|(_, version)| version.trim());
        if version.is_some_and(|version| version != ended.stdout.trim()) {
            differs.push(format!("version {}", ended.stdout.trim()));
        }
        differs
    }
}

const NO_TABLE: &str = "(no table)";

fn reads(arguments: &[String]) -> bool {
    ["status", "version", "validate"].iter().any(|reader| arguments.iter().any(|argument| argument == reader))
}

/// goose's command line in our words. Its single-dash flags stand before the command, our options behind it.
fn ours(words: &Words, table: &str, folder: &Path) -> Vec<String> {
    let words: Vec<String> = match words {
        Words::Short(text) => text.split(' ').map(str::to_owned).collect(),
        Words::Full(words) => words.clone(),
    };
    let shown = folder.display().to_string();
    let mut words = words.into_iter().map(|word| word.replace("<DIR>", &shown));
    let (mut options, mut command) = (vec![], vec![]);
    let mut dir = shown.clone();
    let mut table = table.to_owned();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-dir" => dir = words.next().expect("a folder"),
            "-table" => table = words.next().expect("a table"),
            "-no-color" => options.extend(["--color".to_owned(), "never".to_owned()]),
            "-v" | "-s" => options.push(word),
            "-allow-missing" | "-no-versioning" => options.push(format!("-{word}")),
            "postgres" => drop(words.next()),
            _ => command.push(word),
        }
    }
    if command.first().is_some_and(|command| command == "create") {
        // The type is goose's: ours are all SQL.
        command.truncate(2);
    }
    command.extend(options);
    command.extend(["--dir".to_owned(), dir, "--table".to_owned(), table]);
    command
}

fn run(arguments: &[String], folder: &Path, database: &Database) -> Ended {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = migrate_command(&arguments);
    command.current_dir(folder).args(["--database-url", &database.url]);
    command.output().expect("migrate starts").into()
}

fn version_rows(database: &Database, table: &str) -> String {
    if table == "goose_db_version" { database.version_rows() } else { rows_of(database, table) }
}

fn rows_of(database: &Database, table: &str) -> String {
    let there = database.rows(&format!("SELECT to_regclass('{table}') IS NOT NULL"));
    if there == ["t"] { format!("{table} exists") } else { NO_TABLE.to_owned() }
}

/// The recordings write a command's tag where a statement returns no rows.
fn compare_sql(database: &Database, query: &str, result: &str) -> Vec<String> {
    let rows = database.rows(query);
    let rows: Vec<&String> = rows.iter().filter(|row| !row.ends_with("_ledger")).collect();
    let text = rows.iter().map(|row| row.as_str()).collect::<Vec<_>>().join("\n");
    let changes = query.starts_with("insert") || query.starts_with("delete");
    if changes || text == result { vec![] } else { vec![format!("result {text}")] }
}

fn compare_listing(folder: &Path, expected: &[String]) -> Vec<String> {
    let names = stage::names(folder);
    if names == expected { vec![] } else { vec![format!("files {}", names.join(" "))] }
}
