//! A migrated database of its own for each test of an application.
//!
//! From a set of migrations to a database that has its schema: the set is replayed once a server (`template`), and every
//! test gets a copy (`CREATE DATABASE … TEMPLATE`). Invariant: no two tests have the same database, and every database is
//! named after a lock that its process holds for as long as it lives; one whose lock is free belongs to nobody.

mod address;
mod copy;
mod leftovers;
mod template;

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use migrate_core::migration::Set;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::ScratchError;
#[cfg(unix)]
use crate::server::SharedServer;

use address::Address;
pub use copy::ScratchDatabase;

/// Names the environment variable with the address of a server to use: a service container, for example.
const VARIABLE: &str = "MIGRATE_SCRATCH_URL";

/// Makes databases for tests.
///
/// ```no_run
/// # use migrate_core::migration::Set;
/// # async fn a_test(set: &Set) -> Result<(), Box<dyn std::error::Error>> {
/// let scratch = migrate_scratch::Scratch::find()?;
/// let database = scratch.database(set).await?;
/// let (client, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Scratch {
    seat: Arc<Seat>,
}

/// A process's place at a server. Its session holds the lock that this process's databases are named after.
struct Seat {
    client: Client,
    address: Address,
    owner: i64,
    next: AtomicU64,
    /// Templates that this process has seen complete. Locked while one is made, so that a process asks once.
    templates: tokio::sync::Mutex<HashSet<String>>,
    /// After `client`: the server may end when the session has.
    #[cfg(unix)]
    _server: Option<SharedServer>,
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seat({:015x})", self.owner)
    }
}

/// The seat of this process, taken when it is first needed. Never given back: the server ends it with the session.
static FOUND: Mutex<Option<Scratch>> = Mutex::new(None);

impl Scratch {
    /// The server that `MIGRATE_SCRATCH_URL` names, otherwise one from installed binaries (see
    /// [`installations`](crate::installations)) that all processes of this user share. It is started when the first
    /// needs it, and ends five minutes after the last has ended.
    ///
    /// Blocks until the server takes connections; after the first call in a process, not at all.
    ///
    /// # Errors
    /// No server is installed, or it does not start or take connections.
    pub fn find() -> Result<Self, ScratchError> {
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch) = &*found {
            return Ok(scratch.clone());
        }
        let scratch = match std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()) {
            Some(url) => Self::sit_down(Address::read(&url, "the address in MIGRATE_SCRATCH_URL")?, None)?,
            None => Self::at_shared_server()?,
        };
        *found = Some(scratch.clone());
        Ok(scratch)
    }

    /// A given server. The address names the database in which the locks are taken, and a role with CREATEDB. Processes
    /// that are to share templates have to name the same database.
    ///
    /// # Errors
    /// An address of another form; a server that cannot be reached.
    pub fn at(url: &str) -> Result<Self, ScratchError> {
        Self::sit_down(Address::read(url, "the address of the scratch server")?, None)
    }

    /// A database of its own with the schema of `set`, gone when the value is dropped.
    ///
    /// The first who asks a server for this set replays it, whoever asks meanwhile waits, and everybody gets a copy.
    ///
    /// # Errors
    /// [`ScratchError::Migrations`] when the set does not run on an empty database.
    pub async fn database(&self, set: &Set) -> Result<ScratchDatabase, ScratchError> {
        let template = template::name(set);
        self.seat.template(set, &template).await?;
        match copy::copy(&self.seat, &template).await {
            // Somebody dropped the template since this process saw it.
            Err(error) if copy::has_no_template(&error) => {
                self.seat.templates.lock().await.remove(&template);
                self.seat.template(set, &template).await?;
                copy::copy(&self.seat, &template).await
            }
            made => made,
        }
        .map_err(ScratchError::refused("copy the template"))
    }

    #[cfg(unix)]
    fn at_shared_server() -> Result<Self, ScratchError> {
        let server = SharedServer::join()?;
        let address = Address::read(&server.url(), "the address of the shared server")?;
        Self::sit_down(address, Some(server))
    }

    #[cfg(not(unix))]
    fn at_shared_server() -> Result<Self, ScratchError> {
        Err(ScratchError::NoServer { looked: vec![format!("${VARIABLE}")] })
    }

    fn sit_down(address: Address, #[cfg(unix)] server: Option<SharedServer>) -> Result<Self, ScratchError> {
        let (client, owner) = open_session(&address)?;
        let seat = Seat {
            client,
            address,
            owner,
            next: AtomicU64::new(0),
            templates: tokio::sync::Mutex::default(),
            #[cfg(unix)]
            _server: server,
        };
        Ok(Self { seat: Arc::new(seat) })
    }
}

impl Seat {
    /// Sees to it that the template of a set is there.
    async fn template(&self, set: &Set, name: &str) -> Result<(), ScratchError> {
        let mut templates = self.templates.lock().await;
        if !templates.contains(name) {
            template::make(&self.address, set, name).await?;
            templates.insert(name.to_owned());
        }
        Ok(())
    }
}

/// Opens the session of a seat on a thread of its own: the runtime of a test ends with the test, this must not.
fn open_session(address: &Address) -> Result<(Client, i64), ScratchError> {
    let url = address.own();
    let (send, receive) = mpsc::channel();
    let drive = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async move {
            let opened = tokio_postgres::connect(&url, NoTls).await.map_err(ScratchError::refused("connect"));
            let (client, connection) = match opened {
                Ok(opened) => opened,
                Err(error) => return drop(send.send(Err(error))),
            };
            let driver = tokio::spawn(connection);
            let owner = leftovers::take_lock_and_sweep(&client).await;
            let _ = send.send(owner.map(|owner| (client, owner)));
            drop(send);
            // Ends when the seat is gone, or the server.
            let _ = driver.await;
        });
    };
    let silent = || ScratchError::Refused { doing: "connect".to_owned(), reason: "its thread ended".to_owned() };
    std::thread::Builder::new().name("migrate-scratch".to_owned()).spawn(drive).map_err(|_| silent())?;
    receive.recv().map_err(|_| silent())?
}

/// The first column of each row; these queries have one.
async fn texts(client: &Client, query: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let messages = client.simple_query(query).await?;
    let text = |message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    };
    Ok(messages.into_iter().filter_map(text).collect())
}
