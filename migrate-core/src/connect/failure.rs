//! Why there is no connection, for the person who has to do something about it. The password is in none of it.

use std::time::Duration;

use tokio_postgres::error::{DbError, ErrorPosition};

use super::fault::{Fault, Reason, said};
use super::{Connector, cause};
use crate::connection::{Problem, Settings};
use crate::report::{Exit, Failure, ServerError, meaning};

/// The connection is described wrongly.
pub(super) fn of_problem(problem: &Problem, connector: &Connector) -> Failure {
    let shown = connector.source.shown();
    Failure::new(Exit::Config, format!("{shown} cannot be used: {problem}"), problem.help())
}

/// No server could be used.
pub(super) fn of_fault(fault: &Fault, settings: &Settings, tries: u32, spent: Duration) -> Failure {
    let message = match &fault.reason {
        Reason::Server(db) => refused(fault, db, settings),
        _ => fault.to_string(),
    };
    let message = [&fault.before[..], &[message]].concat().join("; ");
    let message = if tries > 1 { format!("{message}; tried {tries} times in {} s", spent.as_secs()) } else { message };
    let failure = Failure::new(fault.exit(), message, next(fault, settings));
    match fault.reason.server() {
        Some((db, _)) => failure.with_server(server_error(db)),
        None => failure,
    }
}

/// A stream that was open already led to no session.
pub(crate) fn of_open_stream(error: tokio_postgres::Error) -> Failure {
    let fault = Fault::new("the server".to_owned(), cause::of_login(error));
    let failure = Failure::new(fault.exit(), fault.to_string(), of_exit(fault.exit()));
    match &fault.reason {
        Reason::Server(db) => failure.with_server(server_error(db)),
        _ => failure,
    }
}

/// A loop over tries ended without one.
pub(super) fn never_tried() -> Failure {
    Failure::new(Exit::Internal, "no connection was tried", "run again")
}

fn refused(fault: &Fault, db: &DbError, settings: &Settings) -> String {
    let (at, user, database) = (&fault.at, &settings.user, &settings.database);
    match db.code().code() {
        "28P01" | "28000" => format!("{at} refuses user `{user}`: {}", db.message()),
        "3D000" => format!("{at} has no database `{database}`"),
        "42501" if fault.exit() == Exit::Privilege => {
            format!("user `{user}` may not connect to database `{database}` on {at}")
        }
        "55000" => format!("database `{database}` on {at} accepts no connections"),
        _ => fault.to_string(),
    }
}

fn next(fault: &Fault, settings: &Settings) -> String {
    if let Some((db, phase)) = fault.reason.server()
        && let Some(advice) = meaning(phase, said(db)).and_then(|row| row.advice)
    {
        return advice.replace("{user}", &settings.user).replace("{database}", &settings.database);
    }
    match &fault.reason {
        Reason::Dropped(_) => {
            return format!(
                "set DATABASE_URL_DIRECT to a URL that leads past the pooler, or give the role the setting: \
                 ALTER ROLE {} IN DATABASE {} SET …",
                settings.user, settings.database
            );
        }
        Reason::OnlySix(_) => {
            "give this machine IPv6, or name a host of the same database that has an IPv4 address, such as its pooler"
        }
        Reason::NoTls => "`sslmode=disable` or `prefer` on a network you trust; otherwise switch TLS on at the server",
        Reason::ErrorForTls => {
            "where a tunnel speaks TLS for this program (stunnel), say `sslmode=disable`; otherwise the server cannot \
             start a process: its log says why"
        }
        Reason::Binding => "the server needs SCRAM passwords and TLS, and no proxy may end the TLS before it",
        Reason::Unbindable(_) => {
            "give the server a certificate that is signed with RSA or ECDSA; or use `channel_binding=prefer` with \
             `sslmode=verify-full`, which binds the session to the certificate's authority instead"
        }
        Reason::File(_) => "name files that are there and that this program may read",
        Reason::Login(_) => "put the password into the URL, PGPASSWORD or a password file",
        Reason::Kind(_) => {
            "name the primary in the database URL, or all servers of the cluster with commas between them"
        }
        Reason::TakesWrites(_) => "name a standby in the database URL, or leave `target_session_attrs` out",
        _ => of_exit(fault.exit()),
    }
    .to_owned()
}

fn of_exit(exit: Exit) -> &'static str {
    match exit {
        Exit::Auth => {
            "check the user and the password (of the URL, PGPASSWORD or a password file), and the server's pg_hba.conf"
        }
        Exit::Tls => {
            "check `sslmode`, `sslrootcert`, `sslcert` and the host's name; docs/connection.md says what each means"
        }
        Exit::Config => "mend the database URL",
        Exit::Resources => "give the server what it lacks, then run again",
        _ => "check host and port in the database URL, and that the server is running",
    }
}

/// What the server said, in our own type.
pub(crate) fn server_error(db: &DbError) -> ServerError {
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
