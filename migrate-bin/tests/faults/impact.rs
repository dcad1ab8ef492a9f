//! The application beside a migration that does not get its lock: how long it waits, measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

use crate::background::{Background, Session};
use crate::lab::{BOTH_2, in_each};
use crate::stage::{folder, migrate, sql};

const LOCK_TIMEOUT: Duration = Duration::from_millis(700);
const READERS: usize = 6;
/// How often the migration is to try while the long reader is there.
const TRIES: usize = 4;

#[test]
fn f30_beside_a_migration_that_waits_for_its_lock_the_application_reads_on() {
    in_each("F30", BOTH_2, |cell| {
        let files = folder(&[
            ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\nINSERT INTO a SELECT generate_series(1, 1000);\n"),
            ("00002_b.sql", "-- +goose Up\nALTER TABLE a ADD COLUMN more int;\n"),
        ]);
        let database = &cell.database;
        assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
        let long_reader = Session::that(&database.url, "BEGIN; SELECT count(*) FROM a");
        let over = AtomicBool::new(false);
        let timeout = format!("{}ms", LOCK_TIMEOUT.as_millis());
        let arguments = ["up", "--lock-timeout", &timeout, "--lock-retry-budget", "2m"];
        let mut run = Background::start(&cell.url(), files.path(), &arguments);
        let (mut reads, longest_lock, ended) = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| read(&database.url, &over))).collect();
            let lock = scope.spawn(|| longest_wait_for_a_lock(&database.url, &over));
            for _ in 0..TRIES {
                run.read_until("trying again");
            }
            drop(long_reader);
            let ended = run.wait();
            over.store(true, Ordering::Relaxed);
            let reads: Vec<Duration> = readers.into_iter().flat_map(|it| it.join().expect("a reader")).collect();
            (reads, lock.join().expect("a watcher"), ended)
        });
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(database.versions(), ["0", "1", "2"]);
        reads.sort();
        let (p99, longest) = (reads[(reads.len() - 1) * 99 / 100], reads[reads.len() - 1]);
        println!(
            "PostgreSQL {}, {:?}: {} reads, p50 {:?}, p99 {p99:?}, longest {longest:?}; the migration waited at most \
             {longest_lock:?} at a time",
            cell.server.major(),
            cell.way,
            reads.len(),
            reads[reads.len() / 2],
        );
        let second = Duration::from_secs(1);
        assert!(p99 < LOCK_TIMEOUT + second, "p99 of the readers: {p99:?}");
        assert!(longest > Duration::from_millis(100), "no reader was held up at all: {longest:?}");
        assert!(longest < LOCK_TIMEOUT + second, "the longest read: {longest:?}");
        assert!(longest_lock < LOCK_TIMEOUT + second / 2, "the migration waited for {longest_lock:?} at a time");
    });
}

/// Reads on one connection until it is over; how long each read took.
fn read(url: &str, over: &AtomicBool) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        let driver = tokio::spawn(connection);
        let mut waits = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let start = Instant::now();
            client.simple_query("SELECT count(*) FROM a WHERE id < 100").await.expect("a count");
            waits.push(start.elapsed());
            // An application that asks as fast as it can would hide every wait among its many fast reads.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(client);
        let _ended = driver.await;
        waits
    })
}

/// For how long the ALTER has waited for its lock, at most, as the server sees it.
fn longest_wait_for_a_lock(url: &str, over: &AtomicBool) -> Duration {
    let query = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0) FROM pg_locks \
                 WHERE NOT granted AND mode = 'AccessExclusiveLock' AND waitstart IS NOT NULL \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let mut longest = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        let seconds: f64 = sql(url, query).concat().parse().expect("seconds");
        longest = longest.max(Duration::from_secs_f64(seconds.max(0.0)));
        std::thread::sleep(Duration::from_millis(10));
    }
    longest
}
