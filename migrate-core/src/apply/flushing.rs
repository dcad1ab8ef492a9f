//! That what the server has committed is on its disk.

use tokio_postgres::Error;

use super::Session;
use super::session::ends_session;
use crate::flight::{FLUSH, FLUSH_BY_A_TABLE};
use crate::report::Event;

/// Waits until everything that was committed before is on the server's disk. What to tell where this role may not bring
/// that about.
///
/// # Errors
/// A session that is gone.
pub(super) async fn flush(session: &Session) -> Result<Option<Event>, Error> {
    for sql in [FLUSH, FLUSH_BY_A_TABLE] {
        match session.client.batch_execute(sql).await {
            Ok(()) => return Ok(None),
            Err(error) if ends_session(&error) => return Err(error),
            // A role may have been denied the one and the other.
            Err(_) => {}
        }
    }
    Ok(Some(Event::Noted { what: NOT_ASKED_FOR.to_owned() }))
}

const NOT_ASKED_FOR: &str = "what was applied is committed, and this role may not ask the server to write it to its disk (EXECUTE on \
     pg_logical_emit_message, or TEMPORARY on the database): the server does by itself within three times wal_writer_delay";
