//! What is cleared away behind a statement that was cut off, and what is not: an index that is another's, one that another is
//! building; and that it is watched like a statement of the file.

use std::time::Instant;

use super::{count, kill_at, pretend_that_it_is_running, rewrite, scene, told, up};
use crate::background::{Background, Session};
use crate::stage::{Database, eventually, folder, migrate};

fn indexes(database: &Database) -> Vec<String> {
    database.rows(
        "SELECT c.relname, i.indisunique, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         WHERE i.indrelid = 'a'::regclass ORDER BY 1",
    )
}

/// Makes an index INVALID by a build that fails.
fn invalid(database: &Database, name: &str) {
    let sql = format!("CREATE UNIQUE INDEX CONCURRENTLY {name} ON a (id)");
    assert!(std::panic::catch_unwind(|| database.rows(&sql)).is_err(), "{name}");
}

#[test]
fn an_index_that_a_failed_statement_left_goes_however_the_statement_is_mended() {
    for (mended, left) in [
        ("CREATE INDEX CONCURRENTLY i ON a (id);\n", "i|f|t"),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (id);\n", "i|f|t"),
        ("CREATE INDEX CONCURRENTLY other ON a (id);\n", "other|f|t"),
        ("CREATE INDEX i ON a (id);\n", "i|f|t"),
    ] {
        let (database, files) = scene("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\n");
        told(&up(&database, &files), 26, &["23505"]);
        assert_eq!(indexes(&database), ["i|t|f"]);
        rewrite(&files, mended);
        told(&up(&database, &files), 0, &[]);
        assert_eq!(indexes(&database), [left], "{mended}");
    }
}

#[test]
fn an_index_that_is_another_than_the_statement_makes_is_not_taken_for_it() {
    for other in
        ["CREATE INDEX i ON a (n)", "CREATE INDEX i ON a (id) WHERE id > 0", "CREATE INDEX i ON a USING hash (id)"]
    {
        let (database, files) =
            scene("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO counter VALUES (1);\n");
        database.rows("ALTER TABLE a ADD n int");
        told(&up(&database, &files), 26, &["23505"]);
        database.rows("DROP INDEX i");
        database.rows(other);
        pretend_that_it_is_running(&database, 1);
        told(&up(&database, &files), 27, &["statement 1", "--resume-from"]);
        assert_eq!(count(&database), "", "{other}");
    }
}

/// The name that REINDEX CONCURRENTLY gives an old index is nobody's own.
#[test]
fn an_invalid_index_that_was_there_before_is_left_alone_whatever_its_name() {
    let (database, files) = scene("REINDEX INDEX CONCURRENTLY mine;\n");
    invalid(&database, "theirs_ccold");
    invalid(&database, "theirs_ccnew");
    database.rows("CREATE INDEX mine ON a (id)");
    let writer = Session::that(&database.url, "BEGIN; INSERT INTO a VALUES (2)");
    kill_at(&database, &files, "CONCURRENTLY");
    drop(writer);
    told(&up(&database, &files), 0, &[]);
    assert_eq!(indexes(&database), ["mine|f|t", "theirs_ccnew|t|f", "theirs_ccold|t|f"]);
}

#[test]
fn an_index_that_somebody_else_builds_meanwhile_is_waited_for() {
    let (database, files) = scene("CREATE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO counter VALUES (1);\n");
    let writer = Session::that(&database.url, "BEGIN; INSERT INTO a VALUES (2)");
    kill_at(&database, &files, "CONCURRENTLY");
    let url = database.url.clone();
    let by_hand = std::thread::spawn(move || Session::that(&url, "REINDEX INDEX CONCURRENTLY i").pid.clone());
    let building = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()";
    eventually("the build by hand", || database.rows(building) == ["1"]);
    let mut run = Background::start(&database.url, files.path(), &["up"]);
    run.read_until("the application");
    drop(writer);
    by_hand.join().expect("the build by hand came to its end");
    told(&run.wait(), 0, &[]);
    assert_eq!((indexes(&database), count(&database).as_str()), (vec!["i|f|t".to_owned()], "1"));
}

/// DROP INDEX CONCURRENTLY waits for every transaction that uses the table.
#[test]
fn clearing_up_ends_when_the_run_is_to_end() {
    for signal in [false, true] {
        let (database, files) = scene("CREATE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO counter VALUES (1);\n");
        let writer = Session::that(&database.url, "BEGIN; INSERT INTO a VALUES (2)");
        kill_at(&database, &files, "CONCURRENTLY");
        let clearing = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
                        AND query LIKE 'DROP INDEX CONCURRENTLY%'";
        let arguments: &[&str] = if signal { &["up"] } else { &["up", "--deadline", "2s"] };
        let start = Instant::now();
        let run = Background::start(&database.url, files.path(), arguments);
        if signal {
            eventually("clearing up", || database.rows(clearing) == ["1"]);
            run.signal("TERM");
        }
        let ended = run.wait();
        told(&ended, if signal { 51 } else { 46 }, &["none of the statements of 00001_a.sql is done"]);
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
        eventually("the end of its backend", || database.rows(clearing) == ["0"]);
        drop(writer);
        told(&up(&database, &files), 0, &[]);
        assert_eq!((indexes(&database), count(&database).as_str()), (vec!["i|f|t".to_owned()], "1"));
    }
}

#[test]
fn an_invalid_index_is_not_taken_for_built_by_any_if_not_exists() {
    let statement = "CREATE INDEX IF NOT EXISTS i ON a (id);\n";
    for (first, code) in [("", 25), ("-- +goose NO TRANSACTION\n", 25)] {
        let (database, _files) = scene("");
        invalid(&database, "i");
        let files = folder(&[("00001_a.sql", &format!("{first}-- +goose Up\n{statement}"))]);
        told(&up(&database, &files), code, &["the index public.i is INVALID", " repair`"]);
        assert_eq!(database.versions(), ["0"]);
        told(&migrate(&database.url, files.path(), &["repair", "public.i", "--yes"]), 0, &[]);
        told(&up(&database, &files), 0, &[]);
    }
    // Of a name that is taken, IF NOT EXISTS does not ask on which table.
    let (database, files) = scene("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON counter (n);\n");
    invalid(&database, "i");
    told(&up(&database, &files), 26, &["the index public.i is INVALID"]);
}

/// One of a partitioned table is INVALID until its partitions' indexes are attached, and that is how it is built without a
/// lock on them.
#[test]
fn an_index_on_only_a_partitioned_table_may_be_there_and_invalid() {
    for first in ["", "-- +goose NO TRANSACTION\n"] {
        let database = Database::create();
        database.rows(
            "CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE INDEX i ON ONLY p (id); \
                       CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
        );
        database.rows("DROP INDEX i; CREATE INDEX i ON ONLY p (id)");
        let text = format!(
            "{first}-- +goose Up\nCREATE INDEX IF NOT EXISTS i ON ONLY p (id);\nCREATE INDEX IF NOT EXISTS j ON ONLY p (id);\n"
        );
        told(&up(&database, &folder(&[("00001_a.sql", &text)])), 0, &[]);
        let valid = "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relkind = 'I' ORDER BY 1";
        assert_eq!(database.rows(valid), ["i|f", "j|f"], "{first}");
    }
}

#[test]
fn what_works_concurrently_is_not_cut_off_by_the_bounds_of_a_run() {
    let (database, files) = scene("REINDEX SCHEMA CONCURRENTLY public;\nCREATE INDEX CONCURRENTLY i ON a (id);\n");
    database.rows("CREATE INDEX before_it ON a (id)");
    let writer = Session::that(&database.url, "BEGIN; INSERT INTO a VALUES (2)");
    let arguments = ["up", "--lock-timeout", "300ms", "--statement-timeout", "700ms"];
    let run = Background::start(&database.url, files.path(), &arguments);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                 AND clock_timestamp() - query_start > interval '2 s'";
    eventually("two seconds of waiting", || database.rows(waits) == ["1"]);
    drop(writer);
    let ended = run.wait();
    told(&ended, 0, &[]);
    assert!(!ended.stderr.contains("rolled back"), "{}", ended.stderr);
    assert_eq!(indexes(&database), ["before_it|f|t", "i|f|t"]);
    let others = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(database.rows(others), ["0"]);
}

/// A frozen runner, or one that is cut off, would keep the lock for ever.
#[test]
fn a_session_that_holds_the_lock_does_not_idle_for_ever() {
    let (database, files) = scene("CREATE TABLE seen AS SELECT current_setting('idle_session_timeout', true) AS at;\n");
    told(&up(&database, &files), 0, &[]);
    assert_eq!(database.rows("SELECT at FROM seen"), ["1min"]);
}
