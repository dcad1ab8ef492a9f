//! A server that is a script: it answers what `apply` asks and keeps the frames that the driver really sent.
//!
//! Between `BEGIN` and `COMMIT` it answers nothing. A client that waited for an answer in between would wait for ever,
//! so a picture that comes out is the proof that a flight is one round trip.

use std::time::Duration;

use migrate_core::apply::{self, Command, Session};
use migrate_core::flight::TableName;
use migrate_core::history::History;
use migrate_core::migration::Set;
use migrate_core::parse::Environment;
use migrate_core::plan::{Goal, OutOfOrder, Versioning};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// The frames of a command, turn by turn.
pub(crate) fn frames(set: &Set, history: &History, goal: Goal) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let server = tokio::spawn(serve(theirs, history.clone()));
        let command = async {
            let mut config = tokio_postgres::Config::new();
            config.user("picture");
            let mut session = Session::over(ours, &config).await.expect("a session");
            let environment = Environment::default();
            let command = Command {
                set,
                table: TableName::default(),
                goal,
                out_of_order: OutOfOrder::Refused,
                versioning: Versioning::Recorded,
                environment: &environment,
                lock_wait: Duration::ZERO,
            };
            apply::apply(&mut session, &command, &mut |_| ()).await.expect("an applied command");
            session.close().await;
        };
        tokio::time::timeout(Duration::from_secs(30), command).await.expect("no answer was waited for inside a flight");
        server.await.expect("a transcript")
    })
}

async fn serve(mut stream: DuplexStream, history: History) -> String {
    startup(&mut stream).await;
    let mut transcript = String::new();
    let mut turn = 0;
    let mut held: Vec<u8> = Vec::new();
    let mut in_flight = false;
    while let Some((tag, body)) = frame(&mut stream).await {
        if tag == b'X' {
            transcript.push_str("\nTerminate\n");
            break;
        }
        assert_eq!(tag, b'Q', "only simple queries are sent");
        let sql = String::from_utf8(body).expect("UTF-8");
        let sql = sql.trim_end_matches('\0');
        if held.is_empty() {
            turn += 1;
            transcript.push_str(&format!("\nturn {turn}\n"));
        }
        let lines: Vec<_> = sql.lines().map(|line| format!("      {line}").trim_end().to_owned()).collect();
        transcript.push_str(&format!("  Query {} bytes\n{}\n", sql.len(), lines.join("\n")));
        held.extend(answer(sql, &history));
        in_flight = sql.starts_with("BEGIN") || (in_flight && sql != "COMMIT");
        if !in_flight {
            stream.write_all(&held).await.expect("an open stream");
            held.clear();
        }
    }
    transcript
}

async fn startup(stream: &mut DuplexStream) {
    let length = stream.read_u32().await.expect("a startup packet");
    let mut packet = vec![0; length as usize - 4];
    stream.read_exact(&mut packet).await.expect("a whole packet");
    let mut greeting = message(b'R', &0_u32.to_be_bytes());
    greeting.extend(message(b'Z', b"I"));
    stream.write_all(&greeting).await.expect("an open stream");
}

/// The next frame; `None` at the end of the stream.
async fn frame(stream: &mut DuplexStream) -> Option<(u8, Vec<u8>)> {
    let tag = stream.read_u8().await.ok()?;
    let length = stream.read_u32().await.ok()?;
    let mut body = vec![0; length as usize - 4];
    stream.read_exact(&mut body).await.ok()?;
    Some((tag, body))
}

/// What a server at this history would answer.
fn answer(sql: &str, history: &History) -> Vec<u8> {
    let text = |text: &str| Some(text.to_owned());
    let flag = |there: bool, word: &str| there.then(|| word.to_owned());
    let rows: Vec<Vec<Option<String>>> = if sql.contains("to_regclass") && sql.starts_with("SELECT") {
        vec![vec![text("public"), flag(history.tables.version, "r"), flag(history.tables.ledger, "t")]]
    } else if sql.starts_with("SELECT v.version_id") {
        let row = |row: &migrate_core::history::Row| vec![Some(row.version.to_string()), text("t"), None, None, None];
        history.rows.iter().map(row).collect()
    } else {
        Vec::new()
    };
    let mut bytes = rows.first().map(|row| description(row.len())).unwrap_or_default();
    for row in &rows {
        bytes.extend(data_row(row));
    }
    bytes.extend(message(b'C', b"OK\0"));
    bytes.extend(message(b'Z', b"T"));
    bytes
}

fn description(columns: usize) -> Vec<u8> {
    let mut body = u16::try_from(columns).expect("few columns").to_be_bytes().to_vec();
    for _ in 0..columns {
        body.extend(b"c\0");
        body.extend([0; 18]);
    }
    message(b'T', &body)
}

fn data_row(row: &[Option<String>]) -> Vec<u8> {
    let mut body = u16::try_from(row.len()).expect("few columns").to_be_bytes().to_vec();
    for column in row {
        match column {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(text) => {
                body.extend(u32::try_from(text.len()).expect("a short text").to_be_bytes());
                body.extend(text.as_bytes());
            }
        }
    }
    message(b'D', &body)
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(u32::try_from(body.len() + 4).expect("a short message").to_be_bytes());
    bytes.extend(body);
    bytes
}
