//! Files with variables, judged with the values that are known before they run.

use std::borrow::Cow;

use super::{statements, told, unsendable, variables};
use crate::diagnostic::{Diagnostic, Problem, Severity};
use crate::migration::{Body, Migration, Set};
use crate::parse::{Environment, Known, known_text, sections};
use crate::text::{Span, saturate};

/// The shortest value that a message does not repeat: a shorter one is no secret, and stands in many words.
const SECRET: usize = 4;

/// What [`super::check`] finds in a set's files with variables once `environment` gives them their values. A file with a
/// variable that has neither a value there nor a default is not judged: it may have one where the file runs. Values are
/// not repeated: their names stand for them, and excerpts show the file.
#[must_use]
pub fn with_values(set: &Set, environment: &Environment) -> Vec<Diagnostic> {
    set.migrations.iter().flat_map(|migration| told(set, migration, problems(migration, environment))).collect()
}

fn problems(migration: &Migration, environment: &Environment) -> Vec<Problem> {
    let Body::Deferred(dialect) = migration.body else { return Vec::new() };
    // What is wrong without values is told without them.
    if variables(migration).iter().any(|problem| problem.code.entry().severity == Severity::Error) {
        return Vec::new();
    }
    let known = match known_text(&migration.text, environment, dialect) {
        Ok(Some(known)) => known,
        Ok(None) => return Vec::new(),
        Err(problem) => return vec![problem],
    };
    let line_of = |text: &str, problem: &Problem| text[..problem.span.start as usize].matches('\n').count();
    let told: Vec<_> =
        sections(&migration.text).1.iter().map(|told| (told.code, line_of(&migration.text, told))).collect();
    let mut found = of_known(migration, &known);
    found.retain(|problem| !told.contains(&(problem.code, line_of(&known.text, problem))));
    let placed = found.into_iter().map(|problem| {
        let span = span_of_line(&migration.text, line_of(&known.text, &problem));
        worded(&Problem { span, ..problem }, &known, environment)
    });
    placed.collect()
}

/// The problems of the text that the values make, by their places in it.
fn of_known(migration: &Migration, known: &Known) -> Vec<Problem> {
    let (read, mut problems) = sections(&known.text);
    if let Some((mode, body)) = read {
        let filled = Migration { text: Cow::Owned(known.text.clone()), mode, body, ..migration.clone() };
        problems.extend(unsendable(&filled));
        problems.extend(statements::read_migration(&filled).0);
    }
    problems
}

/// A line, counted from 0, without what surrounds its text.
fn span_of_line(text: &str, line: usize) -> Span {
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let content = text[start..].lines().next().unwrap_or_default();
    let from = start + (content.len() - content.trim_start().len());
    Span::new(saturate(from), saturate(from + content.trim().len()))
}

/// A problem's words without values, and whose values they are.
fn worded(problem: &Problem, known: &Known, environment: &Environment) -> Problem {
    let mut values: Vec<(&str, &str)> =
        known.names.iter().filter_map(|name| Some((environment.get(name)?, name.as_str()))).collect();
    values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    let masked = |text: &str| {
        let long = values.iter().filter(|(value, _)| value.len() >= SECRET);
        long.fold(text.to_owned(), |text, (value, name)| text.replace(value, &format!("${{{name}}}")))
    };
    let names: Vec<String> = known.names.iter().map(|name| format!("`${name}`")).collect();
    let message = format!("{}, with the values that {} has here", masked(&problem.message), names.join(", "));
    Problem { code: problem.code, span: problem.span, message, help: masked(&problem.help) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Folder, Source, parse};

    fn told(text: &str, values: &[(&str, &str)]) -> Vec<String> {
        let source = Source { file: "00001_a.sql".into(), text: Ok(text.to_owned()) };
        let folder = Folder { path: "m".into(), shown: "m".into(), sources: vec![source], diagnostics: Vec::new() };
        let environment = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = with_values(&parse(folder).set, &environment);
        found
            .iter()
            .map(|problem| {
                format!("{} {} {}", problem.position().unwrap().line, problem.code.entry().id, problem.message)
            })
            .collect()
    }

    #[test]
    fn a_file_whose_values_are_known_is_judged_with_them() {
        let text = "-- +goose Up\n-- +goose ENVSUB ON\nSELECT 1;\nCREATE TABEL ${T} (id int);\n";
        let found = told(text, &[("T", "users")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("4 P40 ") && found[0].ends_with("with the values that `$T` has here"),
            "{found:?}"
        );
        assert!(told(text, &[]).is_empty(), "where it runs `T` may hold anything");
        assert!(told(&text.replace("TABEL", "TABLE"), &[("T", "users")]).is_empty());
    }

    #[test]
    fn a_body_that_values_cut_is_told_and_values_are_not_repeated() {
        let text =
            "-- +goose Up\n-- +goose ENVSUB ON\nDO ${Q}\nBEGIN\n  PERFORM 1;\nEND ${Q};\nSELECT ${PASSWORD} FROM;\n";
        let found = told(text, &[("Q", "$$"), ("PASSWORD", "canary77 canary77")]);
        assert!(found.iter().any(|found| found.contains("P42")), "{found:?}");
        assert!(found.iter().all(|found| !found.contains("canary77")), "{found:?}");
    }
}
