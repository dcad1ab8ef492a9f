//! Putting a flight on the wire, at the pace it allows.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use futures_util::poll;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::Session;
use crate::flight::{Flight, Message, Pace, Purpose, Refusal};

/// How a flight ended.
pub(super) enum Outcome {
    /// Committed and recorded.
    Done,
    /// Its guard refused; nothing of it ran.
    Refused(Refusal),
    /// One of its messages failed.
    Failed(Fault),
}

/// The message that failed, and how.
pub(super) struct Fault {
    /// Index among the flight's messages.
    pub(super) message: usize,
    pub(super) error: Error,
    /// Whether COMMIT was on the wire when the connection broke.
    pub(super) commit_sent: bool,
}

/// Sends a flight and waits for its end.
pub(super) async fn send(session: &Session, flight: &Flight<'_>) -> Outcome {
    match flight.pace {
        Pace::Pipelined => pipelined(session, &flight.messages).await,
        Pace::Stepwise | Pace::Unwrapped => {
            let outcome = stepwise(session, &flight.messages).await;
            if !matches!(outcome, Outcome::Done) {
                clean_up(session, flight).await;
            }
            outcome
        }
    }
}

/// Writes every message before the first answer is awaited: one round trip, however many there are. Behind a failure
/// the transaction is aborted, so nothing that was sent after it can take effect, COMMIT included.
async fn pipelined(session: &Session, messages: &[Message<'_>]) -> Outcome {
    let mut answers: Vec<Answer<'_>> = Vec::with_capacity(messages.len());
    for message in messages {
        let mut future: Pin<Box<dyn Future<Output = Result<(), Error>> + Send + '_>> =
            Box::pin(session.client.batch_execute(&message.sql));
        // The first poll puts the message on the wire: polled here, one by one, the order is certain.
        answers.push(match poll!(&mut future) {
            Poll::Ready(result) => Answer::Here(result),
            Poll::Pending => Answer::Awaited(future),
        });
    }
    let mut first = None;
    for (index, answer) in answers.into_iter().enumerate() {
        let result = match answer {
            Answer::Here(result) => result,
            Answer::Awaited(future) => future.await,
        };
        if let Err(error) = result
            && first.is_none()
        {
            first = Some(Fault { message: index, error, commit_sent: true });
        }
    }
    first.map_or(Outcome::Done, |fault| judge(fault, messages))
}

enum Answer<'a> {
    Here(Result<(), Error>),
    Awaited(Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>),
}

/// Sends each message when the one before it has succeeded.
async fn stepwise(session: &Session, messages: &[Message<'_>]) -> Outcome {
    for (index, message) in messages.iter().enumerate() {
        if let Err(error) = session.client.batch_execute(&message.sql).await {
            let commit_sent = messages[..=index].iter().any(|message| message.purpose == Purpose::Commit);
            return judge(Fault { message: index, error, commit_sent }, messages);
        }
    }
    Outcome::Done
}

fn judge(fault: Fault, messages: &[Message<'_>]) -> Outcome {
    let code = fault.error.code().map_or("", SqlState::code);
    let refusal = messages.get(fault.message).and_then(|message| refusal(code, message.purpose));
    refusal.map_or(Outcome::Failed(fault), Outcome::Refused)
}

/// Only before a file's first statement is a refusal one: the file itself may raise any SQLSTATE, ours included.
fn refusal(code: &str, purpose: Purpose) -> Option<Refusal> {
    match purpose {
        Purpose::Lock | Purpose::Guard => Refusal::from_sqlstate(code),
        Purpose::Prepare => created_meanwhile(code),
        _ => None,
    }
}

/// goose's command takes no lock, so it can create the version table between our look and our CREATE TABLE. All three
/// codes occur (operations.md, A.1 e9): a new plan finds the table.
fn created_meanwhile(code: &str) -> Option<Refusal> {
    matches!(code, "42P07" | "42710" | "23505").then_some(Refusal::Moved)
}

/// Leaves nothing behind in a session that may go back to a pool: no transaction that the file opened, no lock, no
/// setting. What fails here fails because the session is gone.
async fn clean_up(session: &Session, flight: &Flight<'_>) {
    // A ROLLBACK without a transaction is worth a warning to the server, but to nobody here.
    let rollback = ["SET client_min_messages = error", "ROLLBACK"].into_iter();
    let ends = |message: &&Message<'_>| matches!(message.purpose, Purpose::Unlock | Purpose::Hygiene);
    let endings = flight.messages.iter().filter(ends).map(|message| message.sql.as_ref());
    for sql in rollback.chain(endings) {
        let _gone = session.client.batch_execute(sql).await;
    }
}
