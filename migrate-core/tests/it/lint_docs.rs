//! docs/lint.md has every id of the default set, and says of each what the code does.

use std::path::Path;

use migrate_core::diagnostic::{CODES, Entry, Severity};
use migrate_core::lint::{RULES, Rule};

use crate::shared;

/// The groups of the default set, with how many ids each has.
const GROUPS: [(&str, usize); 7] = [("L", 36), ("T", 12), ("D", 12), ("B", 15), ("F", 10), ("M", 5), ("G", 23)];

/// The one id that is not judged here.
const NOT_JUDGED: &str = "F10";

struct Row {
    id: String,
    names: Vec<String>,
    level: String,
    place: String,
    what: String,
}

/// The rows of the tables: five cells, of which the first is an id.
fn rows() -> Vec<Row> {
    let text = shared::text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lint.md"));
    let row = |line: &str| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?.replace("\\|", "\u{1}");
        let cells: Vec<String> = line.split(" | ").map(|cell| cell.replace('\u{1}', "|")).collect();
        let [id, names, level, place, what] = cells.try_into().ok()?;
        let is_id = id.len() == 3 && id[1..].parse::<u8>().is_ok();
        let names = names.split(' ').map(|name| name.trim_matches('`').to_owned()).collect();
        is_id.then_some(Row { id, names, level, place, what })
    };
    text.lines().filter_map(row).collect()
}

fn level(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Error) => "deny",
        Some(Severity::Warning) => "warn",
        None => "allow",
    }
}

#[test]
fn the_tables_hold_the_default_set_in_order() {
    let ids = GROUPS.iter().flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}{number:02}")));
    let found: Vec<String> = rows().into_iter().map(|row| row.id).collect();
    assert_eq!(found, ids.collect::<Vec<_>>());
}

#[test]
fn every_rule_stands_there_as_it_is() {
    let rows = rows();
    for rule in RULES {
        let row = rows.iter().find(|row| row.id == rule.id).unwrap_or_else(|| panic!("{} is missing", rule.id));
        let said = (row.names.as_slice(), row.level.as_str(), row.place.as_str(), row.what.as_str());
        assert_eq!(said, ([rule.name.to_owned()].as_slice(), level(rule.level), "rule", rule.summary), "{}", rule.id);
    }
    let is_rule = |row: &&Row| row.place == "rule";
    assert_eq!(rows.iter().filter(is_rule).count(), RULES.len());
}

#[test]
fn every_other_row_names_codes_or_is_the_one_that_is_not_judged() {
    for row in rows().iter().filter(|row| row.place != "rule") {
        assert!(!RULES.iter().any(|rule: &&Rule| rule.id == row.id), "{}", row.id);
        if row.id == NOT_JUDGED {
            assert_eq!((row.place.as_str(), row.level.as_str()), ("not judged", "-"));
            continue;
        }
        let code = |id: &str| CODES.iter().find(|entry| entry.id == id).unwrap_or_else(|| panic!("no code {id}"));
        let codes: Vec<&Entry> = row.place.split(' ').map(code).collect();
        let names: Vec<&str> = codes.iter().map(|entry| entry.name).collect();
        assert_eq!(names, row.names, "{}", row.id);
        let worst = codes.iter().map(|entry| entry.severity).max();
        assert_eq!(level(worst), row.level, "{}", row.id);
    }
}
