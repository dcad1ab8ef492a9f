//! goose and `migrate` take turns on one database, and nobody can tell from the database who did what.

use std::path::Path;

use crate::stage::{Database, Ended, folder, goose, migrate, newer_goose, run_goose, shared, workspace};

/// Who takes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Goose,
    Migrate,
}

impl Tool {
    const fn other(self) -> Self {
        match self {
            Self::Goose => Self::Migrate,
            Self::Migrate => Self::Goose,
        }
    }
}

/// The walk over a set of `files` files: up by one in turns, every third file undone by one tool and applied again by
/// the other, then down in turns until nothing is left.
fn walk(files: usize, first: Tool) -> Vec<(Tool, &'static str)> {
    let mut steps = Vec::new();
    let mut next = first;
    let mut take = |command| {
        steps.push((next, command));
        next = next.other();
    };
    for file in 0..files {
        take("up-by-one");
        if file % 3 == 2 {
            take("down");
            take("up-by-one");
        }
    }
    for _ in 0..files {
        take("down");
    }
    steps
}

/// What both tools must agree on.
#[derive(Debug, PartialEq, Eq)]
struct State {
    rows: String,
    schema: String,
}

/// Takes the steps on a fresh database; the state after each.
fn take(steps: &[(Tool, &'static str)], goose: &Path, dir: &Path) -> Vec<State> {
    let database = Database::create();
    let state_after = |(number, (tool, command)): (usize, &(Tool, &'static str))| {
        let ended: Ended = match tool {
            Tool::Goose => run_goose(goose, &database.url, dir, &[command]),
            Tool::Migrate => migrate(&database.url, dir, &[command]),
        };
        assert_eq!(ended.code, 0, "step {number}, {tool:?} {command}: {}", ended.stderr);
        State { rows: database.version_rows(), schema: database.schema() }
    };
    steps.iter().enumerate().map(state_after).collect()
}

fn assert_same(steps: &[(Tool, &'static str)], alone: &[State], in_turns: &[State]) {
    assert_eq!(alone.len(), in_turns.len());
    for (number, (expected, state)) in alone.iter().zip(in_turns).enumerate() {
        let step = format!("step {number} of {steps:?}");
        assert_eq!(expected.rows, state.rows, "{step}");
        let difference = expected.schema.lines().zip(state.schema.lines()).find(|(expected, line)| expected != line);
        assert_eq!(difference, None, "{step}: pg_dump of goose's run, and of this one");
        assert_eq!(expected.schema.len(), state.schema.len(), "{step}: one dump is longer");
    }
}

fn take_turns(goose: &Path, dir: &Path, files: usize) {
    let orders = [walk(files, Tool::Goose), walk(files, Tool::Migrate)];
    let alone: Vec<_> = orders[0].iter().map(|(_, command)| (Tool::Goose, *command)).collect();
    let (expected, in_turns) = std::thread::scope(|scope| {
        let alone = scope.spawn(|| take(&alone, goose, dir));
        let in_turns = orders.each_ref().map(|steps| scope.spawn(|| take(steps, goose, dir)));
        let expected = alone.join().expect("goose alone");
        (expected, in_turns.map(|states| states.join().expect("both in turns")))
    });
    // The walk went through: the last file was there, and in the end only the row of version 0 is.
    assert!(expected.iter().any(|state| state.rows.split(' ').count() == files + 1), "the whole set was applied");
    assert_eq!(expected.last().map(|state| state.rows.as_str()), Some("1:0:true"));
    for (steps, states) in orders.iter().zip(&in_turns) {
        assert_same(steps, &expected, states);
    }
    println!("{}: {} steps, in both orders like goose alone", dir.display(), alone.len());
}

#[test]
fn taking_turns_on_our_own_migrations_is_goose_alone() {
    let Some(goose) = goose("taking_turns_on_our_own_migrations_is_goose_alone") else { return };
    let dir = workspace().join("migrations");
    let files = dir.read_dir().expect("our migrations").count();
    take_turns(&goose, &dir, files);
}

#[test]
fn taking_turns_with_the_newest_goose_is_goose_alone() {
    let Some(goose) = newer_goose("taking_turns_with_the_newest_goose_is_goose_alone") else { return };
    take_turns(&goose, folder(&[FIRST, SECOND, THIRD]).path(), 3);
}

#[test]
fn taking_turns_on_public_sets_is_goose_alone() {
    let scene = "taking_turns_on_public_sets_is_goose_alone";
    // Functions, triggers and indexes made CONCURRENTLY without a transaction; then enums and a materialised view.
    let sets = [
        ("corpus/mercuretechnologies__xprem/internal/database/postgres/migrations", 38),
        ("corpus/metal-toolbox__governor-api/db/psql/migrations", 5),
    ];
    for (set, files) in sets {
        let (Some(goose), Some(dir)) = (goose(scene), shared(scene, set)) else { return };
        take_turns(&goose, &dir, files);
    }
}

const FIRST: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const SECOND: (&str, &str) = ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n");

const THIRD: (&str, &str) = (
    "00003_i.sql",
    "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (id);\n-- +goose Down\n\
     DROP INDEX CONCURRENTLY i;\n",
);

#[test]
fn a_version_that_goose_undid_and_applied_again_is_applied_with_its_digest_unknown() {
    let scene = "a_version_that_goose_undid_and_applied_again_is_applied_with_its_digest_unknown";
    let Some(goose) = goose(scene) else { return };
    let (database, files) = (Database::create(), folder(&[FIRST, SECOND]));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let second = files.path().join(SECOND.0);
    std::fs::write(&second, SECOND.1.replace("(id int)", "(id int, more text)")).expect("an edit");
    // As long as the row is ours, the edit shows; a row of goose's has no digest to compare with.
    let edited = migrate(&database.url, files.path(), &["up"]);
    assert_eq!(edited.code, 28, "{}", edited.stderr);
    assert_eq!(run_goose(&goose, &database.url, files.path(), &["redo"]).code, 0);
    let told = migrate(&database.url, files.path(), &["status", "--output", "json"]).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let states: Vec<_> = told["migrations"].as_array().expect("a list").iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["applied", "applied"]);
    let up = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((up.code, database.version_rows().as_str()), (0, "1:0:true 2:1:true 4:2:true"), "{}", up.stderr);
    assert_eq!(migrate(&database.url, files.path(), &["down"]).code, 0);
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn goose_carries_on_where_a_failed_run_of_migrate_stopped() {
    let Some(goose) = goose("goose_carries_on_where_a_failed_run_of_migrate_stopped") else { return };
    let broken =
        ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\nSELECT 1/0;\n-- +goose Down\nDROP TABLE b;\n");
    let (database, files) = (Database::create(), folder(&[FIRST, broken]));
    let failed = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((failed.code, database.version_rows().as_str()), (25, "1:0:true 2:1:true"), "{}", failed.stderr);
    std::fs::write(files.path().join(SECOND.0), SECOND.1).expect("the mended file");
    let ended = run_goose(&goose, &database.url, files.path(), &["up"]);
    assert_eq!((ended.code, database.version_rows().as_str()), (0, "1:0:true 2:1:true 3:2:true"), "{}", ended.stderr);
}
