//! A server on which databases can be made and dropped: a named one, one started from installed programs, or one inside
//! this program.

use migrate_core::apply::{Connecting, Session};
use migrate_core::connect::Connector;
use migrate_core::connection::{Access, Source};
use migrate_core::report::{Exit, Failure};
use migrate_core::verify::Doors;

use crate::arguments::Shared;
use crate::environment;
use crate::target::Target;

/// The server, for as long as it is needed.
pub(crate) enum ScratchServer {
    Network {
        connector: Box<Connector>,
        /// A server of our own, which ends with this value.
        #[cfg(unix)]
        own: Option<migrate_scratch::Server>,
    },
    #[cfg(feature = "embedded")]
    Embedded(migrate_scratch::Embedded),
}

impl ScratchServer {
    /// The server of `--database-url`, or one that is started for this. Variables do not count: what they name is the
    /// application's database.
    pub(crate) fn find(shared: &Shared) -> Result<Self, Failure> {
        let Some(url) = shared.database_url.as_deref() else { return start(shared) };
        match Target::find(Some(url), Access::Change, shared.connect_wait)? {
            Target::Server(connector) => Ok(Self::Network {
                connector,
                #[cfg(unix)]
                own: None,
            }),
            #[cfg(feature = "embedded")]
            Target::Embedded(storage) => open_embedded(storage),
        }
    }

    /// Whether it is somebody's, and not one that was started for this.
    pub(crate) const fn is_somebodys(&self) -> bool {
        match self {
            #[cfg(unix)]
            Self::Network { own, .. } => own.is_none(),
            #[cfg(not(unix))]
            Self::Network { .. } => true,
            #[cfg(feature = "embedded")]
            Self::Embedded(_) => false,
        }
    }

    /// The same server, where databases are made from one beside the named one.
    pub(crate) fn beside(mut self) -> Self {
        match &mut self {
            Self::Network { connector, .. } => connector.database = Some("postgres".to_owned()),
            #[cfg(feature = "embedded")]
            Self::Embedded(_) => {}
        }
        self
    }
}

impl Doors for ScratchServer {
    fn open<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a> {
        match self {
            Self::Network { connector, .. } => {
                let mut connector = connector.clone();
                if let Some(database) = database {
                    connector.database = Some(database.to_owned());
                }
                Box::pin(async move { Session::open(&connector, &mut |_| ()).await })
            }
            #[cfg(feature = "embedded")]
            Self::Embedded(embedded) => {
                Box::pin(crate::target::session_inside(embedded, database.unwrap_or("postgres")))
            }
        }
    }

    fn are_many(&self) -> bool {
        matches!(self, Self::Network { .. })
    }
}

/// A server of our own: from installed programs where there are some, otherwise the one in this program.
#[cfg(unix)]
fn start(shared: &Shared) -> Result<ScratchServer, Failure> {
    match migrate_scratch::Server::newest() {
        Ok(server) => {
            let connector = Connector {
                source: Source::Argument(server.url("postgres")),
                // Those of this process describe another server.
                variables: migrate_core::parse::Environment::default(),
                account: environment::account(),
                database: None,
                access: Access::Change,
                patience: shared.connect_wait,
            };
            Ok(ScratchServer::Network { connector: Box::new(connector), own: Some(server) })
        }
        Err(error @ migrate_scratch::ScratchError::NoServer { .. }) => inside(&error.to_string()),
        Err(error) => {
            Err(Failure::new(Exit::Connect, format!("the scratch server does not start: {error}"), "see the message"))
        }
    }
}

#[cfg(not(unix))]
fn start(_shared: &Shared) -> Result<ScratchServer, Failure> {
    inside("servers are started on Unix only")
}

#[cfg(feature = "embedded")]
fn inside(_why_no_other: &str) -> Result<ScratchServer, Failure> {
    open_embedded(migrate_scratch::Storage::Memory)
}

#[cfg(not(feature = "embedded"))]
fn inside(why_no_other: &str) -> Result<ScratchServer, Failure> {
    let help = "install a server, name one with `--database-url`, or build with `--features embedded`";
    Err(Failure::new(Exit::Config, format!("there is no scratch server: {why_no_other}"), help))
}

#[cfg(feature = "embedded")]
fn open_embedded(storage: migrate_scratch::Storage) -> Result<ScratchServer, Failure> {
    let embedded = migrate_scratch::Embedded::open(storage).map_err(|error| crate::target::not_started(&error))?;
    Ok(ScratchServer::Embedded(embedded))
}
