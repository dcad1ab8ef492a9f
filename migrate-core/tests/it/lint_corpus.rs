//! The rules on other projects' migrations: what runs on a server is never called impossible, and what the rules find
//! there is what a person read through.

use std::collections::BTreeMap;
use std::path::Path;

use migrate_core::diagnostic::Severity;
use migrate_core::lint::{Finding, Settings, lint};
use migrate_core::migration::{Direction, Set};
use migrate_core::parse;

use crate::shared;

/// Rules that say that the server refuses a command.
const CERTAIN: [&str; 11] = ["F01", "F02", "F03", "B09", "T01", "T03", "T08", "T11", "T12", "T13", "G04"];

/// Sets that are no schema of their own: their project applies them on top of another of its folders.
const ON_TOP_OF_ANOTHER: [&str; 2] = ["Mic92__niks3/server/pg/functions", "theopenlane__core/db/seed"];

/// A row of `APPLICABLE.tsv`: a set, and whether a server ran all of its Up and Down sections.
struct Row {
    name: String,
    up: bool,
    down: bool,
}

fn rows(root: &Path) -> Vec<Row> {
    let table = shared::text(&root.join("APPLICABLE.tsv"));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let name = format!("{}/{}", fields[0], fields[1]);
        Row { name, up: matches!(fields[4], "clean" | "needs-prep"), down: fields[9] == "ok" }
    };
    table.lines().skip(1).map(row).collect()
}

/// What the rules say of a set, all of its files taken as new.
fn findings(root: &Path, row: &Row) -> Vec<Finding> {
    let set: Set = parse::parse(parse::read_folder(&root.join(&row.name), &row.name)).set;
    let mut settings = Settings::default();
    if ON_TOP_OF_ANOTHER.contains(&row.name.as_str()) {
        settings.external.schemas.push("public".to_owned());
    }
    lint(&set, &settings)
}

/// Whether a finding says that something fails which a server ran.
fn is_refuted(row: &Row, finding: &Finding) -> bool {
    let ran = match finding.direction {
        Direction::Up => row.up,
        Direction::Down => row.down,
    };
    ran && finding.severity == Severity::Error && CERTAIN.contains(&finding.rule)
}

#[test]
fn what_a_server_ran_is_never_called_impossible() {
    let Some(root) = shared::folder("what_a_server_ran_is_never_called_impossible", "corpus") else { return };
    let mut wrong = Vec::new();
    for row in rows(&root) {
        let refuted = findings(&root, &row).into_iter().filter(|finding| is_refuted(&row, finding));
        wrong.extend(refuted.map(|finding| finding.to_string()));
    }
    assert!(wrong.is_empty(), "{} findings that a server refutes:\n{}", wrong.len(), wrong.join("\n"));
}

/// Refusals and warnings of each rule.
type Counts = BTreeMap<String, (usize, usize)>;

fn found(root: &Path) -> Counts {
    let mut counts = Counts::new();
    for finding in rows(root).iter().flat_map(|row| findings(root, row)) {
        let count = counts.entry(finding.rule.to_owned()).or_default();
        match finding.severity {
            Severity::Error => count.0 += 1,
            Severity::Warning => count.1 += 1,
        }
    }
    counts
}

/// The table of the review: `| rule | refusals | warnings | …`.
fn recorded() -> Counts {
    let text = shared::text(&shared::own("../../docs/lint-corpus.md"));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = text.lines().filter(|line| line.starts_with("| ")).map(cells);
    let counts = rows.filter_map(|row| Some((row[0].clone(), (row.get(1)?.parse().ok()?, row.get(2)?.parse().ok()?))));
    counts.collect()
}

#[test]
fn what_the_rules_find_there_is_what_was_read_through() {
    let Some(root) = shared::folder("what_the_rules_find_there_is_what_was_read_through", "corpus") else { return };
    let (found, recorded) = (found(&root), recorded());
    let rules = found.keys().chain(recorded.keys());
    let mut changed: Vec<String> = rules
        .filter(|rule| found.get(*rule) != recorded.get(*rule))
        .map(|rule| format!("{rule}: found {:?}, docs/lint-corpus.md has {:?}", found.get(rule), recorded.get(rule)))
        .collect();
    changed.dedup();
    assert!(changed.is_empty(), "read the findings that came or went, then write the numbers:\n{}", changed.join("\n"));
}
