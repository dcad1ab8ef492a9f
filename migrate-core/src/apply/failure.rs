//! Turning what went wrong on the wire into failures that a tired person can act on.

mod ended;
mod fault;
mod place;
mod walk;

pub(super) use ended::{
    cancelled, cut_again, lock_busy, lock_timeout, lost, not_in_one_transaction, of_loss, settled, stopped, unresolved,
};
pub(super) use fault::of_fault;
use tokio_postgres::Error;
pub(super) use walk::{
    broken_on_the_way, gone_with_the_session, half_walked, in_doubt, interrupted_on_the_way, lock_lost, needs_direct,
    of_unit, uncleared, undecided,
};

use crate::connect::{said, server_error};
use crate::flight::TableName;
use crate::history::SideTable;
use crate::plan::Batch;
use crate::report::{Exit, Failure, Phase, Setting, State, meaning};

/// One of our own statements around a file failed.
pub(super) fn of_own(error: &Error, what: &str) -> Failure {
    let Some(db) = error.as_db_error() else { return lost(Some(error)) };
    let exit = Exit::of_sqlstate(db.code().code()).unwrap_or(Exit::MigrationFailedPartial);
    let failure =
        Failure::new(exit, format!("{what}: {}", db.message()), "remove what the server complains of, then run again");
    failure.with_server(server_error(db))
}

/// Why the history could not be read.
pub(super) fn of_read(error: &Error, name: &TableName) -> Failure {
    let Some(db) = error.as_db_error() else { return connection_lost(error) };
    let known = meaning(Phase::Reading, said(db));
    let advice = known.and_then(|row| row.advice).unwrap_or("remove what the server complains of, then run again");
    let failure = match (db.code().code(), known.and_then(|row| row.meaning.exit())) {
        ("42501", _) => Failure::new(
            Exit::Privilege,
            format!("this role may not read the version table or what is beside it: {}", db.message()),
            unreadable(name),
        ),
        (code, _) if code.starts_with("42") || code.starts_with("22") => odd_table(name, db.message()),
        // A time that the role or the database sets has run out, or a person cancelled the question: it passes.
        ("55P03" | "57014", _) => Failure::new(
            Exit::LockTimeout,
            format!("the version table `{name}` could not be read in time: {}", db.message()),
            "somebody holds the table (pg_locks has who), or the lock_timeout or statement_timeout of the role or the \
             database is too short: run again, or raise it",
        ),
        // A pooler lets everybody in, and has a backend for some.
        (_, Some(Exit::Connect)) => {
            let message = format!("the server did not answer the first question: {}", db.message());
            Failure::new(Exit::Connect, message, advice)
        }
        (_, exit) => Failure::new(
            exit.unwrap_or(Exit::History),
            format!("cannot read the version table `{name}`: {}", db.message()),
            advice,
        ),
    };
    failure.with_server(server_error(db))
}

/// What gives a role the right to read, and what a run needs beyond that.
fn unreadable(name: &TableName) -> String {
    let schema = name.schema().unwrap_or("its schema");
    format!(
        "as their owner: GRANT USAGE ON SCHEMA {schema}; GRANT SELECT ON {name}, {name}_ledger, {name}_journal, as far as \
         they are there, TO the role; `migrate doctor` lists what `up` needs, each with its GRANT"
    )
}

/// The version table is not goose's.
pub(super) fn odd_table(name: &TableName, why: &str) -> Failure {
    Failure::new(
        Exit::History,
        format!("`{name}` is not a goose version table: {why}"),
        "name goose's table, or move this relation out of the way",
    )
    .with_setting(Setting::Table)
}

/// Row level security keeps rows of a table from this role: what it would read is not what was applied.
pub(super) fn filtered_table(table: &str, user: &str) -> Failure {
    Failure::new(
        Exit::Privilege,
        format!("row level security keeps rows of `{table}` from the role `{user}`, so what was applied is not known"),
        format!(
            "as its owner: ALTER TABLE {table} DISABLE ROW LEVEL SECURITY; or connect as a role with BYPASSRLS; FORCE ROW \
             LEVEL SECURITY makes policies hold for the owner, too"
        ),
    )
}

/// The version table was dropped, and the ledger was not.
pub(super) fn orphaned_ledger(name: &TableName, versions: &str) -> Failure {
    Failure::new(
        Exit::History,
        format!("there is no table `{name}`, but `{name}_ledger` says that {versions} versions were applied"),
        format!(
            "restore the table; or, where the schema of those versions is there, run `migrate baseline` up to the last of \
             them; or, where all of it is to be applied anew, drop `{name}_ledger` too"
        ),
    )
}

/// The relation with the name of a table of ours is another one.
pub(super) fn odd_side(name: &TableName, side: SideTable) -> Failure {
    let word = side.word();
    Failure::new(
        Exit::History,
        format!(
            "`{name}_{word}` is not the {word} of `migrate`: it is no table, lacks a column of the {word}'s, or holds what \
             it did not write"
        ),
        "look at it with psql, and move that relation out of the way; goose's own table is not touched by it",
    )
}

/// Redo undid the version, and somebody else was faster with what comes next.
pub(super) fn half_redone(batch: Option<&Batch<'_>>) -> Failure {
    let path = batch.map_or("the migration", |batch| batch.path.as_str());
    let mut failure = Failure::new(
        Exit::History,
        format!("{path} was undone, and another runner changed the history before it was applied again"),
        "see `migrate status`, then run `migrate up`",
    );
    failure.state = State::Undone { file: path.to_owned(), in_part_again: false };
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
    lost(Some(error))
}
