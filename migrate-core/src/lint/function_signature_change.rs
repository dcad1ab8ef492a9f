//! B10: CREATE OR REPLACE FUNCTION with another result or other arguments.

use super::{Check, Findings, Rule, Subject};
use crate::catalog::Function;
use crate::command::{Action, Command, CreateFunction};
use crate::migration::Direction;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B10",
    name: "function-signature-change",
    level: Some(Severity::Error),
    summary: "CREATE OR REPLACE FUNCTION with another result, other argument names or other arguments",
    why: "PostgreSQL refuses another return type and other names of arguments with SQLSTATE 42P13. With other types of arguments \
          it makes a second function beside the old one (a warning): callers may find either.",
    instead: "DROP FUNCTION and CREATE FUNCTION in one file, or a new name, and drop the old one some releases later",
    bad: &[
        (
            "00001_total.sql",
            "\
-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION total(client bigint) RETURNS numeric LANGUAGE sql AS $$ SELECT 1.0 $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION total;
",
        ),
        (
            "00002_total.sql",
            "\
-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION total(client bigint) RETURNS text LANGUAGE sql AS $$ SELECT '1' $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        (
            "00001_total.sql",
            "\
-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION total(client bigint) RETURNS numeric LANGUAGE sql AS $$ SELECT 1.0 $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION total;
",
        ),
        (
            "00002_total.sql",
            "\
-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION total(client bigint) RETURNS numeric LANGUAGE sql AS $$ SELECT 2.0 $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::CreateFunction(create) = &subject.command.action else { return };
    let Some((function, overloads)) = subject.before.function(&create.name).known() else { return };
    if !create.or_replace {
        return;
    }
    let span = create.name.span.0;
    let object = function.to_string();
    let Some(old) = overloads.iter().find(|old| old.arguments == create.arguments) else {
        overload(subject, findings, create, overloads);
        return;
    };
    let since = subject.describe(old.since);
    let (message, label) = if result(&old.returns) != result(&create.returns) {
        let label = format!("returns {} in {since}", old.returns);
        (format!("PostgreSQL refuses to give `{object}` another result (SQLSTATE 42P13)"), label)
    } else if let Some((was, _)) = renamed(old, create) {
        let label = format!("called {was} in {since}");
        (format!("PostgreSQL refuses to rename an argument of `{object}` (SQLSTATE 42P13)"), label)
    } else {
        return;
    };
    if subject.before.clouded.is_none() {
        findings.report(span, object, message, label).without_facts();
    }
}

/// A function of the same name with other arguments: the old one stays, unless the section drops it.
fn overload(subject: &Subject<'_>, findings: &mut Findings<'_>, create: &CreateFunction, overloads: &[Function]) {
    let drops = |command: &Command| {
        matches!(&command.action, Action::Drop(drop) if drop.names.iter().any(|name| name.name == create.name.name))
    };
    let is_meant = subject.direction == Direction::Down || subject.section.iter().any(|(_, command)| drops(command));
    let [old] = overloads else { return };
    if is_meant || subject.is_new_since(old.since) {
        return;
    }
    let (name, now) = (&create.name, create.arguments.join(", "));
    let message = format!("`{name}({now})` is a second function beside `{name}({})`", old.arguments.join(", "));
    let label = format!("the one of {} stays", subject.describe(old.since));
    findings.report(name.span.0, name.to_string(), message, label).without_facts().at_most(Severity::Warning);
}

/// A result as PostgreSQL compares it: without modifiers, `public` and the spellings of one type.
fn result(written: &str) -> String {
    let mut text = written.to_owned();
    for (from, to) in [
        ("pg_catalog.", ""),
        ("public.", ""),
        ("\"", ""),
        ("character varying", "varchar"),
        ("timestamp with time zone", "timestamptz"),
        ("timestamp without time zone", "timestamp"),
        ("time with time zone", "timetz"),
        ("time without time zone", "time"),
        ("double precision", "float8"),
    ] {
        text = text.replace(from, to);
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let end = if is_word(c) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { c.len_utf8() };
        let (word, behind) = rest.split_at(end);
        words.push_str(match word {
            "int" | "int4" => "integer",
            "int8" => "bigint",
            "int2" => "smallint",
            "bool" => "boolean",
            "decimal" => "numeric",
            "float4" => "real",
            " " => "",
            word => word,
        });
        // What separates two words in the text must separate them here as well.
        if is_word(c) && behind.starts_with(' ') && behind.trim_start().starts_with(is_word) {
            words.push(' ');
        }
        rest = behind;
    }
    without_modifiers(&words)
}

/// Takes `(10, 2)` and the like away: numbers between parentheses.
fn without_modifiers(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('(') {
        let (inside, after) = behind.split_once(')').unwrap_or((behind, ""));
        let is_modifier = !inside.is_empty() && inside.chars().all(|c| c.is_ascii_digit() || c == ',');
        result.push_str(before);
        if is_modifier {
            rest = after;
        } else {
            result.push('(');
            rest = behind;
        }
    }
    result.push_str(rest);
    result.trim().to_owned()
}

/// The first argument that had a name and has another.
fn renamed<'a>(old: &'a Function, new: &'a CreateFunction) -> Option<(&'a String, &'a String)> {
    old.argument_names.iter().zip(&new.argument_names).find(|(was, is)| !was.is_empty() && was != is)
}

#[cfg(test)]
mod tests {
    use super::result;

    #[test]
    fn results_that_postgresql_takes_for_one_are_equal() {
        for (one, other) in [
            ("int", "integer"),
            ("setof public.t", "setof t"),
            ("varchar(20)", "character varying"),
            ("table(a int, b text)", "table (a integer , b text)"),
            ("numeric(10, 2)", "decimal"),
        ] {
            assert_eq!(result(one), result(other));
        }
        for (one, other) in [("int", "bigint"), ("text", "setof text"), ("table(a int)", "table(b int)")] {
            assert_ne!(result(one), result(other));
        }
    }
}
