//! What stands between this program and the server: a pooler, and in which mode (operations.md 4.5).
//!
//! There is no proof of a direct connection, only of the contrary. Two sessions that one backend serves prove a pooler in
//! transaction mode; a process number that is not the backend's proves that something stands in between.

use std::time::Duration;

use tokio_postgres::Error;

use super::{Connect, Session};

/// What stands between this program and the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pooling {
    /// Nothing shows; that is no proof.
    NoneShows,
    /// An address that poolers use; it may be one in session mode.
    Perhaps(String),
    /// Something that keeps a backend for each session: a pooler in session mode, or a proxy.
    Session(String),
    /// Pgpool-II, which keeps a backend for each session, with its version.
    Pgpool(String),
    /// A pooler that gives a backend for each transaction.
    Transaction {
        /// What tells it.
        sign: String,
        /// The host without it, where that is known.
        direct: Option<String>,
    },
    /// A pooler that gives a backend for each statement, and refuses transactions.
    Statement(String),
}

/// What keeps a session's state from lasting, and how it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pooled {
    /// What a backend is given for.
    pub(super) mode: &'static str,
    /// What tells it.
    pub(super) sign: String,
    /// The host of the same database without it, where that is known.
    pub(super) direct: Option<String>,
}

/// Other clients of the pool can take the backend in between.
const TRIES: u32 = 5;
/// A question that has to wait for a backend is an answer too.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What `PgBouncer` answers to BEGIN in statement mode, where every error of its own is 08P01.
const NO_TRANSACTIONS: &str = "statement pooling mode";

/// The pooler that gives a backend for less than a session; nothing when none shows.
pub(super) async fn verdict(session: &Session, connect: Option<&dyn Connect>) -> Option<Pooled> {
    match with_two_sessions(session, connect).await? {
        Pooling::Transaction { sign, direct } => Some(Pooled { mode: "transaction", sign, direct }),
        Pooling::Statement(sign) => Some(Pooled { mode: "statement", sign, direct: None }),
        _ => None,
    }
}

/// What shows of it without a question of its own: the name of the host, or another process than the one that serves the
/// session, by its number.
pub(super) async fn at_first_sight(session: &Session, backend: Option<String>) -> Option<String> {
    if let Some(hint) = session.peer().and_then(|peer| peer.pooler.as_ref()) {
        return Some(hint.sign.clone());
    }
    other_process(session, &backend?).await
}

/// Whether a backend is the process that the session was told to name when it wants to be stopped, and nothing else hints
/// at a pooler. No proof either: what counts on it notices when it is not so.
pub(super) async fn is_own(session: &Session, backend: Option<&str>) -> bool {
    let Some(canceller) = session.canceller().filter(|_| session.peer().is_some_and(|peer| peer.pooler.is_none()))
    else {
        return false;
    };
    canceller.process().await.is_some_and(|told| Some(told.to_string().as_str()) == backend)
}

/// All that shows of what stands in between.
pub(super) async fn pooling(session: &Session, connect: Option<&dyn Connect>) -> Pooling {
    if let Some(pooling) = with_two_sessions(session, connect).await {
        return pooling;
    }
    if let Some(pooling) = with_process(session).await {
        return pooling;
    }
    let hint = session.peer().and_then(|peer| peer.pooler.as_ref());
    hint.map_or(Pooling::NoneShows, |hint| Pooling::Perhaps(hint.sign.clone()))
}

/// What a second session beside this one shows, or else the name of the host.
async fn with_two_sessions(session: &Session, connect: Option<&dyn Connect>) -> Option<Pooling> {
    let hint = session.peer().and_then(|peer| peer.pooler.clone());
    let direct = hint.as_ref().and_then(|hint| hint.direct.clone());
    let seen = match connect {
        Some(connect) => tokio::time::timeout(TIMEOUT, probe(session, connect)).await.ok().flatten(),
        None => None,
    };
    match seen {
        Some(Shared::Backend(pid)) => {
            let sign = format!("two sessions of this program were served by one backend, pid {pid}");
            Some(Pooling::Transaction { sign, direct })
        }
        Some(Shared::Refusal(message)) => Some(Pooling::Statement(format!("it refuses transactions: {message}"))),
        None => {
            // A provider's name is believed; a port or a word in a URL may also be that of a pooler in session mode.
            let hint = hint.filter(|hint| hint.direct.is_some() || hint.sign.contains("supabase"))?;
            Some(Pooling::Transaction { sign: hint.sign, direct })
        }
    }
}

/// What answers for itself, or gives the session another process to name than the one that serves it.
async fn with_process(session: &Session) -> Option<Pooling> {
    // Pgpool-II passes the number on and answers this one itself; a server knows no such parameter, and logs that.
    let version =
        session.rows("SHOW pool_version").await.ok().and_then(|rows| rows.into_iter().next()?.into_iter().next()?);
    if let Some(version) = version {
        return Some(Pooling::Pgpool(version));
    }
    other_process(session, &pid(session).await.ok()??).await.map(Pooling::Session)
}

/// That the session was given another process to name than the one that serves it.
async fn other_process(session: &Session, backend: &str) -> Option<String> {
    let told = session.canceller()?.process().await?;
    let sign = || format!("the session was told to name process {told}, and pid {backend} serves it");
    (told.to_string() != backend).then(sign)
}

/// What two sessions have in common.
enum Shared {
    /// A backend, by its pid.
    Backend(String),
    /// A pooler that gives no transactions, in its words.
    Refusal(String),
}

/// Whether one backend serves this session and another one while both are open.
async fn probe(session: &Session, connect: &dyn Connect) -> Option<Shared> {
    let other = connect.beside().await.ok()?;
    let mut shared = None;
    for _ in 0..TRIES {
        shared = match (both(session, &other).await, both(&other, session).await) {
            (Ok(Some(pid)), _) | (_, Ok(Some(pid))) => Some(Shared::Backend(pid)),
            (Err(error), _) | (_, Err(error)) => refusal(&error),
            _ => None,
        };
        if shared.is_some() {
            break;
        }
    }
    other.close().await;
    shared
}

fn refusal(error: &Error) -> Option<Shared> {
    let message = error.as_db_error()?.message();
    message.contains(NO_TRANSACTIONS).then(|| Shared::Refusal(message.to_owned()))
}

/// The backend that served the first session a moment ago and serves the second one now, when it is one.
async fn both(first: &Session, second: &Session) -> Result<Option<String>, Error> {
    let before = pid(first).await?;
    second.client.batch_execute("BEGIN").await?;
    let now = pid(second).await;
    second.client.batch_execute("ROLLBACK").await?;
    Ok(before.zip(now?).filter(|(before, now)| before == now).map(|(pid, _)| pid))
}

async fn pid(session: &Session) -> Result<Option<String>, Error> {
    let rows = session.rows("SELECT pg_catalog.pg_backend_pid()").await?;
    Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
}
