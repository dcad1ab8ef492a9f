//! What a template saves: each test of an application with a database of its own, copied, and replayed.
//!
//! `cargo bench -p migrate-scratch --features databases --bench templates`. Generated migrations, each a table, an index
//! and a row. `MIGRATE_BENCH_TESTS` sets the number of tests; both ways run one test after the other. A copy is new files and
//! little else: `TMPDIR=/dev/shm` shows what it costs without a disk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints, and has nobody to hand an error to"
)]

use std::time::{Duration, Instant};

use migrate_core::apply::{Means, Request, Session, apply};
use migrate_core::connect::Connector;
use migrate_core::connection::{Access, Source as UrlSource};
use migrate_core::migration::Set;
use migrate_core::parse::{Environment, Folder, Source, parse};
use migrate_core::plan::{Goal, Order};
use migrate_scratch::{Scratch, Server};
use tokio_postgres::{Client, NoTls};

const TESTS: u32 = 259;
const MIGRATIONS: u32 = 142;

/// Waits until the last session has gone, as the helper does: DROP DATABASE would wait a tenth of a second.
const NOBODY_THERE: &str = "DO $$ BEGIN FOR look IN 1..200 LOOP \
    EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'replayed'); \
    PERFORM pg_sleep(0.002); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$";

/// The least that the helper has to be faster.
const BAR: f64 = 3.0;

fn generated() -> Set {
    let file = |version: u32| {
        let up = format!(
            "CREATE TABLE t{version} (id int PRIMARY KEY, name text);\nCREATE INDEX ON t{version} (name);\n\
             INSERT INTO t{version} VALUES ({version}, 'x');\n"
        );
        Source { file: format!("{version:05}_t{version}.sql"), text: Ok(format!("-- +goose Up\n{up}")) }
    };
    let sources = (1..=MIGRATIONS).map(file).collect();
    parse(Folder { path: "generated".into(), shown: "generated".into(), sources, diagnostics: vec![] }).set
}

/// What a test does with its database.
async fn look(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("INSERT INTO t{MIGRATIONS} VALUES (0, 'y')")).await.unwrap();
}

async fn by_copying(scratch: &Scratch, set: &Set) {
    let database = scratch.database(set).await.unwrap();
    look(database.url()).await;
}

/// What tests do without a template: an empty database, all migrations, and the database dropped.
async fn by_replaying(admin: &Client, url: &str, set: &Set) {
    admin.batch_execute("CREATE DATABASE replayed TEMPLATE template0").await.unwrap();
    let variables = Environment::default();
    let connector = Connector {
        source: UrlSource::Argument(url.to_owned()),
        variables: variables.clone(),
        account: None,
        database: None,
        access: Access::Change,
        patience: Duration::from_secs(10),
    };
    let mut session = Session::open(&connector, &mut |_| ()).await.unwrap();
    let means = Means { connect: Some(&connector), ..Means::alone() };
    apply(&mut session, &Request::new(Order::new(set, Goal::Up, &variables)), &means, &mut |_| ()).await.unwrap();
    session.close().await;
    look(url).await;
    admin.batch_execute(NOBODY_THERE).await.unwrap();
    admin.batch_execute("DROP DATABASE replayed WITH (FORCE)").await.unwrap();
}

#[tokio::main]
async fn main() {
    let tests = std::env::var("MIGRATE_BENCH_TESTS").ok().and_then(|tests| tests.parse().ok()).unwrap_or(TESTS);
    let (server, set) = (Server::newest().unwrap(), generated());
    let (admin, connection) = tokio_postgres::connect(&server.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);

    let began = Instant::now();
    let scratch = Scratch::at(&server.url("postgres")).unwrap();
    by_copying(&scratch, &set).await;
    let first = began.elapsed();
    for _ in 1..tests {
        by_copying(&scratch, &set).await;
    }
    let copied = began.elapsed();

    let began = Instant::now();
    for _ in 0..tests {
        by_replaying(&admin, &server.url("replayed"), &set).await;
    }
    let replayed = began.elapsed();

    let ratio = replayed.as_secs_f64() / copied.as_secs_f64();
    println!("PostgreSQL {}, {tests} tests x {MIGRATIONS} migrations", server.major());
    println!("replayed  {replayed:8.1?}  {:6.1?} a test", replayed / tests);
    println!("copied    {copied:8.1?}  {:6.1?} a test, the first {first:.1?}", copied / tests);
    println!("ratio     {ratio:8.1}");
    assert!(ratio >= BAR, "the bar is {BAR}");
}
