//! What can go wrong, in words a person can act on.

use std::path::PathBuf;

/// Why a throw-away PostgreSQL could not be started, reached or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScratchError {
    /// No folder with `initdb` and `postgres` was found.
    #[error(
        "no PostgreSQL server is installed (looked in {}); install one \
         (Debian/Ubuntu: `apt-get install postgresql`, Fedora/RHEL: `dnf install postgresql-server`, \
         macOS: `brew install postgresql@18`) or set MIGRATE_PG_BIN to the folder that holds \
         `initdb` and `postgres`",
        .looked.join(", ")
    )]
    NoServer {
        /// The places that were searched.
        looked: Vec<String>,
    },

    /// A file or folder of the scratch server could not be used.
    #[error(
        "cannot {action} {}: {source}; check the permissions and free space there, or set TMPDIR \
         to another folder",
        .path.display()
    )]
    Files {
        /// What was attempted.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },

    /// A program needed for the server could not be run.
    #[error(
        "cannot run {}: {source}; check that it exists and that this user may execute it",
        .program.display()
    )]
    Program {
        /// The program.
        program: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },

    /// Running as root without an account the server could run under.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither a user `postgres` nor \
         `nobody`; create one of them, or run this as an ordinary user"
    )]
    NoAccount,

    /// `initdb` failed.
    #[error(
        "`{} -D {}` failed; it said:\n{output}\nIf the folder is out of reach for the server's \
         user, set TMPDIR to one that is not",
        .program.display(),
        .folder.display()
    )]
    Initdb {
        /// The `initdb` that ran.
        program: PathBuf,
        /// The data folder it was to make.
        folder: PathBuf,
        /// What it printed.
        output: String,
    },

    /// The server ended before it took connections.
    #[error(
        "{} ended ({status}) before it took connections; check the settings it was given. Its \
         log ends:\n{log}",
        .program.display()
    )]
    Exited {
        /// The `postgres` that ran.
        program: PathBuf,
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },

    /// The server did not take connections in time.
    #[error(
        "{} did not take connections on 127.0.0.1:{port} within {seconds} s; the machine may be \
         overloaded, or a firewall may block loopback. Its log ends:\n{log}",
        .program.display()
    )]
    NotReady {
        /// The `postgres` that ran.
        program: PathBuf,
        /// The port it was to listen on.
        port: u16,
        /// How long it was given.
        seconds: u64,
        /// The end of its log.
        log: String,
    },

    /// Every port tried was taken by somebody else.
    #[error(
        "no free port on 127.0.0.1 after {attempts} attempts; something takes ports as fast as \
         they are released, try again. The server's log ends:\n{log}"
    )]
    NoPort {
        /// How many ports were tried.
        attempts: u32,
        /// The end of the server's log.
        log: String,
    },

    /// The server could not be brought down in order.
    #[error(
        "the server in {} did not stop ({reason}); end the process whose id is the first line of \
         `data/postmaster.pid` there and remove the folder",
        .folder.display()
    )]
    Stop {
        /// The server's temporary folder.
        folder: PathBuf,
        /// What went wrong.
        reason: String,
    },

    /// The embedded database's folder is in use.
    #[error(
        "the database folder {} is in use by another embedded server (in this process or \
         another); close that one first, or choose another folder",
        .path.display()
    )]
    FolderBusy {
        /// The folder.
        path: PathBuf,
    },

    /// The embedded database could not be opened.
    #[error(
        "cannot open the embedded PostgreSQL ({location}): {reason}; if it is a folder, check that \
         it is empty, absent or one that an embedded server of this version made"
    )]
    EmbeddedOpen {
        /// Where its files are.
        location: String,
        /// What the embedded server said.
        reason: String,
    },

    /// The embedded database could not be closed in order.
    #[error(
        "the embedded PostgreSQL ({location}) was not closed in order: {reason}; a folder stays \
         locked until this process ends, and the next opening recovers what was committed"
    )]
    EmbeddedClose {
        /// Where its files are.
        location: String,
        /// What went wrong.
        reason: String,
    },

    /// The thread that owns the embedded database has ended.
    #[error(
        "the embedded PostgreSQL ({location}) is no longer running; open it again with \
         `Embedded::open`"
    )]
    EmbeddedGone {
        /// Where its files are.
        location: String,
    },

    /// `Embedded::connect` was called outside an asynchronous runtime.
    #[error("`Embedded::connect` needs a tokio runtime; call it from async code")]
    NoRuntime,

    /// The address of the given server cannot be used. It is not shown, because it may hold a password.
    #[cfg(feature = "databases")]
    #[error("{shown} is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE; correct it")]
    Address {
        /// What the address is called.
        shown: &'static str,
    },

    /// The server for the tests' databases refused something.
    #[cfg(feature = "databases")]
    #[error("cannot {doing}: {reason}; the server has to be reachable without TLS, and the role needs CREATEDB")]
    Refused {
        /// What was attempted.
        doing: String,
        /// What the driver or the server said.
        reason: String,
    },

    /// The migrations do not run on an empty database.
    #[cfg(feature = "databases")]
    #[error("the migrations in {folder} do not run on an empty database: {}", told(.failure))]
    Migrations {
        /// Their folder.
        folder: String,
        /// What stopped them.
        failure: Box<migrate_core::report::Failure>,
    },
}

/// A failure in one line: where, what, and what the server said.
#[cfg(feature = "databases")]
fn told(failure: &migrate_core::report::Failure) -> String {
    let place = failure.place.as_ref().map(|place| format!("{}:{}: ", place.path, place.position().line));
    let server = failure.server.as_ref().map(|server| format!(" ({}, SQLSTATE {})", server.message, server.sqlstate));
    let (place, server) = (place.unwrap_or_default(), server.unwrap_or_default());
    format!("{place}{}{server}; {}", failure.message, failure.next)
}

impl ScratchError {
    /// For `map_err`: the driver or the server did not do what `doing` says.
    #[cfg(feature = "databases")]
    pub(crate) fn refused(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        let doing = doing.into();
        move |error| {
            let reason = match (error.as_db_error(), std::error::Error::source(&error)) {
                (Some(said), _) => format!("{} (SQLSTATE {})", said.message(), said.code().code()),
                (None, Some(source)) => format!("{error}: {source}"),
                (None, None) => error.to_string(),
            };
            Self::Refused { doing, reason }
        }
    }

    /// For `map_err`: an operating-system error about `path`.
    #[cfg(unix)]
    pub(crate) fn files(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Files { action, path, source }
    }

    /// For `map_err`: `program` could not be run.
    #[cfg(unix)]
    pub(crate) fn program(program: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let program = program.into();
        move |source| Self::Program { program, source }
    }
}
