//! Through the library: the plan that was shown is the one that is carried out, or none.

use std::time::Duration;

use migrate_core::apply::{self, Means, Request, Session, Shown};
use migrate_core::connect::Connector;
use migrate_core::connection::{Access, Source};
use migrate_core::migration::Set;
use migrate_core::parse::{Environment, parse, read_folder};
use migrate_core::plan::{Goal, Order, PlanError, plan};
use migrate_core::report::{Exit, Failure};

use crate::stage::{Database, folder, migrate};

const FILES: [(&str, &str); 3] = [
    ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n"),
    ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n"),
    (
        "00003_c.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE c (id int);\n-- +goose Down\nDROP TABLE c;\n",
    ),
];

fn set(files: &[(&str, &str)]) -> (tempfile::TempDir, Set) {
    let folder = folder(files);
    let set = parse(read_folder(folder.path(), "migrations")).set;
    (folder, set)
}

/// Shows the plan for `goal`, lets `meanwhile` happen, and carries out what was shown.
fn show_and_do(database: &Database, set: &Set, goal: Goal, meanwhile: impl FnOnce()) -> Shown {
    try_it(database, set, goal, meanwhile).expect("no failure")
}

fn try_it(database: &Database, set: &Set, goal: Goal, meanwhile: impl FnOnce()) -> Result<Shown, Failure> {
    let connector = Connector {
        source: Source::Argument(database.url.clone()),
        variables: Environment::default(),
        account: None,
        database: None,
        access: Access::Change,
        patience: Duration::ZERO,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut session = runtime.block_on(Session::open(&connector, &mut |_| {})).expect("a session");
    let environment = Environment::default();
    let request = Request::new(Order::new(set, goal, &environment));
    let found = apply::read(&session, &request.table, request.order.versioning);
    let found = runtime.block_on(found)?;
    let shown = plan(request.order, &found.history).expect("a plan");
    meanwhile();
    let (means, mut observe) = (Means::alone(), |_| {});
    let ended = runtime.block_on(apply::apply_shown(&mut session, (&request, &shown), &means, &mut observe));
    runtime.block_on(session.close());
    ended
}

#[test]
fn a_plan_that_was_shown_is_carried_out_as_it_was_shown() {
    let (database, (_folder, set)) = (Database::create(), set(&FILES));
    let Shown::Landed(report) = show_and_do(&database, &set, Goal::Up, || ()) else { panic!("it moved") };
    assert_eq!((report.ran.len(), report.current), (3, 3));
    let Shown::Landed(report) = show_and_do(&database, &set, Goal::DownTo(migrate_core::migration::Version(1)), || ())
    else {
        panic!("it moved")
    };
    assert_eq!((report.ran.len(), database.versions()), (2, vec!["0".to_owned(), "1".to_owned()]));
}

#[test]
fn where_somebody_else_was_faster_nothing_else_is_done_than_what_was_shown() {
    for (goal, before, meanwhile) in [(Goal::Up, "0", "1"), (Goal::UpByOne, "1", "2"), (Goal::Down, "3", "2")] {
        let (database, (folder, set)) = (Database::create(), set(&FILES));
        let to = |version: &str| {
            let command = if goal == Goal::Down && version == meanwhile { "down-to" } else { "up-to" };
            let ended = migrate(&database.url, folder.path(), &[command, version]);
            assert_eq!(ended.code, 0, "{}", ended.stderr);
        };
        if before != "0" {
            to(before);
        }
        let mut then = Vec::new();
        let shown = show_and_do(&database, &set, goal, || {
            to(meanwhile);
            then = database.versions();
        });
        let Shown::Moved(report) = shown else { panic!("{goal:?} landed on another history") };
        assert_eq!(report.ran.len(), 0, "{goal:?}");
        assert_eq!(database.versions(), then, "{goal:?}");
    }
}

#[test]
fn a_history_that_was_lost_is_missed_here_too() {
    let (database, (folder, set)) = (Database::create(), set(&FILES));
    assert_eq!(migrate(&database.url, folder.path(), &["up-to", "2"]).code, 0);
    // Before the plan is shown, and behind it.
    let lose = || drop(database.rows("DROP TABLE goose_db_version"));
    let refused = try_it(&database, &set, Goal::Up, lose).expect_err("versions 1 and 2 are there");
    assert_eq!((refused.exit, database.version_rows().as_str()), (Exit::History, "(no table)"), "{refused}");
    let refused = try_it(&database, &set, Goal::Up, || ()).expect_err("versions 1 and 2 are there");
    assert_eq!(refused.exit, Exit::History, "{refused}");
}

#[test]
fn a_version_that_nobody_knows_is_refused_by_the_library_too() {
    let (_folder, set) = set(&FILES);
    let (environment, history) = (Environment::default(), migrate_core::history::History::default());
    for goal in [Goal::UpTo(migrate_core::migration::Version(99)), Goal::DownTo(migrate_core::migration::Version(99))] {
        let refused = plan(Order::new(&set, goal, &environment), &history).expect_err("no plan");
        assert!(matches!(refused, PlanError::NowhereKnown { .. }), "{refused}");
    }
}
