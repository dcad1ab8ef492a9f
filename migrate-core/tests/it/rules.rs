//! Every rule's own examples: the bad one is reported once, in the offending statement; the good one is not.

use migrate_core::diagnostic::Severity;
use migrate_core::lint::{Finding, RULES, Rule, Settings, lint};
use migrate_core::migration::{Set, Version};
use migrate_core::parse::{Folder, Source, parse};

fn set(files: &[(&str, &str)]) -> Set {
    let source = |(file, text): &(&str, &str)| Source { file: (*file).into(), text: Ok((*text).into()) };
    let sources = files.iter().map(source).collect();
    let parsed = parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] });
    assert_eq!(parsed.set.migrations.len(), files.len(), "{:?}", parsed.diagnostics);
    parsed.set
}

/// The rule is on, whatever its level.
fn settings(rule: &Rule) -> Settings {
    let level = rule.level.unwrap_or(Severity::Warning);
    Settings {
        levels: [(rule.id.to_owned(), Some(level))].into(),
        today: Some("2027-01-01".into()),
        ..Settings::default()
    }
}

/// The version of the file that is listed last.
fn last(files: &[(&str, &str)]) -> Version {
    let (file, _) = files.last().unwrap();
    Version(file.split('_').next().unwrap().parse().unwrap())
}

/// The rule is on and only the file listed last is judged: the others are below it, or, for the rule about the base of
/// a branch, known to that base.
fn settings_for(rule: &Rule, files: &[(&str, &str)], set: &Set) -> Settings {
    let last = last(files);
    if rule.id == "G11" {
        let known = set.migrations.iter().map(|migration| migration.version).filter(|version| *version != last);
        return Settings { known: Some(known.collect()), ..settings(rule) };
    }
    Settings { judge_from: Some(last), ..settings(rule) }
}

fn shown(findings: &[&Finding]) -> String {
    findings.iter().map(|finding| finding.render(false)).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn every_bad_example_is_reported_once_by_its_rule() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let set = set(rule.bad);
        let findings = lint(&set, &settings_for(rule, rule.bad, &set));
        let (own, others): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.rule == rule.id);
        let [finding] = own.as_slice() else {
            wrong.push(format!("{} {}: reported {} times\n{}", rule.id, rule.name, own.len(), shown(&own)));
            continue;
        };
        let here = |other: &&&Finding| {
            other.severity == Severity::Error
                && (other.direction, other.statement) == (finding.direction, finding.statement)
                && finding.statement.is_some()
        };
        let also: Vec<&Finding> = others.iter().copied().filter(|other| here(&other)).collect();
        if !also.is_empty() {
            wrong.push(format!("{} {}: reported as well\n{}", rule.id, rule.name, shown(&also)));
        }
        wrong.extend(misplaced(rule, finding, &set));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A finding's caret has to stand on something, inside its file.
fn misplaced(rule: &Rule, finding: &Finding, set: &Set) -> Option<String> {
    let migration = set.find(Version(finding.version.0))?;
    let text = finding.span.of(&migration.text);
    let is_in_file = finding.version == last(rule.bad) && (!text.trim().is_empty() || finding.statement.is_none());
    (!is_in_file).then(|| format!("{} {}: no caret\n{}", rule.id, rule.name, finding.render(false)))
}

#[test]
fn no_good_example_is_reported_by_its_rule() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let set = set(rule.good);
        let mut settings = settings_for(rule, rule.good, &set);
        settings.judge_from = None;
        let findings = lint(&set, &settings);
        let own: Vec<&Finding> = findings.iter().filter(|finding| finding.rule == rule.id).collect();
        if !own.is_empty() {
            wrong.push(format!("{} {}\n{}", rule.id, rule.name, shown(&own)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_table_is_sorted_and_complete() {
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len(), "two rules have one name");
    for rule in RULES {
        let texts = [rule.summary, rule.why, rule.instead];
        assert!(texts.iter().all(|text| !text.is_empty()), "{}", rule.id);
        assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{} has no examples", rule.id);
    }
}

#[test]
fn a_finding_says_what_where_why_and_the_way_out() {
    let rule = RULES.iter().find(|rule| rule.id == "L09").unwrap();
    let set = set(rule.bad);
    let findings = lint(&set, &settings_for(rule, rule.bad, &set));
    let finding = findings.iter().find(|finding| finding.rule == "L09").unwrap();
    let text = finding.render(false);
    for part in [
        "error[L09 set-not-null-scan]: SET NOT NULL scans `invoices` while every read and write waits",
        "--> m/00002_due_on.sql:2:",
        "no valid CHECK (due_on IS NOT NULL) on invoices",
        "= fact: ACCESS EXCLUSIVE on invoices (blocks reads and writes)",
        "= history: column due_on is nullable since 00001_tables.sql:3",
        "= help: 1)",
        "= allow: -- migrate:allow set-not-null-scan reason=\"…\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn an_allow_with_a_reason_silences_its_rule_and_nothing_else() {
    let tables = "-- +goose Up\nCREATE TABLE a (id bigint);\n-- +goose Down\nDROP TABLE a;\n";
    let index =
        |comment: &str| format!("-- +goose Up\n{comment}\nCREATE INDEX i ON a (id);\n-- +goose Down\nDROP INDEX i;\n");
    let found = |comment: &str| {
        let text = index(comment);
        let set = set(&[("00001_a.sql", tables), ("00002_i.sql", &text)]);
        let settings =
            Settings { judge_from: Some(set.latest()), today: Some("2027-01-01".into()), ..Settings::default() };
        let rules = lint(&set, &settings).iter().map(|f| (f.rule, f.severity)).collect::<Vec<_>>();
        rules.into_iter().filter(|(rule, _)| ["L01", "G23"].contains(rule)).collect::<Vec<_>>()
    };
    let (index, unused, broken) = (("L01", Severity::Error), ("G23", Severity::Warning), ("G23", Severity::Error));
    assert_eq!(found("-- why"), [index]);
    assert_eq!(found("-- migrate:allow blocking-index-build reason=\"small\""), []);
    assert_eq!(found("-- migrate:allow L01(i) reason=\"small\" until=2027-01-01"), []);
    assert_eq!(found("-- migrate:allow L01(other) reason=\"small\""), [unused, index]);
    assert_eq!(found("-- migrate:allow L01 reason=\"small\" until=2026-12-31"), [unused, index]);
    assert_eq!(found("-- migrate:allow L01"), [broken, index]);
    assert_eq!(found("-- migrate:allow L99 reason=\"x\""), [broken, index]);
    assert_eq!(found("-- migrate:allow L09 reason=\"x\""), [unused, index]);
}

#[test]
fn history_gives_facts_and_no_findings() {
    let rule = RULES.iter().find(|rule| rule.id == "L01").unwrap();
    let set = set(rule.bad);
    let later = Settings { judge_from: Some(Version(set.latest().0 + 1)), ..Settings::default() };
    assert_eq!(lint(&set, &later), []);
    let known = set.migrations.iter().map(|migration| migration.version).collect();
    assert_eq!(lint(&set, &Settings { known: Some(known), ..Settings::default() }), []);
}

fn rules_of(files: &[(&str, &str)]) -> Vec<(&'static str, u32)> {
    let set = set(files);
    let settings = Settings { judge_from: Some(set.latest()), ..Settings::default() };
    let found = lint(&set, &settings).into_iter().filter(|finding| finding.rule.starts_with(['L', 'T']));
    found.map(|finding| (finding.rule, finding.position().line)).collect()
}

const ORDERS: (&str, &str) =
    ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id bigint, b text);\n-- +goose Down\nDROP TABLE a;\n");

#[test]
fn down_only_has_to_be_runnable() {
    let down = "-- +goose Up\nALTER TABLE a DROP COLUMN b;\n-- +goose Down\nCREATE INDEX i ON a (id);\nCOMMIT;\n";
    assert_eq!(rules_of(&[ORDERS, ("00002_b.sql", down)]), [("T07", 5)]);
}

#[test]
fn statements_of_a_no_transaction_file_are_transactions_of_their_own() {
    let body = "ALTER TABLE a ADD CONSTRAINT c CHECK (id > 0) NOT VALID;\nALTER TABLE a VALIDATE CONSTRAINT c;\n";
    let one = format!("-- +goose Up\n{body}");
    assert_eq!(rules_of(&[ORDERS, ("00002_b.sql", &one)]), [("L08", 3)]);
    let apart = format!("-- +goose NO TRANSACTION\n-- +goose Up\nALTER TABLE a DROP CONSTRAINT IF EXISTS c;\n{body}");
    assert_eq!(rules_of(&[ORDERS, ("00002_b.sql", &apart)]), []);
}

#[test]
fn a_table_of_the_same_file_is_in_nobodys_way() {
    let text = "-- +goose Up\nCREATE TABLE n (id bigint);\nCREATE INDEX i ON n (id);\nALTER TABLE n ALTER COLUMN id SET NOT NULL;\n";
    assert_eq!(rules_of(&[ORDERS, ("00002_b.sql", text)]), []);
}

/// A file of these statements, each on a line of its own.
fn file(sql: &str) -> String {
    let sql = sql
        .replace("{T}", "CREATE TABLE t (id bigint PRIMARY KEY, a int, b text, c varchar(20) NOT NULL)")
        .replace("{P}", "CREATE TABLE p (at date NOT NULL, what bigint) PARTITION BY RANGE (at)");
    let (header, sql) = match sql.strip_prefix("NT ") {
        Some(sql) => ("-- +goose NO TRANSACTION\n", sql.to_owned()),
        None => ("", sql),
    };
    let mut text = format!("{header}-- +goose Up\n");
    let mut statement = String::new();
    for piece in sql.split(';') {
        statement.push_str(piece);
        if statement.matches("$$").count() % 2 == 1 {
            statement.push(';');
            continue;
        }
        text.push_str(&format!("-- +goose StatementBegin\n{}\n-- +goose StatementEnd\n", statement.trim()));
        statement.clear();
    }
    text
}

/// Rule, reason, history, the judged file's Up, and how often it is reported.
fn contexts() -> impl Iterator<Item = [&'static str; 5]> {
    let lines = include_str!("rules/contexts.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        cells.try_into().unwrap_or_else(|_| panic!("five cells: {line}"))
    })
}

fn wrong([id, why, history, sql, expected]: [&str; 5]) -> Option<String> {
    let files = [("00001_history.sql".to_owned(), file(history)), ("00002_judged.sql".to_owned(), file(sql))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let set = set(&files);
    let rule = RULES.iter().find(|known| known.id == id).unwrap_or_else(|| panic!("no rule {id}"));
    let findings = lint(&set, &settings_for(rule, &files, &set));
    let own: Vec<&Finding> = findings.iter().filter(|finding| finding.rule == rule.id).collect();
    let count = own.len().to_string();
    (count != expected).then(|| format!("{id}, {why}: {count} and not {expected}\n{}\n{}", files[1].1, shown(&own)))
}

#[test]
fn the_context_of_a_command_decides_whether_it_is_reported() {
    let wrong: Vec<String> = contexts().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_rule_about_locks_and_transactions_has_a_context() {
    for rule in RULES.iter().filter(|rule| rule.id.starts_with(['L', 'T'])) {
        assert!(contexts().any(|[id, ..]| id == rule.id), "{}", rule.id);
    }
}

/// What a reviewer sees: the finding of every rule in its bad example, a picture a group.
#[test]
fn findings_read_like_this() {
    for group in ["B", "D", "F", "G", "L", "M", "T"] {
        let own = |rule: &&&Rule| rule.id.starts_with(group);
        let picture = |rule: &&Rule| {
            let set = set(rule.bad);
            let findings = lint(&set, &settings_for(rule, rule.bad, &set));
            shown(&findings.iter().filter(|finding| finding.rule == rule.id).collect::<Vec<_>>())
        };
        let pictures: Vec<String> = RULES.iter().filter(own).map(picture).collect();
        insta::assert_snapshot!(format!("findings_{group}"), pictures.join("\n\n"));
    }
}
