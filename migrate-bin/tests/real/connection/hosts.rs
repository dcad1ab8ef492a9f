//! Several servers in one URL, and which of them is taken.

use migrate_scratch::Server;

use super::lab::tried;
use crate::stage::{Database, Ended, eventually, folder, free_port, migrate, migrate_command, permit, server, sql};
use crate::standby::Standby;

const GOOD: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");

/// What a command says it is connected to.
fn taken(ended: &Ended) -> String {
    let line = ended.stderr.lines().find_map(|line| line.split_once("connected to "));
    let line = line.unwrap_or_else(|| panic!("not connected: {}", ended.stderr)).1;
    line.split(" (").next().unwrap_or_default().to_owned()
}

#[test]
fn a_dead_host_is_passed_over() {
    let (dead, alive) = (free_port(), server().port());
    for url in [
        format!("postgres://postgres@127.0.0.1:{dead},127.0.0.1:{alive}/postgres"),
        format!("host=127.0.0.1,127.0.0.1 port={dead},{alive} user=postgres dbname=postgres"),
        format!("host=nowhere.invalid,127.0.0.1 port={alive} user=postgres dbname=postgres"),
        format!("host=/nonexistent,127.0.0.1 port={alive} user=postgres dbname=postgres"),
    ] {
        let ended = tried(&url, &[]);
        assert_eq!((ended.code, taken(&ended)), (0, format!("127.0.0.1:{alive}")), "{url}");
    }
}

#[test]
fn a_host_that_accepts_and_never_answers_is_passed_over_when_its_time_is_up() {
    let hole = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = hole.local_addr().expect("an address").port();
    let alive = server().port();
    let url = format!("postgres://postgres@127.0.0.1:{silent},127.0.0.1:{alive}/postgres?connect_timeout=2");
    let ended = tried(&url, &[]);
    assert_eq!((ended.code, taken(&ended)), (0, format!("127.0.0.1:{alive}")));
    let alone = tried(&format!("postgres://postgres@127.0.0.1:{silent}/postgres?connect_timeout=2"), &[]);
    assert!(alone.code == 40 && alone.stderr.contains("did not answer within 2 s"), "{}", alone.stderr);
}

#[test]
fn a_host_that_refuses_the_login_ends_the_search() {
    let (port, other) = (server().port(), free_port());
    let url = format!("postgres://nobody_here@127.0.0.1:{port},127.0.0.1:{other}/postgres");
    assert_eq!(tried(&url, &[]).code, 21);
}

#[test]
fn a_socket_is_a_host_and_is_never_encrypted() {
    let sockets = folder(&[]);
    let path = sockets.path().display().to_string();
    permit(sockets.path(), 0o777);
    let installation = migrate_scratch::installations(&[]).into_iter().next().expect("server binaries");
    let started = Server::start_with(&installation, &[("unix_socket_directories", &path)]).expect("a server");
    let port = started.port();
    for url in [
        format!("postgres:///postgres?host={path}&port={port}&user=postgres"),
        format!("postgres://postgres@{}:{port}/postgres", path.replace('/', "%2F")),
        format!("host={path} port={port} user=postgres dbname=postgres sslmode=require"),
    ] {
        let ended = tried(&url, &[]);
        assert!(ended.code == 0 && ended.stderr.contains("no TLS"), "{url}: {}", ended.stderr);
    }
}

/// A primary and its standby.
struct Pair {
    standby: Standby<'static>,
    primary: u16,
}

fn pair(primary: &'static Server) -> Pair {
    Pair { standby: Standby::of(primary, true), primary: primary.port() }
}

/// The URL of servers on these ports, in this order.
fn url(ports: &[u16], more: &str) -> String {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("postgres://postgres@{}/postgres?sslmode=disable{more}", hosts.join(","))
}

fn own_server() -> &'static Server {
    static SERVER: std::sync::OnceLock<Server> = std::sync::OnceLock::new();
    SERVER.get_or_init(|| {
        let installation = migrate_scratch::installations(&[]).into_iter().next().expect("server binaries");
        // Several standbys are made of it at once, each from where it was when it began.
        Server::start_with(&installation, &[("wal_keep_size", "1GB")]).expect("a server")
    })
}

#[test]
fn target_session_attrs_finds_the_server_that_is_asked_for() {
    let pair = pair(own_server());
    let (primary, standby) = (pair.primary, pair.standby.port);
    eventually("the standby takes queries", || tried(&url(&[standby], ""), &[]).code == 0);
    for (attributes, expected) in [
        ("any", [Ok(standby), Ok(primary)]),
        ("read-write", [Ok(primary), Ok(primary)]),
        ("primary", [Ok(primary), Ok(primary)]),
        ("read-only", [Ok(standby), Ok(standby)]),
        ("standby", [Ok(standby), Ok(standby)]),
        ("prefer-standby", [Ok(standby), Ok(standby)]),
    ] {
        for (ports, expected) in [[standby, primary], [primary, standby]].iter().zip(expected) {
            let ended = tried(&url(ports, &format!("&target_session_attrs={attributes}")), &[]);
            assert_eq!(taken(&ended), format!("127.0.0.1:{}", expected.unwrap_or_else(|code: i32| panic!("{code}"))));
        }
    }
    for (attributes, port, code) in
        [("read-write", standby, 43), ("primary", standby, 43), ("standby", primary, 40), ("read-only", primary, 40)]
    {
        let ended = tried(&url(&[port], &format!("&target_session_attrs={attributes}")), &[]);
        assert_eq!(ended.code, code, "{attributes}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("127.0.0.1:{port}")), "{}", ended.stderr);
    }
    assert_eq!(tried(&url(&[primary], "&target_session_attrs=prefer-standby"), &[]).code, 0);
}

#[test]
fn what_changes_a_database_goes_to_the_primary_without_a_word_and_what_reads_takes_the_first() {
    let pair = pair(own_server());
    let (primary, standby) = (pair.primary, pair.standby.port);
    eventually("the standby takes queries", || tried(&url(&[standby], ""), &[]).code == 0);
    let files = folder(&[GOOD]);
    let both = url(&[standby, primary], "");
    let up = migrate(&both, files.path(), &["up", "-v", "--table", "hosts_up", "--connect-wait", "0s"]);
    assert_eq!((up.code, taken(&up)), (0, format!("127.0.0.1:{primary}")), "{}", up.stderr);
    let status = migrate(&both, files.path(), &["status", "-v", "--table", "hosts_up"]);
    assert_eq!(taken(&status), format!("127.0.0.1:{standby}"));
    // Nothing is pending any more: a standby alone will do.
    let replayed = || sql(&url(&[standby], ""), "SELECT to_regclass('a') IS NOT NULL") == ["t"];
    eventually("the standby has it", replayed);
    let again = migrate(&url(&[standby], ""), files.path(), &["up", "--table", "hosts_up"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let pending = migrate(&url(&[standby], ""), files.path(), &["up", "--table", "hosts_up_other"]);
    assert_eq!(pending.code, 43, "{}", pending.stderr);
}

#[test]
fn a_standby_that_becomes_the_primary_is_waited_for() {
    let pair = pair(own_server());
    let standby = url(&[pair.standby.port], "&target_session_attrs=read-write");
    let mut command = migrate_command(&["version", "-v", "--connect-wait", "60s", "--database-url", &standby]);
    let mut run = super::waiting::Run::start(&mut command);
    run.wait_for("is a standby");
    pair.standby.promote();
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn hosts_in_an_order_drawn_by_lot_are_all_found() {
    let database = Database::create();
    let (dead, alive) = (free_port(), server().port());
    let hosts = format!("127.0.0.1:{dead},127.0.0.1:{alive},127.0.0.1:{dead}");
    let url = format!("postgres://postgres@{hosts}/{}?load_balance_hosts=random", database.name);
    for _ in 0..5 {
        assert_eq!(tried(&url, &[]).code, 0);
    }
}
