//! What it costs to start a program with a thousand migrations built in.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{release, thousand};
use crate::stage::{Database, Ended};

const MOST_TIME: Duration = Duration::from_millis(20);

/// In KiB, as the kernel counts.
const MOST_MEMORY: u64 = 20 * 1024;

fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// The most memory that a process has had resident so far, in KiB; `None` when it has ended.
fn peak(pid: u32) -> Option<u64> {
    let path = format!("/proc/{pid}/status");
    #[expect(clippy::disallowed_methods, reason = "the kernel's own numbers")]
    let status = std::fs::read_to_string(path).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[test]
fn a_program_with_a_thousand_migrations_starts_in_20_ms_and_20_mib() {
    let Some(program) = thousand("a thousand migrations built in") else { return };
    let (fastest, median) = start(program, 1000);
    let memory = memory_while_it_connects(program);
    println!(
        "a thousand migrations: started and ended in {median:?} (fastest {fastest:?}), {memory} KiB when it connects"
    );
    assert!(fastest < MOST_TIME, "{fastest:?}");
    assert!(memory < MOST_MEMORY, "{memory} KiB");
}

/// From the start to the end of a command that reads what is built in: the fastest of many, and the one in the middle. A
/// machine that has other things to do makes some starts slow, and none fast.
fn start(program: &Path, latest: u32) -> (Duration, Duration) {
    let mut spent: Vec<Duration> = (0..40)
        .map(|_| {
            let began = Instant::now();
            let ended: Ended = command(program, &["version", "--output", "json"]).output().expect("it starts").into();
            let spent = began.elapsed();
            let told: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
            assert_eq!((ended.code, &told["latest"]), (0, &json!(latest)), "{ended:?}");
            spent
        })
        .collect();
    spent.sort();
    (spent[0], spent[spent.len() / 2])
}

/// Everything that is there before the first answer of a server.
fn memory_while_it_connects(program: &Path) -> u64 {
    let mute = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let url = format!("postgres://me@{}/d?sslmode=disable", mute.local_addr().expect("its address"));
    let mut run = command(program, &["up", "--database-url", &url]).stderr(Stdio::null()).spawn().expect("it starts");
    let _connected = mute.accept().expect("a connection");
    let memory = peak(run.id()).expect("its status");
    run.kill().expect("its end");
    run.wait().expect("its end");
    memory
}

/// The repository's own migrations: what every start costs.
#[test]
fn the_release_binary_starts_in_20_ms_and_20_mib() {
    let Some(program) = release("the start of the release binary") else { return };
    let (fastest, median) = start(&program, 20);
    let memory = memory_while_it_connects(&program);
    println!("started and ended in {median:?} (fastest {fastest:?}), {memory} KiB when it connects");
    assert!(fastest < MOST_TIME, "{fastest:?}");
    assert!(memory < MOST_MEMORY, "{memory} KiB");
}

#[test]
fn a_thousand_migrations_are_applied_and_found_applied() {
    let Some(program) = thousand("a thousand migrations applied") else { return };
    let database = Database::create();
    let mut run = command(program, &["up", "--database-url", &database.url]).stderr(Stdio::null()).spawn().expect("up");
    let (mut memory, began) = (0, Instant::now());
    while let Some(most) = peak(run.id()) {
        memory = most;
        assert!(began.elapsed() < Duration::from_mins(2), "it does not end");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(run.wait().expect("its end").code(), Some(0));
    assert_eq!(database.rows("SELECT count(*), max(version_id) FROM goose_db_version"), ["1001|1000"]);
    let began = Instant::now();
    let again: Ended = command(program, &["up", "--database-url", &database.url]).output().expect("up").into();
    assert_eq!(again.code, 0, "{}", again.stderr);
    println!(
        "a thousand migrations: {memory} KiB at most while they are applied, {:?} when none is pending",
        began.elapsed()
    );
}

#[test]
fn the_release_binary_says_that_it_has_no_embedded_server() {
    let Some(program) = release("what is left out of the release binary") else { return };
    let ended: Ended = command(&program, &["up", "--database-url", "embedded:"]).output().expect("it starts").into();
    assert_eq!(ended.code, 20, "{}", ended.stderr);
    assert!(ended.stderr.contains("built without an embedded PostgreSQL"), "{}", ended.stderr);
}
