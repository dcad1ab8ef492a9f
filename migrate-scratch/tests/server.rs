//! Throw-away servers from the PostgreSQL installed on this machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test reports a failure by panicking, and the child process by printing"
)]
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use migrate_scratch::{Installation, ScratchError, Server, installations};
use tokio_postgres::NoTls;

/// Set for the child process of the test about SIGKILL.
const CHILD: &str = "MIGRATE_SCRATCH_TEST_CHILD";

async fn connect(server: &Server, database: &str) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(&server.url(database), NoTls).await.expect("the server takes connections");
    tokio::spawn(connection);
    client
}

async fn setting(client: &tokio_postgres::Client, name: &str) -> String {
    client.query_one("select current_setting($1)", &[&name]).await.unwrap().get(0)
}

fn reachable(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_installation_has_its_real_version_and_programs() {
    let all = installations(&[]);
    assert!(!all.is_empty(), "these tests need a PostgreSQL server");
    for one in &all {
        assert!(one.major >= 9, "{one:?}");
        assert!(one.bin.join("initdb").is_file(), "{one:?}");
    }
    let mut bins: Vec<_> = all.iter().map(|one| &one.bin).collect();
    bins.sort();
    bins.dedup();
    assert_eq!(bins.len(), all.len(), "a server is listed once: {all:?}");
}

#[test]
fn a_folder_given_by_hand_comes_first_even_through_links() {
    let newest = installations(&[]).remove(0);
    let links = std::env::temp_dir().join(format!("migrate-scratch-links-{}", std::process::id()));
    std::fs::create_dir(&links).unwrap();
    for program in ["initdb", "postgres"] {
        std::os::unix::fs::symlink(newest.bin.join(program), links.join(program)).unwrap();
    }
    let all = installations(&[PathBuf::from("/nowhere"), links.clone()]);
    std::fs::remove_dir_all(&links).unwrap();
    assert_eq!(all[0], newest, "links lead to the real folder");
    assert_eq!(all.iter().filter(|one| **one == newest).count(), 1);
}

#[tokio::test]
async fn a_server_answers_queries_and_is_gone_after_stop() {
    let began = Instant::now();
    let server = Server::newest().unwrap();
    println!("started in {:?}", began.elapsed());
    let client = connect(&server, "postgres").await;
    let version: i32 = client.query_one("select current_setting('server_version_num')::int", &[]).await.unwrap().get(0);
    assert_eq!(u32::try_from(version).unwrap() / 10_000, server.major());
    assert!(server.bin().join("initdb").exists());
    assert!(server.log().contains("ready to accept connections"));

    let (port, folder) = (server.port(), server.folder().to_path_buf());
    assert!(folder.is_dir());
    let began = Instant::now();
    server.stop().unwrap();
    println!("stopped in {:?}", began.elapsed());
    assert!(!reachable(port));
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_server_is_fast_rather_than_durable_and_settings_can_be_added() {
    let installation = installations(&[]).remove(0);
    let server = Server::start_with(&installation, &[("work_mem", "7MB"), ("max_connections", "11")]).unwrap();
    let client = connect(&server, "postgres").await;
    for (name, value) in [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("server_encoding", "UTF8"),
        ("lc_messages", "C"),
        ("TimeZone", "UTC"),
        ("work_mem", "7MB"),
        ("max_connections", "11"),
    ] {
        assert_eq!(setting(&client, name).await, value, "{name}");
    }
    client.batch_execute("create database \"a b/c\"").await.unwrap();
    let other = connect(&server, "a b/c").await;
    let name: String = other.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    assert_eq!(name, "a b/c");
}

#[test]
fn several_servers_run_side_by_side() {
    let threads: Vec<_> = (0..3).map(|_| std::thread::spawn(|| Server::newest().unwrap())).collect();
    let servers: Vec<_> = threads.into_iter().map(|one| one.join().unwrap()).collect();
    let mut ports: Vec<_> = servers.iter().map(Server::port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 3);
    assert!(ports.iter().all(|&port| reachable(port)));
}

#[test]
fn a_rejected_setting_is_reported_with_the_servers_log() {
    let installation = installations(&[]).remove(0);
    let error = Server::start_with(&installation, &[("work_mem", "plenty")]).unwrap_err();
    assert!(matches!(error, ScratchError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("work_mem"), "{error}");
}

#[test]
fn a_missing_program_is_named() {
    let installation = Installation { major: 18, bin: PathBuf::from("/nowhere") };
    let error = Server::start(&installation).unwrap_err();
    assert!(error.to_string().contains("/nowhere/initdb"), "{error}");
}

#[test]
fn the_server_never_runs_as_root() {
    let server = Server::newest().unwrap();
    let owner = std::fs::metadata(server.folder().join("data")).unwrap();
    assert_ne!(owner.uid(), 0);
    let folder = std::fs::metadata(server.folder()).unwrap();
    assert_eq!(folder.mode() & 0o777, 0o700);
    assert_eq!(folder.uid(), owner.uid());
}

/// Not a test of its own: the process that the next test kills.
#[test]
fn a_child_process_starts_a_server_and_waits_to_be_killed() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let server = Server::newest().unwrap();
    println!("\nSERVER {} {}", server.port(), server.folder().display());
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn a_server_dies_and_its_folder_goes_when_its_process_is_killed() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("a_child_process_starts_a_server_and_waits_to_be_killed")
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let line = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("SERVER "))
        .expect("the child tells its server");
    let mut words = line.split(' ').skip(1);
    let port: u16 = words.next().unwrap().parse().unwrap();
    let folder = Path::new(words.next().unwrap());
    assert!(reachable(port) && folder.is_dir());

    // On Unix this is SIGKILL: the child cannot clean up by itself.
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the server is gone", || !reachable(port));
    eventually("the folder is gone", || !folder.exists());
}
