//! A run on its way: what all of its parts read and change, and what each of them leaves behind.

use std::time::{Duration, Instant};

use super::cut::Cut;
use super::log::Log;
use super::patience::{Backoff, Patience};
use super::watch::Watch;
use super::{Database, Means, Request, Session};
use crate::flight::{Flight, Pace, Purpose, Refusal};
use crate::report::Event;

/// One command, from its first question to its goal.
pub(super) struct Run<'r, 'c> {
    pub(super) session: &'r mut Session,
    pub(super) request: &'r Request<'c>,
    pub(super) means: &'r Means<'r>,
    pub(super) log: Log<'r>,
    pub(super) patience: Patience,
    pub(super) locks: Backoff,
    pub(super) watch: Watch<'r>,
    /// What was read before the run began.
    pub(super) seen: Option<Box<Database>>,
    /// The history that was read last, by its hash.
    pub(super) last_read: Option<u64>,
    pub(super) losses: u32,
    /// The last connection that broke without a word.
    pub(super) cut: Option<Cut>,
    /// Since when the first question goes without an answer.
    pub(super) unheard_since: Option<Instant>,
    /// Whether no pooler showed when one was looked for.
    pub(super) is_direct: bool,
    /// Whether a prepared guard or record was refused, so that none is sent again.
    pub(super) writes_out: bool,
}

/// What to do after a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Go on with what has not landed.
    On,
    /// The history is not the planned one: read it and plan anew.
    Anew,
}

impl<'r, 'c> Run<'r, 'c> {
    pub(super) fn new(
        session: &'r mut Session,
        request: &'r Request<'c>,
        means: &'r Means<'r>,
        observe: &'r mut (dyn FnMut(Event) + Send),
    ) -> Self {
        Self {
            session,
            request,
            means,
            log: Log::new(observe),
            patience: Patience::new(request.policy.lock_wait),
            locks: Backoff::new(request.policy.lock_retry, Duration::from_secs(1), Duration::from_secs(30)),
            watch: Watch::new(means.connect, &means.stop, request.policy.terms.lock_timeout),
            seen: None,
            last_read: None,
            losses: 0,
            cut: None,
            unheard_since: None,
            is_direct: false,
            writes_out: false,
        }
    }
}

/// The code of an error; empty when the server gave none.
pub(super) fn sqlstate(error: &tokio_postgres::Error) -> &str {
    error.code().map_or("", tokio_postgres::error::SqlState::code)
}

/// Only before a file's first statement is a refusal one: the file itself may raise any SQLSTATE, ours included.
pub(super) fn refusal(code: &str, purpose: Purpose) -> Option<Refusal> {
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
pub(super) async fn clean_up(session: &Session, flight: &Flight<'_>) {
    if flight.pace == Pace::Pipelined {
        return;
    }
    // A ROLLBACK without a transaction is worth a warning to the server, but to nobody here.
    let rollback = ["SET client_min_messages = error", "ROLLBACK"].into_iter();
    let ends = |purpose| matches!(purpose, Purpose::Unlock | Purpose::Hygiene);
    let endings = flight.messages.iter().filter(|message| ends(message.purpose)).map(|message| message.sql.as_ref());
    for sql in rollback.chain(endings) {
        let _gone = session.client.batch_execute(sql).await;
    }
}
