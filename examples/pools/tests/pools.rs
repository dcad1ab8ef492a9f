//! Both pools before and after the migrations, on a real server.

use deadpool_postgres::{Manager, Pool};
use migrate_core::gate::State;
use migrate_scratch::Server;
use pools::{SET, admit_through_deadpool, admit_through_sqlx, latch};
use tokio_postgres::NoTls;

/// Writes the version table as `migrate baseline` would, as far as the gate is concerned.
async fn record(pool: &sqlx::PgPool) {
    let table = "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, \
                 is_applied boolean NOT NULL, tstamp timestamp DEFAULT now())";
    sqlx::raw_sql(table).execute(pool).await.expect("a table");
    for migration in SET.migrations.iter() {
        let row = format!("INSERT INTO goose_db_version (version_id, is_applied) VALUES ({}, true)", migration.version);
        sqlx::raw_sql(&row).execute(pool).await.expect("a row");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn both_pools_ask_and_agree() {
    let server = Server::newest().expect("PostgreSQL server binaries");
    let url = server.url("postgres");
    let sqlx = sqlx::PgPool::connect(&url).await.expect("a pool");
    let manager = Manager::new(url.parse().expect("a URL"), NoTls);
    let deadpool = Pool::builder(manager).max_size(1).build().expect("a pool");
    let (of_sqlx, of_deadpool) = (latch(), latch());
    let before = admit_through_sqlx(&of_sqlx, &sqlx).await;
    assert!(matches!(before.state, State::NotInitialised), "{before}");
    let same = admit_through_deadpool(&of_deadpool, &deadpool).await.expect("a client");
    assert_eq!(same.to_string(), before.to_string());
    record(&sqlx).await;
    let after = admit_through_sqlx(&of_sqlx, &sqlx).await;
    assert!(after.is_open(), "{after}");
    let same = admit_through_deadpool(&of_deadpool, &deadpool).await.expect("a client");
    assert_eq!(same.to_string(), after.to_string());
    // Once open, nobody is asked any more.
    sqlx.close().await;
    assert!(admit_through_sqlx(&of_sqlx, &sqlx).await.is_open());
}
