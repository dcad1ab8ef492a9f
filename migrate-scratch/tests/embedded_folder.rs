//! The embedded PostgreSQL in a folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test reports a failure by panicking, and the child process by printing"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use migrate_scratch::{Embedded, ScratchError, Storage};
use tokio_postgres::{Client, Config, NoTls};

/// Set to the folder for the child process that is killed.
const CHILD: &str = "MIGRATE_SCRATCH_TEST_FOLDER";

/// A folder that goes with the test. The database's folder is a child of it, so that the lock
/// file beside that goes too.
struct Parent(PathBuf);

impl Parent {
    fn new(name: &str) -> Self {
        let name = format!("migrate-scratch-test-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn database(&self) -> PathBuf {
        self.0.join("database")
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Path) -> Result<Embedded, ScratchError> {
    Embedded::open(Storage::Folder(folder.to_path_buf()))
}

async fn session(embedded: &Embedded) -> Client {
    let (client, connection) = Config::new()
        .user("postgres")
        .dbname("postgres")
        .connect_raw(embedded.connect().unwrap(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

async fn count(client: &Client) -> i64 {
    client.query_one("select count(*) from t", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_folder_keeps_what_was_committed() {
    let parent = Parent::new("keeps");
    let folder = parent.database();
    let embedded = open(&folder).unwrap();
    let client = session(&embedded).await;
    client
        .batch_execute("create extension citext; create table t (x citext); insert into t values ('a')")
        .await
        .unwrap();
    client.batch_execute("begin; insert into t values ('b')").await.unwrap();

    let error = open(&folder).unwrap_err();
    assert!(matches!(error, ScratchError::FolderBusy { .. }), "{error}");
    assert!(error.to_string().contains(folder.to_str().unwrap()));
    embedded.close().unwrap();

    // Dropping releases the folder too.
    for _ in 0..2 {
        let embedded = open(&folder).unwrap();
        let client = session(&embedded).await;
        assert_eq!(count(&client).await, 1);
    }
    open(&folder).unwrap().close().unwrap();
}

#[test]
fn a_folder_with_something_else_in_it_is_refused() {
    let parent = Parent::new("else");
    let folder = parent.database();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("letter.txt"), "dear").unwrap();
    let error = open(&folder).unwrap_err();
    assert!(matches!(error, ScratchError::EmbeddedOpen { .. }), "{error}");
    assert!(error.to_string().contains(folder.to_str().unwrap()));
    assert!(folder.join("letter.txt").exists());
}

/// Not a test of its own: the process that the next test kills.
#[tokio::test]
async fn a_child_process_holds_a_folder_and_waits_to_be_killed() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let embedded = open(Path::new(&folder)).unwrap();
    let client = session(&embedded).await;
    client.batch_execute("create table t (x int); insert into t values (1), (2)").await.unwrap();
    client.batch_execute("begin; insert into t values (3)").await.unwrap();
    println!("\nREADY");
    std::thread::sleep(Duration::from_mins(1));
}

#[tokio::test]
async fn a_folder_is_locked_between_processes_and_survives_a_killed_one() {
    let parent = Parent::new("killed");
    let folder = parent.database();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("a_child_process_holds_a_folder_and_waits_to_be_killed")
        .env(CHILD, &folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line == "READY")
        .expect("the child opens the folder");
    let error = open(&folder).unwrap_err();
    assert!(matches!(error, ScratchError::FolderBusy { .. }), "{error}");

    child.kill().unwrap();
    child.wait().unwrap();
    let embedded = open(&folder).unwrap();
    let client = session(&embedded).await;
    assert_eq!(count(&client).await, 2);
    drop(client);
    embedded.close().unwrap();
}
