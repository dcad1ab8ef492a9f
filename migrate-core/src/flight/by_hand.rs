//! What a person decides about a version, as flights: a database that had the schema before, and a file of which
//! nobody but a person can tell how far it came.
//!
//! Invariant: like every flight they act under the migration lock, on the history that the person saw, and leave a line
//! that says who decided what, when and why.

use super::table::{Tables, literal};
use super::{BEGIN, Bookkeeping, Flight, Message, Pace, Purpose, guard, journal, ledger, message, prepare, side};
use crate::history::{Existing, SideTable, Sides};
use crate::migration::Direction;
use crate::plan::{BY_HAND, Batch, Plan, Preparation};
use crate::step::token_digest;

/// What is to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The version is applied.
    Applied,
    /// It is not.
    NotApplied,
    /// The file goes on with this statement, counted from 1; those before it are done.
    ResumeFrom(usize),
}

impl Decision {
    fn words(self) -> String {
        match self {
            Self::Applied => "resolve --applied".to_owned(),
            Self::NotApplied => "resolve --not-applied".to_owned(),
            Self::ResumeFrom(number) => format!("resolve --resume-from {number}"),
        }
    }
}

/// Writes all versions of a plan as applied, and runs none of their statements.
#[must_use]
pub fn baseline(plan: &Plan<'_>, existing: Existing, bookkeeping: &Bookkeeping) -> Flight<'static> {
    let written = Sides::default().with(SideTable::Ledger, true);
    let nothing_missing = Preparation { existing, seed: false, written };
    let mut flight = prepare(plan.preparation.unwrap_or(nothing_missing), &bookkeeping.tables);
    let commit = flight.messages.pop();
    flight.messages.push(message(Purpose::Guard, guard::no_version(&bookkeeping.tables)));
    let records = plan.batches.iter().filter_map(|batch| ledger::record_by_hand(batch, bookkeeping, "baseline"));
    flight.messages.extend(records.map(|sql| message(Purpose::Record, sql)));
    if existing.has(SideTable::Journal) {
        let versions: Vec<_> = plan.batches.iter().map(|batch| batch.migration.version).collect();
        flight.messages.push(message(Purpose::Journal, journal::overtaken(&versions, &bookkeeping.tables)));
    }
    flight.messages.extend(commit);
    flight
}

/// Writes a decision about the version of a batch; `recorded` is whether the version table has it now.
#[must_use]
pub fn resolve(
    batch: &Batch<'_>,
    decision: Decision,
    (recorded, existing): (bool, Existing),
    reason: &str,
    bookkeeping: &Bookkeeping,
) -> Flight<'static> {
    let tables = &bookkeeping.tables;
    let mut messages = vec![
        message(Purpose::Begin, BEGIN),
        message(Purpose::Guard, guard::presence(batch.migration.version, recorded, tables)),
    ];
    messages.extend(side::missing(SideTable::Journal, existing, tables));
    match (decision, recorded) {
        (Decision::Applied, false) => {
            let record = ledger::record_by_hand(batch, bookkeeping, &decision.words());
            messages.extend(record.map(|sql| message(Purpose::Record, sql)));
        }
        (Decision::NotApplied, true) => {
            messages.push(message(Purpose::Record, ledger::delete_by_hand(batch, tables)));
        }
        _ => {}
    }
    messages.extend(entries(batch, decision, reason, tables).map(|sql| message(Purpose::Journal, sql)));
    messages.push(message(Purpose::Journal, line(batch, &decision.words(), reason, bookkeeping)));
    messages.push(message(Purpose::Commit, "COMMIT"));
    Flight { pace: Pace::Pipelined, messages }
}

/// Writes down that the file of a batch, as it is now, counts as the one that was applied.
#[must_use]
pub fn accept(batch: &Batch<'_>, existing: Existing, reason: &str, bookkeeping: &Bookkeeping) -> Flight<'static> {
    let tables = &bookkeeping.tables;
    let mut messages = vec![
        message(Purpose::Begin, BEGIN),
        message(Purpose::Guard, guard::presence(batch.migration.version, true, tables)),
    ];
    messages.extend(SideTable::ALL.into_iter().filter_map(|table| side::missing(table, existing, tables)));
    let record = batch.record.as_ref().map(|record| ledger::accept(batch, record, tables));
    messages.extend(record.map(|sql| message(Purpose::Record, sql)));
    messages.push(message(Purpose::Journal, line(batch, "accept", reason, bookkeeping)));
    messages.push(message(Purpose::Commit, "COMMIT"));
    Flight { pace: Pace::Pipelined, messages }
}

/// What becomes of the file's entries.
fn entries(batch: &Batch<'_>, decision: Decision, reason: &str, tables: &Tables) -> impl Iterator<Item = String> {
    let journal = tables.journal();
    let first_open = match decision {
        Decision::Applied | Decision::NotApplied => 1,
        Decision::ResumeFrom(number) => number,
    };
    let close = format!(
        "UPDATE {journal} SET closed_at = pg_catalog.clock_timestamp(), closed_by = {}, note = {} \
         WHERE version_id = {} AND closed_at IS NULL AND statement_no > 0 AND (direction <> '{}' OR statement_no >= {first_open})",
        literal(&decision.words()),
        literal(reason),
        batch.migration.version,
        batch.direction.word(),
    );
    let done = (1..first_open).filter_map(|number| {
        let statement = batch.statements.get(number - 1)?;
        Some(format!("({number}, '{}')", token_digest(batch.sql(statement))))
    });
    let done: Vec<String> = done.collect();
    let keep = (!done.is_empty()).then(|| {
        format!(
            "INSERT INTO {journal} AS j (version_id, direction, file, statement_no, statements, tokens_sha256, kind, \
             state, run_id, release, started_at, finished_at, note)\n\
             SELECT {}, '{}', {}, number, {}, digest, '{BY_HAND}', 'done', '', '', pg_catalog.now(), pg_catalog.now(), {}\n\
             FROM (VALUES {}) AS entry (number, digest)\n\
             ON CONFLICT (version_id, direction, statement_no) WHERE closed_at IS NULL DO UPDATE SET state = 'done', kind = excluded.kind, \
             tokens_sha256 = excluded.tokens_sha256, finished_at = coalesce(j.finished_at, excluded.finished_at)",
            batch.migration.version,
            batch.direction.word(),
            literal(&batch.migration.file),
            batch.statements.len(),
            literal(reason),
            done.join(", "),
        )
    });
    keep.into_iter().chain([close])
}

/// The line that says who decided what, when and why. It is closed from the first.
fn line(batch: &Batch<'_>, decision: &str, reason: &str, bookkeeping: &Bookkeeping) -> String {
    format!(
        "INSERT INTO {} (version_id, direction, file, statement_no, statements, tokens_sha256, kind, state, run_id, \
         release, backend_pid, started_at, finished_at, closed_at, closed_by, note) VALUES ({}, '{}', {}, 0, {}, '', \
         'decision', 'done', {}, {}, pg_catalog.pg_backend_pid(), pg_catalog.now(), pg_catalog.now(), pg_catalog.now(), \
         session_user || ': ' || {}, {})",
        bookkeeping.tables.journal(),
        batch.migration.version,
        batch.direction.word(),
        literal(&batch.migration.file),
        batch.statements.len(),
        literal(&bookkeeping.run),
        literal(&bookkeeping.release),
        literal(decision),
        literal(reason),
    )
}

/// The flight that drops an index which is INVALID.
#[must_use]
pub fn drop_index(name: &str) -> Flight<'static> {
    let drop: Message<'static> = message(Purpose::Prepare, format!("DROP INDEX CONCURRENTLY {name}"));
    // A default of the role or the database would leave it half dropped.
    let unbounded = message(Purpose::Timeouts, guard::unbounded());
    let mut messages = vec![message(Purpose::Lock, guard::session_lock(None)), unbounded, drop];
    messages.extend(super::end_of_session_lock());
    Flight { pace: Pace::Unwrapped, messages }
}

/// The direction in which a file is unfinished, as far as the version table tells.
#[must_use]
pub const fn unfinished_direction(recorded: bool) -> Direction {
    if recorded { Direction::Down } else { Direction::Up }
}
