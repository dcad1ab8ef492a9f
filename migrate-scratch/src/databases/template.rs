//! The template of a set: a database to which it was applied.
//!
//! From a set to a database named by its digest. Invariant: what has a template's name is complete. It is built under
//! another name, under an advisory lock, and renamed at the end; one that a killed process left half made is made anew.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use migrate_core::apply::{self, Means, Request, Session, Stop};
use migrate_core::connect::Connector;
use migrate_core::connection::{Access, Source};
use migrate_core::migration::{Digest, Set};
use migrate_core::parse::Environment;
use migrate_core::plan::{Goal, Order};
use migrate_core::report::Failure;
use tokio_postgres::{Client, NoTls};

use super::address::Address;
use super::texts;
use crate::ScratchError;

/// A template this old is dropped when another one is made: sets change, and servers may live for long.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// How long a replay waits for the server. It has just answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// The template's name: by the migrations, and by the version of this program, whose ledger is in it.
pub(super) fn name(set: &Set) -> String {
    format!("migrate_template_{}", &key(set).to_string()[..32])
}

fn key(set: &Set) -> Digest {
    Digest::of_parts([set.digest.bytes().as_slice(), env!("CARGO_PKG_VERSION").as_bytes()])
}

/// Makes the template of a set unless it is there. Of all who ask at once, in this process and others, one does.
pub(super) async fn make(address: &Address, set: &Set, template: &str) -> Result<(), ScratchError> {
    let refused = |doing: &'static str| ScratchError::refused(doing);
    let (client, connection) = tokio_postgres::connect(&address.own(), NoTls).await.map_err(refused("connect"))?;
    // Ends with `client`, and with it the lock.
    tokio::spawn(connection);
    // The digits that follow `migrate_template_`, as many as fit into the key of a lock.
    let digits = &key(set).to_string()[..15];
    let query = format!("SELECT pg_catalog.pg_advisory_lock(('x' || '{digits}')::bit(60)::bigint)");
    client.batch_execute(&query).await.map_err(refused("wait for the template"))?;
    let query = format!("SELECT datname FROM pg_catalog.pg_database WHERE datname = '{template}'");
    if texts(&client, &query).await.map_err(refused("look for the template"))?.is_empty() {
        build(&client, address, set, template).await?;
        drop_old(&client).await.map_err(refused("drop old templates"))?;
    }
    Ok(())
}

async fn build(client: &Client, address: &Address, set: &Set, template: &str) -> Result<(), ScratchError> {
    let building = template.replace("template", "building");
    let drop_it = format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)");
    for statement in [&drop_it, &format!("CREATE DATABASE {building} TEMPLATE template0")] {
        client.batch_execute(statement).await.map_err(ScratchError::refused("create the template"))?;
    }
    if let Err(failure) = replay(&address.of(&building), set).await {
        // Best effort: the next who makes this template drops it first.
        let _ = client.batch_execute(&drop_it).await;
        return Err(ScratchError::Migrations { folder: set.origin.shown.to_string(), failure: Box::new(failure) });
    }
    for statement in [
        format!("COMMENT ON DATABASE {building} IS '{}'", now()),
        format!("ALTER DATABASE {building} WITH ALLOW_CONNECTIONS false"),
        format!("ALTER DATABASE {building} RENAME TO {template}"),
    ] {
        client.batch_execute(&statement).await.map_err(ScratchError::refused("finish the template"))?;
    }
    Ok(())
}

/// Applies the set as `migrate up` does.
async fn replay(url: &str, set: &Set) -> Result<(), Failure> {
    let variables = Environment::default();
    let connector = Connector {
        source: Source::Argument(url.to_owned()),
        variables: variables.clone(),
        account: None,
        database: None,
        access: Access::Change,
        patience: PATIENCE,
    };
    let mut session = Session::open(&connector, &mut |_| ()).await?;
    let request = Request { run: "scratch".to_owned(), ..Request::new(Order::new(set, Goal::Up, &variables)) };
    let means = Means { connect: Some(&connector), stop: Stop::never() };
    let applied = apply::apply(&mut session, &request, &means, &mut |_| ()).await;
    session.close().await;
    applied.map(drop)
}

/// Drops templates that were made long ago. Who still uses one makes it anew.
async fn drop_old(client: &Client) -> Result<(), tokio_postgres::Error> {
    let oldest = now().saturating_sub(KEPT.as_secs());
    let query = format!(
        "SELECT datname FROM pg_catalog.pg_database WHERE datname ~ '^migrate_template_[0-9a-f]{{32}}$' AND \
         CASE WHEN pg_catalog.shobj_description(oid, 'pg_database') ~ '^[0-9]{{1,12}}$' \
         THEN pg_catalog.shobj_description(oid, 'pg_database')::bigint < {oldest} END"
    );
    for old in texts(client, &query).await? {
        // Best effort: somebody may be copying it, or it is another role's.
        let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {old}")).await;
    }
    Ok(())
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
