//! What passes is told from what does not, whatever stands between.

use super::{ONE, TWO, there, told};
use crate::background::Session;
use crate::pgpool::Pgpool;
use crate::pooler::Pooler;
use crate::stage::{Database, folder, migrate, server};

#[test]
fn a_pool_that_is_taken_is_no_fault_of_a_migration_and_passes() {
    let database = Database::create();
    let files = folder(&[ONE, TWO]);
    let settings = "pool_mode = session\ndefault_pool_size = 1\nquery_wait_timeout = 1";
    let Some(pooler) = Pooler::start("a pool that is taken", server().port(), settings) else { return };
    let url = pooler.url(&database.name);
    told(&migrate(&url, files.path(), &["up", "--to", "1"]), 0, &[]);
    let taken = Session::that(&url, "SELECT 1");
    for command in ["up", "status", "down", "version", "plan"] {
        let ended = migrate(&url, files.path(), &[command, "--connect-wait", "1s"]);
        told(&ended, 40, &["query_wait_timeout", "nothing was changed"]);
        assert!(!ended.stderr.contains("mend"), "{command}: {}", ended.stderr);
    }
    drop(taken);
    told(&migrate(&url, files.path(), &["up", "--connect-wait", "30s"]), 0, &["at version 2"]);
}

#[test]
fn a_session_that_an_administrator_ends_is_opened_again_and_the_file_is_applied_once() {
    let database = Database::create();
    database.rows("CREATE TABLE gate (open bool); CREATE TABLE counter (n int)");
    let waits = "-- +goose Up\nINSERT INTO counter VALUES (1);\n-- +goose StatementBegin\nDO $$ BEGIN\n  \
                 WHILE NOT EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.05); END LOOP;\nEND $$;\n-- +goose StatementEnd\n";
    let files = folder(&[ONE, ("00002_b.sql", waits)]);
    told(&migrate(&database.url, files.path(), &["up", "--to", "1"]), 0, &[]);
    let run = crate::background::Background::start(&database.url, files.path(), &["up"]);
    let ended_one = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                     AND application_name LIKE 'migrate%' AND query LIKE '%FROM gate%' AND state = 'active'";
    crate::stage::eventually("the file waits, and its session is ended", || database.rows(ended_one) == ["t"]);
    database.rows("INSERT INTO gate VALUES (true)");
    let ended = run.wait();
    told(&ended, 0, &["the server ended the connection", "at version 2"]);
    assert!(!ended.stderr.contains("mend"), "{}", ended.stderr);
    assert_eq!(database.rows("SELECT n FROM counter"), ["1"]);
}

#[test]
fn what_will_not_pass_is_told_at_once_through_whatever_stands_between() {
    let database = Database::create();
    let files = folder(&[ONE]);
    let port = server().port();
    let (Some(pooler), Some(pgpool)) =
        (Pooler::start("what will not pass", port, ""), Pgpool::start("what will not pass", port, None))
    else {
        return;
    };
    for through in [port, pooler.port, pgpool.port] {
        let base = format!("postgres://postgres@127.0.0.1:{through}");
        for (what, url, codes) in [
            ("no such database", format!("{base}/nowhere_at_all"), &[20][..]),
            ("no such role", format!("postgres://nobody_at_all@127.0.0.1:{through}/{}", database.name), &[20, 21]),
            (
                "no such setting",
                format!("{base}/{}?options=-c%20nosuch.setting%3D1%20-c%20nosuch%3D1", database.name),
                &[20],
            ),
        ] {
            let start = std::time::Instant::now();
            let ended = migrate(&url, files.path(), &["up", "--connect-wait", "60s"]);
            assert!(codes.contains(&ended.code), "{what} through {through}: {} {}", ended.code, ended.stderr);
            assert!(start.elapsed().as_secs() < 30, "{what} through {through} was tried again: {}", ended.stderr);
        }
    }
    assert!(!there(&database, "a"));
}

#[test]
fn a_pooler_in_statement_mode_is_a_matter_of_configuration() {
    let database = Database::create();
    let files = folder(&[ONE]);
    let Some(pooler) = Pooler::start("statement mode", server().port(), "pool_mode = statement") else { return };
    let ended = migrate(&pooler.url(&database.name), files.path(), &["up"]);
    told(&ended, 30, &["statement", "transaction mode", "DATABASE_URL_DIRECT", "nothing was changed"]);
}
