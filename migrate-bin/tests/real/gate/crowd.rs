//! Two hundred pods that start while the Job runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use migrate_core::gate::{Gate, Mode, State};
use migrate_core::migration::{Set, Version};
use migrate_scratch::Server;
use tokio_postgres::NoTls;

use crate::stage::{Database, hundred_migrations, migrate};

const CHECKERS: usize = 200;

#[test]
fn two_hundred_checkers_wait_for_no_lock_of_a_migration_and_keep_it_from_none() {
    let installation = migrate_scratch::installations(&[]).into_iter().next().expect("an installation");
    let server = Server::start_with(&installation, &[("max_connections", "260")]).expect("a server");
    let database = Database::create_on(&server);
    let files = hundred_migrations();
    assert_eq!(migrate(&database.url, files.path(), &["up-to", "10"]).code, 0);
    let parsed = migrate_core::check::runnable_folder(files.path(), "migrations");
    let set: &'static Set = Box::leak(Box::new(parsed.set));

    let (done, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let checkers: Vec<_> = (0..CHECKERS)
        .map(|_| runtime.spawn(check_until(database.url.clone(), set, Arc::clone(&done), Arc::clone(&asked))))
        .collect();
    let deadline = Instant::now() + Duration::from_mins(2);
    while asked.load(Ordering::Relaxed) < CHECKERS {
        assert!(Instant::now() < deadline, "{} checkers have asked", asked.load(Ordering::Relaxed));
        std::thread::sleep(Duration::from_millis(10));
    }
    // Its own waits for locks would be retried: with no patience for them, one would fail the run.
    let ended = migrate(&database.url, files.path(), &["up", "--lock-timeout", "50ms", "--lock-retry-budget", "0s"]);
    done.store(true, Ordering::Relaxed);
    let mut times: Vec<Duration> = Vec::new();
    for checker in checkers {
        times.extend(runtime.block_on(checker).expect("a checker whose every question was answered"));
    }
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    times.sort();
    let part = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{CHECKERS} checkers, {} questions: p50 {:?}, p99 {:?}", times.len(), part(50), part(99));
    assert!(times.len() >= CHECKERS * 2, "they asked before the run and during it");
}

/// Asks until the migration is done. A wait for a lock of a millisecond would be an error of the server, and so no
/// verdict that opens.
async fn check_until(url: String, set: &'static Set, done: Arc<AtomicBool>, asked: Arc<AtomicUsize>) -> Vec<Duration> {
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
    let _driver = tokio::spawn(connection);
    client.batch_execute("SET lock_timeout = '1ms'").await.expect("a setting");
    let gate = Gate::new(set).mode(Mode::UpTo(Version(10)));
    let mut times = Vec::new();
    loop {
        let last = done.load(Ordering::Relaxed);
        let started = Instant::now();
        let messages = client.simple_query(&gate.question()).await.expect("an answer, and no wait for a lock");
        times.push(started.elapsed());
        let verdict = gate.judge(rows(messages));
        assert!(matches!(verdict.state, State::Ok | State::OkAhead { .. }), "{verdict}");
        asked.fetch_add(usize::from(times.len() == 1), Ordering::Relaxed);
        if last {
            return times;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn rows(messages: Vec<tokio_postgres::SimpleQueryMessage>) -> Vec<Vec<Option<String>>> {
    let row = |message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        }
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}
