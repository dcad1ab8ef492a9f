//! Which comments count.

use super::*;
use crate::parse::{Folder, Source, parse};

fn migration(text: &str) -> Migration {
    let source = Source { file: "00001_a.sql".into(), text: Ok(text.into()) };
    let folder = Folder { path: "m".into(), shown: "m".into(), sources: vec![source], diagnostics: vec![] };
    parse(folder).set.migrations[0].clone()
}

fn targets(text: &str) -> Vec<Target> {
    read_file(&migration(text)).iter().map(|allow| allow.target).collect()
}

#[test]
fn comments_above_a_statement_belong_to_it() {
    let text = "-- +goose Up\nSELECT 1;\n-- migrate:allow drop-table reason=\"a\"\n-- why\n-- migrate:allow L01 reason=\"b\"\nSELECT 2;\n";
    assert_eq!(targets(text), [Target::Statement(Direction::Up, 1); 2]);
}

#[test]
fn a_comment_at_the_end_of_the_last_line_belongs_to_its_statement() {
    let text = "-- +goose Up\nSELECT\n1; -- migrate:allow drop-table reason=\"a\"\nSELECT 2;\n";
    assert_eq!(targets(text), [Target::Statement(Direction::Up, 0)]);
}

#[test]
fn a_blank_line_cuts_a_comment_off() {
    let text = "-- +goose Up\n-- migrate:allow drop-table reason=\"a\"\n\nSELECT 2;\n";
    assert_eq!(targets(text), [Target::Nowhere]);
}

#[test]
fn a_comment_above_a_block_belongs_to_its_statement() {
    let text = "-- +goose Up\n-- migrate:allow drop-table reason=\"a\"\n-- +goose StatementBegin\nSELECT\n2;\n-- +goose StatementEnd\n";
    assert_eq!(targets(text), [Target::Statement(Direction::Up, 0)]);
}

#[test]
fn a_file_level_comment_stands_before_up() {
    let before = "-- migrate:allow-file drop-table reason=\"a\"\n-- +goose Up\nSELECT 2;\n";
    assert_eq!(targets(before), [Target::File]);
    let after = "-- +goose Up\n-- migrate:allow-file drop-table reason=\"a\"\nSELECT 2;\n";
    assert_eq!(targets(after), [Target::Nowhere]);
}

#[test]
fn nothing_in_a_literal_a_body_or_a_block_comment_counts() {
    let text = "-- +goose Up\n-- +goose StatementBegin\nDO $$\n-- migrate:allow drop-table reason=\"a\"\n$$;\n-- +goose StatementEnd\n\
                SELECT '\n-- migrate:allow L01 reason=\"b\"\n', 'x';\n/*\n-- migrate:allow L01 reason=\"b\"\n*/ SELECT 1;\n";
    assert_eq!(targets(text), []);
}

#[test]
fn a_directive_is_read_with_its_object_reason_and_end() {
    let read =
        directive::parse("-- migrate:allow drop-column(clients.fax) reason=\"unused, see #812\" until=2027-03-01");
    let expected = Directive {
        rule: "drop-column".into(),
        object: Some("clients.fax".into()),
        reason: Some("unused, see #812".into()),
        until: Some("2027-03-01".into()),
        whole_file: false,
    };
    assert_eq!(read, Some(Ok(expected)));
    assert_eq!(directive::parse("-- see migrate:allow"), None);
    assert!(matches!(directive::parse("-- migrate:allow x until=2028-02-29"), Some(Ok(_))));
    for bad in [
        "-- migrate:allow",
        "-- migrate:allow x until=soon",
        "-- migrate:allow x until=2027-02-30",
        "-- migrate:allow x until=2027-13-01",
        "-- migrate:allow x why=\"y\"",
        "-- migrate:allowed x",
    ] {
        assert!(matches!(directive::parse(bad), Some(Err(_))), "{bad}");
    }
}

#[test]
fn an_object_is_named_with_its_schema_and_in_quotes_or_without() {
    for (written, found) in [("public.a.x", "a.x"), ("\"A\".x", "A.x"), ("a.x", "a.x")] {
        assert!(super::is_same(written, found), "{written}");
    }
    assert!(!super::is_same("b.a.x", "a.x") && !super::is_same("a.y", "a.x"));
}
