//! The exact messages of a batch, bookkeeping included: what `plan` prints is what `apply` sends.
//!
//! Floor 7. From a [`Batch`] to a [`Flight`], text only. Invariant: the statements are the batch's own bytes, and
//! `COMMIT` is a message of its own, so that no server ever commits a half-received migration.

mod guard;
mod ledger;
mod table;

use std::borrow::Cow;

pub use guard::{LOCK_KEY, Refusal};
#[cfg(feature = "postgres")]
pub(crate) use ledger::select_history;
pub(crate) use table::literal;
pub use table::{TableName, TableNameError, Tables};
#[cfg(feature = "postgres")]
pub(crate) use table::{ledger_name, quote};

use crate::migration::{Mode, Statement};
use crate::plan::{Batch, Preparation};

/// What the bookkeeping writes beside the versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bookkeeping {
    /// Where.
    pub tables: Tables,
    /// Name and version of the program's release, empty when unknown.
    pub release: String,
}

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Opens the transaction.
    Begin,
    /// Takes the lock and compares the history with the planned one.
    Guard,
    /// Takes the session lock of a file without a transaction.
    Lock,
    /// A statement of the file; the index among the batch's statements.
    Statement(usize),
    /// Behind a file without a transaction: that it left none open, and that the lock is still held.
    Closing,
    /// Makes the session what it was before the file.
    Hygiene,
    /// Creates what the bookkeeping needs.
    Prepare,
    /// Writes or removes the version's rows.
    Record,
    /// Makes it all last.
    Commit,
    /// Gives the session lock back.
    Unlock,
}

impl Purpose {
    /// The word used in JSON output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Guard => "guard",
            Self::Lock => "lock",
            Self::Statement(_) => "statement",
            Self::Closing => "closing",
            Self::Hygiene => "hygiene",
            Self::Prepare => "prepare",
            Self::Record => "record",
            Self::Commit => "commit",
            Self::Unlock => "unlock",
        }
    }
}

/// One simple-protocol query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// Its text.
    pub sql: Cow<'a, str>,
}

/// How the messages of a flight may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// All at once: a failure aborts the transaction, and with it everything behind the failure.
    Pipelined,
    /// One after the other, because the file itself ends or rewinds the transaction; under a session lock, because the
    /// transaction's own goes with it.
    Stepwise,
    /// One after the other outside a transaction, under a session lock.
    Unwrapped,
}

/// All messages of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight<'a> {
    /// How they may be sent.
    pub pace: Pace,
    /// In order.
    pub messages: Vec<Message<'a>>,
}

/// The transaction's first message. The setting proves to the guard that this message took effect: it lasts exactly
/// as long as the transaction.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL migrate.flight = 'begun'";

/// Makes a session, which a pooler may hand to somebody else next, what it was before (operations.md §0, 9). `RESET
/// ALL` also removes the guard's own settings, so the timeout that frees the lock after a partition is set again.
///
/// Deferred constraints and triggers run first: they may need the file's `search_path` and its temporary tables.
const HYGIENE: &str = "SET CONSTRAINTS ALL IMMEDIATE; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DISCARD TEMP; DEALLOCATE ALL; UNLISTEN *; CLOSE ALL; \
     SELECT pg_catalog.pg_advisory_unlock_all(), \
     pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true)";

/// The part of it that the bookkeeping needs, where the session's lock has to outlast the bookkeeping; and the rest.
const RESET_ROLE: &str = "RESET SESSION AUTHORIZATION; RESET ROLE";
const RESET_SESSION: &str = "RESET ALL; DISCARD TEMP; DEALLOCATE ALL; UNLISTEN *; CLOSE ALL";

/// The messages of a batch.
#[must_use]
pub fn flight<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'a> {
    match batch.mode() {
        Mode::Transaction if batch.step.transaction_control => stepwise(batch, bookkeeping),
        Mode::Transaction => pipelined(batch, bookkeeping),
        Mode::NoTransaction => unwrapped(batch, bookkeeping),
    }
}

fn pipelined<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let mut messages =
        vec![message(Purpose::Begin, BEGIN), message(Purpose::Guard, guard::transaction(batch, &bookkeeping.tables))];
    messages.extend(statements(batch));
    if batch.step.session_state {
        messages.push(message(Purpose::Hygiene, HYGIENE));
    }
    messages.extend(ledger::record(batch, bookkeeping).map(|sql| message(Purpose::Record, sql)));
    messages.push(message(Purpose::Commit, "COMMIT"));
    Flight { pace: Pace::Pipelined, messages }
}

fn stepwise<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let mut messages = vec![
        message(Purpose::Lock, guard::session_lock()),
        message(Purpose::Begin, BEGIN),
        message(Purpose::Guard, guard::transaction(batch, &bookkeeping.tables)),
    ];
    messages.extend(statements(batch));
    if batch.step.session_state {
        messages.push(message(Purpose::Hygiene, RESET_ROLE));
    }
    messages.extend(ledger::record(batch, bookkeeping).map(|sql| message(Purpose::Record, sql)));
    messages.push(message(Purpose::Commit, "COMMIT"));
    messages.extend(end_of_session_lock());
    Flight { pace: Pace::Stepwise, messages }
}

fn unwrapped<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let mut messages = vec![
        message(Purpose::Lock, guard::session_lock()),
        message(Purpose::Guard, guard::session(batch, &bookkeeping.tables)),
    ];
    messages.extend(statements(batch));
    if batch.step.session_state || batch.step.transaction_control {
        messages.push(message(Purpose::Hygiene, RESET_ROLE));
        messages.push(message(Purpose::Closing, guard::closing(batch, &bookkeeping.tables)));
    }
    messages.extend(ledger::record(batch, bookkeeping).map(|sql| message(Purpose::Record, sql)));
    messages.extend(end_of_session_lock());
    Flight { pace: Pace::Unwrapped, messages }
}

/// What ends a flight under a session lock, and what cleans up behind one that failed.
fn end_of_session_lock() -> [Message<'static>; 2] {
    [message(Purpose::Unlock, guard::session_unlock()), message(Purpose::Hygiene, RESET_SESSION)]
}

/// The messages that create the tables and the row of version 0, in one transaction, under the lock.
#[must_use]
pub fn prepare(preparation: Preparation, tables: &Tables) -> Flight<'static> {
    let mut messages =
        vec![message(Purpose::Begin, BEGIN), message(Purpose::Guard, guard::preparation(preparation, tables))];
    if !preparation.existing.version {
        messages.push(message(Purpose::Prepare, ledger::create_version_table(tables)));
    }
    if preparation.seed {
        messages.push(message(Purpose::Prepare, ledger::seed(tables)));
    }
    if !preparation.existing.ledger {
        messages.push(message(Purpose::Prepare, ledger::create_ledger(tables)));
    }
    messages.push(message(Purpose::Commit, "COMMIT"));
    Flight { pace: Pace::Pipelined, messages }
}

fn statements<'a>(batch: &'a Batch<'_>) -> impl Iterator<Item = Message<'a>> {
    batch.statements.iter().enumerate().map(|(index, statement): (usize, &'a Statement)| Message {
        purpose: Purpose::Statement(index),
        sql: Cow::Borrowed(batch.sql(statement)),
    })
}

fn message<'a>(purpose: Purpose, sql: impl Into<Cow<'a, str>>) -> Message<'a> {
    Message { purpose, sql: sql.into() }
}
