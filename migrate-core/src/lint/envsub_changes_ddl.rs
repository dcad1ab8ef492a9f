//! G16: Variables of the environment in a command that changes the schema (ENVSUB).

use super::{Check, File, Findings, Rule, example};
use crate::diagnostic::Severity;
use crate::migration::Direction;
use crate::text::{Span, saturate};

pub(super) static RULE: Rule = Rule {
    id: "G16",
    name: "envsub-changes-ddl",
    level: Some(Severity::Warning),
    summary: "variables of the environment in a command that changes the schema (ENVSUB)",
    why: "What is applied is not what was reviewed: the text differs from one database to the next, and a \
          value can change the schema or end the statement.",
    instead: "write the value into the file, or read it where it is used (a table of settings, current_setting())",
    bad: &[
        example::TABLES,
        (
            "00002_owner.sql",
            "\
-- +goose Up
-- +goose ENVSUB ON
ALTER TABLE clients OWNER TO ${OWNER};
-- +goose ENVSUB OFF

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_owner.sql",
            "\
-- +goose Up
SELECT '${OWNER}';

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::File(check),
    down: true,
};

fn check(file: &File<'_>, findings: &mut Findings<'_>) {
    let Some(span) = variable(&file.migration.text) else { return };
    let shown = span.of(&file.migration.text).to_owned();
    let message = format!("`{shown}` is filled in when the file runs: nobody reviewed what is applied");
    findings.report_in_file((Direction::Up, span), shown, message, "comes from the environment");
}

/// The first variable on a line where ENVSUB is on.
fn variable(text: &str) -> Option<Span> {
    let (mut start, mut on, mut verb) = (0, false, None);
    for line in text.split_inclusive('\n') {
        verb = verb.or_else(|| first_word(line));
        let mut words = line.split_whitespace();
        let is_switch = (words.next(), words.next()) == (Some("--"), Some("+goose"))
            && words.next().is_some_and(|word| word.eq_ignore_ascii_case("envsub"));
        if is_switch {
            on = words.next().is_some_and(|word| word.eq_ignore_ascii_case("on"));
        } else if let Some((from, to)) = reference(line).filter(|_| on && verb.as_deref().is_none_or(changes_schema)) {
            return Some(Span::new(saturate(start + from), saturate(start + to)));
        }
        // goose ends a statement so.
        if is_switch || line.trim_end().ends_with(';') {
            verb = None;
        }
        start += line.len();
    }
    None
}

/// The first word of a line of SQL.
fn first_word(line: &str) -> Option<String> {
    let code = line.trim_start();
    let word = code.split(|c: char| !c.is_ascii_alphabetic()).next().filter(|word| !word.is_empty())?;
    Some(word.to_ascii_lowercase())
}

/// Whether a command that begins so is about more than rows.
fn changes_schema(verb: &str) -> bool {
    !matches!(verb, "insert" | "update" | "delete" | "merge" | "select" | "values" | "with" | "copy")
}

/// Where `$NAME` or `${NAME…}` stands in a line.
fn reference(line: &str) -> Option<(usize, usize)> {
    let starts = line.match_indices('$').map(|(at, _)| at);
    starts.into_iter().find_map(|at| {
        let rest = line.get(at + 1..)?;
        if rest.starts_with('{') {
            return Some((at, at + 2 + rest.find('}')?));
        }
        let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let is_name = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        (is_name && !rest[word..].starts_with('$')).then_some((at, at + 1 + word))
    })
}
