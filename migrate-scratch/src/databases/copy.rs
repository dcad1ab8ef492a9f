//! One test's database: a copy of a template.
//!
//! From a template to a database with a name that no other has. Invariant: it is dropped with its value, after a panic
//! too; when the process is killed before that, the next one does it (`leftovers`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::{Seat, texts};

/// How long the end of a test waits for its database to be dropped.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often, and how long apart, it is looked whether the sessions with it have gone.
const LOOKS: u32 = 200;
const LOOK: Duration = Duration::from_millis(2);

/// A database of a test's own, dropped with this value, whoever is still connected to it.
#[derive(Debug)]
pub struct ScratchDatabase {
    seat: Arc<Seat>,
    name: String,
    url: String,
}

impl ScratchDatabase {
    /// Its address: `postgres://…/NAME`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        let (seat, name) = (Arc::clone(&self.seat), self.name.clone());
        // A thread of its own: inside the test's runtime nothing may be waited for.
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            // Nobody is left to tell; what stays is a leftover, and the next process drops it.
            let _ = runtime.block_on(async { tokio::time::timeout(PATIENCE, remove(&seat.client, &name)).await });
            std::io::Result::Ok(())
        };
        if let Ok(thread) = std::thread::Builder::new().spawn(work) {
            let _ = thread.join();
        }
    }
}

/// Ends the sessions with a database and drops it. DROP DATABASE would wait a tenth of a second for a session that is still
/// on its way out, so it is asked for when they have gone.
async fn remove(client: &Client, name: &str) -> Result<(), tokio_postgres::Error> {
    let sessions = format!(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = '{name}'"
    );
    for _ in 0..LOOKS {
        // A role that may not end them leaves it to FORCE.
        if texts(client, &sessions).await.is_ok_and(|ended| ended.is_empty()) {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
}

/// Copies a template. The value exists before the database does: a test that is given up meanwhile leaves nothing behind.
pub(super) async fn copy(seat: &Arc<Seat>, template: &str) -> Result<ScratchDatabase, tokio_postgres::Error> {
    let number = seat.next.fetch_add(1, Ordering::Relaxed);
    let name = format!("migrate_test_{:015x}_{number}", seat.owner);
    let database = ScratchDatabase { seat: Arc::clone(seat), url: seat.address.of(&name), name };
    seat.client.batch_execute(&format!("CREATE DATABASE {} TEMPLATE {template}", database.name)).await?;
    Ok(database)
}

/// Whether a copy failed for want of its template.
pub(super) fn has_no_template(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::INVALID_CATALOG_NAME)
}
