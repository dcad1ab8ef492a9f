//! Which files run, in which order, and when goose refuses: recorded plans, and tables for what has no recording.

use std::collections::BTreeSet;

use migrate_core::history::{Existing, History, LedgerEntry, Presence, Row, SideTable, Sides};
use migrate_core::migration::{Digest, Direction, Set, Version};
use migrate_core::parse::{Environment, Folder, Source, parse};
use migrate_core::plan::{EditKind, Goal, Order, OutOfOrder, Plan, PlanError, Versioning, Warning, plan};
use migrate_core::step::token_digest;
use serde::Deserialize;

use crate::shared;

const UP_AND_DOWN: &str = "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n";

fn set_of(files: &[(i64, &str)]) -> Set {
    let sources = files
        .iter()
        .map(|(version, text)| Source { file: format!("{version:05}_x.sql"), text: Ok((*text).to_owned()) })
        .collect();
    let parsed = parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] });
    assert_eq!(parsed.diagnostics, []);
    parsed.set
}

fn set(versions: &[i64]) -> Set {
    set_of(&versions.iter().map(|version| (*version, UP_AND_DOWN)).collect::<Vec<_>>())
}

/// Rows in the order of insertion; a negative version is a row that says `false`.
fn history(versions: &[i64]) -> History {
    let row = |version: &i64| Row { version: Version(version.abs()), applied: *version >= 0, at: None, ledger: None };
    History { rows: versions.iter().map(row).collect(), tables: Existing::WHOLE, attempts: vec![] }
}

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    out_of_order: OutOfOrder,
    versioning: Versioning,
}

const LATE: Options = Options { out_of_order: OutOfOrder::Allowed, versioning: Versioning::Recorded };
const UNVERSIONED: Options = Options { out_of_order: OutOfOrder::Refused, versioning: Versioning::Ignored };

fn order<'a>(set: &'a Set, goal: Goal, options: Options, environment: &'a Environment) -> Order<'a> {
    let Options { out_of_order, versioning } = options;
    Order { out_of_order, versioning, ..Order::new(set, goal, environment) }
}

/// The steps of a plan: `+3` for up, `-3` for down.
fn steps(set: &Set, history: &History, goal: Goal, options: Options) -> Result<String, PlanError> {
    let environment = Environment::default();
    plan(order(set, goal, options, &environment), history).map(|plan| words(&plan))
}

fn words(plan: &Plan<'_>) -> String {
    let step = |direction| if direction == Direction::Up { '+' } else { '-' };
    let all = plan.batches.iter().map(|batch| format!("{}{}", step(batch.direction), batch.migration.version));
    all.collect::<Vec<_>>().join(" ")
}

#[derive(Deserialize)]
struct Recording {
    vectors: Vec<Vector>,
}

/// What goose's Provider plans.
#[derive(Deserialize)]
struct Vector {
    files: Vec<i64>,
    db_versions_any_order: Vec<i64>,
    target: i64,
    allow_missing: bool,
    apply: Option<Vec<i64>>,
    error: Option<String>,
}

/// Where goose's command, and we with it, refuse what its Provider takes for nothing to do: by index.
const NOTHING_AT_OR_BELOW: [(usize, &str); 6] = [
    (0, "no file at all"),
    (6, "no file at or below version 0"),
    (17, "there is no version -5"),
    (19, "no file at all"),
    (23, "no file at or below version 0"),
    (37, "there is no version -5"),
];

#[test]
fn goose_s_recorded_plans_are_ours() {
    let recording: Recording = serde_json::from_str(&shared::text(&shared::own("vectors/planning.json"))).unwrap();
    assert_eq!(recording.vectors.len(), 38);
    let mut different = BTreeSet::new();
    for (index, vector) in recording.vectors.iter().enumerate() {
        let goal = if vector.target == i64::MAX { Goal::Up } else { Goal::UpTo(Version(vector.target)) };
        let options = if vector.allow_missing { LATE } else { Options::default() };
        let ours = steps(&set(&vector.files), &history(&vector.db_versions_any_order), goal, options);
        let theirs = vector
            .apply
            .as_ref()
            .map(|versions| versions.iter().map(|version| format!("+{version}")).collect::<Vec<_>>().join(" "));
        match (ours, theirs) {
            (Err(PlanError::NothingAtOrBelow(_) | PlanError::NowhereKnown { .. }), Some(_)) => {
                assert!(different.insert(index));
            }
            (Err(PlanError::Missing { files, highest }), None) => {
                assert_eq!(named(&files), refused(vector.error.as_deref().unwrap_or_default()), "{index}");
                assert_eq!(Some(highest), vector.db_versions_any_order.iter().max().copied().map(Version), "{index}");
            }
            (ours, theirs) => assert_eq!(ours.ok(), theirs, "{index}"),
        }
    }
    assert_eq!(different.into_iter().collect::<Vec<_>>(), NOTHING_AT_OR_BELOW.map(|(index, _)| index));
}

/// The versions of `m/00002_x.sql` and the like.
fn named(files: &[String]) -> Vec<i64> {
    files.iter().filter_map(|file| file.strip_prefix("m/")?.strip_suffix("_x.sql")?.parse().ok()).collect()
}

/// The versions at the end of goose's refusal.
fn refused(error: &str) -> Vec<i64> {
    let list = error.rsplit_once(' ').map(|(_, list)| list).unwrap_or_default();
    list.split(',').filter_map(|version| version.parse().ok()).collect()
}

#[test]
fn a_file_missing_above_the_target_is_not_noticed() {
    // Unlike goose's Provider, which looks at all of them (goose/spec.md Q28).
    let (set, history) = (set(&[1, 2, 3, 4, 5]), history(&[0, 1, 2, 5]));
    assert_eq!(steps(&set, &history, Goal::UpTo(Version(2)), Options::default()), Ok(String::new()));
    let refused = steps(&set, &history, Goal::UpTo(Version(3)), Options::default());
    let files = vec!["m/00003_x.sql".to_owned()];
    assert_eq!(refused, Err(PlanError::Missing { files, highest: Version(5) }));
}

#[test]
fn up_by_one_takes_the_first_of_what_up_takes() {
    for (rows, options, expected) in [
        (&[0][..], Options::default(), Ok("+1")),
        (&[0, 1, 2], Options::default(), Ok("+3")),
        (&[0, 1, 3], LATE, Ok("+2")),
        (&[0, 1, 2, 3], Options::default(), Ok("")),
        (&[], Options::default(), Ok("+1")),
    ] {
        let ours = steps(&set(&[1, 2, 3]), &history(rows), Goal::UpByOne, options);
        assert_eq!(ours, expected.map(str::to_owned), "{rows:?}");
    }
}

#[test]
fn going_back_follows_the_order_of_insertion_and_reset_the_versions() {
    let down_to = |version| Goal::DownTo(Version(version));
    for (rows, goal, expected) in [
        (&[0, 1, 2, 3][..], Goal::Down, Ok("-3")),
        (&[0, 1, 3, 2], Goal::Down, Ok("-2")),
        (&[0, 1, 2, 2], Goal::Down, Ok("-2")),
        (&[0], Goal::Down, Err(PlanError::NothingApplied)),
        (&[], Goal::Down, Err(PlanError::NothingApplied)),
        (&[0, 1, 9], Goal::Down, Err(PlanError::NoFile(Version(9)))),
        (&[0, 1, 2, 3], Goal::Redo, Ok("-3 +3")),
        (&[0, 1, 3, 2], Goal::Redo, Ok("-2 +2")),
        (&[0], Goal::Redo, Err(PlanError::NothingApplied)),
        (&[0, 9], Goal::Redo, Err(PlanError::NoFile(Version(9)))),
        (&[0, 1, 2, 3], down_to(0), Ok("-3 -2 -1")),
        (&[0, 1, 2, 3], down_to(1), Ok("-3 -2")),
        (&[0, 1, 2, 3], down_to(3), Ok("")),
        (&[0, 1, 3, 2], down_to(2), Ok("")),
        (&[0, 1, 3, 2], down_to(1), Ok("-2 -3")),
        (&[0, 2, 2, 1, 3, 3], down_to(0), Ok("-3 -1 -2")),
        (&[0, 1, 9, 3], down_to(1), Err(PlanError::NoFile(Version(9)))),
        (&[0], down_to(0), Ok("")),
        (&[], down_to(0), Ok("")),
        (&[1, 2], down_to(0), Ok("-2 -1")),
        (&[0, 1, 3, 2], Goal::Reset, Ok("-3 -2 -1")),
        (&[0, 3, 9, 1], Goal::Reset, Ok("-3 -1")),
        (&[0], Goal::Reset, Ok("")),
    ] {
        let ours = steps(&set(&[1, 2, 3]), &history(rows), goal, Options::default());
        assert_eq!(ours, expected.map(str::to_owned), "{rows:?} {goal:?}");
    }
}

#[test]
fn reset_without_a_version_table_is_an_error_as_with_goose() {
    let ours = steps(&set(&[1]), &History::default(), Goal::Reset, Options::default());
    assert_eq!(ours, Err(PlanError::NothingApplied));
}

#[test]
fn a_row_that_says_false_hides_a_version_from_all_but_up() {
    // Rows of goose of about 2018: version 2 was undone (goose/spec.md 4.4).
    let (set, history) = (set(&[1, 2, 3]), history(&[0, 1, 2, -2]));
    for (goal, expected) in [
        (Goal::Up, "+3"),
        (Goal::Down, "-1"),
        (Goal::Redo, "-1 +1"),
        (Goal::DownTo(Version::ZERO), "-1"),
        (Goal::Reset, "-1"),
    ] {
        assert_eq!(steps(&set, &history, goal, Options::default()), Ok(expected.to_owned()), "{goal:?}");
    }
}

#[test]
fn without_versioning_the_files_alone_decide() {
    let history = history(&[0, 1]);
    for (goal, expected) in [
        (Goal::Up, Ok("+1 +2 +3")),
        (Goal::UpTo(Version(2)), Ok("+1 +2")),
        (Goal::UpByOne, Ok("+1")),
        (Goal::Down, Ok("-3")),
        (Goal::DownTo(Version(1)), Ok("-3 -2")),
        (Goal::DownTo(Version(3)), Ok("")),
        (Goal::Reset, Ok("-3 -2 -1")),
        (Goal::Redo, Ok("-3 +3")),
        (Goal::UpTo(Version::ZERO), Err(PlanError::NothingAtOrBelow(Version::ZERO))),
    ] {
        let ours = steps(&set(&[1, 2, 3]), &history, goal, UNVERSIONED);
        assert_eq!(ours, expected.map(str::to_owned), "{goal:?}");
    }
}

#[test]
fn a_plan_without_versioning_records_and_prepares_nothing() {
    let (set, history, environment) = (set(&[1, 2]), History::default(), Environment::default());
    let unversioned = plan(order(&set, Goal::Up, UNVERSIONED, &environment), &history).unwrap();
    assert!(unversioned.preparation.is_none() && unversioned.batches.iter().all(|batch| batch.record.is_none()));
    let recorded = plan(order(&set, Goal::Up, Options::default(), &environment), &history).unwrap();
    assert!(recorded.preparation.is_some_and(|preparation| preparation.seed));
    assert!(recorded.batches.iter().all(|batch| batch.record.is_some()));
}

#[test]
fn what_is_missing_is_prepared_only_when_something_will_be_recorded() {
    let (set, environment) = (set(&[1]), Environment::default());
    for (rows, tables, expected) in [
        (&[][..], (false, false), Some(true)),
        (&[], (true, false), Some(true)),
        (&[], (true, true), Some(true)),
        (&[0], (true, false), Some(false)),
        (&[0], (true, true), None),
        (&[0, 1], (true, false), None),
    ] {
        let ledger = if tables.1 { Presence::Whole } else { Presence::Absent };
        let tables = Existing { version: tables.0, sides: Sides::default().with(SideTable::Ledger, ledger) };
        let history = History { tables, ..history(rows) };
        let plan = plan(order(&set, Goal::Up, Options::default(), &environment), &history).unwrap();
        let seeds = plan.preparation.map(|preparation| preparation.seed);
        assert_eq!(seeds, expected, "{rows:?} {tables:?}");
    }
}

#[test]
fn every_batch_names_the_history_it_starts_from() {
    let (set, history, environment) = (set(&[1, 2, 4]), history(&[0, 1, 4]), Environment::default());
    let plan = plan(order(&set, Goal::Redo, Options::default(), &environment), &history).unwrap();
    let records: Vec<_> = plan.batches.iter().filter_map(|batch| batch.record.as_ref()).collect();
    let [down, up] = records.as_slice() else { panic!("{}", words(&plan)) };
    assert_eq!((down.newest, down.highest), (Some(Version(4)), Some(Version(4))));
    assert_eq!((up.newest, up.highest), (Some(Version(1)), Some(Version(1))));
}

/// A history in which version 1 was applied from this text, as the ledger knows.
fn applied_from(text: &str) -> History {
    let mut history = history(&[0, 1]);
    let applied = set_of(&[(1, text)]);
    history.rows[1].ledger =
        Some(LedgerEntry { text: digest(&applied), tokens: token_digest(text), up: None, requires_app: None });
    history
}

fn digest(set: &Set) -> Digest {
    set.find(Version(1)).unwrap().digest
}

#[test]
fn an_edited_text_refuses_up_with_both_digests_and_warns_on_the_way_back() {
    let history = applied_from("-- +goose Up\nSELECT 1;\n");
    let set = set_of(&[(1, "-- +goose Up\nSELECT 2;\n"), (2, UP_AND_DOWN)]);
    for goal in [Goal::Up, Goal::UpTo(Version(2)), Goal::UpByOne] {
        let Err(PlanError::Edited(edits)) = steps(&set, &history, goal, Options::default()) else { panic!("{goal:?}") };
        assert_eq!((edits.len(), edits[0].kind, edits[0].version), (1, EditKind::Text, Version(1)));
        let help = PlanError::Edited(edits).help();
        let applied = set_of(&[(1, "-- +goose Up\nSELECT 1;\n")]);
        for digest in [digest(&applied), digest(&set)] {
            assert!(help.contains(&digest.to_string()), "{help}");
        }
    }
    let environment = Environment::default();
    for goal in [Goal::Down, Goal::Redo, Goal::Reset, Goal::DownTo(Version::ZERO)] {
        let plan = plan(order(&set, goal, Options::default(), &environment), &history).unwrap();
        assert!(matches!(plan.warnings.as_slice(), [Warning::UndoesEdited(_)]), "{goal:?}: {:?}", plan.warnings);
    }
}

#[test]
fn layout_is_a_warning_and_an_unknown_digest_nothing() {
    let environment = Environment::default();
    let history = applied_from("-- +goose Up\nSELECT 1;\n");
    let warnings = |set: &Set, history: &History| {
        plan(order(set, Goal::Up, Options::default(), &environment), history).unwrap().warnings
    };
    let layout = set_of(&[(1, "-- +goose Up\n\n-- why\nSELECT   1;\n")]);
    assert!(matches!(warnings(&layout, &history).as_slice(), [Warning::Reformatted(_)]));
    let line_ends = set_of(&[(1, "-- +goose Up\r\nSELECT 1;\r\n")]);
    assert_eq!(warnings(&line_ends, &history), []);
    let other = set_of(&[(1, "-- +goose Up\nSELECT 2;\n")]);
    assert_eq!(warnings(&other, &self::history(&[0, 1])), []);
}

#[test]
fn a_database_ahead_and_rows_out_of_order_are_warnings() {
    let (set, environment) = (set(&[1, 2]), Environment::default());
    let warnings = |rows: &[i64], goal| {
        let history = history(rows);
        plan(order(&set, goal, Options::default(), &environment), &history).unwrap().warnings
    };
    assert_eq!(warnings(&[0, 1, 2, 8, 9], Goal::Up), [Warning::Ahead { count: 2, highest: Version(9) }]);
    assert_eq!(warnings(&[0, 2, 1], Goal::DownTo(Version::ZERO)), [Warning::InsertionOrder]);
    assert_eq!(warnings(&[0, 1, 2], Goal::DownTo(Version::ZERO)), []);
}
