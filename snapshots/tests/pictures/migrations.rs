//! For every file: how it is read, what is planned, and which frames go over the wire.

use migrate_core::check;
use migrate_core::flight::{Bookkeeping, Purpose, TableName, flight};
use migrate_core::history::{Existing, History, Row};
use migrate_core::migration::{Direction, Migration, Set, Version};
use migrate_core::parse::{Environment, resolve};
use migrate_core::plan::{Goal, OutOfOrder, Plan, Request, Versioning, plan};
use migrate_core::step::classify;

use crate::scripted;

fn set() -> Set {
    let parsed = check::folder(&crate::folder(), "migrations");
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let release = "pictured 0.1.0".into();
    Set { release, ..parsed.set }
}

fn stem(migration: &Migration) -> &str {
    migration.file.trim_end_matches(".sql")
}

/// The history of a database at `version`, all of it applied from this set.
fn history(set: &Set, version: Version) -> History {
    let versions = set.migrations.iter().map(|migration| migration.version).filter(|applied| *applied <= version);
    let row = |version| Row { version, applied: true, at: None, ledger: None };
    let rows = std::iter::once(Version::ZERO).chain(versions).map(row).collect();
    History { rows, tables: Existing { version: true, ledger: true } }
}

fn planned<'a>(set: &'a Set, history: &'a History, goal: Goal, environment: &'a Environment) -> Plan<'a> {
    let (out_of_order, versioning) = (OutOfOrder::Refused, Versioning::Recorded);
    plan(Request { set, history, goal, out_of_order, versioning, environment }).expect("a plan")
}

/// The version before this one in the set.
fn before(set: &Set, migration: &Migration) -> Version {
    let lower = set.migrations.iter().map(|other| other.version).filter(|other| *other < migration.version);
    lower.max().unwrap_or(Version::ZERO)
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
fn what_is_planned_for_each_file() {
    let set = set();
    crate::settings("plan").bind(|| {
        for migration in set.migrations.iter() {
            let up = planned_messages(&set, before(&set, migration), Goal::UpByOne);
            let down = planned_messages(&set, migration.version, Goal::Down);
            insta::assert_snapshot!(stem(migration), format!("{up}{down}"));
        }
    });
}

fn planned_messages(set: &Set, from: Version, goal: Goal) -> String {
    let (history, environment) = (history(set, from), Environment::default());
    let tables = TableName::default().in_schema("public");
    let bookkeeping = Bookkeeping { tables, release: set.release.clone().into_owned() };
    let plan = planned(set, &history, goal, &environment);
    let batch = &plan.batches[0];
    let flight = flight(batch, &bookkeeping);
    let (direction, mode) = (batch.direction.word(), batch.mode().word());
    let mut text = format!("{direction} from version {from}, {:?}, {mode}\n", flight.pace);
    for message in &flight.messages {
        text.push_str(&format!("  {}\n", line(message.purpose, &message.sql)));
    }
    text
}

/// A message in one line: a statement by its first line, bookkeeping whole where it says what is recorded.
fn line(purpose: Purpose, sql: &str) -> String {
    let one_line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = match purpose {
        Purpose::Statement(_) => sql.lines().find(|line| !line.trim_start().starts_with("--")).unwrap_or_default(),
        _ => &one_line,
    };
    format!("{:<9} {shown}", purpose.word())
}

#[test]
fn which_frames_go_over_the_wire_for_each_file() {
    let set = set();
    crate::settings("wire").bind(|| {
        for migration in set.migrations.iter() {
            let up = scripted::frames(&set, &history(&set, before(&set, migration)), Goal::UpByOne);
            let down = scripted::frames(&set, &history(&set, migration.version), Goal::Down);
            insta::assert_snapshot!(stem(migration), format!("up\n{up}\ndown\n{down}"));
        }
    });
}

#[test]
fn which_frames_go_over_the_wire_to_an_empty_database() {
    let set = set();
    let frames = scripted::frames(&set, &History::default(), Goal::UpByOne);
    crate::settings("wire").bind(|| insta::assert_snapshot!("empty_database", frames));
}
