//! 2.1, the life of a Pod and its Job: it is started twice, told to end, killed, suspended, cut off from its cluster.

use std::time::{Duration, Instant};

use crate::background::Session;
use crate::lab::{BOTH, BOTH_2, BOTH_5, DIRECT, ROOM_FOR_TWO, in_each, is_long};
use crate::proxy::{Act, Connection, Fault, Side};
use crate::stage::{eventually, folder, migrate};
use crate::story::{
    COMMIT, Story, assert_finished, assert_first_only, assert_told, counted, go_on, slow_down, wait_until_slow,
};

/// The lock of goose's Provider and of ours.
const LOCK: &str = "SELECT pg_advisory_lock(4097083626)";

#[test]
fn f01_a_second_pod_waits_for_the_first_and_finds_nothing_left_to_do() {
    in_each("F01", ROOM_FOR_TWO, |cell| {
        let story = Story::slow();
        story.begin(&cell.database);
        slow_down(&cell.database);
        let first = story.start(&cell.url(), &[]);
        wait_until_slow(&cell.database);
        let mut second = story.start(&cell.url(), &[]);
        second.read_until("waiting for the migration lock");
        go_on(&cell.database);
        for run in [first, second] {
            assert_told(&run.wait(), 0, &[]);
        }
        assert_finished(&cell.database);
    });
}

/// Not even a server that takes no writes, and a lock that somebody else holds, are in its way.
#[test]
fn f02_a_pod_that_is_run_again_after_it_finished_writes_nothing_and_takes_no_lock() {
    in_each("F02", BOTH_5, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        assert_told(&story.up(&cell.database.url, &[]), 0, &[]);
        cell.database.rows(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", cell.database.name));
        let _holder = Session::that(&cell.database.url, LOCK);
        let written = "SELECT max(xmin::text::bigint) FROM goose_db_version_ledger";
        let before = cell.database.rows(written);
        assert_told(&story.up(&cell.url(), &["--lock-wait", "0s"]), 0, &[]);
        assert_eq!(cell.database.rows(written), before);
        assert_finished(&cell.database);
    });
}

#[test]
fn f03_sigterm_ends_a_run_that_waits_for_the_lock_within_two_seconds() {
    in_each("F03", BOTH_2, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        let _holder = Session::that(&cell.database.url, LOCK);
        let mut run = story.start(&cell.url(), &[]);
        run.read_until("waiting for the migration lock");
        let asked = Instant::now();
        run.signal("TERM");
        let ended = run.wait();
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        assert_told(&ended, 50, &["while the migration lock was waited for", "nothing was changed", "run again"]);
        assert_first_only(&cell.database);
    });
}

#[test]
fn f04_sigterm_in_a_transactional_statement_cancels_it_and_rolls_back() {
    in_each("F04", BOTH, |cell| {
        let story = Story::slow();
        story.begin(&cell.database);
        slow_down(&cell.database);
        let run = story.start(&cell.url(), &[]);
        wait_until_slow(&cell.database);
        let asked = Instant::now();
        run.signal("TERM");
        let ended = run.wait();
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        assert_told(&ended, 50, &["00002_b.sql was rolled back; the database is at version 1", "run again"]);
        assert_first_only(&cell.database);
        go_on(&cell.database);
        story.rerun(&cell.database);
    });
}

#[test]
fn f05_sigterm_while_an_index_is_built_concurrently_is_written_down_and_the_next_run_builds_it_anew() {
    in_each("F05", DIRECT, |cell| {
        let story = Story::unwrapped("");
        story.begin(&cell.database);
        let run = story.held_in_its_index(&cell.database, &[]);
        run.run.signal("TERM");
        let ended = run.run.wait();
        let words = ["2 of 3 statements of 00002_b.sql are done", "run again"];
        assert_told(&ended, 51, &words);
        assert_eq!((cell.database.versions().join(" "), counted(&cell.database)), ("0 1".into(), "1 2".into()));
        let indexes = "SELECT indisvalid FROM pg_index WHERE indrelid = 't2'::regclass";
        assert_eq!(cell.database.rows(indexes), ["f"], "what was begun is INVALID");
        drop(run.writer);
        story.rerun(&cell.database);
    });
}

/// The answer to the second file's COMMIT is on its way when SIGTERM comes: it arrives late, or never.
#[test]
fn f06_sigterm_before_the_reply_to_commit_is_answered_with_what_became_of_it() {
    in_each("F06", BOTH_2, |cell| {
        for arrives in [true, false] {
            let story = Story::begun_anew(&cell.database, "");
            let reply = Fault { on: Connection::Nth(1), side: Side::Server, at: COMMIT, act: Act::Hold };
            let proxy = cell.proxy(&[reply]);
            let mut run = story.start(&cell.through(&proxy), &["--flight", "1"]);
            eventually("the reply is held", || proxy.hits() == 1);
            run.signal("TERM");
            run.read_until("asked to end by the signal");
            if arrives {
                proxy.release();
            }
            let ended = run.wait();
            assert_eq!(ended.code, 50, "{}", ended.stderr);
            let became = if arrives { "up    00002_b.sql" } else { "00002_b.sql was committed" };
            assert!(ended.stderr.contains(became), "{arrives}: {}", ended.stderr);
            assert_eq!(cell.database.versions(), ["0", "1", "2"]);
            story.rerun(&cell.database);
        }
    });
}

#[test]
fn f09_the_run_s_own_deadline_ends_it_before_the_job_s() {
    in_each("F09", BOTH_5, |cell| {
        let story = Story::slow();
        story.begin(&cell.database);
        slow_down(&cell.database);
        let start = Instant::now();
        let ended = story.up(&cell.url(), &["--deadline", "2s"]);
        assert!((Duration::from_secs(2)..Duration::from_secs(6)).contains(&start.elapsed()), "{:?}", start.elapsed());
        assert_told(&ended, 46, &["--deadline", "00002_b.sql was rolled back; the database is at version 1"]);
        assert_first_only(&cell.database);
        go_on(&cell.database);
        story.rerun(&cell.database);
    });
}

/// The first Pod is cut off in the middle of a migration, and another one starts in its place. In a long run the server
/// fences the first one itself.
#[test]
fn f10_a_pod_that_is_cut_off_is_waited_for_until_it_is_done_or_fenced() {
    in_each("F10", ROOM_FOR_TWO, |cell| {
        for is_fenced in [false, true] {
            let story = Story::begun_anew(&cell.database, "");
            let commit = Fault { on: Connection::Nth(1), side: Side::Client, at: COMMIT, act: Act::Hold };
            let proxy = cell.proxy(&[commit]);
            let first = story.start(&cell.through(&proxy), &[]);
            eventually("COMMIT is held", || proxy.hits() == 1 && cell.database.rows(&idle("count(*)")) == ["1"]);
            let mut second = story.start(&cell.url(), &[]);
            let waiting = second.read_until("waiting for the migration lock");
            assert!(waiting.contains("idle in transaction"), "{waiting}");
            if is_fenced {
                fence(&cell.database);
                assert_told(&second.wait(), 0, &[]);
                assert_finished(&cell.database);
                proxy.release();
            } else {
                proxy.release();
                assert_told(&second.wait(), 0, &[]);
            }
            assert_told(&first.wait(), 0, &[]);
            assert_finished(&cell.database);
        }
    });
}

/// Something of everybody who is idle in a transaction.
fn idle(what: &str) -> String {
    format!("SELECT {what} FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'")
}

/// Ends who is idle in a transaction, as the server does after a minute.
fn fence(database: &crate::stage::Database) {
    if is_long() {
        // The minute of the server's own time-out, and one of patience.
        let start = Instant::now();
        while database.rows(&idle("count(*)")) != ["0"] {
            assert!(start.elapsed() < Duration::from_mins(2), "it is not fenced");
            std::thread::sleep(Duration::from_millis(100));
        }
    } else {
        assert_eq!(database.rows(&idle("pg_terminate_backend(pid)")), ["t"]);
    }
}

#[test]
fn f11_a_lock_that_hangs_in_a_foreign_session_is_named_and_not_waited_for_without_end() {
    in_each("F11", BOTH, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        let holder = Session::that(&cell.database.url, LOCK);
        let (wait, told) = if is_long() { ("26s", 3) } else { ("2s", 1) };
        let ended = story.up(&cell.url(), &["--lock-wait", wait]);
        let end = format!("pg_terminate_backend({})", holder.pid);
        assert_told(&ended, 41, &["the application", &end, "nothing was changed", "run again"]);
        let waiting = ended.stderr.matches("waiting for the migration lock, held by").count();
        assert_eq!(waiting, told, "once every ten seconds: {}", ended.stderr);
        assert_first_only(&cell.database);
        drop(holder);
        story.rerun(&cell.database);
    });
}

/// Kubernetes deletes the Pods of a suspended Job with SIGTERM, and starts new ones when it is resumed.
#[test]
fn f12_a_job_that_is_suspended_in_the_middle_is_completed_when_it_is_resumed() {
    in_each("F12", BOTH_2, |cell| {
        let story = Story::slow();
        story.begin(&cell.database);
        slow_down(&cell.database);
        let suspended = story.start(&cell.url(), &[]);
        wait_until_slow(&cell.database);
        suspended.signal("TERM");
        assert_told(&suspended.wait(), 50, &["00002_b.sql was rolled back", "run again"]);
        go_on(&cell.database);
        assert_told(&story.up(&cell.url(), &[]), 0, &[]);
        assert_finished(&cell.database);
    });
}

/// The next release's Job begins while the backend of the one before is still at work.
#[test]
fn f13_the_job_of_the_next_release_fences_the_one_that_was_deleted() {
    in_each("F13", ROOM_FOR_TWO, |cell| {
        let story = Story::slow();
        story.begin(&cell.database);
        slow_down(&cell.database);
        let deleted = story.start(&cell.url(), &[]);
        wait_until_slow(&cell.database);
        deleted.signal("KILL");
        deleted.wait();
        let more = ("00004_d.sql", "-- +goose Up\nINSERT INTO counter VALUES (4);\n");
        let next = story.files();
        let next = next.iter().map(|(name, text)| (name.as_str(), text.as_str())).chain([more]);
        let next = folder(&next.collect::<Vec<_>>());
        let release = std::thread::scope(|scope| {
            let release = scope.spawn(|| migrate(&cell.url(), next.path(), &["up"]));
            go_on(&cell.database);
            release.join().expect("a run")
        });
        assert_told(&release, 0, &[]);
        assert_eq!(
            (cell.database.versions().join(" "), counted(&cell.database)),
            ("0 1 2 3 4".into(), "1 2 3 4".into())
        );
    });
}
