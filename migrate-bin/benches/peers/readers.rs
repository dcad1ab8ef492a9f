//! What an application waits for while a migration wants a table that a long reader has.
//!
//! Whoever waits for ACCESS EXCLUSIVE makes everybody behind it wait, too. Queries are due at fixed times and a latency counts
//! from then, so that one that is held up does not hide those that could not be asked meanwhile.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

use crate::files::File;
use crate::stage::{Database, eventually, sql};
use crate::tool::Tool;

pub(crate) const NAME: &str = "readers of a table that an ALTER waits for, behind a reader of 20 s";
const READERS: usize = 8;
const EVERY: Duration = Duration::from_millis(20);
const LONG_READ: &str = "SELECT count(*), pg_sleep(20) FROM orders";
/// What their 99th percentile may take: the `lock_timeout` of a try and a second, in seconds.
const LIMIT: f64 = 6.0;

pub(crate) fn print(tools: &[Tool]) {
    println!("\n{NAME} ({READERS} readers, a query due every {} ms)", EVERY.as_millis());
    for tool in tools {
        let mut latencies = latencies(*tool);
        latencies.sort_by(f64::total_cmp);
        let at = |part: usize| latencies[(latencies.len() - 1) * part / 1000];
        let (median, most, all) = (at(500), at(990), at(1000));
        println!("  {:<14} median {median:>7.3} s   p99 {most:>7.3} s   longest {all:>7.3} s", tool.to_string());
        if *tool == Tool::Migrate {
            let verdict = if most <= LIMIT { "held" } else { "MISSED" };
            println!("    {verdict}: p99 {most:.3} s, at most {LIMIT:.3} (lock_timeout and a second)");
        }
    }
}

/// Of all queries from the start of the tool to its end.
fn latencies(tool: Tool) -> Vec<f64> {
    let database = Database::create();
    database.rows("CREATE TABLE orders AS SELECT 1 AS id");
    let up = "ALTER TABLE orders ADD COLUMN note text;\n".to_owned();
    let folder = tool.lay_out(&[File { version: 1, up }]);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let long = scope.spawn(|| sql(&database.url, LONG_READ));
        eventually("the long reader reads", || database.is_asleep());
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| read(&database.url, &ended))).collect();
        let mut command = tool.up(&database.url, folder.path());
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        ended.store(true, Ordering::Relaxed);
        assert!(status.expect("the tool starts").success(), "{tool}");
        long.join().expect("the long reader");
        readers.into_iter().flat_map(|reader| reader.join().expect("a reader")).collect()
    })
}

/// One reader, in seconds a query.
fn read(url: &str, ended: &AtomicBool) -> Vec<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        let _driver = tokio::spawn(connection);
        let mut latencies = Vec::new();
        let mut due = Instant::now();
        while !ended.load(Ordering::Relaxed) {
            client.simple_query("SELECT id FROM orders").await.expect("a row");
            latencies.push(due.elapsed().as_secs_f64());
            due += EVERY;
            tokio::time::sleep_until(due.into()).await;
        }
        latencies
    })
}
