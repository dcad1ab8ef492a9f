//! What would run, in which order, with what bookkeeping: a pure value that everything else reads.
//!
//! Floor 6. From a set, a history and a goal to a [`Plan`]; no database, no clock. `plan`, `--dry-run`, snapshots and
//! `apply` read the same value. Invariant: goose's order and goose's refusals (goose/spec.md 6), so that the two
//! tools decide alike on one database.

mod edits;
mod error;
mod order;

use std::borrow::Cow;

pub use edits::{Edit, EditKind, edits};
pub use error::PlanError;

use crate::check::ready_statements;
use crate::history::{Existing, History};
use crate::migration::{Digest, Direction, Migration, Mode, Set, Statement, Version};
use crate::parse::Environment;
use crate::step::{Step, classify, token_digest};

/// Where a command wants the database to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// All pending migrations.
    Up,
    /// Pending migrations up to and including a version.
    UpTo(Version),
    /// The next pending migration, if there is one.
    UpByOne,
    /// Undo the current version.
    Down,
    /// Undo versions until the current one is not above this.
    DownTo(Version),
    /// Undo the current version and apply it again.
    Redo,
    /// Undo everything.
    Reset,
}

/// Whether versions below the highest applied one may be applied late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutOfOrder {
    /// Refuse them by name, as goose does.
    #[default]
    Refused,
    /// Apply them first: goose's `-allow-missing`.
    Allowed,
}

/// Whether the version table decides what runs and records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versioning {
    /// The table is read and written.
    #[default]
    Recorded,
    /// The table is neither read nor written: goose's `-no-versioning`.
    Ignored,
}

/// All that a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The migrations there are.
    pub set: &'a Set,
    /// What the database says was applied.
    pub history: &'a History,
    /// Where the database is to be.
    pub goal: Goal,
    /// Whether late versions may be applied.
    pub out_of_order: OutOfOrder,
    /// Whether the version table takes part.
    pub versioning: Versioning,
    /// Values of variables in ENVSUB files.
    pub environment: &'a Environment,
}

/// What would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<'a> {
    /// What has to exist before the first recorded batch; `None` when it all does or nothing will be recorded.
    pub preparation: Option<Preparation>,
    /// The files to run, in order.
    pub batches: Vec<Batch<'a>>,
    /// What a person should know although nothing is refused.
    pub warnings: Vec<Warning>,
    /// The version a person would call current before the first batch.
    pub from: Version,
}

/// Tables and rows that goose would create before it records anything (goose/spec.md 4.1, 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preparation {
    /// What exists already.
    pub existing: Existing,
    /// Whether the row of version 0 is to be inserted.
    pub seed: bool,
}

/// One file to run in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The file.
    pub migration: &'a Migration,
    /// The file's path as messages write it.
    pub path: String,
    /// Which of its sections.
    pub direction: Direction,
    /// What is sent, in order.
    pub statements: Cow<'a, [Statement]>,
    /// What the statements do, taken together.
    pub step: Step,
    /// How the version table changes; `None` without versioning.
    pub record: Option<Record>,
}

impl Batch<'_> {
    /// Whether it runs in one transaction.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.migration.mode
    }

    /// The text of one of its statements.
    #[must_use]
    pub fn sql<'s>(&'s self, statement: &'s Statement) -> &'s str {
        statement.sql(&self.migration.text)
    }
}

/// How a batch is recorded, and the history it was planned on: the guard compares both before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The version of the newest row when this batch starts; `None` when there is no row.
    pub newest: Option<Version>,
    /// The highest version in the table when this batch starts.
    pub highest: Option<Version>,
    /// The digests that the ledger keeps of an applied file.
    pub text: Digest,
    /// The digest of the file's tokens.
    pub tokens: Digest,
}

/// What a person should know although nothing is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The database holds versions above the set's latest: a newer release ran here.
    Ahead {
        /// How many.
        count: usize,
        /// The highest of them.
        highest: Version,
    },
    /// Applied files whose white space or comments were changed since.
    Reformatted(Edit),
    /// A file that is being undone differs from the one that was applied.
    UndoesEdited(Edit),
    /// Versions were not inserted in ascending order, so goose's `down` order is not the version order.
    InsertionOrder,
}

/// Decides what to run.
///
/// # Errors
/// What makes goose refuse the goal, an edited applied file, or values that a file's variables cannot take.
pub fn plan(request: Request<'_>) -> Result<Plan<'_>, PlanError> {
    let steps = match request.versioning {
        Versioning::Recorded => order::recorded(&request)?,
        Versioning::Ignored => order::unrecorded(&request)?,
    };
    let recorded = request.versioning == Versioning::Recorded;
    let warnings = if recorded { edits::judge(&request, &steps)? } else { Vec::new() };
    let mut simulated = request.history.clone();
    if simulated.rows.is_empty() {
        // The preparation inserts it.
        simulated.record(Version::ZERO);
    }
    let mut batches = Vec::with_capacity(steps.len());
    for (direction, migration) in steps {
        batches.push(batch(&request, direction, migration, &simulated)?);
        match direction {
            Direction::Up => simulated.record(migration.version),
            Direction::Down => simulated.forget(migration.version),
        }
    }
    let preparation = if recorded && !batches.is_empty() { preparation(request.history) } else { None };
    Ok(Plan { preparation, batches, warnings, from: request.history.current() })
}

fn batch<'a>(
    request: &Request<'a>,
    direction: Direction,
    migration: &'a Migration,
    before: &History,
) -> Result<Batch<'a>, PlanError> {
    let path = request.set.path_of(migration);
    let statements =
        ready_statements(migration, direction, &path, request.environment).map_err(PlanError::Statements)?;
    let step =
        statements.iter().map(|statement| classify(statement.sql(&migration.text))).fold(Step::default(), Step::and);
    let record = (request.versioning == Versioning::Recorded).then(|| Record {
        newest: before.rows.last().map(|row| row.version),
        highest: before.rows.iter().map(|row| row.version).max(),
        text: migration.digest,
        tokens: token_digest(&migration.text),
    });
    Ok(Batch { migration, path, direction, statements, step, record })
}

fn preparation(history: &History) -> Option<Preparation> {
    let seed = history.rows.is_empty();
    let complete = history.tables.version && history.tables.ledger && !seed;
    (!complete).then_some(Preparation { existing: history.tables, seed })
}
