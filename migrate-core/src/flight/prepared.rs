//! Guard and record as prepared statements: parsed and planned once a session, where each migration would cost the server
//! as much again as goose's own bookkeeping does.
//!
//! Prepared statements live in a session, so only a session with a backend of its own has them (`apply` asks for them where
//! the server named itself the process that it told the session to cancel). They come with the guard of a migration that is
//! written out, and those behind it on the wire execute them. Written out, too, are a migration after one that makes the
//! session what it was before (`DEALLOCATE ALL`), a Down, and whatever does not simply go on behind the highest version.
//!
//! Invariant: a prepared statement decides nothing but that all is as it should be, and explains nothing. Otherwise it fails
//! with [`REFUSED`], which takes the transaction with it; so does one that is not there. The run then reads the history
//! again and goes on with guards and records that are written out, whose refusals have codes and words; and so it does where
//! the server would not prepare them.

use super::guard::{self, LOCK_KEY, NOT_BEGUN};
use super::side::ledger::{self, TOOL, Values};
use super::table::{ON_PRIMARY, Tables, literal};
use super::{BEGIN, Bookkeeping, Flight, Message, Pace, Purpose, flight, message, proof, sharing};
use crate::flight::{INVALID_INDEX, characteristics, evidence, pace};
use crate::migration::{Direction, Version};
use crate::plan::{Batch, Record};

/// `undefined_object`, from asking for a setting that nobody makes, and `invalid_sql_statement_name`.
const REFUSED: [&str; 2] = ["42704", "26000"];
/// What stands before the first statement that is prepared.
const PREPARE: &str = ";\nDEALLOCATE ALL;\nPREPARE migrate_lock";
/// What every statement that executes one of ours begins with.
const EXECUTE: &str = "EXECUTE migrate_";
/// Preparing costs about as much as it saves on one migration.
const WORTH_IT: usize = 2;
/// A plan is made for the version table as it was, so now and then there is a new one.
const PLANS_LAST: usize = 256;

/// Which of the flights that go together have their guard and their record prepared.
#[derive(Default)]
pub(super) struct Series {
    /// How many more flights can execute what was prepared.
    left: usize,
}

impl Series {
    /// The flight of a batch behind which there are so many others.
    pub(super) fn flight<'a>(&mut self, batch: &'a Batch<'_>, behind: usize, bookkeeping: &Bookkeeping) -> Flight<'a> {
        if let Some((record, highest)) = goes_on(batch, bookkeeping).filter(|_| self.left > 0) {
            self.left -= 1;
            return executing(batch, record, highest, bookkeeping);
        }
        let mut flight = flight(batch, bookkeeping);
        if batch.step.session_state {
            self.left = 0;
        } else if self.left == 0 && behind >= WORTH_IT && batch.record.as_ref().is_some_and(|record| record.ledger) {
            self.left = PLANS_LAST;
            let guard = flight.messages.iter_mut().find(|message| message.purpose == Purpose::Guard);
            if let Some(guard) = guard {
                guard.sql.to_mut().push_str(&prepare(bookkeeping));
            }
        }
        flight
    }
}

/// Whether a message failed because something was not as a prepared statement expects it, or that is not there, or cannot
/// be prepared.
#[must_use]
pub fn is_refused(message: &Message<'_>, sqlstate: &str) -> bool {
    let prepares = || message.purpose == Purpose::Guard && message.sql.contains(PREPARE);
    (REFUSED.contains(&sqlstate) && message.sql.starts_with(EXECUTE)) || (sqlstate.starts_with("42") && prepares())
}

/// The record of a batch that simply goes on behind the highest version, and that version.
fn goes_on<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Option<(&'a Record, Version)> {
    let record = batch.record.as_ref()?;
    let highest = record.highest.filter(|highest| record.newest == Some(*highest))?;
    let is_plain = batch.direction == Direction::Up
        && pace(batch) == Pace::Pipelined
        && batch.migration.version > highest
        && record.ledger
        && !record.open_entries
        && !batch.step.session_state
        && batch.terms.requires_app.is_none()
        && bookkeeping.terms.role.is_none()
        && characteristics(batch) == 0;
    is_plain.then_some((record, highest))
}

fn executing<'a>(batch: &'a Batch<'_>, record: &Record, highest: Version, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let terms = guard::terms(batch, bookkeeping);
    let [lock, statement] = [terms.lock_timeout, terms.statement_timeout].map(guard::milliseconds);
    let guard = format!("{EXECUTE}lock; {EXECUTE}history ({highest}, {lock}, {statement})");
    let Values { version, file, text, tokens, down, up, .. } = Values::of(batch, record);
    let record =
        format!("{EXECUTE}record ({version}, {file}, {text}, {tokens}, {down}, {up});\n{EXECUTE}proof ({version})");
    let mut messages = vec![message(Purpose::Begin, BEGIN), message(Purpose::Guard, guard)];
    messages.extend(sharing::messages(batch, 0..batch.statements.len()));
    messages.extend(evidence::verification(batch, 0..batch.statements.len(), INVALID_INDEX));
    messages.push(message(Purpose::Record, record));
    messages.push(message(Purpose::Commit, "COMMIT"));
    Flight { pace: Pace::Pipelined, messages }
}

/// Behind a guard. The session is the run's own, so nobody else's prepared statements are in it.
fn prepare(bookkeeping: &Bookkeeping) -> String {
    let (tables, refuse) = (&bookkeeping.tables, refuse(&bookkeeping.run));
    let number = |number: usize| format!("${number}");
    let values = Values {
        version: number(1),
        file: number(2),
        text: number(3),
        tokens: number(4),
        no_transaction: false,
        down: "$5, $6".to_owned(),
        up: number(7),
        floor: None,
    };
    format!(
        "{PREPARE} AS {};\nPREPARE migrate_history (bigint, text, text) AS {};\n\
         PREPARE migrate_record (bigint, text, text, text, text[], text, text) AS {};\n\
         PREPARE migrate_proof (bigint) AS {}",
        lock(tables, &refuse),
        history(tables, &refuse),
        ledger::rows(&values, "pg_catalog.transaction_timestamp()", TOOL, "", bookkeeping),
        proof(tables, &refuse)
    )
}

/// An error, as far as plain SQL can raise one: the run is the only one that knows the name of the setting, and never makes
/// it. PostgreSQL evaluates what stands in a CASE only where it comes to it.
fn refuse(run: &str) -> String {
    format!("pg_catalog.current_setting({}) IS NULL", literal(&format!("migrate.refused_{run}")))
}

fn unless(condition: &str, refuse: &str) -> String {
    format!("CASE WHEN {condition} THEN true ELSE {refuse} END")
}

/// The same lock as that of a guard which is written out. Without a transaction there is nothing that an error would end,
/// so the session is.
fn lock(tables: &Tables, refuse: &str) -> String {
    format!(
        "SELECT WHERE {ON_PRIMARY} AND CASE WHEN {NOT_BEGUN}\n  \
         THEN CASE WHEN pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()) THEN pg_catalog.pg_sleep(5) END \
         IS NULL AND {refuse}\n  \
         WHEN pg_catalog.pg_try_advisory_xact_lock({LOCK_KEY}) AND pg_catalog.to_regclass({}) IS NULL THEN true\n  \
         ELSE {refuse} END",
        literal(&tables.lease)
    )
}

/// How many of the newest rows are looked at: more than can be written while somebody who takes no lock, as goose's command
/// does, is between its row and its COMMIT. All of them would be a longer look with every migration.
const RECENT: usize = 100;

/// The newest row is the one of the migration before, and no recent one is above it: whoever applies or undoes a migration
/// changes that. So does who did it while the one before was under way, whose row is then the newest all the same.
fn history(tables: &Tables, refuse: &str) -> String {
    format!(
        "SELECT {}\n  WHERE {ON_PRIMARY} AND {}",
        guard::timeouts_set("$2", "$3", true),
        unless(
            &format!(
                "(SELECT version_id FROM {version} ORDER BY id DESC LIMIT 1) = $1\n  AND NOT EXISTS (SELECT FROM \
             (SELECT version_id FROM {version} ORDER BY id DESC LIMIT {RECENT}) recent WHERE version_id > $1)",
                version = tables.version
            ),
            refuse
        )
    )
}

/// No row comes back: the one of the record is to be the last.
fn proof(tables: &Tables, refuse: &str) -> String {
    format!(
        "SELECT WHERE NOT {}",
        unless(
            &format!(
                "NOT {} AND {} AND pg_catalog.to_regclass({}) IS NULL",
                proof::has_late_triggers(&tables.version),
                proof::recorded("$1", tables),
                literal(&tables.lease)
            ),
            refuse
        )
    )
}
