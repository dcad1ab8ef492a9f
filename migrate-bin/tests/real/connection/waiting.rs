//! Servers that are not there yet: tried again within a budget, and told about.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use migrate_scratch::Server;

use super::lab::tried;
use super::recorder::Recorder;
use crate::stage::{Ended, folder, free_port, migrate_command, server, sql};
use crate::standby::Standby;

/// A command under way whose words are read as they come.
pub(super) struct Run {
    child: Child,
    words: BufReader<ChildStderr>,
    heard: String,
}

impl Run {
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("migrate starts");
        let words = BufReader::new(child.stderr.take().expect("its words"));
        Self { child, words, heard: String::new() }
    }

    /// Reads on until a line holds these words; a command that ends without them fails the scene.
    pub(super) fn wait_for(&mut self, words: &str) {
        let from = self.heard.len();
        while !self.heard[from..].contains(words) {
            let read = self.words.read_line(&mut self.heard).expect("text");
            assert!(read > 0, "it ended without {words:?}: {}", self.heard);
        }
    }

    pub(super) fn end(mut self) -> Ended {
        std::io::Read::read_to_string(&mut self.words, &mut self.heard).expect("text");
        let output = self.child.wait_with_output().expect("it ends");
        Ended { stderr: self.heard, ..output.into() }
    }
}

fn version(url: &str, wait: &str) -> Command {
    migrate_command(&["version", "-v", "--connect-wait", wait, "--database-url", url])
}

#[test]
fn a_port_that_nobody_listens_on_yet_is_tried_again() {
    let port = free_port();
    let mut run = Run::start(&mut version(&format!("postgres://postgres@127.0.0.1:{port}/postgres"), "60s"));
    run.wait_for("trying again for");
    assert!(run.heard.contains(&format!("127.0.0.1:{port}")), "{}", run.heard);
    let _server = Recorder::start_on(port, server().port());
    let ended = run.end();
    assert_eq!((ended.code, ended.stdout.trim()), (0, "0"), "{}", ended.stderr);
}

#[test]
fn a_server_that_starts_up_is_waited_for() {
    let primary = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
    sql(&primary.url("postgres"), "CREATE TABLE waited_for ()");
    let standby = Standby::of(&primary, false);
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", standby.port);
    let impatient = tried(&url, &[]);
    assert_eq!(impatient.code, 40, "{}", impatient.stderr);
    assert!(impatient.stderr.contains("57P03"), "{}", impatient.stderr);
    let mut run = Run::start(&mut version(&url, "60s"));
    run.wait_for("trying again for");
    standby.promote();
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn too_many_clients_are_waited_for() {
    let installation = migrate_scratch::installations(&[]).into_iter().next().expect("server binaries");
    let settings = [("max_connections", "4"), ("superuser_reserved_connections", "0"), ("max_wal_senders", "0")];
    let crowded = Server::start_with(&installation, &settings).expect("a server");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let mut others = Vec::new();
    while let Ok((client, connection)) =
        runtime.block_on(tokio_postgres::connect(&crowded.url("postgres"), tokio_postgres::NoTls))
    {
        runtime.spawn(connection);
        others.push(client);
    }
    let mut run = Run::start(&mut version(&crowded.url("postgres"), "60s"));
    run.wait_for("too many clients");
    drop(others);
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn the_budget_bounds_the_wait_and_the_last_words_say_how_often_it_was_tried() {
    let started = Instant::now();
    let url = format!("postgres://u@127.0.0.1:{}/x", free_port());
    let ended = Ended::from(version(&url, "2s").output().expect("migrate starts"));
    let spent = started.elapsed();
    assert_eq!(ended.code, 40, "{}", ended.stderr);
    assert!(spent >= Duration::from_secs(2) && spent < Duration::from_secs(8), "{spent:?}");
    assert!(ended.stderr.contains("; tried ") && ended.stderr.contains(" times in 2 s"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("trying again").count(), 1, "once every five seconds: {}", ended.stderr);
}

#[test]
fn an_unknown_name_is_tried_again_within_the_budget() {
    let ended = Ended::from(version("postgres://u@nowhere.invalid/x", "1s").output().expect("migrate starts"));
    assert!(ended.code == 40 && ended.stderr.contains("cannot find nowhere.invalid:5432"), "{}", ended.stderr);
}

#[test]
fn what_cannot_pass_is_told_at_once() {
    let port = server().port();
    for (url, code) in [
        (format!("postgres://nobody_here@127.0.0.1:{port}/postgres"), 21),
        (format!("postgres://postgres@127.0.0.1:{port}/nowhere"), 20),
        (format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=require"), 23),
        (format!("postgres://postgres@127.0.0.1:{port}/postgres?options=-c%20nosuch.%3D1"), 20),
        (format!("postgres://postgres@127.0.0.1:{port}/postgres?options=-c%20nosuch%3D1"), 20),
        (format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmod=require"), 20),
    ] {
        let started = Instant::now();
        let ended = Ended::from(version(&url, "60s").output().expect("migrate starts"));
        assert_eq!(ended.code, code, "{url}: {}", ended.stderr);
        assert!(started.elapsed() < Duration::from_secs(10) && !ended.stderr.contains("trying again"), "{url}");
    }
}

#[test]
fn what_answers_without_being_postgresql_is_told_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            let _heard = std::io::Read::read(&mut client, &mut [0; 1024]);
            let _told = std::io::Write::write_all(&mut client, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    for mode in ["disable", "prefer", "require"] {
        let url = format!("postgres://u@127.0.0.1:{port}/x?sslmode={mode}");
        let ended = Ended::from(version(&url, "60s").output().expect("migrate starts"));
        assert!(ended.code == 20 && ended.stderr.contains("does not speak"), "{mode} {}: {}", ended.code, ended.stderr);
    }
}

/// What a server says that is asked for TLS within TLS, which a tunnel such as stunnel speaks for its client; psql ends alike.
#[test]
fn an_error_for_an_answer_to_the_question_for_tls_names_the_tunnel() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            let _heard = std::io::Read::read(&mut client, &mut [0; 1024]);
            let _told = std::io::Write::write_all(&mut client, b"E\0\0\0\x1eSFATAL\0C0A000\0Munsupported\0\0");
        }
    });
    for mode in ["prefer", "require"] {
        let url = format!("postgres://u@127.0.0.1:{port}/x?sslmode={mode}");
        let ended = Ended::from(version(&url, "0s").output().expect("migrate starts"));
        assert_eq!(ended.code, 40, "{mode}: {}", ended.stderr);
        for words in ["answers the question for TLS with an error", "`sslmode=disable`"] {
            assert!(ended.stderr.contains(words), "{mode}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_password_that_is_changed_in_its_file_is_picked_up() {
    let port = free_port();
    let alive = server().port();
    let files = folder(&[("url", &format!("postgres://postgres@127.0.0.1:{port}/postgres\n"))]);
    let path = files.path().join("url");
    let mut command = migrate_command(&["version", "-v", "--connect-wait", "60s"]);
    let mut run = Run::start(command.env("DATABASE_URL_FILE", &path));
    run.wait_for("trying again for");
    std::fs::write(&path, format!("postgres://postgres@127.0.0.1:{alive}/postgres\n")).expect("a file");
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_wait_is_an_event_of_its_own_in_json() {
    let url = format!("postgres://u:Xq7canary@127.0.0.1:{}/x", free_port());
    let mut command = version(&url, "1s");
    let ended = Ended::from(command.args(["--log-format", "json"]).output().expect("migrate starts"));
    let line = ended.stderr.lines().find(|line| line.contains("\"waiting_for_connection\""));
    let line = line.unwrap_or_else(|| panic!("{}", ended.stderr));
    for field in ["\"level\":\"warning\"", "\"tries\":1", "\"left_s\":", "\"why\":\"cannot connect to 127.0.0.1:"] {
        assert!(line.contains(field), "{field}: {line}");
    }
    assert!(!ended.stderr.contains("q7canary"));
}
