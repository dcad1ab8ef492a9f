//! The exact messages of a batch, bookkeeping included: what `plan` prints is what `apply` sends.
//!
//! Floor 7. From a [`Batch`] to a [`Flight`], text only. Invariant: the statements are the batch's own bytes, and
//! `COMMIT` is a message of its own, so that no server ever commits a half-received migration.
//!
//! # Flights
//!
//! A flight is all messages of one batch. A transactional migration is written whole, COMMIT included, before the first
//! answer is awaited: one round trip however many statements it holds. Each message is one simple-protocol query.
//!
//! ```text
//! BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL migrate.flight = 'begun'
//! guard        one DO block
//! statements   each goose's own bytes, each its own message
//! hygiene      only when a step says that the file may touch the session
//! record       the goose row and the ledger row, in one statement
//! COMMIT       a message of its own
//! ```
//!
//! * **What stops the rest when one fails?** The transaction: once a message has failed, PostgreSQL answers everything
//!   behind it with `25P02`, and COMMIT rolls back. So half a migration is never applied, although all of it was sent.
//! * **What if BEGIN itself fails?** Then there would be no transaction to fail, and every message behind it would
//!   commit by itself. It can happen on a healthy connection: a cancel request that arrives late hits whatever runs. So
//!   the first message leaves a mark that lasts exactly as long as the transaction (`SET LOCAL migrate.flight`), and the
//!   guard, finding none, ends its own session with `pg_terminate_backend`: what is behind it in the socket is never
//!   read.
//! * **Why COMMIT alone?** A query string is executed whole by the server even when its client has died meanwhile. With
//!   COMMIT at the end of a string, a migration would be committed that nobody was there to see fail.
//! * **The guard** takes `pg_try_advisory_xact_lock(4097083626)`, the key of goose's Provider, and then compares the
//!   version table with the one that was planned on. `READ COMMITTED` gives the comparison a snapshot taken after the
//!   lock. It raises private SQLSTATEs: `MG001` busy (poll, then plan anew), `MG002` the history moved (plan anew),
//!   `MG003` no transaction. It never waits for the lock: a waiting `pg_advisory_lock` holds a snapshot, and deadlocks
//!   with `CREATE INDEX CONCURRENTLY`.
//! * **Why compare newest and highest row?** They are what goose's decisions rest on: `down`, `redo` and `down-to` go by
//!   the row inserted last, `up` measures missing migrations by the highest. Together with "has this version a row", no
//!   other runner can have applied or undone anything in between without changing one of the three. Where the newest row
//!   holds the highest version and the batch is above it, "no row is above the highest" says the last two at once.
//! * **What if the record is swallowed?** A trigger, a rule or a policy can keep the row out, change it or bring it back
//!   without an error. So the record's message ends with a proof (`flight/proof.rs`): triggers that wait for COMMIT are
//!   let run, and the row, by its id, must be there as it was written; a removal must have removed one and left none.
//!   Otherwise `MG005`, and the file is rolled back with it.
//! * **Is the history the whole history?** The look-up of the tables asks the catalogs, and nothing else, whether they
//!   are what their names say and whether row level security keeps rows from this role (`flight/shape.rs`). What is read
//!   to decide also reads a catalog: a pooler that balances reads sends plain ones to a standby.
//! * **Hygiene** first lets deferred constraints and triggers run, while the file's `search_path` and temporary tables
//!   are still there, and then makes the session what it was, inside the transaction, before the record: a pooler may
//!   hand the connection to somebody else next, and a file's `SET ROLE` must not own our row. `RESET ALL` takes the
//!   guard's timeouts with it, so the one that frees the lock after a network partition is set again.
//!
//! * **Sharing.** Consecutive plain statements of a file (`step`'s `plain`: one command that ends itself and touches
//!   nothing of the session) share a message of at most 64 KiB. Which of them failed is told by the commands that were
//!   done before, and by the server's position.
//! * **Overlapping.** The guard of each flight names the version before it. So several flights may be on the wire at
//!   once: when one does not land, every one behind it is refused. They are started in groups of half a window
//!   (`--flight`), because over a network a group is a turn, and the disk is asked once a group (`flight/lasting.rs`).
//! * **Preparing.** In a session with a backend of its own, guards and records are prepared once (`flight/prepared.rs`).
//!
//! `Pace` says how a flight may be sent. *Pipelined* is the above. *Stepwise*, one message after the other, is for a
//! file that controls transactions itself and is allowed to: behind a COMMIT or a ROLLBACK TO, a failure no longer stops
//! what was sent after it. The transaction's lock goes with the transaction, so such a flight holds a session lock too.
//!
//! A private SQLSTATE is a refusal only from the lock and the guard, before the file's first statement: a file may raise
//! any code itself. When a guard refuses, `apply` reads the history and plans again. That is how eight runners at once
//! share one queue.

mod by_hand;
mod evidence;
mod guard;
mod kind;
mod lasting;
mod prepared;
mod proof;
mod refusal;
pub(crate) mod shape;
mod sharing;
mod side;
mod table;
mod terms;
mod walk;

use std::borrow::Cow;

pub use by_hand::{Decision, accept, baseline, drop_index, resolve, unfinished_direction};
pub use evidence::{finalize, question, question_of_entry};
#[cfg(feature = "postgres")]
pub(crate) use guard::LEFT;
pub use guard::{INVALID_INDEX, LOCK_KEY};
pub use kind::{Nature, Unit, alone, units};
pub use lasting::{Durability, FLUSH, FLUSH_BY_A_TABLE, Window, convoy, flights, parts_of_one};
pub use prepared::is_refused;
pub use proof::NOT_RECORDED;
pub use refusal::Refusal;
pub(crate) use shape::Seen;
#[cfg(feature = "postgres")]
pub(crate) use side::journal::evidence_of;
pub(crate) use side::journal::select as select_journal;
#[cfg(feature = "postgres")]
pub(crate) use side::ledger::select_stored;
pub(crate) use side::ledger::{Ledger, select_history};
use side::{journal, ledger};
#[cfg(feature = "postgres")]
pub(crate) use table::ON_PRIMARY;
pub use table::{TableName, TableNameError, Tables};
pub(crate) use table::{literal, quote};
pub use terms::Terms;
pub use walk::{clearing, closing, done, failed, opening, unit};

use crate::migration::{Mode, Statement};
use crate::plan::{Batch, Plan, Preparation, Warning};

/// What the bookkeeping writes beside the versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bookkeeping {
    /// Where.
    pub tables: Tables,
    /// Name and version of the program's release, empty when unknown.
    pub release: String,
    /// What tells this run apart from others.
    pub run: String,
    /// How long its migrations may wait, and as whom they run.
    pub terms: Terms,
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
    /// Statements of the file, by their indexes among the batch's. Several only where each of them is one plain command.
    Statements {
        /// The first one.
        first: usize,
        /// How many.
        count: usize,
    },
    /// Behind a file without a transaction: that it left none open, and that the lock is still held.
    Closing,
    /// Makes the session what it was before the file.
    Hygiene,
    /// Sets the timeouts of one statement outside a transaction, and those of the file behind it.
    Timeouts,
    /// That an index which was built concurrently, or was taken for built, can be used.
    Verify,
    /// Writes how far the file came.
    Journal,
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
            Self::Statements { .. } => "statement",
            Self::Closing => "closing",
            Self::Hygiene => "hygiene",
            Self::Timeouts => "timeouts",
            Self::Verify => "verify",
            Self::Journal => "journal",
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
    /// Where its statements start, when it holds several.
    pub(crate) starts: Vec<u32>,
}

impl Message<'_> {
    /// The statement that is the next one to be done when so many of its commands are.
    #[must_use]
    pub fn statement_at(&self, done: usize) -> Option<usize> {
        match self.purpose {
            Purpose::Statements { first, count } => Some(first + done.min(count - 1)),
            _ => None,
        }
    }

    /// The statement that holds a byte of its text, and where in the text it starts.
    #[must_use]
    pub fn statement_holding(&self, byte: usize) -> Option<(usize, usize)> {
        let Purpose::Statements { first, .. } = self.purpose else { return None };
        let after = self.starts.partition_point(|start| *start as usize <= byte);
        let index = after.saturating_sub(1);
        Some((first + index, self.starts.get(index).map_or(0, |start| *start as usize)))
    }
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
    match pace(batch) {
        Pace::Stepwise => stepwise(batch, bookkeeping),
        Pace::Pipelined => pipelined(batch, bookkeeping),
        Pace::Unwrapped => unwrapped(batch, bookkeeping),
    }
}

/// How a batch may be sent.
#[must_use]
pub fn pace(batch: &Batch<'_>) -> Pace {
    match batch.mode() {
        Mode::Transaction if batch.step.transaction_control => Pace::Stepwise,
        Mode::Transaction => Pace::Pipelined,
        Mode::NoTransaction => Pace::Unwrapped,
    }
}

fn pipelined<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let mut messages = vec![message(Purpose::Begin, BEGIN)];
    let first = characteristics(batch);
    if first > 0 {
        messages.extend((0..first).map(|index| statement(batch, index)));
        messages.extend(guard::before_the_snapshot(batch, bookkeeping).map(|sql| message(Purpose::Lock, sql)));
    }
    messages.push(message(Purpose::Guard, guard::transaction(batch, bookkeeping)));
    messages.extend(body(batch, first, bookkeeping));
    messages.push(message(Purpose::Commit, "COMMIT"));
    Flight { pace: Pace::Pipelined, messages }
}

/// How many of the first statements set characteristics of their transaction, which its first query ends: the guard is one,
/// so it comes behind them.
#[must_use]
pub fn characteristics(batch: &Batch<'_>) -> usize {
    batch.steps.iter().take_while(|step| step.characteristics).count()
}

/// Several transactional batches in one transaction: all of them, or none. With each, its first message.
#[must_use]
pub fn together<'a>(batches: &'a [Batch<'_>], bookkeeping: &Bookkeeping) -> (Flight<'a>, Vec<usize>) {
    let mut messages = vec![message(Purpose::Begin, BEGIN)];
    let mut firsts = Vec::with_capacity(batches.len());
    for (index, batch) in batches.iter().enumerate() {
        // BEGIN belongs to the first of them.
        firsts.push(if index == 0 { 0 } else { messages.len() });
        let guard = if index == 0 { guard::transaction(batch, bookkeeping) } else { guard::next(batch, bookkeeping) };
        messages.push(message(Purpose::Guard, guard));
        messages.extend(body(batch, 0, bookkeeping));
    }
    messages.push(message(Purpose::Commit, "COMMIT"));
    (Flight { pace: Pace::Pipelined, messages }, firsts)
}

/// A batch's statements from one on, what makes the session what it was, and its record.
fn body<'a>(batch: &'a Batch<'_>, first: usize, bookkeeping: &Bookkeeping) -> Vec<Message<'a>> {
    let mut messages = sharing::messages(batch, first..batch.statements.len());
    messages.extend(evidence::verification(batch, 0..batch.statements.len(), INVALID_INDEX));
    if batch.step.session_state {
        messages.push(message(Purpose::Hygiene, HYGIENE));
    } else if bookkeeping.terms.role.is_some() {
        messages.push(message(Purpose::Hygiene, RESET_ROLE));
    }
    let record = ledger::record(batch, bookkeeping).map(|sql| guard::still_free(sql, &bookkeeping.tables));
    messages.extend(record.map(|sql| message(Purpose::Record, sql)));
    messages
}

fn stepwise<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let mut messages = vec![
        message(Purpose::Lock, guard::session_lock(Some(&bookkeeping.tables))),
        message(Purpose::Begin, BEGIN),
        message(Purpose::Guard, guard::stepwise(batch, bookkeeping)),
    ];
    messages.extend(each(batch));
    messages.extend(evidence::verification(batch, 0..batch.statements.len(), INVALID_INDEX));
    if batch.step.session_state || bookkeeping.terms.role.is_some() {
        messages.push(message(Purpose::Hygiene, RESET_ROLE));
    }
    messages.extend(ledger::record(batch, bookkeeping).map(|sql| message(Purpose::Record, sql)));
    messages.push(message(Purpose::Commit, "COMMIT"));
    messages.extend(end_of_session_lock());
    Flight { pace: Pace::Stepwise, messages }
}

fn unwrapped<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'a> {
    if batch.record.is_some() {
        return Flight { pace: Pace::Unwrapped, messages: walk::whole(batch, bookkeeping) };
    }
    let mut messages = vec![
        message(Purpose::Lock, guard::session_lock(Some(&bookkeeping.tables))),
        message(Purpose::Guard, guard::session(batch, bookkeeping)),
    ];
    messages.extend(each(batch));
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
    let written = preparation.written_sides();
    messages.extend(written.filter_map(|table| side::missing(table, preparation.existing, tables)));
    messages.push(message(Purpose::Commit, "COMMIT"));
    Flight { pace: Pace::Pipelined, messages }
}

/// Writes down that the layout of applied files was changed, so that it is told once; nothing when none was.
#[must_use]
pub fn relaid(plan: &Plan<'_>, tables: &Tables) -> Option<Flight<'static>> {
    let edits = plan.warnings.iter().filter_map(|warning| match warning {
        Warning::Reformatted(edit) => Some(edit),
        _ => None,
    });
    let edits: Vec<_> = edits.collect();
    let messages = || {
        let written = message(Purpose::Record, ledger::relaid(&edits, tables));
        vec![message(Purpose::Begin, BEGIN), written, message(Purpose::Commit, "COMMIT")]
    };
    (!edits.is_empty()).then(|| Flight { pace: Pace::Pipelined, messages: messages() })
}

/// Each statement by itself: outside a transaction that the file leaves alone, a string of several would be one of its
/// own.
fn each<'a>(batch: &'a Batch<'_>) -> impl Iterator<Item = Message<'a>> {
    (0..batch.statements.len()).map(|index| statement(batch, index))
}

fn statement<'a>(batch: &'a Batch<'_>, index: usize) -> Message<'a> {
    let statements: &'a [Statement] = &batch.statements;
    message(Purpose::Statements { first: index, count: 1 }, Cow::Borrowed(batch.sql(&statements[index])))
}

fn message<'a>(purpose: Purpose, sql: impl Into<Cow<'a, str>>) -> Message<'a> {
    Message { purpose, sql: sql.into(), starts: Vec::new() }
}
