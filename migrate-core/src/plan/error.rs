//! Why there is no plan.

use super::edit::Edit;
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::migration::{Direction, Version};

/// Why a goal cannot be planned. Nothing has run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// The set has no file at or below the version asked for.
    #[error("there is no migration at or below version {0}")]
    NothingAtOrBelow(Version),
    /// Files below the highest applied version that were never applied, and late versions are not allowed.
    #[error("{} below version {highest} {} not applied: {}", plural(.files.len(), "migration"), if .files.len() == 1 { "was" } else { "were" }, .files.join(", "))]
    Missing {
        /// Their paths, ascending by version.
        files: Vec<String>,
        /// The highest version in the table.
        highest: Version,
    },
    /// The version to go to is neither a file's nor in the database.
    #[error("there is no version {version}")]
    NowhereKnown {
        /// The version.
        version: Version,
        /// The highest of the set.
        latest: Version,
    },
    /// `up-by-one` found nothing pending: an error of that command, not of the goal.
    #[error("no migration is pending: the database is at version {0}")]
    NothingPending(Version),
    /// `down` or `redo` on a database to which nothing is applied.
    #[error("no migration is applied: there is nothing to undo")]
    NothingApplied,
    /// A version that is to be undone has no file.
    #[error("version {0} is applied, but this set has no file for it, so it cannot be undone")]
    NoFile(Version),
    /// Applied files whose SQL was changed since.
    #[error("{} changed after being applied: {}", plural(.0.len(), "migration"), .0.iter().map(|edit| edit.path.as_str()).collect::<Vec<_>>().join(", "))]
    Edited(Vec<Edit>),
    /// `baseline` found a version in the table.
    #[error("version {0} is recorded already: a baseline is for a database that has no version yet")]
    NotEmpty(Version),
    /// A command that ends the transaction of a file which runs in one, with work of the file behind or before it.
    #[error("{verb} ends the transaction of a file that is applied whole or not at all")]
    EndsTransaction {
        /// The file.
        path: String,
        /// Where in it.
        excerpt: Excerpt,
        /// `COMMIT`, `ROLLBACK` …
        verb: String,
    },
    /// A file without a transaction begins one of its own and does not end it: the end of the session would undo it.
    #[error("this transaction is not ended in the file, so nothing behind it would stay")]
    LeavesTransactionOpen {
        /// The file.
        path: String,
        /// Where it begins.
        excerpt: Excerpt,
    },
    /// A file without a transaction was edited where it is done already.
    #[error("{path} is half done, and statement {statement}, which is done, is not the one that ran")]
    ChangedWhileUnfinished {
        /// The file.
        path: String,
        /// The number of the statement.
        statement: usize,
        /// Its line; nothing when the file has no such statement any more.
        line: Option<u32>,
    },
    /// A file that an earlier run began without a transaction, and that asks for one now.
    #[error("{path} was begun without a transaction, and {done} of its statements {}: in a transaction it would begin from the first", if *.done == 1 { "is done" } else { "are done" })]
    BegunWithoutTransaction {
        /// The file.
        path: String,
        /// Its version.
        version: Version,
        /// Which section of it.
        direction: Direction,
        /// How many of its statements are done.
        done: usize,
    },
    /// A file without a transaction is half done, and the command is not the one that finishes it.
    #[error("version {version} ({file}) is half {}", if *.direction == Direction::Up { "applied" } else { "undone" })]
    Unfinished {
        /// The version.
        version: Version,
        /// Which section of it.
        direction: Direction,
        /// The file's name when it ran.
        file: String,
        /// Whether the set lacks it.
        unknown: bool,
    },
    /// A file cannot be split with the values of its variables, or has a directive that cannot be read.
    #[error("{0}")]
    Statements(Box<Diagnostic>),
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

impl PlanError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NowhereKnown { latest, .. } => {
                format!("`migrate status` lists the versions; the latest of this set is {latest}")
            }
            Self::NothingAtOrBelow(_) => "list the versions with `migrate status`".into(),
            Self::Missing { .. } => "give what no database has applied yet a version above it, or apply it late".into(),
            Self::NothingPending(_) => "nothing needs to be done; `migrate up` takes this for success".into(),
            Self::NothingApplied => "see what is applied with `migrate status`".into(),
            Self::NoFile(version) => {
                format!("run the release that contains version {version}, or restore its file")
            }
            Self::Edited(edits) => {
                let mut help = String::from(
                    "restore the file as it was applied and put the change into a new migration; or, where the \
                                  change is meant and makes nothing else of a database, say so with `migrate accept`",
                );
                for edit in edits {
                    help.push_str(&format!("\n{}: applied {}, now {}", edit.path, edit.applied, edit.now));
                }
                help
            }
            Self::NotEmpty(_) => {
                "see what is recorded with `migrate status`; one version is set right with `migrate resolve`".into()
            }
            Self::EndsTransaction { .. } => "delete it; or give the file `-- +goose NO TRANSACTION`, and it is run \
                 statement by statement; or send it as goose does"
                .into(),
            Self::LeavesTransactionOpen { .. } => "write the COMMIT behind it, or leave the BEGIN out".into(),
            Self::ChangedWhileUnfinished { statement, line, .. } => {
                let at = line.map(|line| format!(" (line {line})")).unwrap_or_default();
                format!(
                    "restore statement {statement}{at} as it ran, and mend only what comes behind it; \
                     `migrate journal` shows how far the file came"
                )
            }
            Self::BegunWithoutTransaction { version, direction, .. } => begun_help(*version, *direction),
            Self::Unfinished { version, direction, unknown, .. } => unfinished_help(*version, (*direction, *unknown)),
            Self::Statements(diagnostic) => diagnostic.help.clone(),
        }
    }
}

/// The ways out for a file that was begun without a transaction and asks for one now.
fn begun_help(version: Version, direction: Direction) -> String {
    let (count, nothing) = match direction {
        Direction::Up => ("applied", "not-applied"),
        Direction::Down => ("not-applied", "applied"),
    };
    format!(
        "write `-- +goose NO TRANSACTION` into it again, and it goes on where it stopped; or look with \
         `migrate journal`, finish or undo by hand what is there, and say what is to count with \
         `migrate resolve --version {version}`: `--{count}` when it is finished, `--{nothing}` when it is undone"
    )
}

/// The ways out for a file that is half done.
fn unfinished_help(version: Version, (direction, unknown): (Direction, bool)) -> String {
    let (command, release) = match (direction, unknown) {
        (Direction::Up, false) => ("up", ""),
        (Direction::Down, false) => ("down", ""),
        (Direction::Up, true) => ("up", " of the release that contains it"),
        (Direction::Down, true) => ("down", " of the release that contains it"),
    };
    format!(
        "finish it with `migrate {command}`{release}; or look with `migrate journal` and say what is to \
         count with `migrate resolve --version {version}`"
    )
}
