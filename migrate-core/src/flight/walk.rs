//! A file without a transaction as flights: its opening, each unit with its entry in the journal, its closing.
//!
//! Invariant: a statement that may run in a transaction does so together with its entry, so that no crash can come
//! between the two; before any other statement the journal says that it was begun.

use super::journal;
use super::kind::{Nature, Unit, units};
use super::{
    BEGIN, Bookkeeping, Flight, Message, Pace, Purpose, RESET_ROLE, end_of_session_lock, evidence, guard, ledger,
    message, statement,
};
use crate::plan::Batch;

const BEGIN_RECORD: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Takes the session's lock and compares history and journal with the planned ones.
#[must_use]
pub fn opening(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'static> {
    let messages = vec![
        message(Purpose::Lock, guard::session_lock(Some(&bookkeeping.tables))),
        message(Purpose::Guard, guard::session(batch, bookkeeping)),
    ];
    Flight { pace: Pace::Unwrapped, messages }
}

/// The flights of a unit, in order.
#[must_use]
pub fn unit<'a>(batch: &'a Batch<'_>, unit: &Unit, bookkeeping: &Bookkeeping) -> Vec<Flight<'a>> {
    match unit.nature {
        Nature::Wrapped | Nature::Setting | Nature::Temporary => vec![wrapped(batch, unit, bookkeeping)],
        Nature::Block => vec![block(batch, unit, bookkeeping)],
        _ => vec![
            entry(batch, journal::running(batch, unit, bookkeeping), bookkeeping),
            body(batch, unit, bookkeeping),
            entry(batch, journal::done(batch, unit, bookkeeping), bookkeeping),
        ],
    }
}

/// Sends what clears up behind a unit, in its place.
#[must_use]
pub fn clearing(unit: &Unit, sql: String) -> Flight<'static> {
    let purpose = Purpose::Statements { first: unit.statements.start, count: 1 };
    Flight { pace: Pace::Unwrapped, messages: vec![message(purpose, sql)] }
}

/// Writes that a unit is done, when the database has told so.
#[must_use]
pub fn done(batch: &Batch<'_>, unit: &Unit, bookkeeping: &Bookkeeping) -> Flight<'static> {
    entry(batch, journal::done(batch, unit, bookkeeping), bookkeeping)
}

/// Writes that a unit ended with an error.
#[must_use]
pub fn failed(batch: &Batch<'_>, unit: &Unit, bookkeeping: &Bookkeeping, sqlstate: &str) -> Flight<'static> {
    entry(batch, journal::failed(batch, unit, bookkeeping, sqlstate), bookkeeping)
}

fn wrapped<'a>(batch: &'a Batch<'_>, unit: &Unit, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let mut messages = vec![message(Purpose::Begin, BEGIN), message(Purpose::Guard, guard::unit(batch, bookkeeping))];
    messages.extend(unit.statements.clone().map(|index| statement(batch, index)));
    messages.extend(evidence::verification(batch, unit.statements.clone(), guard::INVALID_INDEX));
    messages.push(message(Purpose::Journal, journal::done(batch, unit, bookkeeping)));
    messages.push(message(Purpose::Commit, "COMMIT"));
    Flight { pace: Pace::Pipelined, messages }
}

/// The entry is made inside the file's own transaction, before its COMMIT.
fn block<'a>(batch: &'a Batch<'_>, unit: &Unit, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let mut messages = vec![message(Purpose::Lock, guard::session_lock_again())];
    messages.extend(unit.statements.clone().map(|index| statement(batch, index)));
    let commit = messages.pop();
    messages.push(message(Purpose::Journal, journal::done(batch, unit, bookkeeping)));
    messages.extend(commit);
    Flight { pace: Pace::Unwrapped, messages }
}

fn body<'a>(batch: &'a Batch<'_>, unit: &Unit, bookkeeping: &Bookkeeping) -> Flight<'a> {
    let mut messages = vec![message(Purpose::Timeouts, guard::timeouts(batch, &unit.nature, bookkeeping))];
    messages.extend(unit.statements.clone().map(|index| statement(batch, index)));
    if unit.nature == Nature::Opaque {
        messages.push(message(Purpose::Closing, guard::none_open()));
    }
    let invalid = evidence::validity(&unit.nature, guard::INVALID_INDEX);
    messages.extend(invalid.map(|sql| message(Purpose::Verify, sql)));
    messages.push(message(Purpose::Timeouts, guard::own_timeouts(batch, &unit.nature, bookkeeping)));
    Flight { pace: Pace::Unwrapped, messages }
}

/// A transaction that only writes into the journal.
fn entry(batch: &Batch<'_>, sql: String, bookkeeping: &Bookkeeping) -> Flight<'static> {
    let messages = vec![
        message(Purpose::Begin, BEGIN),
        message(Purpose::Guard, guard::unit(batch, bookkeeping)),
        message(Purpose::Journal, sql),
        message(Purpose::Commit, "COMMIT"),
    ];
    Flight { pace: Pace::Pipelined, messages }
}

/// Makes sure that nothing is left open, records the file, closes its entries and gives the lock back.
#[must_use]
pub fn closing(batch: &Batch<'_>, bookkeeping: &Bookkeeping) -> Flight<'static> {
    let mut messages = vec![
        message(Purpose::Hygiene, RESET_ROLE),
        message(Purpose::Closing, guard::closing(batch, &bookkeeping.tables)),
    ];
    // The record and its proof are one transaction, whoever sends them.
    let whole = |sql| message(Purpose::Record, format!("{BEGIN_RECORD};\n{sql};\nCOMMIT"));
    messages.extend(ledger::record(batch, bookkeeping).map(whole));
    messages.extend(end_of_session_lock());
    Flight { pace: Pace::Unwrapped, messages }
}

/// All of it in one list, from where the file goes on.
pub(super) fn whole<'a>(batch: &'a Batch<'_>, bookkeeping: &Bookkeeping) -> Vec<Message<'a>> {
    let done = batch.resume.as_ref().map_or(0, |resume| resume.done);
    let middle = units(batch, done)
        .into_iter()
        .flat_map(|each| unit(batch, &each, bookkeeping))
        .flat_map(|flight| flight.messages);
    let (opening, closing) = (opening(batch, bookkeeping), closing(batch, bookkeeping));
    opening.messages.into_iter().chain(middle).chain(closing.messages).collect()
}
