//! Why a flight failed: which message, whose fault, what the database holds now, and the next command.

use super::{place, said, server_error};
use crate::apply::convoy::{Fault, Leg};
use crate::flight::{INVALID_INDEX, NOT_RECORDED, Nature, Pace, Purpose, units};
use crate::migration::{Direction, Mode, Statement, Version};
use crate::parse::Environment;
use crate::plan::Batch;
use crate::report::{Exit, Failure, Part, Phase, Place, Report, ServerError, State, meaning};

/// Why a flight failed: which message, whose fault, and what the database holds now; `stays` is whether something of the
/// file does.
pub(in crate::apply) fn of_fault(
    fault: &Fault<'_>,
    stays: bool,
    current: Version,
    environment: &Environment,
) -> Failure {
    let leg = &fault.leg;
    let purpose = purpose(leg, fault.message);
    let Some(db) = fault.error.as_db_error() else { return super::connection_lost(&fault.error) };
    let mut server = server_error(db);
    let known = meaning(phase(purpose), said(db));
    let untaken = untaken_role(purpose, said(db).routine, &server.sqlstate);
    let known_exit = untaken.map(|(exit, _)| exit).or_else(|| known.and_then(|row| row.meaning.exit()));
    let exit = known_exit.unwrap_or(Exit::MigrationFailed);
    let Some(batch) = leg.batch_at(fault.message) else {
        return of_preparation(exit, known.and_then(|row| row.advice), server);
    };
    let statement = statement_at_fault(fault, &mut server);
    let exit = if stays { Exit::MigrationFailedPartial } else { exit };
    let sent = statement.and_then(|index| place::sent(batch, index, &server, environment));
    let place = statement.and_then(|index| batch.statements.get(index));
    let place = place.map(|statement| place::place(batch, statement, &server));
    let advice = untaken.map(|(_, next)| next).or_else(|| known.and_then(|row| row.advice));
    let advice = advice.filter(|_| exit != Exit::MigrationFailedPartial);
    let way_out = way_out(purpose, &server.sqlstate, batch).or_else(|| advice.map(str::to_owned));
    Failure {
        exit,
        message: message(purpose, batch, &server),
        place,
        sent,
        state: match exit {
            // A pooler in statement mode has passed on what was sent behind BEGIN, perhaps with its COMMIT.
            Exit::NeedsDirect => State::Unknown { files: files(leg), before: current },
            _ => state((leg, fault.message), statement, stays, current),
        },
        next: way_out.unwrap_or_else(|| match statement {
            Some(index) if exit == Exit::MigrationFailedPartial && leaves_an_index(batch, index) => {
                format!("drop the INVALID index that the failed statement may have left; {}", next(exit, batch))
            }
            _ => next(exit, batch),
        }),
        server: Some(server),
        settings: Vec::new(),
        report: Report::default(),
    }
}

fn files(leg: &Leg<'_>) -> Vec<String> {
    leg.batches.iter().map(|(_, batch)| batch.migration.file.to_string()).collect()
}

fn purpose(leg: &Leg<'_>, message: usize) -> Purpose {
    leg.flight.messages.get(message).map_or(Purpose::Begin, |message| message.purpose)
}

/// When an error of a message came, for the table of meanings.
pub(super) const fn phase(purpose: Purpose) -> Phase {
    match purpose {
        Purpose::Begin => Phase::Begin,
        _ => Phase::Running,
    }
}

/// The role that the migrations are to run as cannot be taken: the one string of the guard that the server looks up.
fn untaken_role(purpose: Purpose, routine: &str, sqlstate: &str) -> Option<(Exit, &'static str)> {
    let of_guard = purpose == Purpose::Guard && routine == "call_string_check_hook";
    match sqlstate {
        "22023" if of_guard => {
            Some((Exit::Config, "name a role that exists for the migrations to run as, or create it"))
        }
        "42501" if of_guard => Some((
            Exit::Privilege,
            "GRANT the role that the migrations are to run as TO the role that logs in, or name one that it is a member of",
        )),
        _ => None,
    }
}

/// Making the tables failed, and was rolled back.
fn of_preparation(exit: Exit, advice: Option<&'static str>, server: ServerError) -> Failure {
    let (exit, next) = match (exit, server.sqlstate.as_str()) {
        (_, NOT_RECORDED) => (
            Exit::History,
            "a trigger, a rule or a policy keeps rows out of the version table: remove it (`\\d` in psql names it), then \
             run again",
        ),
        // Whoever ran into it may ask which GRANTs are missing.
        (Exit::Privilege, _) => (exit, "`migrate doctor` lists what `up` needs, each with its GRANT"),
        _ => (exit, advice.unwrap_or("remove what the server complains of, then run again")),
    };
    Failure::new(exit, format!("cannot create the version table, or what is beside it: {}", server.message), next)
        .with_server(server)
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

fn message(purpose: Purpose, batch: &Batch<'_>, server: &ServerError) -> String {
    let text = &server.message;
    match purpose {
        Purpose::Statements { .. } | Purpose::Verify => text.clone(),
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
pub(super) fn state(
    (leg, message): (&Leg<'_>, usize),
    statement: Option<usize>,
    stays: bool,
    current: Version,
) -> State {
    let Some(batch) = leg.batch_at(message) else { return State::Untouched };
    let (file, version) = (batch.migration.file.to_string(), batch.migration.version);
    match (leg.flight.pace, purpose(leg, message)) {
        (_, Purpose::Lock | Purpose::Begin | Purpose::Guard) => State::NotBegun { file, current },
        (Pace::Unwrapped, Purpose::Statements { first, .. }) => {
            let (done, of) = (statement.unwrap_or(first), batch.statements.len());
            State::Partial { part: Part { file, version, done, of }, recorded: false, current }
        }
        (Pace::Unwrapped, Purpose::Closing) => State::Committed { file, version, current: None },
        (Pace::Unwrapped, Purpose::Unlock | Purpose::Hygiene) => State::AllDone { file, unrecorded: None },
        (Pace::Unwrapped, _) => State::AllDone { file, unrecorded: Some(version) },
        (Pace::Stepwise, _) if stays => State::Committed { file, version, current: Some(current) },
        (Pace::Pipelined | Pace::Stepwise, _) => {
            State::RolledBack { file, others: leg.batches.len().saturating_sub(1), current }
        }
    }
}

/// Whether a statement builds an index that it leaves INVALID when it fails.
pub(super) fn leaves_an_index(batch: &Batch<'_>, index: usize) -> bool {
    let unit = units(batch, index).into_iter().next();
    unit.is_some_and(|unit| matches!(unit.nature, Nature::CreateIndex { .. } | Nature::Reindex(..)))
}

/// What to do next, where the server's code says more than that a migration failed.
pub(super) fn way_out(purpose: Purpose, sqlstate: &str, batch: &Batch<'_>) -> Option<String> {
    let path = &batch.path;
    match sqlstate {
        INVALID_INDEX if purpose == Purpose::Verify => Some(format!(
            "IF NOT EXISTS took it for the index that {path} makes: `migrate repair` shows it; drop it with DROP INDEX, then \
             run again"
        )),
        code if purpose == Purpose::Record && (code == NOT_RECORDED || code.starts_with("23")) => Some(
            "a constraint, a trigger, a rule or a policy keeps, changes or brings back rows of the version table or its \
             ledger: remove it (`\\d` in psql names it), then run again"
                .into(),
        ),
        "25001" if is_late_characteristic(purpose, batch) => Some(format!(
            "PostgreSQL takes it before the first query of a transaction alone: make it the first statement of {path}, then \
             run again"
        )),
        // In a file without a transaction it goes alone instead (`walking.rs`).
        "25001" if batch.mode() == Mode::Transaction => Some(format!(
            "give this statement a file of its own, with `-- +goose NO TRANSACTION` as its first line (in {path}, line 1), \
             then run again"
        )),
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

/// Whether the statement sets characteristics of its transaction, behind statements that have begun it.
fn is_late_characteristic(purpose: Purpose, batch: &Batch<'_>) -> bool {
    let Purpose::Statements { first, .. } = purpose else { return false };
    batch.steps.get(first).is_some_and(|step| step.characteristics)
}

/// What to do next.
pub(super) fn next(exit: Exit, batch: &Batch<'_>) -> String {
    let command = match batch.direction {
        Direction::Up => "up",
        Direction::Down => "down",
    };
    match exit {
        Exit::MigrationFailedPartial => format!(
            "mend {}, and undo by hand what stayed: `migrate {command}` starts the file again from its first statement",
            batch.path
        ),
        Exit::Privilege => format!("grant the role what the server asks for, then run `migrate {command}` again"),
        _ => format!("mend {}, then run `migrate {command}` again", batch.path),
    }
}
