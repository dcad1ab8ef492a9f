//! Why a flight failed: which message, whose fault, what the database holds now, and the next command.

use super::{connection_lost, place, server_error};
use crate::apply::sending::Fault;
use crate::flight::{Flight, Pace, Purpose};
use crate::migration::{Direction, Statement, Version};
use crate::plan::Batch;
use crate::report::{Exit, Failure, Report, ServerError};
use crate::step::classify;

/// Why a flight failed: which message, whose fault, and what the database holds now.
pub(in crate::apply) fn of_fault(
    fault: &Fault,
    flight: &Flight<'_>,
    batch: Option<&Batch<'_>>,
    current: Version,
) -> Failure {
    let purpose = flight.messages.get(fault.message).map_or(Purpose::Begin, |message| message.purpose);
    let Some(db) = fault.error.as_db_error() else { return lost(fault, flight, batch, current) };
    let server = server_error(db);
    let exit = match (purpose, server.sqlstate.as_str()) {
        // A standby refuses BEGIN … READ WRITE as a feature that it does not support.
        (Purpose::Begin, "0A000") => Exit::ReadOnly,
        (_, sqlstate) => Exit::of_sqlstate(sqlstate).unwrap_or(Exit::MigrationFailed),
    };
    let Some(batch) = batch else {
        return Failure::new(
            exit,
            format!("cannot create the version table: {}", server.message),
            if exit == Exit::Privilege {
                "as the schema's owner: GRANT CREATE ON SCHEMA … TO this role; or run `migrate up` once as that owner"
            } else {
                "remove what the server complains of, then run again"
            },
        )
        .with_server(server);
    };
    let exit = if may_stay(purpose, flight, batch) { Exit::MigrationFailedPartial } else { exit };
    let place = match purpose {
        Purpose::Statement(index) => {
            batch.statements.get(index).map(|statement| place::place(batch, statement, &server))
        }
        _ => None,
    };
    Failure {
        exit,
        message: message(purpose, batch, &server),
        place,
        state: state(purpose, flight, batch, current),
        next: next(exit, batch, failed_concurrently(purpose, batch)),
        server: Some(server),
        report: Report::default(),
    }
}

/// Whether something of a failed file may stay: it runs without a transaction, or has ended its own by then.
fn may_stay(purpose: Purpose, flight: &Flight<'_>, batch: &Batch<'_>) -> bool {
    let sent = match purpose {
        Purpose::Lock | Purpose::Begin | Purpose::Guard => return false,
        Purpose::Statement(index) => batch.statements.get(..=index).unwrap_or_default(),
        _ => &batch.statements,
    };
    let controls = |statement: &Statement| classify(batch.sql(statement)).transaction_control;
    match flight.pace {
        Pace::Pipelined => false,
        Pace::Stepwise => sent.iter().any(controls),
        Pace::Unwrapped => true,
    }
}

fn message(purpose: Purpose, batch: &Batch<'_>, server: &ServerError) -> String {
    let text = &server.message;
    match purpose {
        Purpose::Statement(_) => text.clone(),
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

fn state(purpose: Purpose, flight: &Flight<'_>, batch: &Batch<'_>, current: Version) -> String {
    let file = &batch.migration.file;
    match (flight.pace, purpose) {
        (Pace::Unwrapped, Purpose::Lock | Purpose::Guard) => {
            format!("nothing of {file} ran; the database is at version {current}")
        }
        (Pace::Unwrapped, Purpose::Statement(index)) => format!(
            "{index} of {} statements of {file} are done and stay done, because it has NO TRANSACTION; \
             version {} is not recorded, the database is at version {current}",
            batch.statements.len(),
            batch.migration.version
        ),
        (Pace::Unwrapped, Purpose::Closing) => format!(
            "what {file} did outside its own transaction stays, what it left open was rolled back; version {} is not \
             recorded",
            batch.migration.version
        ),
        (Pace::Unwrapped, Purpose::Unlock | Purpose::Hygiene) => {
            format!("all statements of {file} are done; see `migrate status` for what is recorded")
        }
        (Pace::Unwrapped, _) => {
            format!("all statements of {file} are done; version {} is not recorded", batch.migration.version)
        }
        (Pace::Stepwise, _) => format!(
            "{file} ends or rewinds its transaction itself: what it committed, and what ran outside a transaction \
             behind that, stays; version {} is not recorded, the database is at version {current}",
            batch.migration.version
        ),
        (Pace::Pipelined, _) => format!("{file} was rolled back; the database is at version {current}"),
    }
}

/// Whether the statement that failed works CONCURRENTLY: what it leaves behind has to be dropped by hand.
fn failed_concurrently(purpose: Purpose, batch: &Batch<'_>) -> bool {
    let Purpose::Statement(index) = purpose else { return false };
    let statement = batch.statements.get(index);
    statement.is_some_and(|statement| batch.sql(statement).to_ascii_lowercase().contains("concurrently"))
}

fn next(exit: Exit, batch: &Batch<'_>, concurrently: bool) -> String {
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
        Exit::Resources => "free the resource that the server names, then run again".into(),
        _ if batch.step.transaction_control => format!(
            "mend {}, and undo by hand what stayed: `migrate {command}` starts the file again from its first statement",
            batch.path
        ),
        _ => format!("mend {}, then run `migrate {command}` again", batch.path),
    }
}

/// The connection broke: what is known depends on how far the flight had come.
fn lost(fault: &Fault, flight: &Flight<'_>, batch: Option<&Batch<'_>>, current: Version) -> Failure {
    let mut failure = connection_lost(&fault.error);
    let Some(batch) = batch else { return failure };
    let file = &batch.migration.file;
    let purpose = flight.messages.get(fault.message).map_or(Purpose::Begin, |message| message.purpose);
    let recording = flight.messages[..fault.message].iter().any(|message| message.purpose == Purpose::Record)
        || purpose == Purpose::Record;
    let autocommits = flight.pace != Pace::Pipelined && may_stay(purpose, flight, batch);
    if autocommits && recording {
        failure.exit = Exit::UnknownOutcome;
        failure.state = format!("all statements of {file} are done; whether its version is recorded is not known");
        failure.next = "see `migrate status`".into();
    } else if autocommits {
        failure.exit = Exit::MigrationFailedPartial;
        failure.state = format!("{file} may have run in part; its version is not recorded");
        failure.next = next(failure.exit, batch, false);
    } else if fault.commit_sent {
        failure.exit = Exit::UnknownOutcome;
        failure.state = format!("{file} ran whole or not at all; before it the database was at version {current}");
        failure.next = match batch.direction {
            Direction::Up => "see `migrate status`; `migrate up` applies it if it was not applied".into(),
            Direction::Down => "see `migrate status` before you undo anything else: it may be undone already".into(),
        };
    } else {
        failure.state = format!("{file} was rolled back; the database is at version {current}");
    }
    failure
}
