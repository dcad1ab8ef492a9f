//! Tests of an application, as docs/testing.md shows them: each with a migrated database of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test reports a failure by panicking")]

use migrate_scratch::{Scratch, ScratchDatabase};
use tokio_postgres::{Client, NoTls};

migrate_macros::embed!(pub mod schema = "../../migrations");

/// What each test begins with. The database is dropped with the first of the two values.
async fn database() -> (ScratchDatabase, Client) {
    let scratch = Scratch::find().expect("a PostgreSQL server");
    let database = scratch.database(&schema::SET).await.expect("migrations that run");
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    (database, client)
}

/// The application's code.
async fn sign_up(client: &Client, email: &str) -> Result<(), tokio_postgres::Error> {
    client.execute("INSERT INTO users (email, display_name) VALUES ($1::text::citext, 'Somebody')", &[&email]).await?;
    Ok(())
}

async fn users(client: &Client) -> i64 {
    client.query_one("SELECT count(*) FROM users", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn somebody_can_sign_up() {
    let (_database, client) = database().await;
    sign_up(&client, "a@example.org").await.unwrap();
    assert_eq!(users(&client).await, 1);
}

#[tokio::test]
async fn nobody_signs_up_twice() {
    let (_database, client) = database().await;
    sign_up(&client, "a@example.org").await.unwrap();
    assert!(sign_up(&client, "A@example.org").await.is_err());
    assert_eq!(users(&client).await, 1);
}
