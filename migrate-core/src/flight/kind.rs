//! What each statement of a file without a transaction is: whether it can be done together with its entry in the
//! journal, and if not, how to tell afterwards whether it took effect.
//!
//! Invariant: what is not understood, or may end a transaction itself, is never taken for something that can be told
//! or repeated.
//!
//! This module cuts such a file into units. What may run in a transaction does (*Wrapped*): BEGIN, guard, statement,
//! entry in the journal, COMMIT, one flight; so no crash comes between a statement and its entry. PostgreSQL's own
//! refusal (25001, 2D000) is the test, not a list: then the statement goes alone. A transaction of the file's own
//! (*Block*) gets the entry inside, before its COMMIT. Everything else is entered as running before and as done
//! afterwards; if a run dies in between, `flight/evidence.rs` asks the catalogs, by what was written down before the
//! statement began. What no question can tell (*Opaque*) is left to a person: 27. A done statement is never run again:
//! the entry that says so is unique, and the journal is compared with what was planned under the session lock.

use std::ops::Range;

use crate::command::{Action, Command, CreateIndex, Kind, Name, TableChange, Transaction, read};
use crate::plan::Batch;
use crate::step::classify;

/// What a unit of such a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nature {
    /// It runs in a transaction of ours, together with its entry: never in doubt.
    Wrapped,
    /// The same, and what it sets has to be set again when a later run goes on behind it.
    Setting,
    /// The same, but its temporary objects are gone with the session: no later run can go on behind it.
    Temporary,
    /// A transaction of the file's own, `BEGIN` to `COMMIT`: the entry is made inside it.
    Block,
    /// `CREATE INDEX CONCURRENTLY`.
    CreateIndex(Box<CreateIndex>),
    /// `DROP INDEX CONCURRENTLY`.
    DropIndex(Name),
    /// `REINDEX … CONCURRENTLY`; the whole database may go without its name.
    Reindex(Kind, Option<Name>),
    /// `DETACH PARTITION … CONCURRENTLY`.
    Detach {
        /// The partitioned table.
        parent: Name,
        /// The partition.
        partition: Name,
    },
    /// `CREATE DATABASE` and its like: done when the object is there (true) or gone (false).
    Cluster(Kind, Name, bool),
    /// It can be done again, whether it took effect or not.
    Repeatable,
    /// Nobody can tell.
    Opaque,
}

impl Nature {
    /// The word in the journal.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Wrapped => "transaction",
            Self::Setting => "setting",
            Self::Temporary => "temporary",
            Self::Block => "block",
            Self::CreateIndex(_) => "create-index-concurrently",
            Self::DropIndex(_) => "drop-index-concurrently",
            Self::Reindex(..) => "reindex-concurrently",
            Self::Detach { .. } => "detach-partition-concurrently",
            Self::Cluster(..) => "cluster-object",
            Self::Repeatable => "repeatable",
            Self::Opaque => "opaque",
        }
    }

    /// Whether the statement and its entry are one transaction.
    #[must_use]
    pub const fn is_atomic(&self) -> bool {
        matches!(self, Self::Wrapped | Self::Setting | Self::Temporary | Self::Block)
    }

    /// Whether it waits for other sessions instead of holding them up: a timeout would only leave its work half done.
    #[must_use]
    pub const fn is_concurrent(&self) -> bool {
        matches!(self, Self::CreateIndex(_) | Self::DropIndex(_) | Self::Reindex(..) | Self::Detach { .. })
    }
}

/// Statements that are done, or not, together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Their indexes among the batch's.
    pub statements: Range<usize>,
    /// What they are.
    pub nature: Nature,
}

/// A batch's statements as units, in order, from one of them on.
#[must_use]
pub fn units(batch: &Batch<'_>, mut first: usize) -> Vec<Unit> {
    let mut units = Vec::new();
    while first < batch.statements.len() {
        let unit = unit(batch, first);
        first = unit.statements.end;
        units.push(unit);
    }
    units
}

fn unit(batch: &Batch<'_>, first: usize) -> Unit {
    let commands = read(batch.sql(&batch.statements[first]));
    if matches!(control(&commands), Some(Transaction::Begin)) {
        return block(batch, first);
    }
    Unit { statements: first..first + 1, nature: nature(batch, first) }
}

/// What a statement is when it stands alone.
#[must_use]
pub(super) fn nature(batch: &Batch<'_>, index: usize) -> Nature {
    let sql = batch.sql(&batch.statements[index]);
    let commands = read(sql);
    if batch.steps[index].transaction_control || commands.iter().any(|command| control_of(command).is_some()) {
        return Nature::Opaque;
    }
    match commands.as_slice() {
        [Command { action: Action::Select(_), .. }] if sql.to_ascii_lowercase().contains("set_config") => {
            Nature::Setting
        }
        [command] => of_command(command),
        several if several.iter().any(|command| !of_command(command).is_atomic()) => Nature::Opaque,
        several if several.iter().any(|command| of_command(command) == Nature::Temporary) => Nature::Temporary,
        several if several.iter().any(|command| of_command(command) == Nature::Setting) => Nature::Setting,
        _ => Nature::Wrapped,
    }
}

/// What is left when the server will not run a statement in a transaction: the same command, alone.
#[must_use]
pub fn alone(batch: &Batch<'_>, index: usize) -> Nature {
    match read(batch.sql(&batch.statements[index])).as_slice() {
        [Command { action: Action::Reindex { .. } | Action::Cluster { .. } | Action::Vacuum { .. }, .. }] => {
            Nature::Repeatable
        }
        _ => Nature::Opaque,
    }
}

fn of_command(command: &Command) -> Nature {
    match &command.action {
        Action::CreateIndex(index) if index.concurrently => Nature::CreateIndex(index.clone()),
        Action::Drop(drop) => match (drop.kind, drop.names.as_slice()) {
            (Kind::Index, [name]) if drop.concurrently => Nature::DropIndex(name.clone()),
            (Kind::Database | Kind::Tablespace | Kind::Subscription, [name]) => {
                Nature::Cluster(drop.kind, name.clone(), false)
            }
            _ => Nature::Wrapped,
        },
        Action::Reindex { kind, name, concurrently: true } if name.is_some() || *kind == Kind::Database => {
            Nature::Reindex(*kind, name.clone())
        }
        Action::Reindex { kind: Kind::Index | Kind::Table, concurrently: false, .. } => Nature::Wrapped,
        Action::Reindex { .. } | Action::Vacuum { .. } | Action::Cluster { table: None } => Nature::Repeatable,
        Action::AlterTable(alter) => match alter.changes.as_slice() {
            [(_, TableChange::DetachPartition { partition, concurrently: true, .. })] => {
                Nature::Detach { parent: alter.name.clone(), partition: partition.clone() }
            }
            _ => Nature::Wrapped,
        },
        Action::CreateTable(table) if table.persistence == crate::command::Persistence::Temporary => Nature::Temporary,
        Action::CreateTableAs { persistence: crate::command::Persistence::Temporary, .. } => Nature::Temporary,
        Action::CreateView(view) if view.temporary => Nature::Temporary,
        Action::Setting(setting) if !setting.local => Nature::Setting,
        Action::Other(other) => of_words(&other.words, &other.objects),
        _ => Nature::Wrapped,
    }
}

/// Commands without an action of their own that PostgreSQL refuses in a transaction (operations.md A.3).
fn of_words(words: &str, objects: &[(Kind, Name)]) -> Nature {
    let created = |kind| {
        let name = objects.iter().find(|(found, _)| *found == kind).map(|(_, name)| name.clone());
        name.map_or(Nature::Opaque, |name| Nature::Cluster(kind, name, true))
    };
    match words {
        "CREATE DATABASE" => created(Kind::Database),
        "CREATE TABLESPACE" => created(Kind::Tablespace),
        "CREATE SUBSCRIPTION" => created(Kind::Subscription),
        "ALTER SYSTEM" | "ALTER DATABASE" | "DISCARD ALL" | "CHECKPOINT" => Nature::Repeatable,
        "PREPARE" | "LISTEN" | "DECLARE" => Nature::Temporary,
        _ => Nature::Wrapped,
    }
}

/// A transaction of the file's own: statements from a `BEGIN` to the first `COMMIT`, each one command. Where it ends
/// otherwise, or not at all, nobody can tell what became of the rest of the file.
fn block(batch: &Batch<'_>, first: usize) -> Unit {
    let rest = Unit { statements: first..batch.statements.len(), nature: Nature::Opaque };
    let opening = read(batch.sql(&batch.statements[first]));
    if opening.len() != 1 || !is_bare(batch, first) {
        return rest;
    }
    for index in first + 1..batch.statements.len() {
        let sql = batch.sql(&batch.statements[index]);
        let commands = read(sql);
        let hides = classify(sql).transaction_control && commands.iter().all(|command| control_of(command).is_none());
        match control(&commands) {
            Some(Transaction::Commit) if commands.len() == 1 && is_bare(batch, index) => {
                return Unit { statements: first..index + 1, nature: Nature::Block };
            }
            None | Some(Transaction::Savepoint | Transaction::Release) if !hides => {}
            _ => return rest,
        }
    }
    rest
}

/// Whether a command that controls a transaction stands without options.
fn is_bare(batch: &Batch<'_>, index: usize) -> bool {
    let sql = batch.sql(&batch.statements[index]);
    let Some(command) = read(sql).into_iter().next() else { return false };
    let words = command.span.of(sql).split_whitespace().count();
    let last = command.span.of(sql).split_whitespace().last().unwrap_or_default().to_ascii_lowercase();
    words == 1 || (words == 2 && ["work", "transaction"].contains(&last.as_str()))
}

fn control(commands: &[Command]) -> Option<Transaction> {
    commands.iter().find_map(control_of)
}

fn control_of(command: &Command) -> Option<Transaction> {
    match command.action {
        Action::Transaction(transaction) => Some(transaction),
        _ => None,
    }
}
