//! What would run, in which order, with what bookkeeping: a pure value that everything else reads.
//!
//! Floor 6. From a set, a history and a goal to a [`Plan`]; no database, no clock. `plan`, `--dry-run`, snapshots and
//! `apply` read the same value. Invariant: goose's order and goose's refusals (goose/spec.md 6), so that the two
//! tools decide alike on one database.

mod control;
mod edit;
mod edits;
mod error;
mod order;
mod preparation;
mod resume;
mod standing;

use std::borrow::Cow;

pub use control::OwnTransactions;
pub use edit::{Edit, EditKind};
pub use edits::edits;
pub use error::PlanError;
pub use preparation::Preparation;
pub(crate) use resume::BY_HAND;
pub use resume::Resume;
pub use standing::{Standing, State, standings, standings_beside};

pub use crate::check::OwnTerms;
use crate::check::{own_terms, ready_statements};
use crate::diagnostic::Diagnostic;
use crate::history::History;
use crate::migration::{Digest, Direction, Migration, Mode, Set, Statement, Version};
use crate::parallel;
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

impl Goal {
    /// Whether it only ever applies versions.
    pub(crate) const fn applies(self) -> bool {
        matches!(self, Self::Up | Self::UpTo(_) | Self::UpByOne)
    }
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
    /// The table is read and written, and our ledger beside it.
    #[default]
    Recorded,
    /// The table is read and written as goose does, and nothing beside it: for a role that may not make tables. Edited
    /// files, floors and the Downs of other releases are not known then.
    WithoutLedger,
    /// The table is neither read nor written: goose's `-no-versioning`.
    Ignored,
}

/// What is asked for: the same value for a plan, a dry run and a run.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The migrations there are.
    pub set: &'a Set,
    /// Where the database is to be.
    pub goal: Goal,
    /// Whether late versions may be applied.
    pub out_of_order: OutOfOrder,
    /// Whether the version table takes part.
    pub versioning: Versioning,
    /// Whether a file may end its transaction itself.
    pub own_transactions: OwnTransactions,
    /// Whether all files run in one transaction: all of them, or none.
    pub single_transaction: bool,
    /// Whether versions without a file are undone with what the ledger keeps of them.
    pub stored_downs: bool,
    /// Values of variables in ENVSUB files.
    pub environment: &'a Environment,
    /// Versions whose files are there and cannot be read, each with why: to undo one needs its file mended.
    pub unreadable: &'a [(Version, Diagnostic)],
}

impl<'a> Order<'a> {
    /// A goal, and for all else what goose does.
    #[must_use]
    pub fn new(set: &'a Set, goal: Goal, environment: &'a Environment) -> Self {
        Self {
            set,
            goal,
            out_of_order: OutOfOrder::Refused,
            versioning: Versioning::Recorded,
            own_transactions: OwnTransactions::Refused,
            single_transaction: false,
            stored_downs: false,
            environment,
            unreadable: &[],
        }
    }

    /// Whether it may undo what is applied, and applies nothing.
    #[must_use]
    pub const fn goes_back(&self) -> bool {
        matches!(self.goal, Goal::Down | Goal::DownTo(_) | Goal::Reset)
    }
}

/// What is asked for, and what the database says was applied.
#[derive(Debug, Clone, Copy)]
struct Request<'a> {
    order: Order<'a>,
    history: &'a History,
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
    /// What each of the statements does.
    pub steps: Vec<Step>,
    /// What they do, taken together.
    pub step: Step,
    /// How long it may wait and what it asks of releases, where the file says so itself.
    pub terms: OwnTerms,
    /// What undoes it, for the ledger to keep; nothing where that cannot be known.
    pub undo: Option<Cow<'a, [Statement]>>,
    /// Where it goes on, when an earlier run did not finish it.
    pub resume: Option<Resume>,
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
    /// The digest of the tokens of its Up, and of how it runs.
    pub up: Digest,
    /// Whether the ledger is written, too.
    pub ledger: bool,
    /// Whether the journal has open entries of this version, of whichever direction: the record decides them, or they
    /// would count again as soon as the version table no longer contradicts them.
    pub open_entries: bool,
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
    /// The Down of an applied file was changed: it is what undoes it from now on.
    DownEdited(Edit),
    /// Versions were not inserted in ascending order, so goose's `down` order is not the version order.
    InsertionOrder,
}

/// Decides what to run.
///
/// # Errors
/// What makes goose refuse the goal, a version that is nowhere, an edited applied file, or values that a file's variables
/// cannot take.
pub fn plan<'a>(order: Order<'a>, history: &'a History) -> Result<Plan<'a>, PlanError> {
    let request = Request { order, history };
    known_target(&request)?;
    let steps = match request.order.versioning {
        Versioning::Recorded | Versioning::WithoutLedger => order::recorded(&request)?,
        Versioning::Ignored => order::unrecorded(&request)?,
    };
    let recorded = is_recorded(&request);
    let warnings = if recorded { edits::judge(&request, &steps)? } else { Vec::new() };
    if recorded {
        resume::finish_first(&request, &steps)?;
    }
    let mut simulated = request.history.outline();
    if simulated.rows.is_empty() {
        // The preparation inserts it.
        simulated.record(Version::ZERO);
    }
    let mut batches = Vec::with_capacity(steps.len());
    let read = parallel::map(&steps, |(direction, migration)| ready(&request, *direction, migration));
    for ((direction, migration), ready) in steps.into_iter().zip(read) {
        batches.push(batch(&request, (direction, migration), ready?, &simulated)?);
        match direction {
            Direction::Up => simulated.record(migration.version),
            Direction::Down => simulated.forget(migration.version),
        }
    }
    let ledger = request.order.versioning == Versioning::Recorded;
    let preparation =
        if recorded && !batches.is_empty() { preparation::of(request.history, &batches, ledger) } else { None };
    Ok(Plan { preparation, batches, warnings, from: request.history.current() })
}

/// A version that neither a file nor the database knows is a slip of the hand. goose would run everything up to it.
fn known_target(request: &Request<'_>) -> Result<(), PlanError> {
    let Order { goal, set, .. } = request.order;
    let (Goal::UpTo(version) | Goal::DownTo(version)) = goal else { return Ok(()) };
    let is_floor = version == Version::ZERO && goal == Goal::DownTo(version);
    if is_floor || set.find(version).is_some() || request.history.holds(version) {
        return Ok(());
    }
    Err(PlanError::NowhereKnown { version, latest: set.latest() })
}

/// One file in one direction, on a history of which nobody is to go on with anything.
///
/// # Errors
/// A version without a file, or values that its variables cannot take.
pub fn one<'a>(
    order: Order<'a>,
    history: &'a History,
    (direction, version): (Direction, Version),
) -> Result<Batch<'a>, PlanError> {
    let request = &Request { order, history };
    let migration = request.order.set.find(version).ok_or_else(|| nowhere(request, version))?;
    batch(request, (direction, migration), ready(request, direction, migration)?, request.history)
}

/// The versions up to one, for a database that has their schema already and no version yet.
///
/// # Errors
/// A database in which a version is recorded, or a version that the set does not have.
pub fn baseline<'a>(order: Order<'a>, history: &'a History, to: Version) -> Result<Plan<'a>, PlanError> {
    if let Some(row) = history.rows.iter().rev().find(|row| row.version != Version::ZERO) {
        return Err(PlanError::NotEmpty(row.version));
    }
    if order.set.find(to).is_none() {
        return Err(nowhere(&Request { order, history }, to));
    }
    // What is not run need not be fit to be run.
    let own_transactions = OwnTransactions::Allowed;
    plan(Order { goal: Goal::UpTo(to), own_transactions, ..order }, history)
}

/// A version that the set does not have, and the database perhaps not either.
fn nowhere(request: &Request<'_>, version: Version) -> PlanError {
    if request.history.holds(version) {
        return order::no_file(request, version);
    }
    PlanError::NowhereKnown { version, latest: request.order.set.latest() }
}

/// A file in one direction, as far as it does not depend on what was applied before it.
struct Ready<'a> {
    path: String,
    statements: Cow<'a, [Statement]>,
    steps: Vec<Step>,
    terms: OwnTerms,
    undo: Option<Cow<'a, [Statement]>>,
    tokens: Digest,
    up: Digest,
}

fn ready<'a>(request: &Request<'a>, direction: Direction, migration: &'a Migration) -> Result<Ready<'a>, PlanError> {
    let path = request.order.set.path_of(migration);
    let mut statements =
        ready_statements(migration, direction, &path, request.order.environment).map_err(PlanError::Statements)?;
    let mut steps = traits(migration, &statements);
    let controls = migration.mode == Mode::Transaction && together(&steps).transaction_control;
    if controls && request.order.own_transactions == OwnTransactions::Refused {
        statements = control::absorb(migration, &path, statements)?;
        steps = traits(migration, &statements);
    }
    if migration.mode == Mode::NoTransaction {
        control::refuse_open(migration, &path, &statements)?;
    }
    let terms = own_terms(migration).map_err(|problem| {
        PlanError::Statements(Box::new(Diagnostic::in_file(path.as_str(), &migration.text, problem)))
    })?;
    // Values that a Down cannot take are no reason to refuse the Up.
    let down = || ready_statements(migration, Direction::Down, &path, request.order.environment).ok();
    let undo = if is_recorded(request) && direction == Direction::Up { down() } else { None };
    let (tokens, up) = (token_digest(&migration.text), edits::up_digest(migration));
    Ok(Ready { path, statements, steps, terms, undo, tokens, up })
}

fn traits(migration: &Migration, statements: &[Statement]) -> Vec<Step> {
    statements.iter().map(|statement| classify(statement.sql(&migration.text))).collect()
}

fn together(steps: &[Step]) -> Step {
    steps.iter().copied().reduce(Step::and).unwrap_or_default()
}

fn is_recorded(request: &Request<'_>) -> bool {
    request.order.versioning != Versioning::Ignored
}

fn batch<'a>(
    request: &Request<'a>,
    (direction, migration): (Direction, &'a Migration),
    ready: Ready<'a>,
    before: &History,
) -> Result<Batch<'a>, PlanError> {
    let Ready { path, statements, steps, terms, undo, tokens, up } = ready;
    let record = is_recorded(request).then(|| Record {
        newest: before.rows.last().map(|row| row.version),
        highest: before.rows.iter().map(|row| row.version).max(),
        text: migration.digest,
        tokens,
        up,
        ledger: request.order.versioning == Versioning::Recorded,
        open_entries: request.history.attempts.iter().any(|attempt| attempt.version == migration.version),
    });
    let resume = match migration.mode {
        Mode::NoTransaction if record.is_some() => resume::resume(request, (migration, direction), &path, &statements)?,
        _ => None,
    };
    let step = together(&steps);
    Ok(Batch { migration, path, direction, statements, steps, step, terms, undo, resume, record })
}
