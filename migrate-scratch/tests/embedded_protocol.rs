//! The embedded PostgreSQL, byte by byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test reports a failure by panicking")]

use std::time::Duration;

use migrate_scratch::{Embedded, Storage};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

/// Far more than anything here takes, so that a hang fails the test instead of stalling it.
const LIMIT: Duration = Duration::from_mins(1);

fn message(kind: char, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    let mut message = kind.to_string().into_bytes();
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(body);
    message
}

fn query(sql: &str) -> Vec<u8> {
    message('Q', format!("{sql}\0").as_bytes())
}

/// Parse, Bind and Execute of `sql` without parameters.
fn extended(sql: &str) -> Vec<u8> {
    [message('P', format!("\0{sql}\0\0\0").as_bytes()), message('B', b"\0\0\0\0\0\0\0\0"), message('E', b"\0\0\0\0\0")]
        .concat()
}

fn special(code: u32, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &code.to_be_bytes(), rest].concat()
}

fn startup() -> Vec<u8> {
    special(196_608, b"user\0postgres\0database\0postgres\0\0")
}

/// The types of the messages up to and with the `last`-th of type `end`.
async fn answers(stream: &mut DuplexStream, end: char, last: usize) -> String {
    let mut kinds = String::new();
    while kinds.matches(end).count() < last {
        let (kind, _) = next(stream).await.expect("the stream is open");
        // Settings are reported whenever the server likes.
        if kind != 'S' {
            kinds.push(kind);
        }
    }
    kinds
}

/// The next message; `None` at the end of the stream.
async fn next(stream: &mut DuplexStream) -> Option<(char, Vec<u8>)> {
    let kind = timeout(LIMIT, stream.read_u8()).await.unwrap().ok()?;
    let length = stream.read_u32().await.unwrap();
    let mut body = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut body).await.unwrap();
    Some((char::from(kind), body))
}

async fn ends(stream: &mut DuplexStream) -> bool {
    next(stream).await.is_none()
}

async fn begin(embedded: &Embedded) -> DuplexStream {
    let mut stream = embedded.connect().unwrap();
    stream.write_all(&startup()).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 1).await, "RKZ");
    stream
}

#[tokio::test]
async fn requests_before_the_session_are_answered_as_by_a_server() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let mut cancel = embedded.connect().unwrap();
    let key = [0; 8];
    cancel.write_all(&special(80_877_102, &key)).await.unwrap();
    assert!(ends(&mut cancel).await);

    let mut http = embedded.connect().unwrap();
    http.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(next(&mut http).await.unwrap().0, 'E');
    assert!(ends(&mut http).await);

    let mut stream = embedded.connect().unwrap();
    for code in [80_877_103, 80_877_104] {
        stream.write_all(&special(code, b"")).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'N');
    }
    stream.write_all(&startup()).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 1).await, "RKZ");
    stream.write_all(&message('X', b"")).await.unwrap();
    assert!(ends(&mut stream).await);
    embedded.close().unwrap();
}

#[tokio::test]
async fn messages_may_come_split_or_several_at_once() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let mut stream = embedded.connect().unwrap();
    for byte in [startup(), query("select 1")].concat() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(answers(&mut stream, 'Z', 2).await, "RKZTDCZ");

    let several = [query("select 1"), query("select 1/0"), query(""), query("select 1; select 2")];
    stream.write_all(&several.concat()).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 4).await, "TDCZEZIZTDCTDCZ");
}

#[tokio::test]
async fn after_an_error_messages_are_skipped_until_sync() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let mut stream = begin(&embedded).await;
    let sync = message('S', b"");
    let flush = message('H', b"");

    let batch = [extended("select 1"), sync.clone()].concat();
    stream.write_all(&batch).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 1).await, "12DCZ");

    // The error in the middle of one batch; two batches at once.
    let batch = [
        extended("create table t (x int)"),
        extended("select 1/0"),
        extended("select 2"),
        sync.clone(),
        extended("select 3"),
        sync.clone(),
    ];
    stream.write_all(&batch.concat()).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 2).await, "12C1EZ12DCZ");

    // Flush brings the answers without ending the batch, and an error lasts beyond it.
    stream.write_all(&[extended("select 4"), flush.clone()].concat()).await.unwrap();
    assert_eq!(answers(&mut stream, 'C', 1).await, "12DC");
    stream.write_all(&[extended("selec"), flush.clone()].concat()).await.unwrap();
    assert_eq!(answers(&mut stream, 'E', 1).await, "E");
    let rest = [extended("select 5"), flush, extended("select 6"), sync];
    stream.write_all(&rest.concat()).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 1).await, "Z");

    stream.write_all(&query("select count(*) from t")).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 1).await, "EZ", "t was rolled back");
}

#[tokio::test]
async fn a_fatal_error_closes_the_stream_and_the_next_session_works() {
    let embedded = Embedded::open(Storage::Memory).unwrap();
    let mut stream = begin(&embedded).await;
    stream.write_all(&query("create table t (x int)")).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 1).await, "CZ");
    stream.write_all(&query("begin; insert into t values (1)")).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 1).await, "CCZ");
    // No such message type: a server ends the session.
    stream.write_all(&message('z', b"")).await.unwrap();
    let (kind, body) = next(&mut stream).await.unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(kind == 'E' && body.contains("FATAL"), "{body}");
    assert!(ends(&mut stream).await);

    let mut stream = begin(&embedded).await;
    stream.write_all(&query("select x from t")).await.unwrap();
    assert_eq!(answers(&mut stream, 'Z', 1).await, "TCZ");
    drop(stream);
    embedded.close().unwrap();
}
