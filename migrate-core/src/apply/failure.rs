//! Turning what went wrong on the wire into failures that a tired person can act on.

mod connect;
mod fault;
mod place;

use std::error::Error as _;
use std::time::Duration;

pub(super) use connect::of_connect;
pub(super) use fault::of_fault;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition};

use crate::flight::TableName;
use crate::plan::Batch;
use crate::report::{Exit, Failure, ServerError};

/// Why the history could not be read.
pub(super) fn of_read(error: &Error, name: &TableName) -> Failure {
    let Some(db) = error.as_db_error() else { return connection_lost(error) };
    let failure = match db.code().code() {
        "42501" => Failure::new(
            Exit::Privilege,
            format!("this role may not read the version table or its ledger: {}", db.message()),
            format!("as their owner: GRANT SELECT ON {name}, {name}_ledger TO the role; the schema needs USAGE"),
        ),
        // `v` is the version table's name in our query, and `l` the ledger's.
        "42703" if db.message().contains("column l.") => {
            odd_ledger(name, &db.message().replace("column l.", "column "))
        }
        code if code.starts_with("42") || code.starts_with("22") => {
            odd_table(name, &db.message().replace("column v.", "column "))
        }
        code => Failure::new(
            Exit::of_sqlstate(code).unwrap_or(Exit::History),
            format!("cannot read the version table `{name}`: {}", db.message()),
            "remove what the server complains of, then run again",
        ),
    };
    failure.with_server(server_error(db))
}

/// The version table is not goose's.
pub(super) fn odd_table(name: &TableName, why: &str) -> Failure {
    Failure::new(
        Exit::History,
        format!("`{name}` is not a goose version table: {why}"),
        "name goose's table with `--table`, or move this relation out of the way",
    )
}

/// The table with the ledger's name is another one.
fn odd_ledger(name: &TableName, why: &str) -> Failure {
    Failure::new(
        Exit::History,
        format!("`{name}_ledger` is not the ledger of `migrate`: {why}"),
        "move that relation out of the way; goose's own table is not touched by it",
    )
}

pub(super) fn lock_busy(holder: &str, waited: Duration) -> Failure {
    let holder = if holder.is_empty() { String::new() } else { format!(": {holder}") };
    Failure::new(
        Exit::LockBusy,
        format!("another runner held the migration lock for {} s{holder}", waited.as_secs()),
        "wait for it to finish and run again; a longer wait is `--lock-wait`",
    )
}

/// Redo undid the version, and somebody else was faster with what comes next.
pub(super) fn half_redone(batch: &Batch<'_>) -> Failure {
    let mut failure = Failure::new(
        Exit::History,
        format!("{} was undone, and another runner changed the history before it was applied again", batch.path),
        "see `migrate status`, then run `migrate up`",
    );
    failure.state = format!("{} is undone", batch.migration.file);
    failure
}

pub(super) fn history_reads_differently() -> Failure {
    Failure::new(
        Exit::History,
        "the version table reads differently inside a migration's transaction than outside it",
        "look for row level security, triggers or another program that writes the version table",
    )
}

pub(super) fn no_transaction() -> Failure {
    Failure::new(Exit::ConnectionLost, "the transaction could not be opened, so the session was ended", "run again")
}

fn connection_lost(error: &Error) -> Failure {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    Failure::new(Exit::ConnectionLost, format!("the connection to the server broke: {cause}"), "run again")
}

fn server_error(db: &DbError) -> ServerError {
    let position = match db.position() {
        Some(ErrorPosition::Original(position)) => Some(*position),
        _ => None,
    };
    ServerError {
        sqlstate: db.code().code().to_owned(),
        message: db.message().to_owned(),
        detail: db.detail().map(str::to_owned),
        hint: db.hint().map(str::to_owned),
        context: db.where_().map(str::to_owned),
        position,
    }
}
