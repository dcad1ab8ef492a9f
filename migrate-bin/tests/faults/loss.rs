//! 2.4, connections that break: what became of what was under way is asked for, never guessed.

use std::time::{Duration, Instant};

use crate::lab::{BOTH, BOTH_2, BOTH_5, Cell, DIRECT, ROOM_FOR_TWO, in_each, is_long};
use crate::pooler::Pooler;
use crate::proxy::{Act, At, Break, Connection, Fault, Side};
use crate::stage::eventually;
use crate::story::{
    COMMIT, Story, assert_finished, assert_first_only, assert_told, counted, go_on, slow_down, wait_until_slow,
};
use crate::wire::Wire;

/// The first time that the client sends COMMIT.
fn at_commit(act: Act) -> Fault {
    Fault { on: Connection::First(1), side: Side::Client, at: COMMIT, act }
}

/// What the client sends in the second file.
const IN_THE_FILE: At = At::Text("CREATE TABLE t2", 1);

#[test]
fn f25_a_commit_whose_reply_is_lost_is_resolved_and_not_done_again() {
    in_each("F25", BOTH_2, |cell| {
        // With its transaction's number heard, and without.
        let reply = Fault { on: Connection::Nth(1), side: Side::Server, at: COMMIT, act: Act::Cut(Break::Reset) };
        for fault in [reply, at_commit(Act::Unanswered(Break::Reset)), at_commit(Act::Unanswered(Break::Partition))] {
            for flights in ["1", "24"] {
                let story = Story::begun_anew(&cell.database, "");
                let proxy = cell.proxy(&[fault]);
                let ended = story.up(&cell.through(&proxy), &["--flight", flights]);
                assert_eq!(proxy.hits(), 1);
                let words = ["00002_b.sql may have been committed: asking the database", "00002_b.sql was committed"];
                assert_told(&ended, 0, &words);
                assert_told(&ended, 0, &["2 migrations run"]);
                assert_finished(&cell.database);
                story.rerun(&cell.database);
            }
        }
    });
}

/// Nobody says that the connection is gone: the network between drops every packet behind COMMIT.
#[test]
fn f25_a_reply_that_vanishes_on_the_way_is_noticed_by_the_socket_itself() {
    in_each("F25", DIRECT, |cell| {
        let story = Story::begun_anew(&cell.database, "");
        let reply = Fault { on: Connection::Nth(1), side: Side::Server, at: COMMIT, act: Act::Hold };
        let Some(wire) = Wire::start("F25", cell.port(), &[reply]) else { return };
        let quick = "?keepalives_idle=1&keepalives_interval=1&keepalives_count=2&tcp_user_timeout=2500";
        let more = if is_long() { "" } else { quick };
        let run = wire.start_run(&story, &format!("{}{more}", wire.url(&cell.database.name)), &["--flight", "1"]);
        eventually("the reply is held", || wire.proxy.hits() == 1);
        let start = Instant::now();
        wire.cut();
        wire.proxy.release();
        let mut run = run;
        run.read_until("may have been committed");
        assert!(start.elapsed() < Duration::from_secs(32), "{:?}", start.elapsed());
        wire.mend();
        assert_told(&run.wait(), 0, &["00002_b.sql was committed", "2 migrations run"]);
        assert_finished(&cell.database);
    });
}

/// The server goes on waiting for COMMIT, and holds the lock, until it ends who is idle in a transaction: in a long run
/// after its own minute.
#[test]
fn f26_a_commit_that_never_arrives_is_waited_for_until_the_server_has_given_it_up() {
    in_each("F26", ROOM_FOR_TWO, |cell| {
        let story = Story::begun_anew(&cell.database, "");
        let proxy = cell.proxy(&[at_commit(Act::Cut(Break::Partition))]);
        let mut run = story.start(&cell.through(&proxy), &[]);
        let waiting = run.read_until("waiting for the migration lock");
        assert!(waiting.contains("idle in transaction"), "{waiting}");
        if !is_long() {
            proxy.release();
        }
        assert_told(&run.wait(), 0, &["00002_b.sql was not committed", "2 migrations run"]);
        assert_finished(&cell.database);
    });
}

/// Asking may take long, and whoever asks can be told to end meanwhile.
#[test]
fn f26_sigterm_while_the_database_is_asked_ends_the_run_in_time() {
    in_each("F26", ROOM_FOR_TWO, |cell| {
        let story = Story::begun_anew(&cell.database, "");
        let proxy = cell.proxy(&[at_commit(Act::Cut(Break::Partition))]);
        let mut run = story.start(&cell.through(&proxy), &[]);
        run.read_until("waiting for the migration lock");
        let asked = Instant::now();
        run.signal("TERM");
        let ended = run.wait();
        assert!(asked.elapsed() < Duration::from_secs(12), "{:?}", asked.elapsed());
        assert_told(&ended, 45, &["00002_b.sql", "whole or not at all", "run again"]);
        proxy.release();
        story.rerun(&cell.database);
    });
}

#[test]
fn f28_an_outcome_that_nobody_can_be_asked_about_is_told_as_unknown_and_the_next_run_resolves_it() {
    in_each("F28", BOTH, |cell| {
        for act in [Act::Unanswered(Break::Reset), Act::Cut(Break::Reset)] {
            let story = Story::begun_anew(&cell.database, "");
            let no_more =
                Fault { on: Connection::From(2), side: Side::Client, at: At::Message(1), act: Act::Cut(Break::Reset) };
            let proxy = cell.proxy(&[at_commit(act), no_more]);
            let ended = story.up(&cell.through(&proxy), &["--connect-wait", "2s"]);
            let words = ["00002_b.sql", "whole or not at all", "at version 1", "run again: the next run reads"];
            assert_told(&ended, 45, &words);
            story.rerun(&cell.database);
        }
    });
}

/// The pooler is there and lets everybody in, but its server is gone.
#[test]
fn f28_a_pooler_without_its_server_is_asked_no_longer_than_a_server_is_waited_for() {
    in_each("F28", DIRECT, |cell| {
        let story = Story::begun_anew(&cell.database, "");
        let gone =
            Fault { on: Connection::From(2), side: Side::Client, at: At::Message(1), act: Act::Cut(Break::Reset) };
        let proxy = cell.proxy(&[at_commit(Act::Unanswered(Break::Reset)), gone]);
        let Some(pooler) = Pooler::start("F28", proxy.port(), "query_wait_timeout = 1") else { return };
        let start = Instant::now();
        let ended = story.up(&pooler.url(&cell.database.name), &["--connect-wait", "3s"]);
        assert_told(&ended, 45, &["00002_b.sql", "whole or not at all", "run again: the next run reads"]);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        story.rerun(&cell.database);
    });
}

#[test]
fn f29_a_reset_in_the_middle_of_a_statement_rolls_back_and_the_file_is_tried_again() {
    in_each("F29", BOTH_2, |cell| {
        let reset = |on| Fault { on, side: Side::Client, at: IN_THE_FILE, act: Act::CutBehind(Break::Reset) };
        let story = Story::begun_anew(&cell.database, "");
        let proxy = cell.proxy(&[reset(Connection::First(1))]);
        assert_told(&story.up(&cell.through(&proxy), &[]), 0, &["trying again", "2 migrations run"]);
        assert_finished(&cell.database);
        let story = Story::begun_anew(&cell.database, "");
        let proxy = cell.proxy(&[reset(Connection::From(1))]);
        let ended = story.up(&cell.through(&proxy), &[]);
        assert_told(&ended, 44, &["00002_b.sql was rolled back; the database is at version 1", "run again"]);
        assert_eq!(proxy.hits(), 4, "three new connections");
        eventually("what was under way is gone", || counted(&cell.database) == "1");
        assert_first_only(&cell.database);
        story.rerun(&cell.database);
    });
}

#[test]
fn f29d_a_session_that_somebody_ends_is_begun_again_once_and_ended_again_it_stays_ended() {
    in_each("F29d", BOTH_5, |cell| {
        let story = Story::begun_anew(&cell.database, crate::story::SLOW);
        slow_down(&cell.database);
        let mut run = story.start(&cell.url(), &[]);
        for again in [true, false] {
            wait_until_slow(&cell.database);
            end_the_run_s_session(cell);
            if again {
                run.read_until("terminating connection due to administrator command");
            }
        }
        let ended = run.wait();
        let words = ["administrator command", "00002_b.sql was rolled back; the database is at version 1", "run again"];
        assert_told(&ended, 44, &words);
        assert_first_only(&cell.database);
        slow_no_more_and_end_once(cell, &story);
    });
}

fn end_the_run_s_session(cell: &Cell) {
    // Between two of its naps it is not asleep.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
               AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%pg_sleep%'";
    assert_eq!(cell.database.rows(end), ["t"]);
}

/// Ended once, the run goes on and reaches its end.
fn slow_no_more_and_end_once(cell: &Cell, story: &Story) {
    let mut run = story.start(&cell.url(), &[]);
    wait_until_slow(&cell.database);
    end_the_run_s_session(cell);
    run.read_until("trying again");
    go_on(&cell.database);
    assert_told(&run.wait(), 0, &["2 migrations run"]);
    assert_finished(&cell.database);
}

/// The server looks after its clients every two seconds.
#[test]
fn f29e_the_backend_of_a_killed_run_is_waited_for_no_longer_than_the_server_needs_to_miss_it() {
    in_each("F29e", ROOM_FOR_TWO, |cell| {
        let story = Story::begun_anew(&cell.database, crate::story::SLOW);
        slow_down(&cell.database);
        let killed = story.start(&cell.url(), &[]);
        wait_until_slow(&cell.database);
        let zombie = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
                      AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%pg_sleep%'";
        let pid = cell.database.rows(zombie).concat();
        killed.signal("KILL");
        killed.wait();
        let start = Instant::now();
        let mut rerun = story.start(&cell.url(), &[]);
        rerun.read_until("waiting for the migration lock");
        let is_there = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state <> 'idle'");
        eventually("the zombie's end", || cell.database.rows(&is_there) == ["0"]);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        go_on(&cell.database);
        assert_told(&rerun.wait(), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
    });
}

/// As on servers before 14, which do not look after their clients: the index is finished by a backend without a run.
#[test]
fn f29f_an_index_that_a_killed_run_s_backend_finishes_is_waited_for_and_not_built_again() {
    in_each("F29f", DIRECT, |cell| {
        let story = Story::unwrapped("SET client_connection_check_interval = 0;\n");
        story.begin(&cell.database);
        let held = story.held_in_its_index(&cell.database, &[]);
        held.run.signal("KILL");
        held.run.wait();
        let built = cell.database.rows("SELECT 't2_name'::regclass::oid");
        let mut rerun = story.start(&cell.url(), &[]);
        let waiting = rerun.read_until("waiting for the migration lock");
        assert!(waiting.contains("active for"), "{waiting}");
        drop(held.writer);
        assert_told(&rerun.wait(), 0, &["2 migrations run"]);
        assert_eq!(cell.database.rows("SELECT 't2_name'::regclass::oid"), built);
        assert_finished(&cell.database);
    });
}

/// There is no guard beside the working session that could be lost alone: the lock is the session's own, and goes with it.
#[test]
fn f29g_a_lock_is_never_lost_without_the_session_that_works_and_the_file_is_gone_on_with() {
    in_each("F29g", DIRECT, |cell| {
        let story = Story::unwrapped("");
        story.begin(&cell.database);
        let held = story.held_in_its_index(&cell.database, &[]);
        let end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                   (SELECT oid FROM pg_database WHERE datname = current_database())";
        assert_eq!(cell.database.rows(end), ["t"]);
        drop(held.writer);
        assert_told(&held.run.wait(), 0, &["goes on behind statement 2", "2 migrations run"]);
        assert_finished(&cell.database);
    });
}
