//! For every file: how it is read, what a reviewer reads of it, and that its transcript is what goes over the wire.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use migrate_core::apply::{Connecting, Session, Stop};
use migrate_core::check;
use migrate_core::flight::{Bookkeeping, Durability, Flight, Message, Purpose, TableName, Terms, Window, convoy};
use migrate_core::history::History;
use migrate_core::lint::{self, Settings};
use migrate_core::migration::{Body, Direction, Migration, Mode, Set, Version};
use migrate_core::parse::{Environment, resolve};
use migrate_core::plan::{Goal, Order, OwnTransactions};
use migrate_core::report::{Exit, Failure};
use migrate_core::review::{Material, Proof, Sent, picture, sent};
use migrate_core::step::classify;
use migrate_core::verify::{Base, Doors, Round, Scratch, Task, verify};
use migrate_core::{config, verdict};
use migrate_scratch::Server;

use crate::eavesdropper::Eavesdropper;
use crate::scripted;

/// Stands for the run in a transcript.
pub(crate) const RUN: &str = "RUN";

/// As the pictured program embeds it.
fn set() -> Set {
    let parsed = check::folder(&crate::folder(), "migrations", None);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let release = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).into();
    Set { release, ..parsed.set }
}

fn stem(migration: &Migration) -> &str {
    migration.file.trim_end_matches(".sql")
}

/// The version before this one in the set.
fn before(set: &Set, migration: &Migration) -> Version {
    let lower = set.migrations.iter().map(|other| other.version).filter(|other| *other < migration.version);
    lower.max().unwrap_or(Version::ZERO)
}

/// The history of a database at `version`, all of it applied from this set.
fn history(set: &Set, version: Version) -> History {
    let versions = set.migrations.iter().map(|migration| migration.version).filter(|applied| *applied <= version);
    History::brought_to(versions, true)
}

fn bookkeeping(set: &Set) -> Bookkeeping {
    let tables = TableName::default().in_schema("public");
    Bookkeeping { tables, release: set.release.clone().into_owned(), run: RUN.into(), terms: Terms::default() }
}

/// The repository's own settings: what they call history has no findings.
fn settings() -> Settings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrate.toml");
    let config = config::read(&path, "migrate.toml").expect("settings");
    assert!(verdict::unknown_rules(&config).is_empty());
    Settings::from_config(&config)
}

#[test]
fn how_each_file_is_read() {
    let set = set();
    crate::settings("parse").bind(|| {
        for migration in set.migrations.iter() {
            let sections = [Direction::Up, Direction::Down].map(|direction| section(migration, direction));
            let head = format!("{}: {}\nsha256 {}\n", migration.file, migration.mode.word(), migration.digest);
            insta::assert_snapshot!(stem(migration), format!("{head}{}", sections.concat()));
        }
    });
}

fn section(migration: &Migration, direction: Direction) -> String {
    let statements = resolve(migration, direction, "", &Environment::default()).expect("statements");
    let mut text = format!("\n{}: {} statements\n", direction.word(), statements.len());
    for statement in statements.iter() {
        let sql = statement.sql(&migration.text);
        let state = if classify(sql).session_state { ", may touch the session" } else { "" };
        text.push_str(&format!("-- line {}{state}\n{sql}\n", statement.line()));
    }
    text
}

#[test]
fn what_a_reviewer_reads_of_each_file() {
    let server = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
    let (set, settings) = (set(), settings());
    let (environment, bookkeeping) = (Environment::default(), bookkeeping(&set));
    let review = lint::review(&set, &settings);
    let proofs = proofs(&set, &Port(server.url("postgres")));
    assert_eq!(proofs.len(), set.migrations.len());
    assert!(proofs.iter().all(Proof::holds), "every Down of this repository is proven");
    let material = Material {
        set: &set,
        settings: &settings,
        bookkeeping: &bookkeeping,
        environment: &environment,
        findings: &review.findings,
        allows: &review.allows,
        proofs: &proofs,
    };
    crate::settings("review").bind(|| {
        for migration in set.migrations.iter() {
            insta::assert_snapshot!(stem(migration), picture(&material, migration));
        }
    });
}

/// A server of this machine, by its URL.
struct Port(String);

impl Doors for Port {
    fn open<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a> {
        Box::pin(async move {
            let broken = |why: String| Failure::new(Exit::Connect, why, "");
            let mut config: tokio_postgres::Config = self.0.parse().map_err(|error| broken(format!("{error}")))?;
            config.dbname(database.unwrap_or("postgres"));
            let port = config.get_ports().first().copied().unwrap_or(5432);
            let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
            Session::over(stream.map_err(|error| broken(error.to_string()))?, &config).await
        })
    }

    fn are_many(&self) -> bool {
        true
    }
}

fn proofs(set: &Set, port: &Port) -> Vec<Proof> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let environment = Environment::default();
    let task = Task {
        set,
        table: TableName::default(),
        environment: &environment,
        own_transactions: OwnTransactions::Refused,
        from: Version::ZERO,
        tracing: true,
        stop: Stop::never(),
    };
    let rounds = runtime.block_on(async {
        let mut scratch = Scratch::make(port, "pictures", &Base::Empty).await.expect("databases");
        let rounds = verify(&mut scratch, &task, &mut |_| ()).await.expect("rounds");
        scratch.remove().await.expect("removed databases");
        rounds
    });
    rounds.iter().map(Round::proof).collect()
}

/// What a run sends for a file in one direction.
fn messages_of(set: &Set, migration: &Migration, direction: Direction) -> Vec<Sent> {
    let (settings, environment, bookkeeping) = (settings(), Environment::default(), bookkeeping(set));
    let material = Material {
        set,
        settings: &settings,
        bookkeeping: &bookkeeping,
        environment: &environment,
        findings: &[],
        allows: &[],
        proofs: &[],
    };
    sent(&material, migration, direction).expect("a plan")
}

fn texts(messages: Vec<Sent>) -> Vec<String> {
    messages.into_iter().map(|message| message.sql).collect()
}

/// The transcript of a picture that is in the repository: each message's line and what is below it, by direction.
fn pictured(stem: &str) -> BTreeMap<&'static str, Vec<(String, String)>> {
    let text = crate::text(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("review/{stem}.snap")));
    let (_, wire) = text.split_once("\nWIRE, UP\n").expect("a transcript of Up");
    let (up, down) = wire.split_once("\n\nWIRE, DOWN\n").expect("a transcript of Down");
    BTreeMap::from([("up", messages(up)), ("down", messages(down.trim_end_matches('\n')))])
}

/// Each heading with the text below it; what is a heading and what a line of a message tells the indentation.
fn messages(wire: &str) -> Vec<(String, String)> {
    let mut messages: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in wire.split('\n') {
        match line.strip_prefix("      ") {
            Some(rest) => messages.last_mut().expect("a heading before it").1.push(rest),
            None if line.is_empty() => messages.last_mut().expect("a heading before it").1.push(""),
            None => messages.push((line.trim_start(), Vec::new())),
        }
    }
    messages.iter().map(|(heading, lines)| ((*heading).to_owned(), lines.join("\n"))).collect()
}

fn statements(migration: &Migration) -> usize {
    match &migration.body {
        Body::Split { up, down } => up.len() + down.len(),
        Body::Deferred(_) => usize::MAX,
    }
}

/// A message of the bookkeeping with its text, which a picture leaves out.
fn in_full(message: &Sent) -> String {
    let sql = if message.of_the_file { "…" } else { &message.sql };
    format!("\n  {}\n{sql}\n", message.what)
}

/// What a picture leaves out: the text of the bookkeeping, once for each way to send a file.
#[test]
fn the_bookkeeping_of_each_pace() {
    let set = set();
    for (name, mode) in [("transaction", Mode::Transaction), ("no_transaction", Mode::NoTransaction)] {
        let candidates = set.migrations.iter().filter(|migration| migration.mode == mode && migration.version.0 > 1);
        let migration = candidates.min_by_key(|migration| statements(migration)).expect("a file of each mode");
        let mut text = migration.file.to_string();
        for direction in [Direction::Up, Direction::Down] {
            text.push_str(&format!("\n\n{}\n", direction.word().to_uppercase()));
            text.extend(messages_of(&set, migration, direction).iter().map(in_full));
        }
        crate::settings("wire").bind(|| insta::assert_snapshot!(format!("bookkeeping_{name}"), text));
    }
}

/// In a session of its own, where migrations follow one another.
#[test]
fn the_bookkeeping_that_is_prepared() {
    let (set, environment) = (set(), Environment::default());
    let bookkeeping = bookkeeping(&set);
    let window = Window { flights: 8, durability: Durability::Each, prepares: true };
    let pictured = |version| {
        let history = history(&set, version);
        let plan = migrate_core::plan::plan(Order::new(&set, Goal::Up, &environment), &history).expect("a plan");
        let together = &plan.batches[..window.takes(&plan.batches)];
        let flights: Vec<_> = convoy(together, &bookkeeping, window).map(|(flight, _)| flight).take(2).collect();
        let executes = |message: &Message<'_>| message.sql.starts_with("EXECUTE");
        let files = together.iter().map(|batch| batch.migration.file.as_ref());
        flights.get(1)?.messages.iter().any(executes).then(|| files.zip(&flights).map(of_a_flight).collect::<String>())
    };
    let text = set.migrations.iter().find_map(|migration| pictured(migration.version)).expect("files in a row");
    crate::settings("wire").bind(|| insta::assert_snapshot!("bookkeeping_prepared", text));
}

fn of_a_flight((file, flight): (&str, &Flight<'_>)) -> String {
    let of_the_file = |message: &&Message<'_>| matches!(message.purpose, Purpose::Statements { .. });
    let messages = flight.messages.iter().filter(|message| !of_the_file(message));
    let messages = messages.map(|message| format!("\n  {}\n{}\n", message.purpose.word(), message.sql));
    format!("{file}\n{}\n", messages.collect::<String>())
}

#[test]
fn which_frames_go_over_the_wire_for_each_file() {
    let set = set();
    let mut readings = std::collections::BTreeSet::new();
    for migration in set.migrations.iter() {
        let runs = [
            (Direction::Up, history(&set, before(&set, migration)), Goal::UpByOne),
            (Direction::Down, history(&set, migration.version), Goal::Down),
        ];
        for (direction, history, goal) in runs {
            let turns = scripted::turns(&set, &history, goal);
            // What is read first is the same for every file.
            readings.insert(turns[..3].concat());
            let flights = &turns[3..];
            let expected = texts(messages_of(&set, migration, direction));
            assert_eq!(flights.concat(), expected, "{} {direction:?}", migration.file);
            let in_one_turn = migration.mode == Mode::Transaction;
            assert_eq!(flights.len() == 1, in_one_turn, "{} {direction:?}: {} turns", migration.file, flights.len());
        }
    }
    assert_eq!(readings.len(), 1);
    let reading = readings.into_iter().next().expect("one").join("\n\n");
    crate::settings("wire").bind(|| insta::assert_snapshot!("reading", reading));
}

#[test]
fn which_frames_go_over_the_wire_to_an_empty_database() {
    let set = set();
    let frames = scripted::frames(&set, &History::default(), Goal::UpByOne);
    crate::settings("wire").bind(|| insta::assert_snapshot!("empty_database", frames));
}

#[test]
fn the_messages_of_every_file_are_what_a_real_run_sends() {
    let server = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
    let ear = Eavesdropper::before(&server.url("postgres"));
    // A picture shows a migration that is applied alone.
    let up = run(&ear, &["up", "--flight", "1"]);
    let down = run(&ear, &["reset", "--flight", "1"]);
    let set = set();
    for migration in set.migrations.iter() {
        for (direction, heard) in [(Direction::Up, &up), (Direction::Down, &down)] {
            let messages = texts(messages_of(&set, migration, direction));
            let found = heard.windows(messages.len()).filter(|window| *window == messages).count();
            assert_eq!(found, 1, "{} {direction:?}: {messages:#?} among {heard:#?}", migration.file);
        }
    }
}

#[test]
fn what_a_plan_prints_is_what_a_run_sends() {
    let server = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
    let ear = Eavesdropper::before(&server.url("postgres"));
    for arguments in [&["up", "--to", "4", "--single-transaction"][..], &["up"], &["down-to", "4"], &["reset"]] {
        let planned = plan(&ear, arguments);
        let heard = run(&ear, arguments);
        // In between it looks at what it has done, where a file has no transaction.
        let mut rest = heard.iter();
        for message in &planned {
            assert!(rest.any(|heard| heard == message), "{arguments:?}: {message} in {heard:#?}");
        }
    }
}

/// The messages of all migrations of a plan.
fn plan(ear: &Eavesdropper, arguments: &[&str]) -> Vec<String> {
    let (output, id) = ended(ear, &[arguments, &["--dry-run", "--output", "json"]].concat());
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a plan");
    let migrations = plan["migrations"].as_array().expect("its migrations").iter();
    let messages = migrations.flat_map(|migration| migration["messages"].as_array().expect("its messages"));
    messages.map(|message| message["sql"].as_str().expect("a text").replace(&id, RUN)).collect()
}

/// The queries of a run, with [`RUN`] in the place of its id.
fn run(ear: &Eavesdropper, arguments: &[&str]) -> Vec<String> {
    let _before = ear.heard();
    let (_, id) = ended(ear, arguments);
    ear.heard().iter().map(|sql| sql.replace(&id, RUN)).collect()
}

/// A run that has ended well, and its id.
fn ended(ear: &Eavesdropper, arguments: &[&str]) -> (std::process::Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pictured"))
        .args(arguments)
        .args(["--log-format", "json", "--database-url", &ear.url()])
        .env_clear()
        .output()
        .expect("the program starts");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    let id = log.split("\"run_id\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the id of the run");
    assert_eq!(id.len(), 16);
    let id = id.to_owned();
    (output, id)
}

fn as_pictured(message: Sent) -> (String, String) {
    (message.what, if message.of_the_file { message.sql } else { String::new() })
}

/// The statements of a picture are those of the set that it was made of: a picture that was not made anew is found.
#[test]
fn every_picture_shows_the_file_as_it_is() {
    let set = set();
    for migration in set.migrations.iter() {
        let pictured = pictured(stem(migration));
        for direction in [Direction::Up, Direction::Down] {
            let shown = messages_of(&set, migration, direction).into_iter().map(as_pictured);
            assert_eq!(shown.collect::<Vec<_>>(), pictured[direction.word()], "{}", migration.file);
        }
    }
}

/// What code that is called does, and how a planner reads a joined table, no fact says.
const UNKNOWN_BEFOREHAND: [&str; 3] = ["DO", "SELECT", "CREATE MATERIALIZED VIEW"];

#[test]
fn what_was_seen_on_a_server_is_what_the_facts_say() {
    let (mut agreed, mut unexpected) = (0, Vec::new());
    for migration in set().migrations.iter() {
        let text = crate::text(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("review/{}.snap", stem(migration))));
        let mut step = "";
        for line in text.lines() {
            let line = line.trim_start();
            step = line.strip_prefix("step    ").unwrap_or(step);
            agreed += usize::from(line.starts_with("fact ") && line.contains(", trace, PG "));
            let is_known = !UNKNOWN_BEFOREHAND.iter().any(|verb| step.split("  ").next() == Some(verb));
            if (line.starts_with("fact    seen:") && is_known) || line.starts_with("fact    not seen:") {
                unexpected.push(format!("{}: {step}: {line}", migration.file));
            }
        }
    }
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    assert!(agreed > 50, "{agreed}");
}
