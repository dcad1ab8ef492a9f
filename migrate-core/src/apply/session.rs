//! One session with a server.

use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::error::Severity;
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::connect::{self, Canceller, Connector, Line, Link, Notices, Peer, said};
use crate::connection::Access;
use crate::gate::{Gate, Verdict};
pub(super) use crate::history::TextRow;
use crate::report::{Event, Exit, Failure, Meaning, Phase, meaning};

/// An open session with a server.
pub struct Session {
    pub(super) client: Client,
    pub(super) notices: Notices,
    driver: tokio::task::JoinHandle<()>,
    peer: Option<Peer>,
    canceller: Option<Canceller>,
}

/// A session that is being opened.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = Result<Session, Failure>> + Send + 'a>>;

/// Opens further sessions with the same database.
pub trait Connect: Sync {
    /// Opens a session in the place of one that broke, with all patience; `observe` sees what keeps it waiting.
    fn again<'a>(&'a self, access: Access, observe: &'a mut (dyn FnMut(Event) + Send)) -> Connecting<'a>;

    /// Opens a session beside another one, at once or not at all.
    fn beside(&self) -> Connecting<'_>;

    /// How long a server is waited for that cannot be reached.
    fn patience(&self) -> Duration;
}

impl Connect for Connector {
    fn again<'a>(&'a self, access: Access, observe: &'a mut (dyn FnMut(Event) + Send)) -> Connecting<'a> {
        let again = Self { access, ..self.clone() };
        Box::pin(async move { Session::open(&again, observe).await })
    }

    fn beside(&self) -> Connecting<'_> {
        let at_once = Self { patience: Duration::ZERO, ..self.clone() };
        Box::pin(async move { Session::open(&at_once, &mut |_| ()).await })
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}

impl Session {
    /// Connects over the network, again and again within the connector's patience.
    ///
    /// # Errors
    /// Why there is no connection, by exit code; the password is in none of them.
    pub async fn open(connector: &Connector, observe: &mut (dyn FnMut(Event) + Send)) -> Result<Self, Failure> {
        let Link { line, peer, canceller } = connector.connect(observe).await?;
        Ok(Self { peer: Some(peer), canceller: Some(canceller), ..Self::on(line) })
    }

    /// Speaks the protocol over a stream that is open already: an embedded server's, or a test's.
    ///
    /// # Errors
    /// As for [`Session::open`].
    pub async fn over<S>(stream: S, config: &Config) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut config = config.clone();
        if config.get_application_name().is_none() {
            config.application_name(concat!("migrate/", env!("CARGO_PKG_VERSION")));
        }
        let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(connect::of_open_stream)?;
        Ok(Self::on(Line::drive(client, connection)))
    }

    fn on(Line { client, notices, driver }: Line) -> Self {
        Self { client, notices, driver, peer: None, canceller: None }
    }

    /// Who answers, where the session was opened over the network.
    #[must_use]
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// What stops the running statement of this session, where it was opened over the network.
    #[must_use]
    pub fn canceller(&self) -> Option<Canceller> {
        self.canceller.clone()
    }

    /// What a release's gate says of the database.
    pub async fn check(&self, gate: &Gate<'_>) -> Verdict {
        gate.check_client(&self.client).await
    }

    /// The rows of a query, as text.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<TextRow>, tokio_postgres::Error> {
        connect::rows(&self.client, sql).await
    }

    /// The rows of a query, each read as it arrives.
    pub(super) async fn read_rows<T>(
        &self,
        sql: &str,
        read: impl Fn(TextRow) -> T,
    ) -> Result<Vec<T>, tokio_postgres::Error> {
        connect::read_rows(&self.client, sql, read).await
    }

    /// Ends the session in order, so that the server sees no broken connection.
    pub async fn close(self) {
        Line { client: self.client, notices: self.notices, driver: self.driver }.close().await;
    }

    /// Ends the session at once, whatever is under way.
    pub(super) fn abandon(self) {
        self.driver.abort();
    }
}

/// Whether nothing more comes from the session behind such an error, or nothing more can be concluded from it.
pub(super) fn ends_session(error: &Error) -> bool {
    let Some(db) = error.as_db_error() else { return true };
    // A pooler in statement mode refuses BEGIN, and will again: a failure of the flight, not of the connection.
    let pooling = meaning(Phase::Begin, said(db));
    if pooling.is_some_and(|row| row.meaning == Meaning::Lasting(Exit::NeedsDirect)) {
        return false;
    }
    let fatal = matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    // 40003: the server itself does not know what became of the statement.
    fatal || db.code().code().starts_with("08") || db.code().code() == "40003"
}
