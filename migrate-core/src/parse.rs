//! goose files as migrations: discovery, sections, statements.
//!
//! Floor 3. From text to [`Migration`] and [`Diagnostic`]; no database, no environment. Only `parse::source` reads
//! files. Invariant: the statements are byte for byte what goose would send.

mod annotation;
mod boundaries;
mod foreign;
pub(crate) mod grammar;
mod known;
mod machine;
mod name;
mod source;
mod variables;
mod wrapping;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub(crate) use boundaries::{cuts, hidden};
pub use foreign::{Half, Shape, dbmate_section, shape};
pub(crate) use known::{Known, known_text};
pub use machine::{Section, split};
pub use name::{NameError, version};
pub use source::{Folder, Source, read_file, read_folder};
pub use variables::{Environment, Substitution};
pub use wrapping::{commands, psql_lines, wrap, wrap_cuts};

use self::annotation::Annotation;
use self::machine::fault;
use self::variables::reading;
use crate::diagnostic::{self, Code, Diagnostic, Problem};
use crate::migration::{Body, Dialect, Digest, Direction, Migration, Mode, Origin, Set, Statement, Version};
use crate::parallel;
use crate::text::Span;

/// The statements of both directions of one file.
#[derive(Debug)]
pub struct Sections {
    /// Whether the file runs in one transaction.
    pub mode: Mode,
    /// What `up` runs.
    pub up: Vec<Statement>,
    /// What `down` runs.
    pub down: Vec<Statement>,
}

/// A set of migrations, and everything that is wrong with it.
#[derive(Debug)]
pub struct Parsed {
    /// The migrations that could be read, ascending by version.
    pub set: Set,
    /// All problems of the whole folder, by path and line.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a folder's files into a set. All problems of all files are reported at once.
#[must_use]
pub fn parse(folder: Folder) -> Parsed {
    let read: Vec<(Digest, Cut)> = parallel::map(&folder.sources, |source| {
        let text = source.text.as_deref().unwrap_or_default();
        (Digest::of_text(text), sections(text))
    });
    let (digests, cuts): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let digest = folder.digest_of(&digests);
    let mut diagnostics = folder.diagnostics;
    refuse_duplicates(&folder.sources, &folder.shown, &mut diagnostics);
    let mut migrations = Vec::new();
    for (source, read) in folder.sources.into_iter().zip(digests.into_iter().zip(cuts)) {
        let path = format!("{}/{}", folder.shown.trim_end_matches('/'), source.file);
        migrations.extend(migration(source, read, &path, &mut diagnostics));
    }
    migrations.sort_unstable_by(|a: &Migration, b| (a.version, &a.file).cmp(&(b.version, &b.file)));
    migrations.dedup_by_key(|migration| migration.version);
    diagnostic::sort(&mut diagnostics);
    let origin = Origin { folder: Cow::Owned(folder.path), shown: Cow::Owned(folder.shown) };
    let set = Set {
        migrations: Cow::Owned(migrations),
        digest,
        origin,
        release: Cow::Borrowed(""),
        revision: Cow::Borrowed(""),
    };
    Parsed { set, diagnostics }
}

/// One file as a migration; what is wrong with it is added to `diagnostics`.
fn migration(
    source: Source,
    (digest, (parsed, problems)): (Digest, Cut),
    path: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Migration> {
    let version = match version(&source.file) {
        Ok(version) => Some(version),
        Err(error) => {
            let text = source.text.as_deref().unwrap_or_default();
            diagnostics.push(bad_name(path, &error, foreign::way_out(&source.file, text)));
            None
        }
    };
    let text = match source.text {
        Ok(text) => text,
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            return None;
        }
    };
    let told = |mut problem: Problem| {
        // Of another tool's file the first thing to know is that it is one.
        if matches!(problem.code, Code::SqlBeforeUp | Code::NoUp)
            && let Some(help) = foreign::way_out(&source.file, &text)
        {
            problem.help = help;
        }
        Diagnostic::in_file(path, &text, problem)
    };
    diagnostics.extend(problems.into_iter().map(told));
    let (mode, body) = parsed?;
    Some(Migration { version: version?, file: Cow::Owned(source.file), text: Cow::Owned(text), mode, body, digest })
}

fn bad_name(path: &str, error: &NameError, foreign: Option<String>) -> Diagnostic {
    let help = "name it like `00012_add_tasks.sql`, or move it out of the folder";
    Diagnostic::of_path(
        Code::BadName,
        path,
        format!("this file name has no valid version: {error}"),
        foreign.unwrap_or_else(|| help.to_owned()),
    )
}

/// A text's mode and statements, nothing where goose would refuse it, and every problem.
pub(crate) type Cut = (Option<(Mode, Body)>, Vec<Problem>);

/// Both directions of a text as they can be known without values, and every problem.
pub(crate) fn sections(text: &str) -> Cut {
    let up = split(text, Direction::Up, Substitution::Check);
    let down = split(text, Direction::Down, Substitution::Check);
    match (up, down) {
        (Ok(up), Ok(down)) => {
            let body = if up.substitutes {
                Body::Deferred(None)
            } else {
                Body::Split { up: Cow::Owned(up.statements), down: Cow::Owned(down.statements) }
            };
            let problems = up.problems.into_iter().chain(down.problems).collect();
            (Some((up.mode, body)), problems)
        }
        (up, down) => {
            let mut problems: Vec<Problem> = up.err().into_iter().chain(down.err()).collect();
            problems.dedup();
            (None, problems)
        }
    }
}

/// What goose's two languages of variables have to say of a file, or the one that is named: by the grammar of its lines
/// alone. What the values make of them shows when they are filled in.
#[must_use]
pub fn variable_problems(text: &str, dialect: Option<Dialect>) -> Vec<Problem> {
    // Lines are filled in whatever direction they belong to.
    let Ok(section) = split(text, Direction::Up, Substitution::Check) else { return Vec::new() };
    let told = |span: &Span| fault::of_reading(*span, reading(span.of(text), dialect));
    section.filled.iter().filter_map(told).collect()
}

/// A file's text in front of `-- +goose Down`; all of it where it has no Down.
#[must_use]
pub fn up_part(text: &str) -> &str {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if matches!(annotation::read(line.trim_end_matches(['\n', '\r'])), Some(Ok(Annotation::Down))) {
            return &text[..at];
        }
        at += line.len();
    }
    text
}

const RENUMBER: &str =
    "give one of the two files a version that no other file has; no database may have applied it yet";

/// Judged by the names alone: a file that does not parse has its version all the same.
fn refuse_duplicates(sources: &[Source], shown: &str, diagnostics: &mut Vec<Diagnostic>) {
    let named = |source: &Source| Some((version(&source.file).ok()?, source.file.clone()));
    let mut files: Vec<(Version, String)> = sources.iter().filter_map(named).collect();
    files.sort();
    let mut first: BTreeMap<Version, &str> = BTreeMap::new();
    for (version, file) in &files {
        let Some(other) = first.get(version) else {
            first.insert(*version, file);
            continue;
        };
        diagnostics.push(Diagnostic::of_path(
            Code::DuplicateVersion,
            format!("{}/{file}", shown.trim_end_matches('/')),
            format!("this file has version {version}, and so has `{other}`"),
            foreign::way_out(file, "").unwrap_or_else(|| RENUMBER.to_owned()),
        ));
    }
}

/// The statements of a migration, with the values of its variables where it uses any.
///
/// # Errors
/// The diagnostic of the line that cannot be filled in, or of what its values made of the file.
pub fn resolve<'a>(
    migration: &'a Migration,
    direction: Direction,
    path: &str,
    environment: &Environment,
) -> Result<Cow<'a, [Statement]>, Box<Diagnostic>> {
    match (&migration.body, direction) {
        (Body::Split { up, .. }, Direction::Up) => Ok(Cow::Borrowed(up)),
        (Body::Split { down, .. }, Direction::Down) => Ok(Cow::Borrowed(down)),
        (Body::Deferred(dialect), _) => split(&migration.text, direction, Substitution::Fill(environment, *dialect))
            .map(|section| Cow::Owned(section.statements))
            .map_err(|problem| Box::new(Diagnostic::in_file(path, &migration.text, problem))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(text: &str) -> Vec<String> {
        let section = split(text, Direction::Up, Substitution::Check).unwrap();
        section.statements.iter().map(|statement| statement.sql(text).to_owned()).collect()
    }

    #[test]
    fn a_plain_statement_is_a_slice_of_the_file() {
        let text = "-- +goose Up\n\n-- why\nSELECT 1;\nSELECT\n  2;\n";
        let section = split(text, Direction::Up, Substitution::Check).unwrap();
        assert_eq!(up(text), ["SELECT 1;", "SELECT\n  2;"]);
        assert!(section.statements.iter().all(|statement| statement.rewritten_sql().is_none()));
        assert_eq!(section.statements[1].line(), 5);
    }

    #[test]
    fn a_dropped_carriage_return_makes_a_rewritten_statement() {
        assert_eq!(up("-- +goose Up\r\nSELECT\r\n 1;\r\n"), ["SELECT\n 1;"]);
    }

    #[test]
    fn a_semicolon_in_a_block_does_not_end_its_statement() {
        let text = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN\nNULL;\nEND $$;\n-- +goose StatementEnd\n";
        assert_eq!(up(text), ["DO $$ BEGIN\nNULL;\nEND $$;"]);
    }

    #[test]
    fn every_problem_of_a_folder_is_reported_at_once() {
        let file = |file: &str, text: &str| Source { file: file.into(), text: Ok(text.into()) };
        let folder = Folder {
            path: "m".into(),
            shown: "m".into(),
            sources: vec![
                file("1_a.sql", "SELECT 1;"),
                file("seed.sql", "-- +goose Up\nSELECT 1"),
                file("01_b.sql", ""),
            ],
            diagnostics: vec![],
        };
        let codes: Vec<_> = parse(folder).diagnostics.iter().map(|d| d.code.entry().id).collect();
        assert_eq!(codes, ["P10", "N02", "P09", "N01", "P12"]);
    }
}
