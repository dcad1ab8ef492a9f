//! What PostgreSQL's parser says of a file's statements, and the commands that they hold: from one reading of each.

use crate::command::{Command, Sections, read, read_judged};
use crate::diagnostic::Problem;
use crate::migration::{Body, Migration, Statement};
use crate::parse;
use crate::text::Span;

/// The problems of a migration that a server's parser would find, or that come from statements which goose ends where
/// PostgreSQL does not; and its commands.
pub(super) fn read_migration(migration: &Migration) -> (Vec<Problem>, Sections) {
    let Body::Split { up, down } = &migration.body else { return (Vec::new(), Sections::default()) };
    // A NUL byte is a problem of its own, and where backslashes escape quotes, strings end elsewhere.
    if migration.text.contains('\0') || escapes_with_backslashes(&migration.text) {
        return (Vec::new(), Sections::of(migration));
    }
    let (mut problems, up) = read_section(migration, up);
    let (more, down) = read_section(migration, down);
    problems.extend(more);
    (problems, Sections { up, down })
}

fn read_section(migration: &Migration, statements: &[Statement]) -> (Vec<Problem>, Vec<Vec<Command>>) {
    let text: &str = &migration.text;
    let cuts = parse::cuts(text, statements);
    let mut problems = Vec::new();
    let mut section = Vec::new();
    let mut rows_follow = false;
    for (at, statement) in statements.iter().enumerate() {
        // The rows behind a COPY, which is a problem of its own.
        let rows = std::mem::replace(&mut rows_follow, super::data_channel(statement, text).is_some());
        let rows = rows && statement.span().of(text).lines().any(|line| line == "\\.");
        if rows || cuts.iter().any(|cut| cut.pieces.contains(&at)) {
            section.push(read(statement.sql(text)));
            continue;
        }
        let (found, commands) = read_statement(statement, migration);
        problems.extend(found);
        section.push(commands);
    }
    problems.extend(cuts.into_iter().map(|cut| cut.problem));
    (problems, section)
}

/// The fault of one statement, or the ends of commands in it that goose does not see; and its commands.
fn read_statement(statement: &Statement, migration: &Migration) -> (Vec<Problem>, Vec<Command>) {
    // Where the statement differs from its source, it differs in line ends and annotations, which are comments there.
    let source = statement.span();
    let (judgement, mut commands) = read_judged(source.of(&migration.text));
    if let Some(sql) = statement.rewritten_sql() {
        commands = read(sql);
    }
    let problems = match judgement {
        Ok(()) => parse::hidden(&migration.text, statement, migration.mode),
        Err(problem) => {
            let span = Span::new(source.start + problem.span.start, source.start + problem.span.end);
            vec![Problem { span, ..problem }]
        }
    };
    (problems, commands)
}

/// Whether a file may switch to strings in which a backslash escapes a quote.
fn escapes_with_backslashes(text: &str) -> bool {
    let setting = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.contains("standard_conforming_strings") && line.contains("off")
    };
    text.lines().any(setting)
}
