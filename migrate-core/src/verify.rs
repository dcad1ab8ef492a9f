//! The proof that migrations can be undone: each one is applied, undone and applied again on a scratch database, and the
//! schemas in between are compared.
//!
//! Floor 11. From a set and a [`Scratch`], which makes databases, to a [`Round`] a migration. Invariant: what is applied is
//! applied by `apply`, and nothing but the databases that it made itself is touched, unless a file changes what all
//! databases of a server share: [`shared_change`].
//!
//! One database only ever goes forward. Behind each Up it is copied, and Down and the second Up run on the copy: a Down that
//! fails, or leaves something behind, or takes rows along that a later file needs, changes nothing for the next one.

mod proof;
mod replay;
mod scratch;
mod shared;
mod tracing;

pub use scratch::{Base, Doors, Scratch};
pub use shared::{SharedChange, shared_change};

use crate::apply::Stop;
use crate::flight::TableName;
use crate::migration::{Direction, Migration, Set, Version};
use crate::parse::Environment;
use crate::plan::OwnTransactions;
use crate::report::Failure;

/// What came of one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Its version.
    pub version: Version,
    /// Its name, without number and ending.
    pub name: String,
    /// Its file.
    pub file: String,
    /// What Up came to.
    pub up: Up,
    /// What Down came to.
    pub down: Down,
    /// What applying it again came to; `None` where there was nothing to apply it again on.
    pub reapply: Option<Reapply>,
    /// The schema that Down left, or the second Up, beside the one it should have left: see
    /// [`Schema::difference`](crate::schema::Schema::difference).
    pub difference: Vec<String>,
    /// Why Up, Down or the second Up failed.
    pub error: Option<String>,
    /// What Up does to the schema.
    pub change: Vec<String>,
    /// What the statements did to relations that were there before them.
    pub traces: Vec<Trace>,
}

/// What Up came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Up {
    /// It was applied.
    Ok,
    /// It failed, and nothing behind it was tried.
    Fails,
}

/// What Down came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// It left the schema that was there before Up.
    Ok,
    /// It failed.
    Fails,
    /// It left another schema.
    Differs,
    /// There is none, and the file does not say why.
    Missing,
    /// The file says why there is none, or none that is exact: `-- migrate:irreversible reason="…"`.
    Irreversible {
        /// The reason.
        reason: String,
    },
}

/// What applying it again came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reapply {
    /// It left the schema that the first Up had left.
    Ok,
    /// It failed.
    Fails,
    /// It left another schema than the first Up.
    Differs,
}

/// What a statement did to relations that were there before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its number in its section, from 1.
    pub statement: usize,
    /// Where it starts in the file.
    pub line: u32,
    /// The section.
    pub direction: Direction,
    /// The strongest lock on each relation, as `pg_locks` names it; of indexes only locks that hold somebody up.
    pub locks: Vec<(String, String)>,
    /// The relations that were written anew.
    pub rewrites: Vec<String>,
    /// The relations that were read in full.
    pub scans: Vec<String>,
}

impl Round {
    /// Whether nothing about it needs a person: Up works, and Down is proven or declared irreversible.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        let again = self.reapply.is_none_or(|reapply| reapply == Reapply::Ok);
        self.up == Up::Ok && (matches!(self.down, Down::Irreversible { .. }) || (self.down == Down::Ok && again))
    }
}

/// What a verification is asked for.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// The migrations.
    pub set: &'a Set,
    /// The version table on the scratch databases.
    pub table: TableName,
    /// Values of variables in ENVSUB files.
    pub environment: &'a Environment,
    /// Whether a file may end its transaction itself.
    pub own_transactions: OwnTransactions,
    /// The first version to prove; those below it are only applied.
    pub from: Version,
    /// Whether to trace what each statement does.
    pub tracing: bool,
    /// Whether it is asked to end early.
    pub stop: Stop,
}

/// How far a verification is.
#[derive(Debug)]
pub enum Step<'r> {
    /// So many migrations will be proven.
    Planned(usize),
    /// This one is about to be.
    Started(&'r Migration),
    /// This one is done.
    Done(&'r Round),
}

/// Proves every pending migration of the scratch database, in the order in which they would be applied. It ends at the
/// first one whose Up fails.
///
/// # Errors
/// What has nothing to do with the migrations: a lost connection, a missing privilege, an end that was asked for.
pub async fn verify(
    scratch: &mut Scratch<'_>,
    task: &Task<'_>,
    observe: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Vec<Round>, Failure> {
    replay::Replay::begin(scratch, task).await?.all(observe).await
}
