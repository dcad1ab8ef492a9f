//! Asking through a client of `tokio-postgres`: one simple query, so that poolers need not keep prepared statements.

use std::time::Duration;

use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Gate, Latch, TextRow, Verdict};

/// A server that takes longer is not ready.
const TIMEOUT: Duration = Duration::from_secs(2);

impl Gate<'_> {
    /// Asks once through a client.
    pub async fn check_client(&self, client: &Client) -> Verdict {
        self.check_async(async |sql: &str| ask(client, sql).await).await
    }
}

impl Latch<'_> {
    /// Asks through a client until the gate is open or the policy's patience is over.
    pub async fn admit_client(&self, client: &Client) -> Verdict {
        self.admit_async(async |sql: &str| ask(client, sql).await, async |pause| tokio::time::sleep(pause).await).await
    }
}

async fn ask(client: &Client, sql: &str) -> Result<Vec<TextRow>, String> {
    let answer = tokio::time::timeout(TIMEOUT, client.simple_query(sql)).await;
    let messages = answer.map_err(|_| format!("no answer within {} s", TIMEOUT.as_secs()))?;
    let messages = messages.map_err(|error| error.as_db_error().map_or(error.to_string(), ToString::to_string))?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
        _ => None,
    });
    Ok(rows.collect())
}
