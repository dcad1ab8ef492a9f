//! Databases for an application's tests: apart from each other, made from one template, and gone afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test reports a failure by panicking, and the child processes by printing"
)]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::migration::Set;
use migrate_core::parse::{Folder, Source, parse};
use migrate_scratch::{Scratch, ScratchDatabase, ScratchError, Server, installations};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Set for the child processes: the server's address, and which set they ask for.
const CHILD: &str = "MIGRATE_SCRATCH_TEST_SERVER";
const CHILD_SET: &str = "MIGRATE_SCRATCH_TEST_SET";

/// One server for the scenes of this file; it logs who makes which database.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start_with(&installations(&[]).remove(0), &[("log_statement", "ddl")]).unwrap())
}

fn admin() -> String {
    server().url("postgres")
}

fn set(files: &[(String, String)]) -> Set {
    let source = |(file, text): &(String, String)| Source { file: file.clone(), text: Ok(text.clone()) };
    let sources = files.iter().map(source).collect();
    let folder = Folder { path: "migrations".into(), shown: "migrations".into(), sources, diagnostics: vec![] };
    let parsed = parse(folder);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.set
}

/// A set whose table has a name of the scene's own, so that its template is the scene's alone.
fn table(name: &str) -> Set {
    set(&[("00001_t.sql".to_owned(), format!("-- +goose Up\nCREATE TABLE {name} (who int);\n"))])
}

/// A set that does not come to its end before there is a database of the name `released`.
fn slow() -> Set {
    let up = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN\nIF NOT EXISTS (SELECT FROM pg_database WHERE datname = \
              'released') THEN PERFORM pg_sleep(300); END IF;\nCREATE TABLE slow (who int);\nEND $$;\n-- +goose StatementEnd\n";
    set(&[("00001_slow.sql".to_owned(), up.to_owned())])
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The first column of a query's rows.
fn rows(url: &str, query: &str) -> Vec<String> {
    block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let messages = client.simple_query(query).await.unwrap();
        let text = |message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        };
        messages.into_iter().filter_map(text).collect()
    })
}

fn exists(database: &str) -> bool {
    !rows(&admin(), &format!("SELECT 1 FROM pg_database WHERE datname = '{database}'")).is_empty()
}

/// The template that a database was copied from, and how often it was begun, as the server logged it.
fn template_of(database: &str) -> (String, usize) {
    let log = server().log();
    let made = format!("CREATE DATABASE {database} TEMPLATE ");
    let (_, rest) = log.split_once(&made).expect("the log has it");
    let template = rest.split_whitespace().next().unwrap().to_owned();
    let begun = format!("CREATE DATABASE {} TEMPLATE template0", template.replace("template", "building"));
    let times = log.matches(&begun).count();
    (template, times)
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come true");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Asks for a database in a test's own thread and runtime.
fn database(scratch: &Scratch, set: &Set) -> ScratchDatabase {
    block_on(scratch.database(set)).unwrap()
}

#[test]
fn sixteen_tests_at_once_never_see_each_other() {
    let scratch = Scratch::at(&admin()).unwrap();
    let (set, barrier) = (Arc::new(table("sixteen")), Arc::new(Barrier::new(16)));
    let test = |number: u32| {
        let (scratch, set, barrier) = (scratch.clone(), Arc::clone(&set), Arc::clone(&barrier));
        thread::spawn(move || {
            let own = database(&scratch, &set);
            rows(own.url(), &format!("INSERT INTO sixteen VALUES ({number})"));
            barrier.wait();
            assert_eq!(rows(own.url(), "SELECT who FROM sixteen"), [number.to_string()]);
            // Nobody drops one before all have looked.
            barrier.wait();
            own.name().to_owned()
        })
    };
    let threads: Vec<_> = (0..16).map(test).collect();
    let names: BTreeSet<_> = threads.into_iter().map(|one| one.join().unwrap()).collect();
    assert_eq!(names.len(), 16);
    let first = names.first().unwrap();
    assert_eq!(template_of(first).1, 1, "one replay");
    assert!(names.iter().all(|name| !exists(name)), "all are gone");
}

#[test]
fn two_processes_at_once_make_one_template() {
    let children: Vec<_> = (0..2).map(|_| child("two")).collect();
    let lines: Vec<_> = children.into_iter().map(|mut child| (first_line(&mut child), child)).collect();
    let templates: Vec<_> = lines.iter().map(|(name, _)| template_of(name)).collect();
    for (_, mut child) in lines {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(templates[0], templates[1]);
    assert_eq!(templates[0].1, 1, "one replay");
}

#[test]
fn a_changed_set_makes_another_template() {
    let scratch = Scratch::at(&admin()).unwrap();
    let file = |version: u32, text: &str| (format!("{version:05}_x.sql"), format!("-- +goose Up\n{text};\n"));
    let before = [file(1, "CREATE TABLE changed (who int)")];
    let after = [before[0].clone(), file(2, "ALTER TABLE changed ADD COLUMN which int")];
    let (old, new) = (database(&scratch, &set(&before)), database(&scratch, &set(&after)));
    assert_ne!(template_of(old.name()).0, template_of(new.name()).0);
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'changed'";
    assert_eq!((rows(old.url(), columns), rows(new.url(), columns)), (vec!["1".to_owned()], vec!["2".to_owned()]));
}

#[test]
fn a_copy_is_as_migrate_would_have_left_it() {
    let scratch = Scratch::at(&admin()).unwrap();
    let own = database(&scratch, &table("as_left"));
    assert_eq!(rows(own.url(), "SELECT version_id FROM goose_db_version ORDER BY id"), ["0", "1"]);
    assert_eq!(rows(own.url(), "SELECT version_id FROM goose_db_version_ledger WHERE version_id > 0"), ["1"]);
}

#[test]
fn a_database_is_gone_after_a_panic_although_somebody_is_connected() {
    let scratch = Scratch::at(&admin()).unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    let panics = thread::spawn(move || {
        block_on(async {
            let own = scratch.database(&table("panics")).await.unwrap();
            let (client, connection) = tokio_postgres::connect(own.url(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute("INSERT INTO panics VALUES (1)").await.unwrap();
            send.send(own.name().to_owned()).unwrap();
            panic!("as a test does that fails");
        })
    });
    let name = receive.recv().unwrap();
    assert!(panics.join().is_err());
    assert!(!exists(&name));
}

#[test]
fn what_a_killed_process_left_is_gone_and_what_a_living_one_has_is_not() {
    let mut child = child("killed");
    let left = first_line(&mut child);
    let living = Scratch::at(&admin()).unwrap();
    let own = database(&living, &table("living"));
    assert!(exists(&left), "its process lives");
    child.kill().unwrap();
    child.wait().unwrap();
    // The server has to see first that the process is gone.
    eventually("the leftover is gone", || {
        let _next = Scratch::at(&admin()).unwrap();
        !exists(&left)
    });
    assert!(exists(own.name()));
}

#[test]
fn a_template_left_half_made_is_made_again() {
    let mut child = child("slow");
    let building =
        "SELECT datname FROM pg_stat_activity WHERE datname LIKE 'migrate_building_%' AND query LIKE '%pg_sleep%'";
    eventually("the child is in the middle of it", || !rows(&admin(), building).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    rows(&admin(), "CREATE DATABASE released");
    let scratch = Scratch::at(&admin()).unwrap();
    let own = database(&scratch, &slow());
    assert!(rows(own.url(), "SELECT who FROM slow").is_empty());
    assert_eq!(template_of(own.name()).1, 2);
}

#[test]
fn a_template_that_somebody_dropped_is_made_again() {
    let scratch = Scratch::at(&admin()).unwrap();
    let set = table("dropped");
    let first = database(&scratch, &set);
    let (template, _) = template_of(first.name());
    rows(&admin(), &format!("DROP DATABASE {template}"));
    let second = database(&scratch, &set);
    assert_eq!(template_of(second.name()), (template, 2));
}

#[test]
fn an_old_template_goes_when_another_is_made_and_a_fresh_one_stays() {
    let scratch = Scratch::at(&admin()).unwrap();
    let of = |name: &str| template_of(database(&scratch, &table(name)).name()).0;
    let (old, fresh) = (of("old"), of("fresh"));
    rows(&admin(), &format!("COMMENT ON DATABASE {old} IS '86400'"));
    of("another");
    assert!(!exists(&old) && exists(&fresh));
}

#[test]
fn migrations_that_fail_are_named_and_leave_nothing_behind() {
    let scratch = Scratch::at(&admin()).unwrap();
    let broken =
        set(&[("00001_broken.sql".to_owned(), "-- +goose Up\nALTER TABLE nowhere ADD COLUMN x int;\n".to_owned())]);
    let error = block_on(scratch.database(&broken)).unwrap_err();
    assert!(matches!(error, ScratchError::Migrations { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("migrations/00001_broken.sql:2") && text.contains("\"nowhere\" does not exist"), "{text}");
    let half = "SELECT datname FROM pg_database d WHERE datname LIKE 'migrate_building_%' AND NOT EXISTS \
                (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)";
    eventually("nothing half made stays", || rows(&admin(), half).is_empty());
}

#[test]
fn all_processes_of_a_user_share_a_server() {
    let own = database(&Scratch::find().unwrap(), &table("shared"));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "a_child_process_asks_for_a_database_and_waits_to_be_killed"])
        .env(CHILD, "")
        .env(CHILD_SET, "shared")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let other = first_line(&mut child);
    let theirs = rows(own.url(), &format!("SELECT datname FROM pg_database WHERE datname = '{other}'"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(theirs, [other]);
}

/// A process that asks the server of this file for a database of a set, and stays.
fn child(set: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "a_child_process_asks_for_a_database_and_waits_to_be_killed"])
        .env(CHILD, admin())
        .env(CHILD_SET, set)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The name of the child's database.
fn first_line(child: &mut Child) -> String {
    BufReader::new(child.stdout.as_mut().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("DATABASE ").map(str::to_owned))
        .expect("the child tells its database")
}

/// Not a test of its own: the process that others start.
#[test]
fn a_child_process_asks_for_a_database_and_waits_to_be_killed() {
    let (Ok(url), Ok(name)) = (std::env::var(CHILD), std::env::var(CHILD_SET)) else {
        return;
    };
    let scratch = if url.is_empty() { Scratch::find() } else { Scratch::at(&url) }.unwrap();
    let set = if name == "slow" { slow() } else { table(&name) };
    let own = database(&scratch, &set);
    println!("\nDATABASE {}", own.name());
    thread::sleep(Duration::from_mins(1));
}
