//! Whether something of a failed file stays: told by what the server finished and by what it says, never by what a
//! statement looks like.

use super::Session;
use super::convoy::{Fault, Leg};
use crate::flight::{LEFT, ON_PRIMARY, Pace, Purpose};
use crate::step::Departure;

/// Whether something of a file stays behind the message that failed. The transaction that is open is rolled back first.
pub(super) async fn stays(session: &Session, fault: &Fault<'_>) -> bool {
    let leg = &fault.leg;
    match leg.flight.pace {
        Pace::Pipelined => false,
        Pace::Unwrapped => may_stay(leg, fault.message),
        Pace::Stepwise => {
            let Some(finished) = finished(leg, fault.message, Some(fault.done)) else { return false };
            finished.stays() || (!finished.has_ended_it() && has_committed(session).await)
        }
    }
}

/// Whether something of a file may stay when the connection broke at a message: nobody tells how far that one came.
pub(super) fn may_stay(leg: &Leg<'_>, message: usize) -> bool {
    match leg.flight.pace {
        Pace::Pipelined => false,
        Pace::Unwrapped => finished(leg, message, None).is_some(),
        Pace::Stepwise => finished(leg, message, None).is_some_and(|finished| finished.stays()),
    }
}

/// What the statements up to a message have done, the last one as far as so many of its commands; nothing when none of
/// them was sent.
fn finished(leg: &Leg<'_>, message: usize, done: Option<usize>) -> Option<Departure> {
    let batch = leg.batch_at(message)?;
    let (whole, part) = match leg.flight.messages.get(message)?.purpose {
        Purpose::Lock | Purpose::Begin | Purpose::Guard => return None,
        Purpose::Statements { first, .. } => (first, batch.statements.get(first)),
        _ => (batch.statements.len(), None),
    };
    let mut departure = Departure::begun();
    for statement in batch.statements.iter().take(whole) {
        departure.finish(batch.sql(statement), None);
    }
    if let Some(statement) = part {
        departure.finish(batch.sql(statement), done);
    }
    Some(departure)
}

/// A setting of the session that was made in the file's transaction is there if, and only if, that was committed: by a
/// command that no reader of its tokens saw.
async fn has_committed(session: &Session) -> bool {
    // A ROLLBACK without a transaction is worth a warning to the server, but to nobody here.
    for sql in ["SET client_min_messages = error", "ROLLBACK"] {
        let _aborted_or_gone = session.client.batch_execute(sql).await;
    }
    let asked = format!("SELECT pg_catalog.current_setting('{LEFT}', true) WHERE {ON_PRIMARY}");
    let rows = session.rows(&asked).await.unwrap_or_default();
    rows.first().is_some_and(|row| row.first().is_some_and(|mark| mark.as_deref() == Some("committed")))
}
