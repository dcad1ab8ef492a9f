//! A server that is a script: it answers what `apply` asks and keeps the frames that the driver really sent.
//!
//! Between `BEGIN` and `COMMIT` it answers nothing. A client that waited for an answer in between would wait for ever,
//! so a picture that comes out is the proof that a flight is one round trip. Only the first `BEGIN` that an empty database
//! ever gets is answered at once: nothing may follow it before.

use std::time::Duration;

use migrate_core::apply::{self, Means, Request, Session};
use migrate_core::history::{History, SideTable};
use migrate_core::migration::Set;
use migrate_core::parse::Environment;
use migrate_core::plan::{Goal, Order};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// The frames of a command in words, turn by turn.
pub(crate) fn frames(set: &Set, history: &History, goal: Goal) -> String {
    let mut transcript = String::new();
    for (turn, queries) in turns(set, history, goal).iter().enumerate() {
        transcript.push_str(&format!("\nturn {}\n", turn + 1));
        for sql in queries {
            let lines: Vec<_> = sql.lines().map(|line| format!("      {line}").trim_end().to_owned()).collect();
            transcript.push_str(&format!("  Query {} bytes\n{}\n", sql.len(), lines.join("\n")));
        }
    }
    transcript + "\nTerminate\n"
}

/// The queries of a command, turn by turn.
pub(crate) fn turns(set: &Set, history: &History, goal: Goal) -> Vec<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let server = tokio::spawn(serve(theirs, history.clone()));
        let command = async {
            let mut config = tokio_postgres::Config::new();
            config.user("picture");
            let mut session = Session::over(ours, &config).await.expect("a session");
            let environment = Environment::default();
            let usual = Request::new(Order::new(set, goal, &environment));
            let request = Request { run: crate::migrations::RUN.into(), ..usual };
            apply::apply(&mut session, &request, &Means::alone(), &mut |_| ()).await.expect("an applied command");
            session.close().await;
        };
        tokio::time::timeout(Duration::from_secs(30), command).await.expect("no answer was waited for inside a flight");
        server.await.expect("a transcript")
    })
}

async fn serve(mut stream: DuplexStream, history: History) -> Vec<Vec<String>> {
    startup(&mut stream).await;
    let mut turns: Vec<Vec<String>> = Vec::new();
    let mut held: Vec<u8> = Vec::new();
    let (mut in_flight, mut prepared) = (false, false);
    loop {
        let (tag, body) = frame(&mut stream).await.expect("a stream that is ended in order");
        if tag == b'X' {
            return turns;
        }
        assert_eq!(tag, b'Q', "only simple queries are sent");
        let sql = String::from_utf8(body).expect("UTF-8");
        let sql = sql.trim_end_matches('\0');
        if held.is_empty() {
            turns.push(Vec::new());
        }
        turns.last_mut().expect("a turn").push(sql.to_owned());
        held.extend(answer(sql, &history));
        let is_first = sql.starts_with("BEGIN") && !history.tables.version && !prepared;
        prepared |= is_first;
        in_flight = (in_flight || sql.starts_with("BEGIN")) && !sql.ends_with("COMMIT");
        if !in_flight || is_first {
            stream.write_all(&held).await.expect("an open stream");
            held.clear();
        }
    }
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
        let tables = history.tables;
        let side = |side| text(if tables.is_whole(side) { "there" } else { "absent" });
        vec![vec![
            text("public"),
            flag(tables.version, "r"),
            None,
            flag(tables.version, "f"),
            side(SideTable::Ledger),
            side(SideTable::Journal),
            text("150000"),
            text("PostgreSQL 15.0 of a script"),
            text("15.0"),
            text(""),
            text("picture"),
            text("picture"),
        ]]
    } else if sql.starts_with("SELECT v.version_id") {
        let row = |row: &migrate_core::history::Row| {
            let known = vec![Some(row.version.to_string()), text("t")];
            known.into_iter().chain(std::iter::repeat_n(None, 5)).collect()
        };
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
