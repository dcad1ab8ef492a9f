//! That what the server has committed is on its disk.

use tokio_postgres::Error;

use super::Session;
use super::session::ends_session;
use crate::flight::FLUSH;

/// The same for a role that may not call that function: a transaction that takes a table away again waits for the disk,
/// whatever its settings.
const FLUSH_BY_A_TABLE: &str = "CREATE TEMPORARY TABLE migrate_flush () ON COMMIT DROP";

/// Waits until everything that was committed before is on the server's disk.
///
/// # Errors
/// A session that is gone, or why that cannot be brought about.
pub(super) async fn flush(session: &Session) -> Result<(), Error> {
    match session.client.batch_execute(FLUSH).await {
        // A role may have been denied the function.
        Err(error) if !ends_session(&error) => session.client.batch_execute(FLUSH_BY_A_TABLE).await.map_err(|_| error),
        ended => ended,
    }
}
