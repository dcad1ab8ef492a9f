//! 2.2, poolers in transaction mode: who shares a backend, who gets none, and whom it is taken away from.

use std::time::Duration;

use crate::background::Session;
use crate::lab::{BOTH_2, Cell, DIRECT, POOLED, Way, in_each};
use crate::proxy::{Act, Connection, Fault, Side};
use crate::stage::{Database, eventually, folder, migrate, sql};
use crate::story::{
    COMMIT, Story, assert_finished, assert_first_only, assert_told, counted, go_on, slow_down, wait_until_slow,
};

#[test]
fn f14_a_file_without_a_transaction_is_refused_before_anything_of_it_runs() {
    in_each("F14", POOLED, |cell| {
        let story = Story::unwrapped("");
        story.begin(&cell.database);
        let ended = story.up(&cell.url(), &[]);
        let words = ["00002_b.sql has NO TRANSACTION", "nothing was changed", "set DATABASE_URL_DIRECT"];
        assert_told(&ended, 30, &words);
        assert_first_only(&cell.database);
        story.rerun(&cell.database);
    });
}

/// Not of the product: that these poolers are the ones that such a lock leaks in.
#[test]
fn f15_a_session_lock_that_is_taken_through_a_pooler_outlives_its_session_and_has_two_owners() {
    in_each("F15", &[Way::Pooled(1)], |cell| {
        let take = "SELECT pg_try_advisory_lock(4097083626)";
        assert_eq!(sql(&cell.url(), take), ["t"]);
        assert_eq!(sql(&cell.url(), take), ["t"], "another client of the same backend owns it too");
        assert_eq!(cell.database.rows(take), ["f"], "its owners are gone, and it is not free");
    });
}

#[test]
fn f16_eight_runners_share_a_small_pool_and_apply_each_file_once() {
    in_each("F16", POOLED, |cell| {
        cell.database.rows("CREATE TABLE counter (n int)");
        let file = |n: u32| (format!("{n:05}_c.sql"), format!("-- +goose Up\nINSERT INTO counter VALUES ({n});\n"));
        let files: Vec<(String, String)> = (1..=20).map(file).collect();
        let files = folder(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| migrate(&cell.url(), files.path(), &["up"]))).collect();
            for run in runs {
                assert_told(&run.join().expect("a run"), 0, &[]);
            }
        });
        let expected: Vec<String> = (1..=20).map(|n: u32| n.to_string()).collect();
        assert_eq!(counted(&cell.database), expected.join(" "));
        assert_eq!(cell.database.versions()[1..], expected);
    });
}

#[test]
fn f17_a_pool_whose_only_place_is_taken_is_tried_again_and_then_given_up() {
    in_each("F17", DIRECT, |cell| {
        let Some(pooler) = cell.pool("F17", "default_pool_size = 1\nquery_wait_timeout = 1") else { return };
        let story = Story::with("");
        story.begin(&cell.database);
        let url = pooler.url(&cell.database.name);
        let application = Session::that(&url, "BEGIN; SELECT * FROM counter");
        let ended = story.up(&url, &["--connect-wait", "3s"]);
        assert_told(&ended, 40, &["query_wait_timeout", "nothing was changed"]);
        assert_first_only(&cell.database);
        let mut patient = story.start(&url, &["--connect-wait", "60s"]);
        patient.read_until("trying again");
        drop(application);
        assert_told(&patient.wait(), 0, &[]);
        assert_finished(&cell.database);
    });
}

#[test]
fn f18_a_pooler_that_ends_an_idle_transaction_is_named_and_the_file_is_applied_once() {
    in_each("F18", DIRECT, |cell| {
        let Some(pooler) = cell.pool("F18", "idle_transaction_timeout = 1") else { return };
        let story = Story::with("");
        story.begin(&cell.database);
        // COMMIT is late on its way, once.
        let late = Fault { on: Connection::Nth(1), side: Side::Client, at: COMMIT, act: Act::Hold };
        let proxy = crate::proxy::Proxy::with_faults(pooler.port, &[late]);
        let ended = story.up(&cell.through(&proxy), &["--flight", "1"]);
        assert_told(&ended, 0, &["idle transaction timeout; trying again", "2 migrations run"]);
        assert_finished(&cell.database);
    });
}

#[test]
fn f18_a_pooler_that_ends_a_long_query_is_named_and_the_file_is_rolled_back() {
    in_each("F18", DIRECT, |cell| {
        let Some(pooler) = cell.pool("F18", "query_timeout = 1") else { return };
        let story = Story::slow();
        story.begin(&cell.database);
        slow_down(&cell.database);
        let ended = story.up(&pooler.url(&cell.database.name), &[]);
        assert_told(
            &ended,
            25,
            &["took too long: query timeout", "00002_b.sql was rolled back; the database is at version 1"],
        );
        go_on(&cell.database);
        eventually("its backend is gone", || backends(&cell.database) == 0);
        assert_first_only(&cell.database);
        story.rerun(&cell.database);
    });
}

/// Other sessions of a database that are at work.
fn backends(database: &Database) -> usize {
    let active = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' \
                  AND pid <> pg_backend_pid()";
    database.rows(active).len()
}

/// What a dump of another server begins with, and more.
const UNCLEAN: &str = "SELECT pg_catalog.set_config('search_path', '', false);\nSET lock_timeout = '7s';\n\
     SET ROLE pg_monitor;\nRESET ROLE;\nCREATE TEMP TABLE left_over (id int);\nLISTEN left_over;\n\
     PREPARE left_over AS SELECT 1;\nSELECT pg_catalog.pg_advisory_lock(7);\nSET ROLE pg_monitor;\n";

#[test]
fn f19_the_next_client_of_the_same_backend_finds_nothing_of_a_file_s_settings() {
    in_each("F19", &[Way::Pooled(1), Way::Pooled(2), Way::Pooled(5)], |cell| {
        let files = folder(&[("00001_a.sql", &format!("-- +goose Up\nCREATE TABLE a (id int);\n{UNCLEAN}"))]);
        assert_told(&migrate(&cell.url(), files.path(), &["up"]), 0, &[]);
        assert_eq!(cell.database.versions(), ["0", "1"]);
        let state = "SELECT current_setting('search_path'), current_setting('lock_timeout'), current_user, \
                     to_regclass('left_over'), (SELECT count(*) FROM pg_listening_channels()), \
                     (SELECT count(*) FROM pg_prepared_statements), \
                     (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())";
        for client in client_states(cell, state) {
            assert_eq!(client, "\"$user\", public|0|postgres||0|0|0");
        }
    });
}

/// What so many clients at once find, each of which keeps its backend until all have one.
fn client_states(cell: &Cell, query: &str) -> Vec<String> {
    let size = match cell.way {
        Way::Direct => 1,
        Way::Pooled(size) => size,
    };
    std::thread::scope(|scope| {
        let ask = || sql(&cell.url(), &format!("BEGIN; {query}; SELECT pg_sleep(0.2) WHERE false; COMMIT")).remove(0);
        let clients: Vec<_> = (0..size * 2).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().map(|client| client.join().expect("a client")).collect()
    })
}

/// The pooler is killed in the middle of a statement, and started again.
#[test]
fn f19b_a_pooler_that_is_restarted_in_the_middle_costs_a_new_connection() {
    in_each("F19b", POOLED, |cell| {
        let story = Story::slow();
        story.begin(&cell.database);
        slow_down(&cell.database);
        let mut run = story.start(&cell.url(), &[]);
        wait_until_slow(&cell.database);
        cell.pooler.as_mut().expect("a pooled cell").restart();
        run.read_until("trying again");
        go_on(&cell.database);
        assert_told(&run.wait(), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
    });
}

/// PAUSE lets a transaction end and the next one wait; RELOAD changes nothing.
#[test]
fn f19b_a_pooler_that_is_paused_and_told_to_reload_is_waited_for() {
    in_each("F19b", POOLED, |cell| {
        let story = Story::slow();
        story.begin(&cell.database);
        slow_down(&cell.database);
        let url = cell.url();
        let pooler = cell.pooler.as_ref().expect("a pooled cell");
        let run = story.start(&url, &["--flight", "1"]);
        wait_until_slow(&cell.database);
        pooler.console("RELOAD");
        std::thread::scope(|scope| {
            let paused = scope.spawn(|| pooler.console("PAUSE"));
            go_on(&cell.database);
            paused.join().expect("the console");
        });
        eventually("the second file's end", || cell.database.versions().len() >= 3);
        pooler.console("RESUME");
        assert_told(&run.wait(), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
    });
}

/// The poolers of these cases take no startup parameter beyond the usual ones, and show what came.
#[test]
fn f19c_nothing_is_sent_at_the_start_that_a_pooler_refuses() {
    in_each("F19c", BOTH_2, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        assert_told(&story.up(&cell.url(), &["--lock-timeout", "3s", "--statement-timeout", "1m"]), 0, &[]);
        assert_finished(&cell.database);
        if cell.way != Way::Direct {
            let refused = story.up(&format!("{}?options=-c%20extra_float_digits%3D1", cell.url()), &[]);
            assert_told(&refused, 20, &["unsupported startup parameter"]);
        }
    });
}

#[test]
fn f19d_a_full_pooler_is_waited_for_and_a_database_that_is_not_there_is_not() {
    in_each("F19d", DIRECT, |cell| {
        let Some(pooler) = cell.pool("F19d", "max_client_conn = 1") else { return };
        let story = Story::with("");
        story.begin(&cell.database);
        let url = pooler.url(&cell.database.name);
        // The look that found the pooler listening is a client too, until it is seen to be gone.
        let mut client = None;
        eventually("there is room", || {
            client = Session::attempt(&url);
            client.is_some()
        });
        let mut run = story.start(&url, &["--connect-wait", "60s"]);
        run.read_until("no more connections allowed");
        drop(client);
        assert_told(&run.wait(), 0, &[]);
        assert_finished(&cell.database);
        let Some(pooler) = cell.pool("F19d", "") else { return };
        for (database, words) in [("nowhere", "nowhere"), ("not_there", "not_there")] {
            let start = std::time::Instant::now();
            let ended = story.up(&pooler.url(database), &["--connect-wait", "60s"]);
            assert_told(&ended, 20, &[words, "nothing was changed"]);
            assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        }
    });
}
