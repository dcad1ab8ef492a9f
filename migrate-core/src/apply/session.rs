//! One connection to a server, and the notices it sends.

use std::future::poll_fn;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, SimpleQueryMessage};

use super::failure;
use crate::report::{Event, Failure};

/// A row of text values.
pub(super) type TextRow = Vec<Option<String>>;

/// An open session with a server.
pub struct Session {
    pub(super) client: Client,
    notices: UnboundedReceiver<Event>,
    driver: tokio::task::JoinHandle<()>,
}

/// How long one address may take to answer, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Session {
    /// Connects over the network.
    ///
    /// # Errors
    /// Why there is no connection, by exit code; the password is in none of them.
    pub async fn connect(config: &Config) -> Result<Self, Failure> {
        let mut config = config.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        name(&mut config);
        let (client, connection) = config.connect(NoTls).await.map_err(|error| failure::of_connect(&error, &config))?;
        Ok(Self::drive(client, connection))
    }

    /// Speaks the protocol over a stream that is open already: an embedded server's, or a test's.
    ///
    /// # Errors
    /// As for [`Session::connect`].
    pub async fn over<S>(stream: S, config: &Config) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut config = config.clone();
        name(&mut config);
        let (client, connection) =
            config.connect_raw(stream, NoTls).await.map_err(|error| failure::of_connect(&error, &config))?;
        Ok(Self::drive(client, connection))
    }

    fn drive<S, T>(client: Client, connection: Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, notices) = unbounded_channel();
        let driver = tokio::spawn(drive(connection, sender));
        Self { client, notices, driver }
    }

    /// The notices that came in since the last call.
    pub(super) fn notices(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }

    /// The rows of a query, as text.
    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<TextRow>, tokio_postgres::Error> {
        let messages = self.client.simple_query(sql).await?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Ends the session in order, so that the server sees no broken connection.
    pub async fn close(self) {
        drop(self.client);
        // A driver that panicked has nothing left to say.
        let _ended = self.driver.await;
    }
}

/// Names this program to the server, unless the URL names it already.
fn name(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name(concat!("migrate/", env!("CARGO_PKG_VERSION")));
    }
}

async fn drive<S, T>(mut connection: Connection<S, T>, notices: UnboundedSender<Event>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    // An error ends the connection; whoever waits for an answer is told through the client.
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message {
            let event = Event::Notice { severity: notice.severity().to_owned(), message: notice.message().to_owned() };
            // Nobody listens any more when the session is being closed.
            let _unheard = notices.send(event);
        }
    }
}
