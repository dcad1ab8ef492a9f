//! `migrate:allow`: what it silences, and what is wrong with one.

use migrate_core::diagnostic::Severity;
use migrate_core::lint::{Review, Settings, review};
use migrate_core::migration::Version;
use migrate_core::parse::{Folder, Source, parse};

const TABLES: &str = "-- +goose Up\nCREATE TABLE a (id bigint, b text, c text);\n-- +goose Down\nDROP TABLE a;\n";

/// Two migrations, of which the second is judged.
fn judged(text: &str) -> Review {
    with(text, Settings { today: Some("2027-01-01".into()), ..Settings::default() })
}

fn with(text: &str, settings: Settings) -> Review {
    let source = |file: &str, text: &str| Source { file: file.to_owned(), text: Ok(text.to_owned()) };
    let sources = vec![source("00001_a.sql", TABLES), source("00002_b.sql", text)];
    let parsed = parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] });
    assert_eq!(parsed.diagnostics, [], "{text}");
    review(&parsed.set, &Settings { judge_from: Some(Version(2)), ..settings })
}

/// The errors, and everything about the comments, as `rule:line`.
fn told(review: &Review) -> Vec<String> {
    let told = review.findings.iter().filter(|f| f.severity == Severity::Error || f.rule == "G23");
    told.map(|finding| format!("{}:{}", finding.rule, finding.position().line)).collect()
}

fn up(statements: &str) -> String {
    format!("-- +goose Up\n{statements}\n-- +goose Down\nSELECT 1;\n")
}

#[test]
fn a_comment_silences_its_rule_at_its_statement() {
    let drop = "ALTER TABLE a DROP COLUMN b;";
    assert_eq!(told(&judged(&up(drop))), ["D02:2"]);
    for comment in [
        "-- migrate:allow drop-column reason=\"unused since 2.14, see #812\"",
        "-- migrate:allow D02 reason=\"unused\"",
        "-- migrate:allow drop-column(a.b) reason=\"unused\" until=2027-03-01",
        "--migrate:allow drop-column reason=\"unused\"",
        "-- why\n-- migrate:allow drop-column reason=\"unused\"\n-- more",
    ] {
        assert_eq!(told(&judged(&up(&format!("{comment}\n{drop}")))), [""; 0], "{comment}");
    }
    let behind = up(&format!("{drop} -- migrate:allow drop-column reason=\"unused\""));
    assert_eq!(told(&judged(&behind)), [""; 0]);
    let in_block = "-- +goose StatementBegin\n-- migrate:allow drop-column reason=\"unused\"\nALTER TABLE a DROP COLUMN b;\n\
                    -- +goose StatementEnd";
    assert_eq!(told(&judged(&up(in_block))), [""; 0]);
}

#[test]
fn it_silences_no_other_rule_object_or_statement() {
    let allow = "-- migrate:allow drop-column(a.b) reason=\"unused\"\n";
    let other_object = up(&format!("{allow}ALTER TABLE a DROP COLUMN c;"));
    assert_eq!(told(&judged(&other_object)), ["G23:2", "D02:3"]);
    let other_rule = up(&format!("{allow}DROP TABLE a;"));
    assert_eq!(told(&judged(&other_rule)), ["G23:2", "D01:3"]);
    let next_statement = up(&format!("{allow}ALTER TABLE a DROP COLUMN b;\nALTER TABLE a DROP COLUMN c;"));
    assert_eq!(told(&judged(&next_statement)), ["D02:4"]);
}

#[test]
fn several_comments_stand_above_one_statement() {
    let text = "-- migrate:allow drop-column(a.b) reason=\"unused\"\n-- migrate:allow drop-column(a.c) reason=\"too\"\n\
                ALTER TABLE a DROP COLUMN b, DROP COLUMN c;";
    assert_eq!(told(&judged(&up(text))), [""; 0]);
}

#[test]
fn a_comment_before_up_is_about_the_whole_file() {
    let drops = up("ALTER TABLE a DROP COLUMN b;\nALTER TABLE a DROP COLUMN c;");
    let text = format!("-- migrate:allow-file drop-column reason=\"a clean-up\"\n{drops}");
    assert_eq!(told(&judged(&text)), [""; 0]);
    let without_down = "-- migrate:allow-file missing-down reason=\"one way\"\n-- +goose Up\nSELECT 1;\n";
    assert!(judged(without_down).findings.is_empty());
    let misplaced = up("-- migrate:allow-file drop-column reason=\"a clean-up\"\nALTER TABLE a DROP COLUMN b;");
    assert_eq!(told(&judged(&misplaced)), ["G23:2", "D02:3"]);
}

#[test]
fn what_is_wrong_with_a_comment_is_a_finding() {
    let drop = "ALTER TABLE a DROP COLUMN b;";
    for (comment, severity, words) in [
        ("-- migrate:allow drop-column", Severity::Error, "gives no reason"),
        ("-- migrate:allow drop-column reason=\" \"", Severity::Error, "gives no reason"),
        ("-- migrate:allow drop-collumn reason=\"x\"", Severity::Error, "there is no rule `drop-collumn`"),
        ("-- migrate:allow reason=\"x\"", Severity::Error, "names no rule"),
        ("-- migrate:allow drop-column because=\"x\"", Severity::Error, "neither reason nor until"),
        ("-- migrate:allow drop-column reason=\"x", Severity::Error, "not closed"),
        ("-- migrate:allow drop-column reason=\"x\" until=soon", Severity::Error, "neither a date"),
        ("-- migrate:allow drop-column reason=\"x\" until=2026-12-31", Severity::Warning, "has expired"),
        ("-- migrate:allow drop-column reason=\"x\" until=2", Severity::Warning, "has expired"),
        ("-- migrate:allow drop-table reason=\"x\"", Severity::Warning, "allows nothing"),
        ("-- migrate:allow drop-column reason=\"x\"\n", Severity::Warning, "stands where it has no effect"),
    ] {
        let review = judged(&up(&format!("{comment}\n{drop}")));
        let complaint = review.findings.iter().find(|finding| finding.rule == "G23").unwrap();
        assert_eq!(complaint.severity, severity, "{comment}");
        assert!(complaint.message.contains(words), "{comment}: {}", complaint.message);
        assert!(told(&review).iter().any(|told| told.starts_with("D02")), "{comment}");
    }
}

#[test]
fn an_exception_ends_on_the_day_after_its_date_or_with_its_version() {
    let text =
        |until: &str| up(&format!("-- migrate:allow D02 reason=\"x\" until={until}\nALTER TABLE a DROP COLUMN b;"));
    for open in ["2027-01-01", "2030-01-01", "3", "20300101000000"] {
        assert_eq!(told(&judged(&text(open))), [""; 0], "{open}");
    }
    let no_date = with(&text("2020-01-01"), Settings::default());
    assert_eq!(told(&no_date), [""; 0], "without a date of today none is behind");
}

#[test]
fn nothing_in_a_literal_a_body_or_a_block_comment_counts() {
    let allow = "-- migrate:allow drop-column reason=\"x\"";
    for statement in [
        format!(
            "-- +goose StatementBegin\nCOMMENT ON TABLE a IS '\n{allow}\n'; ALTER TABLE a DROP COLUMN b;\n-- +goose StatementEnd"
        ),
        format!(
            "-- +goose StatementBegin\nDO $$\n{allow}\nBEGIN NULL; END $$; ALTER TABLE a DROP COLUMN b;\n-- +goose StatementEnd"
        ),
        format!("-- +goose StatementBegin\n/*\n{allow}\n*/ ALTER TABLE a DROP COLUMN b;\n-- +goose StatementEnd"),
    ] {
        let review = judged(&up(&statement));
        assert!(review.allows.is_empty(), "{statement}");
        assert!(told(&review).iter().any(|told| told.starts_with("D02")), "{statement}");
    }
}

#[test]
fn every_well_formed_comment_is_listed_for_the_review() {
    let text = up("-- migrate:allow drop-column(a.b) reason=\"unused\" until=2028-01-01\nALTER TABLE a DROP COLUMN b;");
    let review = judged(&text);
    let [allow] = review.allows.as_slice() else { panic!("{:?}", review.allows) };
    assert_eq!((allow.version, allow.line, allow.rule), (Version(2), 2, "drop-column"));
    assert_eq!((allow.object.as_deref(), allow.until.as_deref()), (Some("a.b"), Some("2028-01-01")));
    assert_eq!((allow.reason.as_str(), allow.whole_file), ("unused", false));
}

#[test]
fn the_level_of_the_rule_about_comments_can_be_set() {
    let text = up("-- migrate:allow drop-table reason=\"x\"\nSELECT 1;");
    let levels = |level| Settings { levels: [("unused-allow".to_owned(), level)].into(), ..Settings::default() };
    let found = |level| with(&text, levels(level)).findings.iter().map(|f| (f.rule, f.severity)).collect::<Vec<_>>();
    assert_eq!(found(Some(Severity::Error)), [("G23", Severity::Error)]);
    assert_eq!(found(None), []);
}
