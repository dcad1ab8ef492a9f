//! Databases of processes that were killed.
//!
//! From the names of a server's databases to those that nobody uses. Invariant: a database is dropped only by who holds
//! the lock that it is named after, which its own process held until it ended. So this is right across machines, too.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::texts;
use crate::ScratchError;

/// A number that no other process has, as the key of an advisory lock.
const NEW_OWNER: &str = "SELECT k FROM (SELECT pg_catalog.md5(pg_catalog.random()::text || pg_catalog.clock_timestamp() \
    || pg_catalog.pg_backend_pid()) AS m) r, LATERAL (SELECT ('x' || pg_catalog.substr(m, 1, 15))::bit(60)::bigint AS k) l \
    WHERE pg_catalog.pg_try_advisory_lock(k)";

const TEST_DATABASES: &str =
    "SELECT datname FROM pg_catalog.pg_database WHERE datname ~ '^migrate_test_[0-9a-f]{15}_[0-9]+$'";

/// Takes the lock that this session's databases are named after, and drops those whose lock is free.
pub(super) async fn take_lock_and_sweep(client: &Client) -> Result<i64, ScratchError> {
    let refused = || ScratchError::Refused { doing: "take a lock".to_owned(), reason: "it is taken".to_owned() };
    let owner = texts(client, NEW_OWNER).await.map_err(ScratchError::refused("take a lock"))?;
    let owner = owner.first().and_then(|owner| owner.parse().ok()).ok_or_else(refused)?;
    let names = texts(client, TEST_DATABASES).await.map_err(ScratchError::refused("list the databases"))?;
    let owners: BTreeSet<i64> = names.iter().filter_map(|name| owner_of(name)).collect();
    for dead in owners.into_iter().filter(|other| *other != owner) {
        let tried = texts(client, &format!("SELECT pg_catalog.pg_try_advisory_lock({dead})")).await;
        if !tried.is_ok_and(|answer| answer == ["t"]) {
            continue;
        }
        for name in names.iter().filter(|name| owner_of(name) == Some(dead)) {
            // Best effort: it may be another role's, whose next process will drop it.
            let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
        let _ = texts(client, &format!("SELECT pg_catalog.pg_advisory_unlock({dead})")).await;
    }
    Ok(owner)
}

fn owner_of(name: &str) -> Option<i64> {
    i64::from_str_radix(name.strip_prefix("migrate_test_")?.split('_').next()?, 16).ok()
}
