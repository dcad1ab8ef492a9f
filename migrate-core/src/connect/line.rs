//! A session on the wire: the task that drives it, and the notices that come in.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client, Connection, SimpleQueryMessage};

use super::notices::{self, Crier, Notices};
use crate::history::TextRow;

/// How long an orderly end may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A session that is driven until its client is dropped.
pub(crate) struct Line {
    pub(crate) client: Client,
    pub(crate) notices: Notices,
    pub(crate) driver: JoinHandle<()>,
}

impl Line {
    pub(crate) fn drive<S, T>(client: Client, connection: Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (crier, notices) = notices::channel();
        let driver = tokio::spawn(drive(connection, crier));
        Self { client, notices, driver }
    }

    /// Ends the session in order, so that the server sees no broken connection.
    pub(crate) async fn close(self) {
        drop(self.client);
        // A driver that waits for a notice to be taken goes on.
        drop(self.notices);
        // One that panicked has nothing left to say; one whose server does not listen any more need not be waited for.
        let _ended = tokio::time::timeout(FAREWELL, self.driver).await;
    }
}

/// The rows of a query, as text: one simple-protocol message.
pub(crate) async fn rows(client: &Client, sql: &str) -> Result<Vec<TextRow>, tokio_postgres::Error> {
    read_rows(client, sql, |row| row).await
}

/// The rows of a query, each read as it arrives: a history of thousands is never held as text.
pub(crate) async fn read_rows<T>(
    client: &Client,
    sql: &str,
    read: impl Fn(TextRow) -> T,
) -> Result<Vec<T>, tokio_postgres::Error> {
    let mut answer = pin!(client.simple_query_raw(sql).await?);
    let mut rows = Vec::new();
    while let Some(message) = answer.try_next().await? {
        if let SimpleQueryMessage::Row(row) = message {
            rows.push(read((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()));
        }
    }
    Ok(rows)
}

async fn drive<S, T>(mut connection: Connection<S, T>, crier: Crier)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    // An error ends the connection; whoever waits for an answer is told through the client.
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message {
            crier.tell(severity(&notice), notice.message().to_owned()).await;
        }
    }
}

/// The severity as the protocol names it; the other form is translated, and every server since 9.6 sends both.
fn severity(notice: &DbError) -> String {
    use tokio_postgres::error::Severity::{Debug, Error, Fatal, Info, Log, Notice, Panic, Warning};
    let untranslated = match notice.parsed_severity() {
        Some(Panic) => "PANIC",
        Some(Fatal) => "FATAL",
        Some(Error) => "ERROR",
        Some(Warning) => "WARNING",
        Some(Notice) => "NOTICE",
        Some(Debug) => "DEBUG",
        Some(Info) => "INFO",
        Some(Log) => "LOG",
        None => notice.severity(),
    };
    untranslated.to_owned()
}
