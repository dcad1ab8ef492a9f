//! What is wrong with a set of migrations beyond what stops goose from reading it.
//!
//! Floor 5. From a folder to a [`Parsed`] set with every diagnostic. Invariant: nothing here changes the set.

mod directive;
mod statements;
mod values;

use std::borrow::Cow;
use std::path::Path;

pub use directive::{OwnTerms, irreversible, own_terms};
pub use values::with_values;

use crate::command::Sections;
use crate::diagnostic::{self, Code, Diagnostic, Problem};
use crate::lock;
use crate::migration::{Body, Dialect, Direction, Migration, Set, Statement};
use crate::parallel;
use crate::parse::{Environment, Folder, Parsed, parse, read_folder, resolve, variable_problems};
use crate::step::uses_data_channel;
use crate::text::{Span, saturate};

/// Reads, parses and checks a folder of migrations; `shown` is how messages write it. For where migrations are written
/// and built: everything that is wrong with them is told, in files that were applied long ago and in every Down,
/// and everything that the folder's lock refuses. `dialect` is the language of its variables, where one is named.
#[must_use]
pub fn folder(path: &Path, shown: &str, dialect: Option<Dialect>) -> Read {
    let files = read_folder(path, shown);
    let locked = lock::problems(path, &files);
    let mut read = read_files(files, dialect);
    read.diagnostics.extend(locked);
    diagnostic::sort(&mut read.diagnostics);
    read
}

/// A set with every problem of its files, and the commands of its statements: for whoever looks at both.
#[derive(Debug)]
pub struct Read {
    /// The migrations that could be read.
    pub set: Set,
    /// All problems of all files.
    pub diagnostics: Vec<Diagnostic>,
    /// The commands of each migration, in the order of the set.
    pub commands: Vec<Sections>,
}

/// Parses and checks a folder's files, and reads their commands.
#[must_use]
pub fn read_files(files: Folder, dialect: Option<Dialect>) -> Read {
    let Parsed { set, mut diagnostics } = parse(files);
    let set = set.speaking(dialect);
    let (problems, commands) = read_set(&set);
    diagnostics.extend(problems);
    Read { set, diagnostics, commands }
}

/// The same for where migrations are run: only what keeps them from being sent at all. What goose can apply, this
/// accepts; the server judges the SQL, and knows without a lock what it has.
#[must_use]
pub fn runnable_folder(path: &Path, shown: &str) -> Parsed {
    let mut parsed = parse(read_folder(path, shown));
    parsed.diagnostics.extend(runnable(&parsed.set));
    diagnostic::sort(&mut parsed.diagnostics);
    parsed
}

/// The problems of a set's statements: what [`runnable`] finds, what PostgreSQL's parser would refuse, and where goose
/// ends statements elsewhere than PostgreSQL. Of files with variables the SQL is not known yet: [`with_values`].
#[must_use]
pub fn check(set: &Set) -> Vec<Diagnostic> {
    read_set(set).0
}

/// The problems of [`check`], and the commands of each migration: the statements are read once for both.
#[must_use]
pub fn read_set(set: &Set) -> (Vec<Diagnostic>, Vec<Sections>) {
    let read = parallel::map(&set.migrations, |migration| {
        let (unreadable, commands) = statements::read_migration(migration);
        let problems = [unsendable(migration), directive::problems(migration), variables(migration), unreadable];
        let problems = problems.concat();
        (told(set, migration, problems), commands)
    });
    let (diagnostics, commands): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    (diagnostics.concat(), commands)
}

/// What is wrong with the lines that are filled in when the file runs.
fn variables(migration: &Migration) -> Vec<Problem> {
    match migration.body {
        Body::Deferred(dialect) => variable_problems(&migration.text, dialect),
        Body::Split { .. } => Vec::new(),
    }
}

/// The problems that keep a set's statements from being sent. Files that use variables are checked when their values
/// are known.
#[must_use]
pub fn runnable(set: &Set) -> Vec<Diagnostic> {
    parallel::map(&set.migrations, |migration| told(set, migration, unsendable(migration))).concat()
}

/// The problems of one migration, by place.
fn told(set: &Set, migration: &Migration, mut problems: Vec<Problem>) -> Vec<Diagnostic> {
    problems.sort_by_key(|problem| problem.span.start);
    let path = set.path_of(migration);
    problems.into_iter().map(|problem| Diagnostic::in_file(path.as_str(), &migration.text, problem)).collect()
}

/// What cannot be sent to a server, or has no meaning there.
fn unsendable(migration: &Migration) -> Vec<Problem> {
    let mut problems: Vec<Problem> = nul_byte(&migration.text).into_iter().collect();
    if let Body::Split { up, down } = &migration.body {
        problems.extend(up.iter().chain(down.iter()).filter_map(|statement| data_channel(statement, &migration.text)));
    }
    problems
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
) -> Result<Cow<'a, [Statement]>, Box<Diagnostic>> {
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
    uses_data_channel(statement.sql(text)).then(|| Problem {
        code: Code::CopyData,
        span: statement.span(),
        message: "COPY from stdin or to stdout has no data channel in a migration".into(),
        help: "write the rows as INSERT statements".into(),
    })
}
