//! Why there is no connection. The password is in none of it.

use std::error::Error as _;

use tokio_postgres::config::Host;
use tokio_postgres::{Config, Error};

use super::server_error;
use crate::report::{Exit, Failure};

/// Why there is no connection.
pub(in crate::apply) fn of_connect(error: &Error, config: &Config) -> Failure {
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
