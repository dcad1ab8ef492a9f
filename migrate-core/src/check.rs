//! What is wrong with a set of migrations beyond what stops goose from reading it.
//!
//! Floor 5. From a folder to a [`Parsed`] set with every diagnostic. Invariant: nothing here changes the set.

use std::path::Path;

use crate::diagnostic::{Code, Diagnostic, Problem};
use crate::migration::{Body, Direction, Migration, Set, Statement};
use crate::parse::{Environment, Parsed, parse, read_folder, resolve};
use crate::step::classify;
use crate::text::{Span, saturate};

/// Reads, parses and checks a folder of migrations; `shown` is how messages write it.
#[must_use]
pub fn folder(path: &Path, shown: &str) -> Parsed {
    let mut parsed = parse(read_folder(path, shown));
    parsed.diagnostics.extend(check(&parsed.set));
    parsed.diagnostics.sort_by(|a, b| (&a.path, a.position()).cmp(&(&b.path, b.position())));
    parsed
}

/// The problems of a set's statements. Files that use variables are checked when their values are known.
#[must_use]
pub fn check(set: &Set) -> Vec<Diagnostic> {
    set.migrations.iter().flat_map(|migration| migration_problems(migration, &set.path_of(migration))).collect()
}

fn migration_problems(migration: &Migration, path: &str) -> Vec<Diagnostic> {
    let mut problems: Vec<Problem> = nul_byte(&migration.text).into_iter().collect();
    if let Body::Split { up, down } = &migration.body {
        problems.extend(up.iter().chain(down.iter()).filter_map(|statement| data_channel(statement, &migration.text)));
    }
    problems.into_iter().map(|problem| Diagnostic::in_file(path, &migration.text, problem)).collect()
}

/// The statements to run, with variables filled in and the same checks made on what came out.
///
/// # Errors
/// The first diagnostic of the file with these values.
pub fn ready_statements<'a>(
    migration: &'a Migration,
    direction: Direction,
    path: &str,
    environment: &Environment,
) -> Result<std::borrow::Cow<'a, [Statement]>, Box<Diagnostic>> {
    let statements = resolve(migration, direction, path, environment)?;
    let problem = statements.iter().find_map(|statement| {
        let sql = statement.sql(&migration.text);
        nul_byte(sql)
            .map(|problem| Problem { span: statement.span(), ..problem })
            .or_else(|| data_channel(statement, &migration.text))
    });
    match problem {
        Some(problem) => Err(Box::new(Diagnostic::in_file(path, &migration.text, problem))),
        None => Ok(statements),
    }
}

fn nul_byte(text: &str) -> Option<Problem> {
    let at = saturate(text.find('\0')?);
    Some(Problem {
        code: Code::NulByte,
        span: Span::new(at, at + 1),
        message: "this line holds a NUL byte, which cannot be sent to PostgreSQL".into(),
        help: "delete it; in bytea values write it as `'\\x00'`".into(),
    })
}

fn data_channel(statement: &Statement, text: &str) -> Option<Problem> {
    classify(statement.sql(text)).data_channel.then(|| Problem {
        code: Code::CopyData,
        span: statement.span(),
        message: "COPY from stdin or to stdout has no data channel in a migration".into(),
        help: "write the rows as INSERT statements".into(),
    })
}
