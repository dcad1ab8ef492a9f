//! Why a file without a transaction is not finished: what of it is done, and how the next run goes on.

use super::super::convoy::Fault;
use super::super::pooler::Pooled;
use super::super::progress::Walk;
use super::ended::stopped;
use super::fault::{leaves_an_index, phase, place_of, statement_at_fault, way_out};
use super::{said, server_error};
use crate::apply::stop::Cause;
use crate::flight::{INVALID_INDEX, Purpose, Unit};
use crate::migration::{Direction, Version};
use crate::parse::Environment;
use crate::plan::Batch;
use crate::report::{Exit, Failure, Holder, Part, Place, Report, Setting, State, meaning};

fn command(batch: &Batch<'_>) -> &'static str {
    match batch.direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

/// What of the file is done.
fn state(walk: &Walk<'_, '_>, current: Version) -> State {
    State::Partial { part: part(walk), recorded: walk.batch.direction == Direction::Down, current }
}

fn part(walk: &Walk<'_, '_>) -> Part {
    let Walk { batch, done, .. } = walk;
    let migration = batch.migration;
    Part { file: migration.file.to_string(), version: migration.version, done: *done, of: batch.statements.len() }
}

/// A message of a unit failed; `partial` is whether something of the file stays.
pub(in crate::apply) fn of_unit(
    fault: &Fault<'_>,
    walk: &Walk<'_, '_>,
    partial: bool,
    current: Version,
    environment: &Environment,
) -> Failure {
    let batch = walk.batch;
    let Some(db) = fault.error.as_db_error() else { return super::lost(Some(&fault.error)) };
    let mut server = server_error(db);
    let purpose = fault.leg.flight.messages.get(fault.message).map_or(Purpose::Begin, |message| message.purpose);
    let statement = statement_at_fault(fault, &mut server).unwrap_or(walk.done);
    let message = match purpose {
        Purpose::Statements { .. } | Purpose::Verify => server.message.clone(),
        Purpose::Closing | Purpose::Hygiene => {
            format!("{} is done, but cannot be recorded: {}", batch.path, server.message)
        }
        Purpose::Record => format!("{} ran, but could not be recorded: {}", batch.path, server.message),
        _ => format!("{} could not go on: {}", batch.path, server.message),
    };
    let known = meaning(phase(purpose), said(db));
    let known_exit = known.and_then(|row| row.meaning.exit());
    let (exit, state) = match known_exit {
        _ if partial => (Exit::MigrationFailedPartial, state(walk, current)),
        exit => {
            let file = batch.migration.file.to_string();
            (exit.unwrap_or(Exit::MigrationFailed), State::Nothing { file, current })
        }
    };
    let advice = known.and_then(|row| row.advice).filter(|_| !partial).map(str::to_owned);
    let is_own = purpose == Purpose::Record || (purpose == Purpose::Verify && !partial);
    let way_out = way_out(purpose, &server.sqlstate, batch).filter(|_| is_own).or(advice);
    let next = way_out.unwrap_or_else(|| {
        if partial { next(batch, statement, &server.sqlstate) } else { super::fault::next(exit, batch) }
    });
    let place = batch.statements.get(statement).filter(|_| walk.done < batch.statements.len());
    Failure {
        exit,
        message,
        sent: place.and_then(|_| super::place::sent(batch, statement, &server, environment)),
        place: place.map(|statement| super::place::place(batch, statement, &server)),
        state,
        next,
        server: Some(server),
        settings: Vec::new(),
        report: Report::default(),
    }
}

/// What to do next.
fn next(batch: &Batch<'_>, statement: usize, sqlstate: &str) -> String {
    let command = command(batch);
    if sqlstate == INVALID_INDEX {
        format!(
            "it was there before this statement, so it is left alone: `migrate repair` shows it; drop it with DROP INDEX \
             CONCURRENTLY, then `migrate {command}` goes on with this statement"
        )
    } else if leaves_an_index(batch, statement) {
        format!(
            "mend the cause; `migrate {command}` goes on with this statement, and drops the INVALID index first that it \
             may have left"
        )
    } else {
        format!("mend the cause; `migrate {command}` goes on behind what is done")
    }
}

/// A statement failed that may have committed a part of what it did: the next run would end with [`in_doubt`].
pub(in crate::apply) fn undecided(failure: Failure, walk: &Walk<'_, '_>, unit: &Unit) -> Failure {
    let number = unit.statements.start + 1;
    let next = format!(
        "statement {number} may have committed a part of what it did: look at the database, then say what is to count; \
         `migrate journal` shows what is known"
    );
    let setting =
        Setting::Resolve { version: walk.batch.migration.version, in_doubt: number, behind: unit.statements.end + 1 };
    Failure { next, ..failure }.with_setting(setting)
}

/// Nobody can tell whether a statement took effect.
pub(in crate::apply) fn in_doubt(walk: &Walk<'_, '_>, unit: &Unit, edited: bool) -> Failure {
    let (batch, number) = (walk.batch, unit.statements.start + 1);
    let version = batch.migration.version;
    let why = if edited { ", and it was edited since" } else { "" };
    let mut failure = Failure::new(
        Exit::Dirty,
        format!(
            "an earlier run began statement {number} of {}, and nothing tells whether it took effect{why}",
            batch.path
        ),
        "look at the database, then say what is to count; `migrate journal` shows what is known",
    )
    .with_setting(Setting::Resolve { version, in_doubt: number, behind: unit.statements.end + 1 });
    failure.place = place_at(batch, unit.statements.start);
    failure.state = State::Unfinished(part(walk));
    failure
}

/// What an earlier run left cannot be asked about, or not be cleared away.
pub(in crate::apply) fn uncleared(error: &tokio_postgres::Error, walk: &Walk<'_, '_>) -> Failure {
    let mut failure = super::of_own(error, "what an earlier run left cannot be cleared");
    failure.state = State::AtLeast(part(walk));
    failure
}

/// What the file does next needs what it made in a session that is gone: the statement is done, and to do it again would
/// be of no use behind those that are done, too.
pub(in crate::apply) fn gone_with_the_session(walk: &Walk<'_, '_>, unit: &Unit) -> Failure {
    let (version, next) = (walk.batch.migration.version, walk.done + 1);
    let mut failure = in_doubt(walk, unit, false);
    failure.settings = Vec::new();
    failure.next = format!(
        "do by hand what is left of the file, and say so with `migrate resolve --version {version} --applied`; or, where \
         statement {next} and what is behind it need nothing of that session, with `--resume-from {next}`"
    );
    failure.message = format!(
        "statement {} of {} made something that lasts as long as its session, and that session is gone",
        unit.statements.start + 1,
        walk.batch.path
    );
    failure
}

fn place_at(batch: &Batch<'_>, index: usize) -> Option<Place> {
    batch.statements.get(index).map(|statement| place_of(batch, statement))
}

/// The run was asked to end in the middle of such a file.
pub(in crate::apply) fn interrupted_on_the_way(
    cause: Cause,
    walk: &Walk<'_, '_>,
    partial: bool,
    holders: &[Holder],
    current: Version,
) -> Failure {
    let mut failure = stopped(cause, &format!("while {} was running", walk.batch.migration.file), holders);
    if partial {
        if cause == Cause::Signal {
            failure.exit = Exit::InterruptedPartial;
        }
        failure.state = state(walk, current);
        failure.next = format!("run again: `migrate {}` goes on from there", command(walk.batch));
    }
    failure
}

/// The connection broke more often than a run tries again.
pub(in crate::apply) fn broken_on_the_way(why: Failure, walk: &Walk<'_, '_>) -> Failure {
    let state = State::AtLeast(part(walk));
    let next = format!("run again: `migrate {}` goes on from there", command(walk.batch));
    Failure { state, next, ..why }
}

/// Somebody else took the lock that the file gave back.
pub(in crate::apply) fn lock_lost(failure: Failure, walk: &Walk<'_, '_>) -> Failure {
    let message = format!("{} gave the migration lock back, and {}", walk.batch.path, failure.message);
    Failure { exit: Exit::MigrationFailedPartial, message, ..broken_on_the_way(failure, walk) }
}

/// Redo undid the version, and applying it again was cut off.
pub(in crate::apply) fn half_walked(batch: &Batch<'_>) -> Failure {
    let mut failure = Failure::new(
        Exit::ConnectionLost,
        format!("{} was undone, and applying it again was cut off", batch.path),
        "`migrate up` goes on from there",
    );
    failure.state = State::Undone { file: batch.migration.file.to_string(), in_part_again: true };
    failure
}

/// The connection goes through a pooler.
pub(in crate::apply) fn needs_direct(what: &str, pooled: &Pooled) -> Failure {
    let direct = match &pooled.direct {
        Some(host) => format!("; the direct host is `{host}`"),
        None => String::new(),
    };
    Failure::new(
        Exit::NeedsDirect,
        format!(
            "{what}, and this connection goes through a pooler in {} mode ({}), where \
             no lock lasts from one statement to the next",
            pooled.mode, pooled.sign
        ),
        format!("set DATABASE_URL_DIRECT to a URL that leads past the pooler{direct}"),
    )
}
