//! The embedded PostgreSQL in memory, through tokio-postgres.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test reports a failure by panicking")]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt, pin_mut};
use migrate_scratch::{Embedded, ScratchError, Storage};
use tokio::time::timeout;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, SimpleQueryMessage};

/// Far more than anything here takes, so that a hang fails the test instead of stalling it.
const LIMIT: Duration = Duration::from_mins(2);

// The handle can be shared between threads, as tests and servers do.
const _: fn() = || {
    fn shareable<T: Send + Sync>() {}
    shareable::<Embedded>();
};

fn config(user: &str, database: &str) -> Config {
    let mut config = Config::new();
    config.user(user).dbname(database);
    config
}

async fn session(embedded: &Embedded, config: &Config) -> Result<Client, tokio_postgres::Error> {
    let stream = embedded.connect().unwrap();
    let opened = timeout(LIMIT, config.connect_raw(stream, NoTls));
    let (client, connection) = opened.await.expect("the session opens in time")?;
    tokio::spawn(connection);
    Ok(client)
}

async fn postgres(embedded: &Embedded) -> Client {
    session(embedded, &config("postgres", "postgres")).await.unwrap()
}

async fn text(client: &Client, query: &str) -> String {
    let messages = timeout(LIMIT, client.simple_query(query)).await;
    let messages = messages.expect("the query ends in time").unwrap();
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    row.expect("the query has a row").to_owned()
}

/// SQLSTATE and position of the error `sql` ends in.
async fn failure(client: &Client, sql: &str) -> (String, Option<u32>) {
    let error = client.batch_execute(sql).await.unwrap_err();
    let error = error.as_db_error().expect("the server reports it");
    let position = match error.position() {
        Some(ErrorPosition::Original(position)) => Some(*position),
        _ => None,
    };
    (error.code().code().to_owned(), position)
}

async fn queries_and_parameters(client: &Client) {
    assert!(text(client, "show server_version").await.starts_with("18"));
    let row = client.query_one("select $1::int4 + 1, upper($2::text)", &[&41_i32, &"ä"]).await.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1)), (42, "Ä"));
    let statement = client.prepare("select $1::text").await.unwrap();
    for word in ["one", "two"] {
        let row = client.query_one(&statement, &[&word]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), word);
    }
    let (one, two) = tokio::join!(client.query_one("select 1", &[]), client.query_one("select 2", &[]));
    assert_eq!((one.unwrap().get::<_, i32>(0), two.unwrap().get::<_, i32>(0)), (1, 2));
    for (setting, value) in [
        ("search_path", "\"$user\", public"),
        ("allow_system_table_mods", "off"),
        ("server_encoding", "UTF8"),
        ("standard_conforming_strings", "on"),
    ] {
        assert_eq!(text(client, &format!("show {setting}")).await, value);
    }
}

async fn errors(client: &Client) {
    assert_eq!(failure(client, "select 1;\nselect x from nowhere").await, ("42P01".to_owned(), Some(25)));
    assert_eq!(failure(client, "select 1/0").await.0, "22012");
    let error = client.query("select $1::int4 / 0", &[&1_i32]).await;
    assert_eq!(error.unwrap_err().code().unwrap().code(), "22012");
    let error = client.prepare("selec 1").await;
    assert_eq!(error.err().unwrap().code().unwrap().code(), "42601");
    assert_eq!(text(client, "select 'usable'").await, "usable");
}

async fn transactions(client: &mut Client) {
    client.batch_execute("create table t (x int)").await.unwrap();
    let transaction = client.transaction().await.unwrap();
    transaction.execute("insert into t values ($1)", &[&1_i32]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(text(client, "select count(*) from t").await, "0");
    let transaction = client.transaction().await.unwrap();
    let error = transaction.batch_execute("insert into t values ('x')").await;
    assert_eq!(error.unwrap_err().code().unwrap().code(), "22P02");
    let error = transaction.batch_execute("select 1").await;
    assert_eq!(error.unwrap_err().code().unwrap().code(), "25P02");
    drop(transaction);
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute("insert into t values (1); savepoint s; insert into t values (2)").await.unwrap();
    transaction.batch_execute("rollback to s").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(text(client, "select sum(x) from t").await, "1");
}

async fn objects(client: &Client) {
    client
        .batch_execute(
            "create type mood as enum ('sad', 'ok');
             alter type mood add value 'happy';
             create domain positive as int check (value > 0);
             create table part (id positive, m mood) partition by range (id);
             create table part_1 partition of part for values from (1) to (100);
             insert into part values (7, 'happy');
             create materialized view mv as select count(*) as n from part;
             refresh materialized view mv;
             create function twice(n int) returns int language plpgsql as
                $$ begin return n * 2; end $$;
             do $$ begin perform twice(1); raise notice 'done'; end $$;",
        )
        .await
        .unwrap();
    assert_eq!(text(client, "select twice(n::int) from mv").await, "2");
    assert_eq!(failure(client, "insert into part values (0, 'ok')").await.0, "23514");
    assert_eq!(failure(client, "do $$ begin raise exception 'no'; end $$").await.0, "P0001");
    client.batch_execute("create index concurrently t_x on t (x)").await.unwrap();
    client.batch_execute("drop index concurrently t_x").await.unwrap();
    client.batch_execute("vacuum analyze t").await.unwrap();
    assert_eq!(text(client, "select pg_try_advisory_lock(7)").await, "t");
    assert_eq!(text(client, "select pg_advisory_unlock(7)").await, "t");
    for extension in
        ["pgcrypto", "citext", "pg_trgm", "\"uuid-ossp\"", "hstore", "unaccent", "ltree", "btree_gin", "btree_gist"]
    {
        let sql = format!("create extension {extension}");
        client.batch_execute(&sql).await.expect(extension);
    }
    assert_eq!(text(client, "select encode(digest('a', 'md5'), 'hex')").await.len(), 32);
    assert_eq!(text(client, "select 'A'::citext = 'a'").await, "t");
    assert_eq!(text(client, "select unaccent('é')").await, "e");
}

#[tokio::test]
async fn ordinary_statements_work_as_on_a_server() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let mut client = postgres(&embedded).await;
    queries_and_parameters(&client).await;
    errors(&client).await;
    transactions(&mut client).await;
    objects(&client).await;
    drop(client);
    embedded.close().unwrap();
}

#[tokio::test]
async fn a_session_waits_for_the_one_before_and_sees_only_what_it_committed() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let first = postgres(&embedded).await;
    first.batch_execute("create table t (x int); select pg_advisory_lock(1)").await.unwrap();
    first.batch_execute("begin; insert into t values (1)").await.unwrap();
    let mut waiting = Box::pin(postgres(&embedded));
    let early = timeout(Duration::from_millis(500), &mut waiting).await;
    assert!(early.is_err(), "one session at a time");
    // tokio-postgres says goodbye (Terminate) when the client is dropped.
    drop(first);
    let second = waiting.await;
    assert_eq!(text(&second, "select count(*) from t").await, "0");
    assert_eq!(text(&second, "select pg_try_advisory_lock(1)").await, "t");
    drop(second);

    let stream = embedded.connect().unwrap();
    let (client, connection) = config("postgres", "postgres").connect_raw(stream, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("begin; insert into t values (2)").await.unwrap();
    // Aborting the task drops the stream without a goodbye.
    connection.abort();
    let third = postgres(&embedded).await;
    assert_eq!(text(&third, "select count(*) from t").await, "0");
    // Closing cuts the session that is still open, even while it blocks the only thread that
    // could move the session's bytes.
    embedded.close().unwrap();
    assert!(third.batch_execute("select 1").await.is_err());
}

#[tokio::test]
async fn any_user_is_the_superuser_but_the_database_must_exist() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let mut settings = config("nobody_i_know", "postgres");
    settings.password("ignored").application_name("scratch").options("-c work_mem=7MB");
    let client = session(&embedded, &settings).await.unwrap();
    for (query, answer) in
        [("select session_user", "postgres"), ("show application_name", "scratch"), ("show work_mem", "7MB")]
    {
        assert_eq!(text(&client, query).await, answer);
    }
    client.batch_execute("create role r; set role r").await.unwrap();
    assert_eq!(text(&client, "select current_user").await, "r");
    client.batch_execute("reset role").await.unwrap();
    client.batch_execute("set session authorization r").await.unwrap();
    assert_eq!(text(&client, "select session_user").await, "r");
    assert_eq!(failure(&client, "create database other").await.0, "42501");
    // A limit of the embedded server: RESET does not lead back, naming the superuser does.
    client.batch_execute("reset session authorization").await.unwrap();
    assert_eq!(text(&client, "select session_user").await, "r");
    client.batch_execute("set session authorization postgres").await.unwrap();
    client.batch_execute("create database other").await.unwrap();
    drop(client);

    let missing = session(&embedded, &config("postgres", "missing")).await;
    assert_eq!(missing.err().unwrap().code().unwrap().code(), "3D000");
    let other = session(&embedded, &config("postgres", "other")).await;
    let other = other.unwrap();
    assert_eq!(text(&other, "select current_database()").await, "other");
}

#[tokio::test]
async fn notifications_and_notices_arrive() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let stream = embedded.connect().unwrap();
    let (client, mut connection) = config("postgres", "postgres").connect_raw(stream, NoTls).await.unwrap();
    let (sender, mut messages) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            let _ = sender.send(match message {
                AsyncMessage::Notice(notice) => format!("notice {}", notice.message()),
                AsyncMessage::Notification(one) => format!("{} {}", one.channel(), one.payload()),
                _ => continue,
            });
        }
    });
    client.batch_execute("listen c; notify c, 'hello'; do $$ begin raise notice 'n'; end $$").await.unwrap();
    client.batch_execute("select 1").await.unwrap();
    let mut seen = Vec::new();
    while let Ok(message) = messages.try_recv() {
        seen.push(message);
    }
    seen.sort();
    assert_eq!(seen, ["c hello", "notice n"]);
}

#[tokio::test]
async fn large_values_and_copy_work() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let client = postgres(&embedded).await;
    let large = "x".repeat(20 * 1024 * 1024);
    let row = client.query_one("select length($1::text), $1::text", &[&large]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 20 * 1024 * 1024);
    assert_eq!(row.get::<_, &str>(1).len(), large.len());
    let length = text(&client, &format!("select length('{large}')")).await;
    assert_eq!(length, "20971520");

    client.batch_execute("create table t (x int, y text)").await.unwrap();
    let sink = client.copy_in("copy t from stdin").await.unwrap();
    pin_mut!(sink);
    for number in 0..1000 {
        let line = bytes::Bytes::from(format!("{number}\tline {number}\n"));
        sink.send(line).await.unwrap();
    }
    assert_eq!(sink.finish().await.unwrap(), 1000);
    assert_eq!(text(&client, "select sum(x) from t").await, "499500");
    assert_eq!(failure(&client, "select 1/0").await.0, "22012");
    let rows = client.copy_out("copy t to stdout").await.unwrap();
    pin_mut!(rows);
    let mut size = 0;
    while let Some(piece) = rows.next().await {
        size += piece.unwrap().len();
    }
    assert!(size > 10_000);
    let row = client.query_one("select $1::int4", &[&5_i32]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 5);
    let error = client.query_one("select 1 / $1::int4", &[&0_i32]).await;
    assert_eq!(error.unwrap_err().code().unwrap().code(), "22012");
    client.batch_execute("begin; insert into t values (-1)").await.unwrap();
    drop(client);
    let next = postgres(&embedded).await;
    assert_eq!(text(&next, "select count(*) from t").await, "1000");
    drop(next);
    embedded.close().unwrap();
}

#[tokio::test]
async fn a_refused_startup_setting_is_reported_and_the_next_session_works() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let mut settings = config("postgres", "postgres");
    settings.options("-c work_mem=plenty");
    let refused = session(&embedded, &settings).await.err().unwrap();
    assert_eq!(refused.code().unwrap().code(), "08004");
    assert!(refused.as_db_error().unwrap().message().contains("setting"));
    let unknown = session(&embedded, settings.options("-c nonsense=1")).await;
    assert_eq!(unknown.err().unwrap().code().unwrap().code(), "08004");
    let client = postgres(&embedded).await;
    // No signal reaches the thread, not even its own: this does nothing.
    let sql = "select pg_terminate_backend(pg_backend_pid())";
    client.batch_execute(sql).await.unwrap();
    assert_eq!(text(&client, "select 'alive'").await, "alive");
    drop(client);
    embedded.close().unwrap();
}

#[test]
fn connecting_outside_a_runtime_is_an_error() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    assert!(matches!(embedded.connect(), Err(ScratchError::NoRuntime)));
}
