//! Why a flight failed: which message, whose fault, what the database holds now, and the next command.

use super::{place, server_error};
use crate::apply::convoy::{Fault, Leg, STATEMENT_POOLING};
use crate::flight::{Pace, Purpose};
use crate::migration::{Direction, Statement, Version};
use crate::plan::Batch;
use crate::report::{Exit, Failure, Place, Report, ServerError};

/// Why a flight failed: which message, whose fault, and what the database holds now.
pub(in crate::apply) fn of_fault(fault: &Fault<'_>, current: Version) -> Failure {
    let leg = &fault.leg;
    let purpose = purpose(leg, fault.message);
    let Some(db) = fault.error.as_db_error() else { return super::connection_lost(&fault.error) };
    let mut server = server_error(db);
    let exit = match (purpose, server.sqlstate.as_str()) {
        // A standby refuses BEGIN … READ WRITE as a feature that it does not support.
        (Purpose::Begin, "0A000") => Exit::ReadOnly,
        (_, "08P01") if db.message().contains(STATEMENT_POOLING) => Exit::NeedsDirect,
        (_, sqlstate) => Exit::of_sqlstate(sqlstate).unwrap_or(Exit::MigrationFailed),
    };
    let Some(batch) = leg.batch_at(fault.message) else { return of_preparation(exit, server) };
    let statement = statement_at_fault(fault, &mut server);
    let exit = if may_stay(leg, fault.message) { Exit::MigrationFailedPartial } else { exit };
    let place = statement.and_then(|index| batch.statements.get(index));
    let place = place.map(|statement| place::place(batch, statement, &server));
    let concurrently = statement.is_some_and(|index| works_concurrently(batch, index));
    Failure {
        exit,
        message: message(purpose, batch, &server),
        place,
        state: state(leg, fault.message, statement, current),
        next: way_out(purpose, &server.sqlstate, batch).unwrap_or_else(|| next(exit, batch, concurrently)),
        server: Some(server),
        report: Report::default(),
    }
}

fn purpose(leg: &Leg<'_>, message: usize) -> Purpose {
    leg.flight.messages.get(message).map_or(Purpose::Begin, |message| message.purpose)
}

fn of_preparation(exit: Exit, server: ServerError) -> Failure {
    let next = match exit {
        Exit::Privilege => {
            "as the schema's owner: GRANT CREATE ON SCHEMA … TO this role; or run `migrate up` once as that owner"
        }
        _ => "remove what the server complains of, then run again",
    };
    Failure::new(exit, format!("cannot create the version table: {}", server.message), next).with_server(server)
}

/// The statement at fault: the one that holds the server's position, else the first one that was not done. The
/// position becomes one in the statement.
pub(super) fn statement_at_fault(fault: &Fault<'_>, server: &mut ServerError) -> Option<usize> {
    let message = fault.leg.flight.messages.get(fault.message)?;
    let first = message.statement_at(fault.done)?;
    let Some(position) = server.position.and_then(|position| position.checked_sub(1)) else { return Some(first) };
    let byte = message.sql.char_indices().nth(position as usize).map_or(message.sql.len(), |(at, _)| at);
    let (statement, start) = message.statement_holding(byte)?;
    let before = message.sql.get(..start).unwrap_or_default().chars().count();
    server.position = u32::try_from(position as usize - before + 1).ok();
    Some(statement)
}

/// A statement as a place, where the server names none in it.
pub(super) fn place_of(batch: &Batch<'_>, statement: &Statement) -> Place {
    place::place(batch, statement, &ServerError::default())
}

/// Whether something of a failed file may stay: it runs without a transaction, or has ended its own by then.
pub(in crate::apply) fn may_stay(leg: &Leg<'_>, message: usize) -> bool {
    let Some(batch) = leg.batch_at(message) else { return false };
    let sent = match purpose(leg, message) {
        Purpose::Lock | Purpose::Begin | Purpose::Guard => return false,
        Purpose::Statements { first, .. } => batch.steps.get(..=first).unwrap_or_default(),
        _ => &batch.steps,
    };
    match leg.flight.pace {
        Pace::Pipelined => false,
        Pace::Stepwise => sent.iter().any(|step| step.transaction_control),
        Pace::Unwrapped => true,
    }
}

fn message(purpose: Purpose, batch: &Batch<'_>, server: &ServerError) -> String {
    let text = &server.message;
    match purpose {
        Purpose::Statements { .. } => text.clone(),
        Purpose::Commit => format!("{} failed at COMMIT: {text}", batch.path),
        Purpose::Record => format!("{} ran, but could not be recorded: {text}", batch.path),
        Purpose::Closing => format!("{} is done, but cannot be recorded: {text}", batch.path),
        Purpose::Hygiene => format!(
            "{} failed behind its last statement, when its deferred constraints were checked and its session reset: \
             {text}",
            batch.path
        ),
        _ => format!("{} could not be started: {text}", batch.path),
    }
}

/// What the database holds when a flight ended at one of its messages.
pub(super) fn state(leg: &Leg<'_>, message: usize, statement: Option<usize>, current: Version) -> String {
    let Some(batch) = leg.batch_at(message) else { return crate::report::UNTOUCHED.to_owned() };
    let (file, version) = (&batch.migration.file, batch.migration.version);
    match (leg.flight.pace, purpose(leg, message)) {
        (Pace::Unwrapped, Purpose::Lock | Purpose::Guard) => {
            format!("nothing of {file} ran; the database is at version {current}")
        }
        (Pace::Unwrapped, Purpose::Statements { first, .. }) => format!(
            "{} of {} statements of {file} are done and stay done, because it has NO TRANSACTION; \
             version {version} is not recorded, the database is at version {current}",
            statement.unwrap_or(first),
            batch.statements.len(),
        ),
        (Pace::Unwrapped, Purpose::Closing) => format!(
            "what {file} did outside its own transaction stays, what it left open was rolled back; version {version} \
             is not recorded"
        ),
        (Pace::Unwrapped, Purpose::Unlock | Purpose::Hygiene) => {
            format!("all statements of {file} are done; see `migrate status` for what is recorded")
        }
        (Pace::Unwrapped, _) => format!("all statements of {file} are done; version {version} is not recorded"),
        (Pace::Stepwise, _) => format!(
            "{file} ends or rewinds its transaction itself: what it committed, and what ran outside a transaction \
             behind that, stays; version {version} is not recorded, the database is at version {current}"
        ),
        (Pace::Pipelined, _) if leg.batches.len() > 1 => format!(
            "{file} was rolled back with the other {} files of its transaction; the database is at version {current}",
            leg.batches.len() - 1
        ),
        (Pace::Pipelined, _) => format!("{file} was rolled back; the database is at version {current}"),
    }
}

/// Whether a statement works CONCURRENTLY: what it leaves behind has to be dropped by hand.
fn works_concurrently(batch: &Batch<'_>, index: usize) -> bool {
    let statement = batch.statements.get(index);
    statement.is_some_and(|statement| batch.sql(statement).to_ascii_lowercase().contains("concurrently"))
}

/// What to do next, where the server's code says more than that a migration failed.
pub(super) fn way_out(purpose: Purpose, sqlstate: &str, batch: &Batch<'_>) -> Option<String> {
    let path = &batch.path;
    match sqlstate {
        "23502" if purpose == Purpose::Record => Some(
            "a trigger keeps rows out of the version table: remove it (`\\d` in psql names it), then run again".into(),
        ),
        "55P04" => Some(format!(
            "a value of an enum can be used when its transaction has ended: give `ALTER TYPE … ADD VALUE` a file of its \
             own before {path}, then run again"
        )),
        "55006" => Some(format!(
            "rows of {path} still have triggers to run: write `SET CONSTRAINTS ALL IMMEDIATE` before this statement, or \
             give it a file of its own, then run again"
        )),
        _ => None,
    }
}

/// What to do next.
pub(super) fn next(exit: Exit, batch: &Batch<'_>, concurrently: bool) -> String {
    let command = match batch.direction {
        Direction::Up => "up",
        Direction::Down => "down",
    };
    match exit {
        Exit::MigrationFailedPartial if concurrently => format!(
            "mend the cause, and drop the INVALID index that the failed statement may have left; `migrate {command}` \
             starts the file again from its first statement, so undo by hand what cannot run twice"
        ),
        Exit::MigrationFailedPartial => format!(
            "mend the cause; `migrate {command}` starts the file again from its first statement, so undo by hand what \
             cannot run twice"
        ),
        Exit::Privilege => format!("grant the role what the server asks for, then run `migrate {command}` again"),
        Exit::ReadOnly => "point the database URL at the primary".into(),
        Exit::NeedsDirect => "use a direct connection, or a pooler in transaction mode".into(),
        Exit::Resources => "free the resource that the server names, then run again".into(),
        _ if batch.step.transaction_control => format!(
            "mend {}, and undo by hand what stayed: `migrate {command}` starts the file again from its first statement",
            batch.path
        ),
        _ => format!("mend {}, then run `migrate {command}` again", batch.path),
    }
}
