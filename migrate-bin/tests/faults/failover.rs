//! 2.4, servers that go away: they wait for a standby, crash, are restarted, and another one takes their place.
//!
//! Each of these cases breaks a server of its own.

use std::process::Command;

use migrate_scratch::Server;

use crate::background::Session;
use crate::lab::on_each_major;
use crate::proxy::{Act, At, Break, Connection, Fault, Proxy, Side};
use crate::stage::{Database, eventually, sql};
use crate::standby::{Standby, control};
use crate::story::{COMMIT, SLOW, Story, assert_finished, assert_told, counted, go_on, slow_down, wait_until_slow};

/// A server that keeps what it has committed when it crashes; this machine does not.
fn durable(installation: &migrate_scratch::Installation) -> Server {
    Server::start_with(installation, &[("synchronous_commit", "on")]).expect("a server")
}

fn wait_for_a_standby(server: &Server, waits: bool) {
    let names = if waits { "SET synchronous_standby_names = 'nobody'" } else { "RESET synchronous_standby_names" };
    sql(&server.url("postgres"), &format!("ALTER SYSTEM {names}"));
    sql(&server.url("postgres"), "SELECT pg_reload_conf()");
}

fn wait_until_held(database: &Database) {
    let held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'";
    eventually("COMMIT waits for the standby", || database.rows(held) == ["1"]);
}

#[test]
fn f27_a_commit_that_waits_for_a_standby_is_waited_for_when_its_run_is_killed() {
    on_each_major("F27", |installation| {
        let server = durable(installation);
        let database = Database::create_on(&server);
        let story = Story::begun_anew(&database, "");
        wait_for_a_standby(&server, true);
        let killed = story.start(&database.url, &["--flight", "1"]);
        wait_until_held(&database);
        killed.signal("KILL");
        killed.wait();
        let mut rerun = story.start(&database.url, &[]);
        rerun.read_until("waiting for the migration lock");
        assert_eq!(database.versions(), ["0", "1"], "not visible, and not undone");
        wait_for_a_standby(&server, false);
        assert_told(&rerun.wait(), 0, &["1 migration run"]);
        assert_finished(&database);
        assert_told(&story.up(&database.url, &[]), 0, &[]);
    });
}

#[test]
fn f27_a_commit_that_waits_for_a_standby_is_waited_for_when_its_connection_breaks() {
    on_each_major("F27", |installation| {
        let server = durable(installation);
        let database = Database::create_on(&server);
        let story = Story::begun_anew(&database, "");
        let commit = Fault { on: Connection::Nth(1), side: Side::Client, at: COMMIT, act: Act::Hold };
        // The message behind COMMIT: none comes, so the connection is ended by hand.
        let proxy = Proxy::with_faults(server.port(), &[commit]);
        wait_for_a_standby(&server, true);
        let mut run = story.start(&proxy.url(&database.name), &["--flight", "1"]);
        eventually("COMMIT is held", || proxy.hits() == 1);
        proxy.release();
        wait_until_held(&database);
        let port = proxy.port();
        drop(proxy);
        let _proxy = Proxy::listen(([127, 0, 0, 1], port).into(), server.port(), std::time::Duration::ZERO, &[]);
        run.read_until("waiting for the migration lock");
        assert_eq!(database.versions(), ["0", "1"], "not visible, and not undone");
        wait_for_a_standby(&server, false);
        assert_told(&run.wait(), 0, &["00002_b.sql was committed", "2 migrations run"]);
        assert_finished(&database);
    });
}

/// One of the server's own processes dies, so that it throws everybody out and recovers.
#[test]
fn f29b_a_server_that_crashes_and_recovers_is_waited_for() {
    on_each_major("F29b", |installation| {
        let server = durable(installation);
        let database = Database::create_on(&server);
        let story = Story::begun_anew(&database, SLOW);
        slow_down(&database);
        let mut run = story.start(&database.url, &[]);
        wait_until_slow(&database);
        let victim = Session::that(&database.url, "SELECT 1");
        let killed = Command::new("kill").args(["-s", "KILL", &victim.pid]).status();
        assert!(killed.is_ok_and(|status| status.success()));
        run.read_until("trying again");
        go_on_when_it_is_back(&database);
        assert_told(&run.wait(), 0, &["2 migrations run"]);
        assert_finished(&database);
    });
}

/// As soon as the server takes connections again.
fn go_on_when_it_is_back(database: &Database) {
    eventually("the server is back", || Session::attempt(&database.url).is_some());
    go_on(database);
}

#[test]
fn f29c_a_server_that_is_restarted_in_the_middle_is_waited_for() {
    on_each_major("F29c", |installation| {
        let server = durable(installation);
        let database = Database::create_on(&server);
        for mode in ["fast", "immediate"] {
            let story = Story::begun_anew(&database, SLOW);
            slow_down(&database);
            let mut run = story.start(&database.url, &[]);
            wait_until_slow(&database);
            control(&server, &["restart", "-m", mode]);
            run.read_until("trying again");
            go_on_when_it_is_back(&database);
            assert_told(&run.wait(), 0, &["2 migrations run"]);
            assert_finished(&database);
        }
    });
}

/// A primary with the first file applied, and a standby that has that too.
struct Pair<'s> {
    database: Database,
    standby: Standby<'s>,
    story: Story,
}

impl<'s> Pair<'s> {
    fn of(primary: &'s Server, more: &str) -> Self {
        let database = Database::create_on(primary);
        let story = Story::begun_anew(&database, more);
        let standby = Standby::of(primary, true);
        let pair = Self { database, standby, story };
        eventually("the standby takes queries", || Session::attempt(&pair.elsewhere()).is_some());
        pair
    }

    /// The database on the standby.
    fn elsewhere(&self) -> String {
        self.standby.url(&self.database.name)
    }

    /// The URL of both, one of them through a port of the scene's choice.
    fn both(&self, primary_port: u16) -> String {
        let hosts = format!("127.0.0.1:{primary_port},127.0.0.1:{}", self.standby.port);
        format!("postgres://postgres@{hosts}/{}", self.database.name)
    }

    /// What the standby holds is the story's end; the primary is not asked any more.
    fn assert_finished_elsewhere(self) {
        assert_finished(&self.database.at(&self.elsewhere()));
        // It ended with its server.
        std::mem::forget(self.database);
    }
}

#[test]
fn f29h_a_standby_that_takes_over_in_the_middle_of_a_transaction_is_gone_on_with() {
    on_each_major("F29h", |installation| {
        let primary = durable(installation);
        let pair = Pair::of(&primary, SLOW);
        slow_down(&pair.database);
        let replayed = || sql(&pair.elsewhere(), "SELECT to_regclass('slow') IS NOT NULL") == ["t"];
        eventually("the standby has it", replayed);
        let mut run = pair.story.start(&pair.both(primary.port()), &[]);
        wait_until_slow(&pair.database);
        control(&primary, &["stop", "-m", "immediate"]);
        run.read_until("trying again");
        // Only the standby is there, and takes no writes yet.
        run.read_until("is a standby");
        pair.standby.promote();
        eventually("the standby takes writes", || sql(&pair.elsewhere(), "SELECT pg_is_in_recovery()") == ["f"]);
        sql(&pair.elsewhere(), "DROP TABLE slow");
        assert_told(&run.wait(), 0, &["2 migrations run"]);
        pair.assert_finished_elsewhere();
    });
}

/// The version table of the server that is there now decides: the number of a transaction means nothing on it.
#[test]
fn f29i_a_commit_that_the_new_primary_never_got_is_done_again_there() {
    on_each_major("F29i", |installation| {
        let primary = durable(installation);
        let pair = Pair::of(&primary, "");
        sql(&pair.elsewhere(), "ALTER SYSTEM SET primary_conninfo = ''");
        sql(&pair.elsewhere(), "SELECT pg_reload_conf()");
        let senders = "SELECT count(*) FROM pg_stat_replication";
        eventually("the standby follows no more", || pair.database.rows(senders) == ["0"]);
        let at = |on, at, act| Fault { on, side: Side::Client, at, act };
        let proxy = Proxy::with_faults(
            primary.port(),
            &[
                at(Connection::Nth(1), COMMIT, Act::Unanswered(Break::Reset)),
                at(Connection::From(2), At::Message(1), Act::Cut(Break::Reset)),
            ],
        );
        let mut run = pair.story.start(&pair.both(proxy.port()), &["--flight", "1"]);
        run.read_until("may have been committed");
        eventually("the primary has it", || counted(&pair.database) == "1 2");
        control(&primary, &["stop", "-m", "immediate"]);
        pair.standby.promote();
        assert_told(&run.wait(), 0, &["00002_b.sql was not committed", "2 migrations run"]);
        pair.assert_finished_elsewhere();
    });
}
