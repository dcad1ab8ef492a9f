//! The gate of a release at its start, through the pool that the application has anyway.
//!
//! Made from the migrations that are built in. Invariant: the gate opens no connection of its own.

use migrate_core::gate::{Gate, Latch, Policy, Verdict};
use migrate_core::migration::Set;
use sqlx::Row as _;

/// The migrations that this release was built with.
pub static SET: &Set = migrate_macros::embed!("../../../migrations");

/// What an application keeps for as long as it runs.
#[must_use]
pub fn latch() -> Latch<'static> {
    Latch::new(Gate::new(SET), Policy::FailFast)
}

/// With `sqlx`: the question is one simple query, and every column of its answer is text.
pub async fn admit_through_sqlx(latch: &Latch<'_>, pool: &sqlx::PgPool) -> Verdict {
    let ask = async |sql: &str| {
        let rows = sqlx::raw_sql(sql).fetch_all(pool).await?;
        let texts = |row: &sqlx::postgres::PgRow| (0..row.len()).map(|at| row.try_get(at)).collect();
        rows.iter().map(texts).collect::<Result<Vec<Vec<Option<String>>>, sqlx::Error>>()
    };
    latch.admit_async(ask, tokio::time::sleep).await
}

/// With `deadpool-postgres`: its clients are those of `tokio-postgres`, which the gate knows.
///
/// # Errors
/// The pool has no connection to give.
pub async fn admit_through_deadpool(
    latch: &Latch<'_>,
    pool: &deadpool_postgres::Pool,
) -> Result<Verdict, deadpool_postgres::PoolError> {
    let client = pool.get().await?;
    Ok(latch.admit_client(&client).await)
}
