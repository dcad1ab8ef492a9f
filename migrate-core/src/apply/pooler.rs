//! Whether a pooler in transaction mode stands between this program and the server (operations.md 4.5).
//!
//! There is no proof of a direct connection, only of the contrary: two sessions that one backend serves.

use std::time::Duration;

use tokio_postgres::Error;

use super::{Connect, Session};

/// A pooler, and how it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pooled {
    /// What tells it.
    pub(super) sign: String,
    /// The host of the same database without it, where that is known.
    pub(super) direct: Option<String>,
}

/// Other clients of the pool can take the backend in between.
const TRIES: u32 = 5;
/// A question that has to wait for a backend is an answer too.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The pooler that stands in between; nothing when none shows.
pub(super) async fn verdict(session: &Session, connect: Option<&dyn Connect>) -> Option<Pooled> {
    let hint = session.peer().and_then(|peer| peer.pooler.clone());
    let direct = hint.as_ref().and_then(|hint| hint.direct.clone());
    if let Some(connect) = connect
        && let Ok(Some(sign)) = tokio::time::timeout(TIMEOUT, probe(session, connect)).await
    {
        return Some(Pooled { sign, direct });
    }
    // A provider's name is believed; a port or a word in a URL may also be that of a pooler in session mode.
    let hint = hint.filter(|hint| hint.direct.is_some() || hint.sign.contains("supabase"))?;
    Some(Pooled { sign: hint.sign, direct })
}

/// Whether one backend serves this session and another one while both are open.
async fn probe(session: &Session, connect: &dyn Connect) -> Option<String> {
    let other = connect.beside().await.ok()?;
    let mut shared = None;
    for _ in 0..TRIES {
        shared = match (both(session, &other).await, both(&other, session).await) {
            (Ok(Some(pid)), _) | (_, Ok(Some(pid))) => Some(pid),
            _ => None,
        };
        if shared.is_some() {
            break;
        }
    }
    other.close().await;
    shared.map(|pid| format!("two sessions of this program were served by one backend, pid {pid}"))
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
