//! From what names a database to an open session: a server over the network, or one inside this program.

use std::time::Duration;

use migrate_core::apply::{Connect, Session};
use migrate_core::connect::Connector;
use migrate_core::connection::{Access, Source, choose, looks_like_a_connection};
use migrate_core::report::{Event, Exit, Failure};

use crate::environment;

/// Where a command connects to.
pub(crate) enum Target {
    Server(Box<Connector>),
    #[cfg(feature = "embedded")]
    Embedded(migrate_scratch::Storage),
}

/// An open session, and what has to be closed with it.
pub(crate) struct Connected {
    pub(crate) session: Session,
    /// What opens further sessions, where there can be any.
    pub(crate) connector: Option<Box<Connector>>,
    #[cfg(feature = "embedded")]
    embedded: Option<migrate_scratch::Embedded>,
}

impl Connected {
    /// What opens further sessions.
    pub(crate) fn connect(&self) -> Option<&dyn Connect> {
        self.connector.as_deref().map(|connector| connector as &dyn Connect)
    }
}

impl Target {
    /// The target that the command line names, or the environment.
    pub(crate) fn find(url: Option<&str>, access: Access, patience: Duration) -> Result<Self, Failure> {
        if url.is_some_and(|url| url.trim().is_empty()) {
            return Err(empty());
        }
        let variables = environment::variables();
        let Some(source) = choose(url, access, &variables) else {
            let mut next =
                "give `--database-url URL` or set DATABASE_URL; `--database-url embedded:./.migrate/db` needs no \
                            server"
                    .to_owned();
            if std::path::Path::new(".env").is_file() {
                next.push_str("; `.env`, which goose reads, is not read here: `set -a; . ./.env; set +a`");
            }
            return Err(Failure::new(Exit::Usage, "no database is named", next));
        };
        speaks_postgres(&source)?;
        if let Source::Argument(text) | Source::Variable { text, .. } = &source
            && let Some(path) = text.strip_prefix("embedded:")
        {
            return embedded(path);
        }
        let account = environment::account();
        Ok(Self::Server(Box::new(Connector { source, variables, account, database: None, access, patience })))
    }

    /// Whether the command line names a database, or the environment.
    pub(crate) fn is_named(url: Option<&str>) -> bool {
        choose(url, Access::Read, &environment::variables()).is_some()
    }

    pub(crate) async fn connect(self, observe: &mut (dyn FnMut(Event) + Send)) -> Result<Connected, Failure> {
        match self {
            Self::Server(connector) => Ok(Connected {
                session: Session::open(&connector, observe).await?,
                connector: Some(connector),
                #[cfg(feature = "embedded")]
                embedded: None,
            }),
            #[cfg(feature = "embedded")]
            Self::Embedded(storage) => connect_embedded(storage).await,
        }
    }
}

impl Connected {
    /// Ends the session in order; an embedded server is shut down so that its files are whole.
    pub(crate) async fn close(self) {
        self.session.close().await;
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            // The work is committed; a server that cannot shut down in order recovers when it is opened again.
            let _recovers = embedded.close();
        }
    }
}

/// A variable of a shell or a Makefile that is not set must not lead to another database than the one that was meant.
fn empty() -> Failure {
    Failure::new(
        Exit::Usage,
        "the database URL on the command line is empty",
        "set what it is made of, or leave it out: then DATABASE_URL and the other variables name the database",
    )
}

/// goose's connection string is one of the driver that goose's other variable names.
fn speaks_postgres(source: &Source) -> Result<(), Failure> {
    let Source::Variable { name: "GOOSE_DBSTRING", .. } = source else { return Ok(()) };
    match environment::variable("GOOSE_DRIVER").as_deref() {
        None | Some("postgres" | "pgx") => Ok(()),
        Some(other) if looks_like_a_connection(other).is_some() => Err(Failure::new(
            Exit::Usage,
            "GOOSE_DRIVER is a connection string",
            "set GOOSE_DRIVER=postgres, and GOOSE_DBSTRING to the connection string",
        )),
        Some(other) => {
            let other: String = other.chars().filter(|c| !c.is_control()).take(20).collect();
            Err(Failure::new(
                Exit::Usage,
                format!("GOOSE_DRIVER is `{other}`, and this program speaks PostgreSQL only"),
                "set GOOSE_DRIVER=postgres, or name a PostgreSQL database with `--database-url`",
            ))
        }
    }
}

#[cfg(feature = "embedded")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is no embedded server to name")]
fn embedded(path: &str) -> Result<Target, Failure> {
    Ok(Target::Embedded(if path.is_empty() {
        migrate_scratch::Storage::Memory
    } else {
        migrate_scratch::Storage::Folder(path.into())
    }))
}

#[cfg(not(feature = "embedded"))]
fn embedded(_path: &str) -> Result<Target, Failure> {
    Err(Failure::new(
        Exit::Config,
        "this program was built without an embedded PostgreSQL",
        "name a server in the database URL, or build with `--features embedded`",
    ))
}

#[cfg(feature = "embedded")]
async fn connect_embedded(storage: migrate_scratch::Storage) -> Result<Connected, Failure> {
    let embedded = migrate_scratch::Embedded::open(storage).map_err(|error| not_started(&error))?;
    let session = session_inside(&embedded, "postgres").await?;
    Ok(Connected { session, connector: None, embedded: Some(embedded) })
}

/// A session with one database of an embedded server.
#[cfg(feature = "embedded")]
pub(crate) async fn session_inside(embedded: &migrate_scratch::Embedded, database: &str) -> Result<Session, Failure> {
    let stream = embedded.connect().map_err(|error| not_started(&error))?;
    let mut config = tokio_postgres::Config::new();
    config.user("postgres").dbname(database);
    Session::over(stream, &config).await
}

#[cfg(feature = "embedded")]
pub(crate) fn not_started(error: &migrate_scratch::ScratchError) -> Failure {
    Failure::new(Exit::Connect, format!("the embedded PostgreSQL does not start: {error}"), "see the message")
}
