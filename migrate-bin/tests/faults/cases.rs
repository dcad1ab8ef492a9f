//! The list of all cases, with the tests that show each of them or the reason why none does.
//!
//! `cases.tsv`: number, what goes wrong, what comes of it, exit codes, and the tests (or `- ` and the reason). Invariant:
//! every test in the list exists, and every test whose name is a case's is in the list.

use std::path::PathBuf;

use crate::stage::{text, workspace};

const CASES: &str = include_str!("cases.tsv");

/// How many cases there are, and how many of them have to be shown.
const ALL: usize = 80;
const SHOWN: usize = 60;

struct Case {
    number: &'static str,
    fault: &'static str,
    outcome: &'static str,
    exit: &'static str,
    /// The tests, or why there is none.
    shown: Result<Vec<&'static str>, &'static str>,
}

fn cases() -> Vec<Case> {
    let case = |line: &'static str| {
        let [number, fault, outcome, exit, shown] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("five columns: {line}"));
        let shown = match shown.strip_prefix("- ") {
            Some(reason) => Err(reason),
            None => Ok(shown.split(' ').collect()),
        };
        Case { number, fault, outcome, exit, shown }
    };
    CASES.lines().map(case).collect()
}

/// The file of a test by its path, such as `faults::loss::NAME`, and its name.
fn place(test: &str) -> (PathBuf, &str) {
    let (modules, name) = test.rsplit_once("::").expect("a path");
    let file = format!("migrate-bin/tests/{}.rs", modules.replace("::", "/"));
    (workspace().join(file), name)
}

#[test]
fn every_case_is_in_the_list_once_and_most_are_shown() {
    let cases = cases();
    let mut numbers: Vec<&str> = cases.iter().map(|case| case.number).collect();
    assert!(numbers.is_sorted(), "they are in order");
    numbers.dedup();
    assert_eq!((numbers.len(), cases.len()), (ALL, ALL));
    let shown = cases.iter().filter(|case| case.shown.is_ok()).count();
    println!("{shown} of {ALL} cases are shown");
    assert!(shown >= SHOWN, "{shown}");
    for case in &cases {
        assert!(case.shown.as_ref().err().is_none_or(|reason| !reason.is_empty()), "{}: no reason", case.number);
    }
}

#[test]
fn every_test_in_the_list_is_a_test() {
    for case in cases() {
        for test in case.shown.into_iter().flatten() {
            let (file, name) = place(test);
            let text = text(&file);
            let before = text.split_once(&format!("fn {name}() {{")).map(|(before, _)| before.trim_end());
            let is_test = before.is_some_and(|before| before.ends_with("#[test]"));
            assert!(is_test, "{}: {name} is no test of {}", case.number, file.display());
        }
    }
}

#[test]
fn every_test_that_bears_a_case_s_number_is_in_the_list() {
    let listed: Vec<&str> = cases().into_iter().flat_map(|case| case.shown.unwrap_or_default()).collect();
    let folder = workspace().join("migrate-bin/tests/faults");
    let mut found = 0;
    let names = crate::stage::names(&folder);
    for module in names.iter().filter_map(|name| name.strip_suffix(".rs")) {
        for line in text(&folder.join(format!("{module}.rs"))).lines() {
            let name =
                line.strip_prefix("fn f").and_then(|rest| rest.strip_suffix("() {")).map(|rest| format!("f{rest}"));
            let Some(name) = name.filter(|name| name[1..].starts_with(|first: char| first.is_ascii_digit())) else {
                continue;
            };
            found += 1;
            let path = format!("faults::{module}::{name}");
            assert!(listed.contains(&path.as_str()), "{path} is in no row");
        }
    }
    assert!(found > 40, "{found}");
}

#[test]
fn the_documentation_has_the_same_table() {
    let row = |case: Case| {
        let Case { number, fault, outcome, exit, shown } = case;
        shown.is_ok().then(|| format!("| {number} | {fault} | {outcome} | {exit} |"))
    };
    let rows: Vec<String> = cases().into_iter().filter_map(row).collect();
    let documented = text(&workspace().join("docs/faults.md"));
    let table: Vec<&str> = documented.lines().filter(|line| line.starts_with("| F")).collect();
    assert_eq!(table, rows, "docs/faults.md");
}
