//! Why a run ended without a fault of a migration: it was asked to, the connection is gone, or what it needs is taken.

use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::Error;

use super::fault::{next, state};
use super::{said, server_error};
use crate::apply::convoy::{Leg, Loss};
use crate::apply::staying::may_stay;
use crate::apply::stop::Cause;
use crate::migration::{Direction, Version};
use crate::plan::Batch;
use crate::report::{Exit, Failure, Holder, Meaning, Phase, Ran, Setting, State, meaning};

/// The run was asked to end, and nothing was under way.
pub(in crate::apply) fn stopped(cause: Cause, doing: &str, holders: &[Holder]) -> Failure {
    let holders: Vec<String> = holders.iter().map(|holder| format!("{holder}; to end it: {}", holder.end())).collect();
    let waited = if holders.is_empty() { String::new() } else { format!(" for {}", holders.join("; for ")) };
    let (exit, why, next) = match cause {
        Cause::Signal => (Exit::Interrupted, "a signal ended the run", "run again"),
        Cause::Deadline => (
            Exit::Deadline,
            "the time that the run was given is over",
            "run again, and give it more time if it needs it",
        ),
    };
    let failure = Failure::new(exit, format!("{why} {doing}{waited}"), next);
    if cause == Cause::Deadline { failure.with_setting(Setting::Deadline) } else { failure }
}

/// The run was asked to end while a flight was under way, and its statement was cancelled.
pub(in crate::apply) fn cancelled(
    cause: Cause,
    ((leg, message), partial): ((&Leg<'_>, usize), bool),
    holders: &[Holder],
    current: Version,
) -> Failure {
    let file = leg.ran_at(message).map_or_else(|| "the preparation".to_owned(), |ran| ran.file);
    let mut failure = stopped(cause, &format!("while {file} was running"), holders);
    if partial && cause == Cause::Signal {
        failure.exit = Exit::InterruptedPartial;
    }
    if partial && let Some(batch) = leg.batch_at(message) {
        failure.next = next(Exit::MigrationFailedPartial, batch);
    }
    failure.state = state((leg, message), None, partial, current);
    failure
}

/// The connection broke, and what a file was doing is not to be taken back or cannot be asked for.
pub(in crate::apply) fn of_loss(loss: &Loss<'_>, current: Version) -> Failure {
    let mut failure = lost(loss.error.as_ref());
    let Some(batch) = loss.leg.batch_at(loss.message) else { return failure };
    let file = &batch.migration.file;
    if may_stay(&loss.leg, loss.message) {
        failure.exit = Exit::MigrationFailedPartial;
        failure.state = State::MayHaveRun { file: file.to_string() };
        failure.next = next(failure.exit, batch);
    } else if loss.doubtful.is_empty() {
        failure.state = State::RolledBack { file: file.to_string(), others: 0, current };
    } else {
        failure.exit = Exit::UnknownOutcome;
        let files = loss.doubtful.iter().flat_map(|doubt| &doubt.rans).map(|ran| ran.file.clone()).collect();
        failure.state = State::Unknown { files, before: current };
        failure.next = match batch.direction {
            Direction::Up => "see `migrate status`; `migrate up` applies it if it was not applied".into(),
            Direction::Down => "see `migrate status` before you undo anything else: it may be undone already".into(),
        };
    }
    failure
}

/// The connection is gone.
pub(in crate::apply) fn lost(error: Option<&Error>) -> Failure {
    let Some(error) = error else {
        return Failure::new(Exit::ConnectionLost, "the server does not answer any more", "run again");
    };
    let Some(db) = error.as_db_error() else {
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        return Failure::new(Exit::ConnectionLost, format!("the connection to the server broke: {cause}"), "run again");
    };
    let message = format!("the server ended the connection: {}", db.message());
    Failure::new(Exit::ConnectionLost, message, "run again").with_server(server_error(db))
}

/// The connection broke in the same place for the second time, after the same silence.
pub(in crate::apply) fn cut_again(failure: Failure, silence: Duration) -> Failure {
    // To the nearest: a time-out of two seconds is felt as 1.998.
    let seconds = silence.as_secs_f64().round();
    let message = format!("{}, {seconds} s into the same statement as before", failure.message);
    let next = "something in between may end connections that are idle for so long, as a load balancer or a proxy does \
                (HAProxy: `timeout client` and `timeout server`): raise that time above the statement's, or connect past \
                it; if the server's log tells of a crash instead, mend the statement";
    Failure { message, next: next.into(), ..failure }
}

/// Another runner held the lock for longer than this one waits.
pub(in crate::apply) fn lock_busy(holder: Option<&Holder>, waited: Duration) -> Failure {
    let told = holder.map(|holder| format!(": {holder}")).unwrap_or_default();
    let mut failure = Failure::new(
        Exit::LockBusy,
        format!("another runner held the migration lock for {} s{told}", waited.as_secs()),
        "wait for it to finish and run again, or wait longer",
    )
    .with_setting(Setting::LockWait);
    failure.next = match holder {
        Some(holder) if holder.lease.is_some() => format!("{}; or {}", failure.next, holder.end()),
        Some(holder) => format!("{}; to end that session instead: {}", failure.next, holder.end()),
        None => failure.next,
    };
    failure
}

/// The application held a lock for longer than the retries lasted.
pub(in crate::apply) fn lock_timeout(
    failure: Failure,
    (tries, waited): (u32, Duration),
    holders: &[Holder],
) -> Failure {
    let holders: Vec<String> = holders.iter().map(|holder| format!("{holder}; to end it: {}", holder.end())).collect();
    let held = if holders.is_empty() { String::new() } else { format!("; last seen: {}", holders.join("; ")) };
    Failure {
        exit: Exit::LockTimeout,
        message: format!("{} (tried {} times in {} s{held})", failure.message, tries + 1, waited.as_secs()),
        next: "run again when the application is calmer, or try for longer; what holds the lock shows in \
               `pg_stat_activity`"
            .into(),
        settings: vec![Setting::LockRetry],
        ..failure
    }
}

/// A file that cannot share a transaction with others.
pub(in crate::apply) fn not_in_one_transaction(batch: &Batch<'_>) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("{} controls its transaction itself, so one transaction for all files cannot hold it", batch.path),
        "run it by itself: first up to the version before it, then this file in a run of its own",
    )
    .with_setting(Setting::SingleTransaction)
}

/// The connection broke, and what became of its files is known: which was the first to be undone, if one was.
pub(in crate::apply) fn settled(why: Failure, loss: &Loss<'_>, undone: Option<&Ran>, current: Version) -> Failure {
    let is_doubtful = |ran: &Ran| loss.doubtful.iter().any(|doubt| doubt.rans.contains(ran));
    let under_way = loss.leg.ran_at(loss.message).filter(|ran| !is_doubtful(ran));
    let Some(undone) = undone.or(under_way.as_ref()) else {
        return Failure { state: State::Settled { current }, ..why };
    };
    let file = &undone.file;
    let state = State::RolledBack { file: file.clone(), others: 0, current };
    let db = loss.error.as_ref().and_then(Error::as_db_error);
    let limit = db.and_then(|db| Some((db, meaning(Phase::Running, said(db))?)));
    let limit = limit.filter(|(_, row)| row.meaning == Meaning::Lasting(Exit::MigrationFailed));
    let Some((db, row)) = limit else { return Failure { state, ..why } };
    Failure {
        exit: Exit::MigrationFailed,
        message: format!("the pooler ended {file} because it took too long: {}", db.message()),
        state,
        next: row.advice.unwrap_or_default().to_owned(),
        ..why
    }
}

/// The connection broke, and no new one told what became of these files.
pub(in crate::apply) fn unresolved(why: &Failure, doubtful: &[&Ran], current: Version) -> Failure {
    let files: Vec<String> = doubtful.iter().map(|ran| ran.file.clone()).collect();
    let mut failure = Failure::new(
        Exit::UnknownOutcome,
        format!(
            "the connection broke while {} was being committed, and what became of it is not known: {}",
            files.join(", "),
            why.message
        ),
        "run again: the next run reads from the database what was applied, and goes on from there",
    );
    failure.state = State::Unknown { files, before: current };
    failure.server.clone_from(&why.server);
    failure
}
