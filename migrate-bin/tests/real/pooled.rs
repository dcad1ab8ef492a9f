//! Through PgBouncer in transaction mode: transactional files work as on a direct connection; files without a
//! transaction are refused before anything of them runs.

use crate::pooler::Pooler;
use crate::stage::{Database, eventually, folder, migrate, server, sql};

/// A pooler in this mode with so many places, or `None` after saying that the scene is skipped.
pub(crate) fn start(mode: &str, size: usize) -> Option<Pooler> {
    let settings = format!("pool_mode = {mode}\ndefault_pool_size = {size}\nquery_wait_timeout = 5");
    Pooler::start("pooled", server().port(), &settings)
}

/// Ends the pooler's own sessions, so that the database can be dropped.
pub(crate) fn leave(pooler: Pooler, database: &Database) {
    drop(pooler);
    eventually("the pooler's sessions end", || {
        sql(
            &server().url("postgres"),
            &format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", database.name),
        ) == ["0"]
    });
}

#[test]
fn transactional_files_are_applied_once_by_four_runners_through_two_places() {
    let Some(pooler) = start("transaction", 2) else { return };
    let database = Database::create();
    database.rows("CREATE TABLE counter (n int)");
    let files: Vec<(String, String)> = (1..=30)
        .map(|n| {
            (
                format!("{n:05}_c.sql"),
                format!("-- +goose Up\nINSERT INTO counter VALUES ({n});\nSET search_path = '';\n"),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = folder(&files);
    let url = pooler.url(&database.name);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| migrate(&url, files.path(), &["up"]))).collect();
        for run in runs {
            let ended = run.join().expect("a run");
            assert_eq!(ended.code, 0, "{}", ended.stderr);
        }
    });
    let expected: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
    assert_eq!(database.rows("SELECT n FROM counter ORDER BY ctid"), expected);
    assert_eq!(database.versions().len(), 31);
    // The next client of the same backends finds what it would find on its own connection.
    for _ in 0..4 {
        assert_eq!(sql(&url, "SHOW search_path"), ["\"$user\", public"]);
    }
    leave(pooler, &database);
}

#[test]
fn a_file_without_a_transaction_is_refused_before_anything_of_it_runs() {
    for size in [1, 2, 5] {
        let Some(pooler) = start("transaction", size) else { return };
        let database = Database::create();
        let files = folder(&[
            ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n"),
            ("00002_b.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\n"),
        ]);
        let ended = migrate(&pooler.url(&database.name), files.path(), &["up"]);
        assert_eq!(ended.code, 30, "{size}: {}", ended.stderr);
        for words in ["00002_b.sql has NO TRANSACTION", "served by one backend", "DATABASE_URL_DIRECT"] {
            assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        }
        assert_eq!(database.versions(), ["0", "1"]);
        assert_eq!(database.rows("SELECT to_regclass('b')"), [""]);
        assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0, "directly it runs");
        leave(pooler, &database);
    }
}

/// Its lock would stay with a backend of the pool, and keep every later run out.
#[test]
fn an_index_is_not_dropped_through_a_pooler_that_would_keep_the_lock() {
    let Some(pooler) = start("transaction", 2) else { return };
    let database = Database::create();
    database.rows("CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1)");
    let failed = std::panic::catch_unwind(|| database.rows("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id)"));
    assert!(failed.is_err());
    let files = folder(&[]);
    let ended = migrate(&pooler.url(&database.name), files.path(), &["repair", "public.i", "--yes"]);
    assert_eq!(ended.code, 30, "{}", ended.stderr);
    let locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 WHERE l.locktype = 'advisory' AND d.datname = current_database()";
    assert_eq!(database.rows(locks), ["0"]);
    assert_eq!(migrate(&database.url, files.path(), &["repair", "public.i", "--yes"]).code, 0, "directly it is");
    assert_eq!(database.rows("SELECT to_regclass('i')"), [""]);
    leave(pooler, &database);
}

#[test]
fn in_session_mode_such_a_file_runs() {
    let Some(pooler) = start("session", 5) else { return };
    let database = Database::create();
    let files = folder(&[("00001_b.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\n")]);
    let ended = migrate(&pooler.url(&database.name), files.path(), &["up"]);
    assert_eq!((ended.code, database.versions().len()), (0, 2), "{}", ended.stderr);
    leave(pooler, &database);
}

#[test]
fn a_pooler_in_statement_mode_is_named() {
    let Some(pooler) = start("statement", 2) else { return };
    let database = Database::create();
    let files = folder(&[("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n")]);
    let ended = migrate(&pooler.url(&database.name), files.path(), &["up"]);
    assert_eq!(ended.code, 30, "{}", ended.stderr);
    assert_eq!(database.version_rows(), "(no table)");
    leave(pooler, &database);
}

#[test]
fn what_stands_in_between_is_told_when_a_run_starts() {
    let Some(pooler) = start("session", 2) else { return };
    let database = Database::create();
    let files = folder(&[("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n")]);
    let told = |url: &str| {
        let ended = migrate(url, files.path(), &["up", "--log-format", "json"]);
        let events =
            ended.stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an event"));
        events.into_iter().find(|event| event["event"] == "start").expect("its start")["between"].clone()
    };
    let between = told(&pooler.url(&database.name));
    assert!(between.as_str().is_some_and(|sign| sign.contains("was told to name process")), "{between}");
    assert_eq!(told(&database.url), serde_json::Value::Null);
    leave(pooler, &database);
}
