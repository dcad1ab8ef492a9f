//! Two databases of our own on somebody's server: one that goes forward, and a copy of it to try things on.
//!
//! Invariant: only databases with our own prefix are ever created, changed or dropped.

use crate::apply::{Connecting, Session};
use crate::flight::{literal, quote};
use crate::report::{Exit, Failure};

/// Opens sessions with one server.
pub trait Doors: Sync {
    /// A session with this database of the server, or with the one in which others can be made.
    fn open<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a>;

    /// Whether a session can stay open beside another one.
    fn are_many(&self) -> bool;
}

/// What the first migration finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// An empty database.
    Empty,
    /// What is in this database, which nobody else may use while it is copied.
    CopyOf(String),
}

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Forward,
    Trial,
}

/// The databases.
pub struct Scratch<'d> {
    doors: &'d dyn Doors,
    /// A session beside the others, where there can be one.
    admin: Option<Session>,
    forward: String,
    trial: String,
}

impl<'d> Scratch<'d> {
    /// Makes the first one. `run` tells the databases of one run from those of another.
    ///
    /// # Errors
    /// No connection, no right to create databases, or a base that somebody uses.
    pub async fn make(doors: &'d dyn Doors, run: &str, base: &Base) -> Result<Self, Failure> {
        let name = |which: &str| format!("migrate_verify_{run}_{which}");
        let admin = if doors.are_many() { Some(doors.open(None).await?) } else { None };
        let scratch = Self { doors, admin, forward: name("forward"), trial: name("trial") };
        let template = match base {
            Base::Empty => "template0",
            Base::CopyOf(database) => database,
        };
        scratch.order(&[create(&scratch.forward, template)]).await?;
        Ok(scratch)
    }

    /// A session with one of them. No other one is open.
    pub(super) async fn open(&self, which: Which) -> Result<Session, Failure> {
        let name = match which {
            Which::Forward => &self.forward,
            Which::Trial => &self.trial,
        };
        self.doors.open(Some(name)).await
    }

    /// Makes the one for trials anew, as a copy of the one that goes forward.
    pub(super) async fn copy(&self) -> Result<(), Failure> {
        self.order(&[drop_database(&self.trial), create(&self.trial, &self.forward)]).await
    }

    /// Removes the one for trials.
    pub(super) async fn drop_copy(&self) -> Result<(), Failure> {
        self.order(&[drop_database(&self.trial)]).await
    }

    /// Removes both.
    ///
    /// # Errors
    /// A lost connection, or somebody who uses one of them.
    pub async fn remove(mut self) -> Result<(), Failure> {
        let ended = self.order(&[drop_database(&self.trial), drop_database(&self.forward)]).await;
        if let Some(admin) = self.admin.take() {
            admin.close().await;
        }
        ended
    }

    /// Runs statements about databases, each on its own.
    async fn order(&self, statements: &[String]) -> Result<(), Failure> {
        if let Some(admin) = &self.admin {
            self.alone(admin).await?;
            return run(admin, statements).await;
        }
        let session = self.doors.open(None).await?;
        let ended = run(&session, statements).await;
        session.close().await;
        ended
    }

    /// Waits until the sessions that were closed have gone. A server that finds one of them waits ten times as long.
    async fn alone(&self, admin: &Session) -> Result<(), Failure> {
        let names = [&self.forward, &self.trial].map(|name| literal(name)).join(", ");
        let question = format!("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE datname IN ({names}) LIMIT 1");
        for _ in 0..LOOKS {
            if admin.rows(&question).await.map_err(|error| refused(&error))?.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

const LOOKS: u32 = 500;
const LOOK: std::time::Duration = std::time::Duration::from_millis(2);

fn create(name: &str, template: &str) -> String {
    format!("CREATE DATABASE {} TEMPLATE {}", quote(name), quote(template))
}

fn drop_database(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {}", quote(name))
}

async fn run(session: &Session, statements: &[String]) -> Result<(), Failure> {
    for statement in statements {
        session.rows(statement).await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

fn refused(error: &tokio_postgres::Error) -> Failure {
    let Some(server) = error.as_db_error() else {
        return Failure::new(Exit::ConnectionLost, format!("the connection broke: {error}"), "run again");
    };
    let (exit, next) = match server.code().code() {
        "42501" => (Exit::Privilege, "give the role CREATEDB, or name a server of your own"),
        "55006" => (Exit::Config, "end the sessions with that database, or name a copy that nobody uses"),
        "3D000" => (Exit::Config, "name a database that exists"),
        _ => (Exit::Config, "remove what the server complains of, then run again"),
    };
    Failure::new(exit, format!("cannot make a scratch database: {}", server.message()), next)
}
