//! Verdicts over rows by hand; real servers answer the question itself in `migrate-bin/tests/real/gate.rs`.

use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::history::Floor;
use crate::parse::{Folder, Source, parse};
use crate::report::Exit;

const LEDGER: [Option<&str>; 3] = [None, None, None];

fn set(versions: &[i64]) -> Set {
    let source =
        |version: &i64| Source { file: format!("{version:05}_v.sql"), text: Ok("-- +goose Up\nSELECT 1;\n".into()) };
    let sources = versions.iter().map(source).collect();
    parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] }).set
}

fn row(columns: &[Option<&str>]) -> TextRow {
    columns.iter().map(|column| column.map(str::to_owned)).collect()
}

/// The row about the tables: as found, but for those columns that a test is about.
fn tables(fits: &str, readable: &str, ledger: &str, journal: &str) -> TextRow {
    let sides = format!("{ledger},{journal}");
    let columns = ["tables", "0", "public", "r", fits, readable, &sides, "app", "db"];
    row(&columns.map(Some).into_iter().chain([None]).collect::<Vec<_>>())
}

fn there() -> TextRow {
    tables("true", "true", "there", "there")
}

fn applied(number: usize, version: i64, is: bool, ledger: [Option<&str>; 3]) -> TextRow {
    let (number, version) = (number.to_string(), version.to_string());
    let [text, tokens, floor] = ledger;
    let is = if is { "true" } else { "false" };
    row(&[Some("row"), Some(&number), Some(&version), Some(is), None, text, tokens, floor, None, None])
}

fn rows(versions: &[i64]) -> Vec<TextRow> {
    let each = versions.iter().enumerate().map(|(at, version)| applied(at + 1, *version, true, LEDGER));
    std::iter::once(there()).chain(each).collect()
}

fn versions(versions: &[i64]) -> Vec<Version> {
    versions.iter().copied().map(Version).collect()
}

#[test]
fn a_late_version_is_missed_although_a_higher_one_was_applied() {
    let set = set(&[1, 2, 3]);
    let verdict = Gate::new(&set).judge(rows(&[0, 1, 3]));
    assert_eq!(verdict.state, State::Behind { missing: versions(&[2]) });
    assert!(verdict.to_string().contains("lacks version 2") && verdict.to_string().contains("migrate up"), "{verdict}");
    assert_eq!(Gate::new(&set).judge(rows(&[0, 1, 3, 2])).state, State::Ok, "in whatever order");
}

#[test]
fn the_newest_row_of_a_version_decides() {
    let set = set(&[1, 2]);
    let mut answer = rows(&[0, 1, 2]);
    answer.push(applied(4, 2, false, LEDGER));
    let verdict = Gate::new(&set).judge(answer.clone());
    assert_eq!(verdict.state, State::Behind { missing: versions(&[2]) });
    assert!(verdict.next.contains("is_applied = false"), "`up` would pass over it: {verdict}");
    answer.push(applied(5, 2, true, LEDGER));
    // Rows promise no order but the one that is numbered.
    answer.reverse();
    assert_eq!(Gate::new(&set).judge(answer).state, State::Ok);
}

#[test]
fn each_mode_takes_missing_and_surplus_versions_in_its_own_way() {
    let set = set(&[1, 2, 3]);
    let subset = |list: &[i64]| Mode::Subset(versions(list).into_iter().collect());
    let range = |least, most| Mode::Range(Version(least), Version(most));
    let ahead = |list: &[i64]| State::OkAhead { extra: versions(list) };
    let cases: [(Mode, &[i64], State); 13] = [
        (Mode::UpTo(Version::ZERO), &[0], State::Ok),
        (Mode::AtLeast, &[0, 1, 2, 3, 9], ahead(&[9])),
        (Mode::Exact, &[0, 1, 2, 3, 9], State::Ahead { extra: versions(&[9]) }),
        (Mode::Exact, &[0, 1, 2, 3], State::Ok),
        (Mode::UpTo(Version(2)), &[0, 1, 2], State::Ok),
        (Mode::UpTo(Version(2)), &[0, 1], State::Behind { missing: versions(&[2]) }),
        (Mode::UpTo(Version(9)), &[0, 1, 2, 3, 9], State::Ok),
        (Mode::UpTo(Version(9)), &[0, 1, 2, 3], State::Behind { missing: versions(&[9]) }),
        (range(2, 3), &[0, 1, 2, 3], State::Ok),
        (range(2, 3), &[0, 1, 2, 3, 4], State::Ahead { extra: versions(&[4]) }),
        (range(2, 3), &[0, 1], State::Behind { missing: versions(&[2]) }),
        (subset(&[2]), &[0, 2], State::Ok),
        (subset(&[2]), &[0, 1, 3], State::Behind { missing: versions(&[2]) }),
    ];
    for (mode, held, expected) in cases {
        let gate = Gate::new(&set).mode(mode.clone());
        assert_eq!(gate.judge(rows(held)).state, expected, "{mode:?} {held:?}");
    }
}

#[test]
fn a_floor_above_the_release_refuses_it_and_names_both_versions() {
    let digest = "0".repeat(64);
    let (old, new) = (set(&[1, 2]), set(&[1, 2, 3]));
    let mut answer = rows(&[0, 1, 2]);
    answer.push(applied(4, 4, true, [Some(&digest), Some(&digest), Some("3")]));
    let verdict = Gate::new(&old).judge(answer.clone());
    assert_eq!(verdict.state, State::Incompatible { floor: Floor { requires: Version(3), by: Version(4) } });
    assert_eq!((verdict.exit(), verdict.floor.map(|floor| floor.by)), (Exit::Ahead, Some(Version(4))));
    assert!(verdict.message.contains("version 3, and this release knows versions up to 2"), "{verdict}");
    answer.push(applied(5, 3, true, LEDGER));
    assert_eq!(Gate::new(&new).judge(answer).state, State::OkAhead { extra: versions(&[4]) });
}

#[test]
fn half_done_versions_refuse_the_releases_that_need_them_and_no_other() {
    let digest = "0".repeat(64);
    let entry = row(&["entry", "1", "3", "up", "00003_v.sql", "1", &digest, "opaque", "running", ""].map(Some));
    let mut answer = rows(&[0, 1, 2]);
    answer.push(entry);
    let verdict = Gate::new(&set(&[1, 2, 3])).judge(answer.clone());
    assert_eq!((verdict.exit(), verdict.state), (Exit::Unfinished, State::Dirty { version: Version(3) }));
    let verdict = Gate::new(&set(&[1, 2])).judge(answer);
    assert_eq!((verdict.state, verdict.warnings), (State::Ok, vec!["version 3 is half applied".to_owned()]));
}

#[test]
fn an_edited_file_is_drift_and_a_reformatted_one_a_warning() {
    let set = set(&[1]);
    let tokens = crate::step::token_digest(&set.migrations[0].text).to_string();
    let other = "0".repeat(64);
    for (tokens, state) in [(&other, State::Drift { files: vec!["m/00001_v.sql".into()] }), (&tokens, State::Ok)] {
        let answer = vec![there(), applied(1, 1, true, [Some(&other), Some(tokens), None])];
        let verdict = Gate::new(&set).judge(answer);
        assert_eq!(verdict.warnings.len(), usize::from(state == State::Ok));
        assert_eq!(verdict.state, state);
    }
}

#[test]
fn tables_that_are_absent_forbidden_or_odd_have_a_verdict_and_a_way_out() {
    let set = set(&[1]);
    let mut absent = row(&[Some("tables"), Some("0")]);
    absent.resize(10, None);
    let cases = [
        (absent, State::NotInitialised, Exit::Uninitialised, "migrate up"),
        (
            tables("true", "false", "there", "there"),
            State::NoPrivilege,
            Exit::Privilege,
            "GRANT SELECT ON public.goose_db_version TO \"app\"",
        ),
        (tables("false", "true", "there", "there"), State::Drift { files: vec![] }, Exit::Drift, "move this relation"),
    ];
    for (answer, state, exit, next) in cases {
        let verdict = Gate::new(&set).judge(vec![answer]);
        assert_eq!((&verdict.state, verdict.exit()), (&state, exit));
        assert!(verdict.next.contains(next), "{verdict}");
    }
    let verdict = Gate::new(&set).judge(Vec::new());
    assert_eq!(verdict.state.word(), "unreachable");
    let verdict = Gate::new(&set).judge(vec![tables("true", "true", "forbidden", "odd"), applied(1, 1, true, LEDGER)]);
    assert!(verdict.is_open() && verdict.warnings.len() == 2, "{:?}", verdict.warnings);
    assert!(verdict.warnings[0].contains("GRANT SELECT ON public.goose_db_version_ledger TO \"app\""));
}

#[test]
fn a_latch_asks_no_more_once_it_was_open() {
    let set = set(&[1]);
    let latch = Latch::new(Gate::new(&set), Policy::FailFast);
    let asked = Cell::new(0);
    let ask = |held: &'static [i64]| {
        latch.admit(|_| {
            asked.set(asked.get() + 1);
            Ok::<_, String>(rows(held))
        })
    };
    assert!(!ask(&[0]).is_open() && latch.opened().is_none());
    assert!(ask(&[0, 1]).is_open());
    assert!(ask(&[0]).is_open(), "it stays open");
    assert_eq!(asked.get(), 2);
}

#[test]
fn waiting_ends_when_the_job_is_done_or_when_patience_is_over() {
    let set = set(&[1]);
    let tries = Cell::new(0);
    let job = |done_at: usize| {
        let tries = &tries;
        move |_: &str| {
            tries.set(tries.get() + 1);
            Ok::<_, String>(rows(if tries.get() >= done_at { &[0, 1] } else { &[0] }))
        }
    };
    let wait = |timeout| Latch::new(Gate::new(&set), Policy::Wait { timeout });
    assert!(wait(Duration::from_mins(1)).admit(job(2)).is_open());
    let verdict = wait(Duration::from_millis(1)).admit(job(usize::MAX));
    assert_eq!(verdict.state, State::Behind { missing: versions(&[1]) });
    assert_eq!(tries.get(), 4, "patience is asked once more when it is over");
}

#[test]
fn only_what_may_pass_is_waited_out() {
    let set = set(&[1]);
    let started = std::time::Instant::now();
    let (gate, wait) = (Gate::new(&set), Policy::Wait { timeout: Duration::from_mins(1) });
    let forbidden = gate.judge(vec![tables("true", "false", "there", "there")]);
    assert_eq!(wait.pause(&forbidden, started), None);
    let behind = gate.judge(rows(&[0]));
    assert!(wait.pause(&behind, started).is_some() && Policy::FailFast.pause(&behind, started).is_none());
    assert!(Policy::FailFast.pause(&gate.unreachable("x"), started).is_some(), "networks come up late");
}

#[test]
fn the_question_is_one_plain_select_over_the_named_table() {
    let set = set(&[]);
    let gate = Gate::new(&set).table("app.versions".parse().unwrap());
    let question = gate.question();
    assert!(question.starts_with("WITH ") && !question.contains(';'), "{question}");
    for part in ["'versions'", "n.nspname = 'app'", "'versions_ledger'", "'versions_journal'"] {
        assert!(question.contains(part), "{part}");
    }
}
