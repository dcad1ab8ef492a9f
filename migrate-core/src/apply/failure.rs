//! Turning what went wrong on the wire into failures that a tired person can act on.

mod place;

use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::config::Host;
use tokio_postgres::error::{DbError, ErrorPosition};
use tokio_postgres::{Config, Error};

use super::sending::Fault;
use crate::flight::{Flight, Pace, Purpose, TableName};
use crate::migration::{Direction, Statement, Version};
use crate::plan::Batch;
use crate::report::{Exit, Failure, Report, ServerError};
use crate::step::classify;

/// Why there is no connection.
pub(super) fn of_connect(error: &Error, config: &Config) -> Failure {
    let target = target(config);
    let Some(db) = error.as_db_error() else { return of_connect_io(error, &target) };
    let database = config.get_dbname().or_else(|| config.get_user()).unwrap_or_default();
    let user = config.get_user().unwrap_or_default();
    let failure = match db.code().code() {
        "28P01" | "28000" => Failure::new(
            Exit::Auth,
            format!("{target} refuses user `{user}`: {}", db.message()),
            "check the user and the password in the database URL, and the server's pg_hba.conf",
        ),
        "3D000" => Failure::new(
            Exit::Config,
            format!("{target} has no database `{database}`"),
            format!("create it (`createdb {database}`), or name another in the database URL"),
        ),
        "42501" => Failure::new(
            Exit::Privilege,
            format!("user `{user}` may not connect to database `{database}` on {target}"),
            format!("GRANT CONNECT ON DATABASE {database} TO {user};"),
        ),
        "55000" => Failure::new(
            Exit::Config,
            format!("database `{database}` on {target} accepts no connections"),
            "name another database in the database URL",
        ),
        _ => Failure::new(
            Exit::Connect,
            format!("{target} refuses the connection: {}", db.message()),
            "try again when the server is ready",
        ),
    };
    failure.with_server(server_error(db))
}

fn of_connect_io(error: &Error, target: &str) -> Failure {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let text = error.to_string();
    if text.contains("TLS") {
        return Failure::new(
            Exit::Tls,
            format!("no TLS with {target}: {cause}"),
            "use `sslmode=disable` or `sslmode=prefer` on a network you trust",
        );
    }
    let login = text.contains("authentication") || cause.contains("password missing");
    if text.contains("invalid configuration") && !login {
        return Failure::new(
            Exit::Config,
            format!("the database URL cannot be used: {cause}"),
            "mend the database URL",
        );
    }
    if login {
        let cause = if cause.is_empty() { text } else { cause };
        return Failure::new(
            Exit::Auth,
            format!("{target} asks for a login that this URL does not allow: {cause}"),
            "put the password into the database URL",
        );
    }
    let cause = if cause.is_empty() { text } else { cause };
    Failure::new(
        Exit::Connect,
        format!("cannot connect to {target}: {cause}"),
        "check host and port in the database URL, and that the server is running",
    )
}

/// Hosts and ports, never the password.
fn target(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let port = ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(host) => format!("{host}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{} (port {port})", path.display()),
        }
    });
    let hosts: Vec<_> = hosts.collect();
    if hosts.is_empty() { "the server".to_owned() } else { hosts.join(", ") }
}

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

/// Why a flight failed: which message, whose fault, and what the database holds now.
pub(super) fn of_fault(fault: &Fault, flight: &Flight<'_>, batch: Option<&Batch<'_>>, current: Version) -> Failure {
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
        // The reset makes deferred constraints speak: class 23 is what COMMIT would have said.
        Purpose::Hygiene if server.sqlstate.starts_with("23") => format!("{} failed at COMMIT: {text}", batch.path),
        Purpose::Record => format!("{} ran, but could not be recorded: {text}", batch.path),
        Purpose::Closing => format!("{} is done, but cannot be recorded: {text}", batch.path),
        Purpose::Hygiene => format!("the session could not be reset after {}: {text}", batch.path),
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
