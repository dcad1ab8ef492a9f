//! G01: A file without a Down section, or with an empty one.

use super::{Check, File, Findings, Rule, example};
use crate::check::irreversible;
use crate::diagnostic::Severity;
use crate::migration::{Body, Direction, Migration};
use crate::text::{Span, saturate};

pub(super) static RULE: Rule = Rule {
    id: "G01",
    name: "missing-down",
    level: Some(Severity::Warning),
    summary: "a file without a Down section, or with an empty one",
    why: "`goose down` removes the row of the version and changes nothing: the next `up` runs the file again \
          and fails on what is still there.",
    instead: "write the commands that undo Up under `-- +goose Down`; where nothing can, say so with `-- \
          migrate:irreversible reason=\"…\"` in the file",
    bad: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- migrate:irreversible reason=\"the old values are not kept\"
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;
",
        ),
    ],
    check: Check::File(check),
    down: true,
};

fn check(file: &File<'_>, findings: &mut Findings<'_>) {
    let Body::Split { up, down } = &file.migration.body else { return };
    if up.is_empty() || !down.is_empty() || is_irreversible(file.migration) {
        return;
    }
    let text = &file.migration.text;
    let (direction, span, label) = match annotation(text, "down") {
        Some(span) => (Direction::Down, span, "nothing is undone here"),
        None => (Direction::Up, annotation(text, "up").unwrap_or_default(), "nothing undoes this"),
    };
    let message = format!("`{}` has no Down: what Up makes stays after `goose down`", file.migration.file);
    findings.report_in_file((direction, span), "", message, label);
}

/// Whether a comment says why nothing undoes the file.
pub(super) fn is_irreversible(migration: &Migration) -> bool {
    irreversible(migration).is_some()
}

/// The line of an annotation.
pub(super) fn annotation(text: &str, word: &str) -> Option<Span> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut words = line.split_whitespace();
        let is_goose = words.next() == Some("--") && words.next() == Some("+goose");
        let shown = line.trim_end();
        if is_goose && words.next().is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            return Some(Span::new(saturate(start), saturate(start + shown.len())));
        }
        start += line.len();
    }
    None
}
