//! 2.3, on the way to a session: servers that are not there yet, names without addresses, silence, refusals.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::time::{Duration, Instant};

use migrate_scratch::Server;

use crate::background::{Background, Session};
use crate::lab::{BOTH, BOTH_2, BOTH_5, Cell, DIRECT, in_each, on_each_major};
use crate::names::{Answer, Names};
use crate::proxy::{Act, At, Break, Connection, Fault, Proxy, Side};
use crate::stage::{Database, Ended, eventually, free_port, permit, sql};
use crate::standby::Standby;
use crate::story::{Story, assert_finished, assert_first_only, assert_told, go_on, slow_down};

/// Behind the client's question for TLS: its startup packet, which names the database.
const STARTUP: At = At::Text("database\0", 1);

fn at_startup(on: Connection, act: Act) -> Fault {
    Fault { on, side: Side::Client, at: STARTUP, act }
}

#[test]
fn f20_a_port_that_nobody_listens_on_yet_is_tried_again_and_told_about_every_five_seconds() {
    in_each("F20", BOTH, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        let port = free_port();
        let url = format!("postgres://postgres@127.0.0.1:{port}/{}", cell.database.name);
        let mut run = story.start(&url, &["--connect-wait", "60s"]);
        run.read_until("Connection refused");
        let start = Instant::now();
        run.read_until("Connection refused");
        assert!(start.elapsed() > Duration::from_secs(4), "{:?}", start.elapsed());
        let _proxy = Proxy::listen(([127, 0, 0, 1], port).into(), cell.port(), Duration::ZERO, &[]);
        assert_told(&run.wait(), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
    });
}

#[test]
fn f21_a_name_that_has_no_address_yet_is_looked_up_again() {
    in_each("F21", DIRECT, |cell| {
        for first in [Answer::NoSuchName, Answer::Failure] {
            let story = Story::begun_anew(&cell.database, "");
            let Some(names) = Names::start("F21", first) else { return };
            let mut command = names.migrate(&["up", "--connect-wait", "60s"]);
            command.args(["--database-url", &named(cell)]).arg("--dir").arg(story.dir());
            let mut run = Background::spawn(&mut command);
            run.read_until("cannot find db.example");
            names.answer(Answer::Here);
            assert_told(&run.wait(), 0, &["2 migrations run"]);
            assert_finished(&cell.database);
        }
    });
}

#[test]
fn f21_an_address_that_no_route_leads_to_is_told_with_the_address() {
    in_each("F21", DIRECT, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        let Some(names) = Names::start("F21", Answer::OnlySix) else { return };
        let mut command = names.migrate(&["up", "--connect-wait", "0s"]);
        command.args(["--database-url", &named(cell)]).arg("--dir").arg(story.dir());
        let ended = Ended::from(command.output().expect("migrate starts"));
        assert_told(&ended, 40, &["db.example", "IPv6", "nothing was changed"]);
        assert_first_only(&cell.database);
    });
}

fn named(cell: &Cell) -> String {
    format!("postgres://postgres@db.example:{}/{}", cell.server.port(), cell.database.name)
}

#[test]
fn f22_a_host_that_accepts_and_never_answers_costs_its_own_time_and_no_more() {
    in_each("F22", BOTH_5, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        let hole = cell.proxy(&[at_startup(Connection::From(1), Act::Mute)]);
        let (silent, alive, name) = (hole.port(), cell.port(), &cell.database.name);
        let alone = format!("postgres://postgres@127.0.0.1:{silent}/{name}?connect_timeout=2");
        let start = Instant::now();
        let ended = story.up(&alone, &["--connect-wait", "3s"]);
        assert_told(&ended, 40, &["did not answer within", "nothing was changed"]);
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        assert_first_only(&cell.database);
        let both = format!("postgres://postgres@127.0.0.1:{silent},127.0.0.1:{alive}/{name}?connect_timeout=2");
        assert_told(&story.up(&both, &[]), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
    });
}

/// A database that sleeps until somebody knocks: it is silent for a while, or its proxy says that it is not there yet.
#[test]
fn f23_a_cold_start_is_waited_for() {
    in_each("F23", BOTH_2, |cell| {
        let told = |words| at_startup(Connection::First(2), Act::Cut(Break::Told("XX000", words)));
        let silent = at_startup(Connection::Nth(1), Act::Delay(Duration::from_secs(5)));
        for (fault, words) in [
            (silent, ""),
            (told("Couldn't connect to compute node"), "Couldn't connect to compute node"),
            (told("Control plane request failed"), "Control plane request failed"),
        ] {
            let story = Story::begun_anew(&cell.database, "");
            let proxy = cell.proxy(&[fault]);
            let ended = story.up(&cell.through(&proxy), &[]);
            assert_told(&ended, 0, &[words, "2 migrations run"]);
            assert!(proxy.hits() > 0);
            assert_finished(&cell.database);
        }
    });
}

/// The server's own words, in its stead: a test cannot hold a server in its recovery. Another test has a real one.
#[test]
fn f24_a_server_that_starts_up_recovers_or_is_full_is_waited_for_within_the_budget() {
    in_each("F24", BOTH_2, |cell| {
        for (sqlstate, words) in [
            ("57P03", "the database system is starting up"),
            ("57P03", "the database system is in recovery mode"),
            ("53300", "sorry, too many clients already"),
        ] {
            let story = Story::begun_anew(&cell.database, "");
            let refuse = |on| at_startup(on, Act::Cut(Break::Told(sqlstate, words)));
            let full = cell.proxy(&[refuse(Connection::From(1))]);
            let ended = story.up(&cell.through(&full), &["--connect-wait", "1s"]);
            assert_told(&ended, 40, &[words, sqlstate, "nothing was changed"]);
            let proxy = cell.proxy(&[refuse(Connection::First(2))]);
            assert_told(&story.up(&cell.through(&proxy), &[]), 0, &["2 migrations run"]);
            assert_finished(&cell.database);
        }
    });
}

#[test]
fn f24_a_role_or_a_database_that_is_at_its_limit_is_waited_for() {
    in_each("F24", DIRECT, |cell| {
        let (role, name) = (cell.role("limited"), cell.database.name.clone());
        cell.database.rows(&format!("CREATE ROLE {role} LOGIN; ALTER DATABASE {name} OWNER TO {role}"));
        let story = Story::with("");
        let url = cell.url().replace("postgres@", &format!("{role}@"));
        for (limit, free) in [
            (format!("ALTER ROLE {role} CONNECTION LIMIT 0"), format!("ALTER ROLE {role} CONNECTION LIMIT -1")),
            (format!("ALTER DATABASE {name} CONNECTION LIMIT 0"), format!("ALTER DATABASE {name} CONNECTION LIMIT -1")),
        ] {
            cell.database.rows(&format!("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION {role}"));
            cell.database.rows(&format!("SET ROLE {role}; CREATE TABLE counter (n int)"));
            assert_told(&story.up(&url, &["--to", "1"]), 0, &[]);
            cell.database.rows(&limit);
            assert_told(&story.up(&url, &["--connect-wait", "1s"]), 40, &["53300", "nothing was changed"]);
            let mut run = story.start(&url, &["--connect-wait", "60s"]);
            run.read_until("too many connections for");
            cell.database.rows(&free);
            assert_told(&run.wait(), 0, &["2 migrations run"]);
            assert_finished(&cell.database);
        }
        cell.database
            .rows(&format!("DROP SCHEMA public CASCADE; ALTER DATABASE {name} OWNER TO postgres; DROP ROLE {role}"));
    });
}

#[test]
fn f24b_what_a_login_is_refused_for_is_told_at_once() {
    in_each("F24b", BOTH, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        for (sqlstate, words, code) in [
            ("28P01", "password authentication failed for user \"postgres\"", 21),
            ("28000", "no pg_hba.conf entry for host \"127.0.0.1\"", 21),
            ("3D000", "database \"app\" does not exist", 20),
            ("55000", "database \"app\" is not currently accepting connections", 20),
        ] {
            let refuse = at_startup(Connection::From(1), Act::Cut(Break::Told(sqlstate, words)));
            let proxy = cell.proxy(&[refuse]);
            let start = Instant::now();
            let ended = story.up(&cell.through(&proxy), &["--connect-wait", "60s"]);
            assert_told(&ended, code, &[sqlstate, "nothing was changed"]);
            assert!(start.elapsed() < Duration::from_secs(5), "{sqlstate}: {:?}", start.elapsed());
            // One try; the mode `prefer` may add one without TLS.
            assert!(proxy.connections() <= 2, "{sqlstate}: {} tries", proxy.connections());
        }
        assert_first_only(&cell.database);
    });
}

/// The password is changed, in the server and in the file, while a migration runs, and then the connection breaks.
#[test]
fn f24e_a_password_that_was_rotated_is_read_again_for_a_new_connection() {
    on_each_major("F24e", |installation| {
        let server = Server::start(installation).expect("a server");
        let database = Database::create_on(&server);
        sql(&server.url("postgres"), "CREATE ROLE rotated LOGIN SUPERUSER PASSWORD 'first'");
        let rules = "host all rotated 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n";
        own_file(&server, "pg_hba.conf", rules);
        sql(&server.url("postgres"), "SELECT pg_reload_conf()");
        let proxy = Proxy::with_faults(
            server.port(),
            &[Fault {
                on: Connection::First(1),
                side: Side::Client,
                at: At::Text("FROM pg_class WHERE relname = 'slow'", 1),
                act: Act::CutBehind(Break::Reset),
            }],
        );
        let story = Story::slow();
        story.begin(&database);
        let secrets = tempfile::tempdir().expect("a folder");
        let path = secrets.path().join("url");
        let give = |password: &str| {
            let url = format!("postgres://rotated:{password}@127.0.0.1:{}/{}\n", proxy.port(), database.name);
            std::fs::write(&path, url).expect("a secret");
            permit(&path, 0o600);
        };
        give("first");
        let mut command = crate::stage::migrate_command(&["up"]);
        command.env("DATABASE_URL_FILE", &path).arg("--dir").arg(story.dir());
        slow_down(&database);
        let gate = Session::that(&database.url, "BEGIN; LOCK TABLE goose_db_version IN ACCESS EXCLUSIVE MODE");
        let run = Background::spawn(&mut command);
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the run has logged in", || database.rows(waits) == ["1"]);
        sql(&server.url("postgres"), "ALTER ROLE rotated PASSWORD 'second'");
        give("second");
        drop(gate);
        eventually("the connection breaks", || proxy.hits() == 1);
        go_on(&database);
        assert_told(&run.wait(), 0, &["2 migrations run"]);
        assert_finished(&database);
    });
}

/// A file of the server's own among its data.
fn own_file(server: &Server, name: &str, text: &str) {
    let path = server.folder().join("data").join(name);
    let account = std::fs::metadata(server.folder().join("data")).expect("the data folder");
    std::fs::write(&path, text).expect("a file");
    chown(&path, Some(account.uid()), Some(account.gid())).expect("the server's own file");
}

#[test]
fn f24f_a_standby_that_is_named_first_is_passed_over() {
    on_each_major("F24f", |installation| {
        let primary = Server::start(installation).expect("a server");
        let database = Database::create_on(&primary);
        let story = Story::with("");
        story.begin(&database);
        let standby = Standby::of(&primary, true);
        let there = || Session::attempt(&standby.url(&database.name)).is_some();
        eventually("the standby takes queries", there);
        for attributes in ["", "?target_session_attrs=read-write", "?target_session_attrs=primary"] {
            let ports = [standby.port, primary.port()];
            let hosts = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
            let ended = story.up(&format!("postgres://postgres@{hosts}/{}{attributes}", database.name), &[]);
            assert_told(&ended, 0, &[]);
            assert_finished(&database);
        }
        let alone = story
            .up(&format!("{}?target_session_attrs=read-write", standby.url(&database.name)), &["--connect-wait", "1s"]);
        assert_told(&alone, 43, &["is a standby", "nothing was changed"]);
    });
}
