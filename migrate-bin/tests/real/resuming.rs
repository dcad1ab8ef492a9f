//! Files without a transaction that did not come to their end: the next run goes on at the statement that is not done,
//! or says that nobody can tell.

mod clearing;
mod decided;

use std::time::Duration;

use crate::background::{Background, Session};
use crate::stage::{Database, Ended, eventually, folder, migrate};

fn unwrapped(statements: &str) -> String {
    format!("-- +goose NO TRANSACTION\n-- +goose Up\n{statements}")
}

/// A database with a table to count in and one to index, and a folder with one file.
fn scene(statements: &str) -> (Database, tempfile::TempDir) {
    let database = Database::create();
    database.rows("CREATE TABLE counter (n int); CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1)");
    (database, folder(&[("00001_a.sql", &unwrapped(statements))]))
}

fn rewrite(files: &tempfile::TempDir, statements: &str) {
    std::fs::write(files.path().join("00001_a.sql"), unwrapped(statements)).expect("a file");
}

fn up(database: &Database, files: &tempfile::TempDir) -> Ended {
    migrate(&database.url, files.path(), &["up"])
}

fn told(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

fn count(database: &Database) -> String {
    database.rows("SELECT n FROM counter ORDER BY ctid").join(" ")
}

/// goose starts such a file anew and inserts the row a second time.
#[test]
fn a_row_is_not_inserted_again_when_a_later_statement_had_failed() {
    let (database, files) = scene("INSERT INTO counter VALUES (1);\nCREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\n");
    told(&up(&database, &files), 26, &["23505", "1 of 2 statements", "drops the INVALID index first"]);
    told(&up(&database, &files), 26, &["23505", "1 of 2 statements"]);
    assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indrelid = 'a'::regclass"), ["f"]);
    database.rows("DELETE FROM a WHERE ctid IN (SELECT ctid FROM a LIMIT 1)");
    told(&up(&database, &files), 0, &["goes on behind statement 1"]);
    assert_eq!((count(&database).as_str(), database.versions().join(" ").as_str()), ("1", "0 1"));
    assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indrelid = 'a'::regclass"), ["t"]);
}

#[test]
fn an_index_without_a_name_is_told_by_what_was_there_before() {
    let (database, files) = scene("CREATE UNIQUE INDEX CONCURRENTLY ON a (id);\nINSERT INTO counter VALUES (1);\n");
    database.rows("CREATE INDEX before_it ON a (id)");
    told(&up(&database, &files), 26, &["23505", "none of the statements of 00001_a.sql is done"]);
    database.rows("DELETE FROM a WHERE ctid IN (SELECT ctid FROM a LIMIT 1)");
    told(&up(&database, &files), 0, &[]);
    let indexes = database
        .rows("SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'a'::regclass ORDER BY 1");
    assert_eq!(indexes, ["before_it|t", "a_id_idx|t"]);
    assert_eq!(count(&database), "1");
}

#[test]
fn if_not_exists_over_an_invalid_index_is_a_failure() {
    let (database, files) = scene("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a (id);\n");
    // Somebody else's: it fails, and leaves its index behind.
    let by_hand = std::panic::catch_unwind(|| database.rows("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id)"));
    assert!(by_hand.is_err());
    for _ in 0..2 {
        told(&up(&database, &files), 26, &["the index public.i is INVALID", " repair`", "00001_a.sql:3:1"]);
        assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), ["f"]);
    }
    let listed = migrate(&database.url, files.path(), &["repair", "--output", "json"]);
    assert!(listed.stdout.starts_with(r#"[{"name":"public.i","table":"public.a""#), "{}", listed.stdout);
    told(&migrate(&database.url, files.path(), &["repair", "public.i"]), 2, &["--yes"]);
    told(&migrate(&database.url, files.path(), &["repair", "public.nope", "--yes"]), 2, &["no INVALID index"]);
    told(&migrate(&database.url, files.path(), &["repair", "public.i", "--yes"]), 0, &["dropped"]);
    database.rows("DELETE FROM a WHERE ctid IN (SELECT ctid FROM a LIMIT 1)");
    told(&up(&database, &files), 0, &[]);
}

#[test]
fn a_drop_of_an_invalid_index_that_waits_is_cancelled_by_a_signal_and_the_index_stays() {
    let (database, files) = scene("SELECT 1;\n");
    let by_hand = std::panic::catch_unwind(|| database.rows("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id)"));
    assert!(by_hand.is_err());
    let _reader = Session::that(&database.url, "BEGIN; SELECT count(*) FROM a");
    let repair = Background::start(&database.url, files.path(), &["repair", "public.i", "--yes"]);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                   AND query LIKE 'DROP INDEX CONCURRENTLY%'";
    eventually("the drop waits", || database.rows(waiting) == ["1"]);
    repair.signal("TERM");
    told(&repair.wait(), 50, &["while the index public.i was being dropped, which is still there", "run again"]);
    assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), ["f"]);
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(database.rows(locks), ["0"]);
}

#[test]
fn a_file_that_was_edited_where_it_is_done_is_refused_and_the_statement_is_named() {
    let (database, files) = scene("INSERT INTO counter VALUES (1);\nINSERT INTO counter VALUES (2);\nSELECT 1/0;\n");
    told(&up(&database, &files), 26, &["2 of 3 statements"]);
    rewrite(&files, "INSERT INTO counter VALUES (1);\nINSERT INTO counter VALUES (7);\nSELECT 1;\n");
    told(&up(&database, &files), 28, &["statement 2", "line 4"]);
    rewrite(&files, "INSERT INTO counter VALUES (1);\n");
    told(&up(&database, &files), 28, &["statement 2"]);
    // Layout may change, and so may what failed and what comes behind it.
    rewrite(
        &files,
        "INSERT INTO counter\n  VALUES (1);\n-- why\nINSERT INTO counter VALUES (2);\nINSERT INTO counter VALUES (3);\nSELECT 1;\n",
    );
    told(&up(&database, &files), 0, &["goes on behind statement 2"]);
    assert_eq!(count(&database), "1 2 3");
}

#[test]
fn what_a_done_statement_set_is_set_again_for_the_rest() {
    let (database, files) = scene(
        "CREATE SCHEMA app;\nSET search_path = app;\nSELECT set_config('app.who', 'me', false);\nCREATE TABLE t ();\n\
         SELECT 1/0;\n",
    );
    told(&up(&database, &files), 26, &["4 of 5 statements"]);
    rewrite(
        &files,
        "CREATE SCHEMA app;\nSET search_path = app;\nSELECT set_config('app.who', 'me', false);\nCREATE TABLE t ();\n\
         CREATE TABLE u AS SELECT current_setting('app.who') AS who;\n",
    );
    told(&up(&database, &files), 0, &[]);
    assert_eq!(database.rows("SELECT who FROM app.u"), ["me"]);
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn a_transaction_of_the_file_s_own_is_done_as_a_whole_or_not_at_all() {
    let block = "BEGIN;\nINSERT INTO counter VALUES (1);\nINSERT INTO counter VALUES (2);\nCOMMIT;\n";
    let (database, files) = scene(&format!("{block}BEGIN;\nINSERT INTO counter VALUES (3);\nSELECT 1/0;\nCOMMIT;\n"));
    told(&up(&database, &files), 26, &["22012", "4 of 8 statements", "00001_a.sql:9:1"]);
    assert_eq!(count(&database), "1 2");
    rewrite(&files, &format!("{block}BEGIN;\nINSERT INTO counter VALUES (3);\nSELECT 1;\nCOMMIT;\n"));
    told(&up(&database, &files), 0, &["goes on behind statement 4"]);
    assert_eq!(count(&database), "1 2 3");
}

/// Kills a run with SIGKILL while this statement is running, and waits until its backend is gone.
fn kill_at(database: &Database, files: &tempfile::TempDir, words: &str) {
    let run = Background::start(&database.url, files.path(), &["up"]);
    let active = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
         AND pid <> pg_backend_pid() AND query LIKE '%{words}%'"
    );
    eventually("the statement", || database.rows(&active) != ["0"]);
    run.signal("KILL");
    run.wait();
    // The server finds out by itself: `client_connection_check_interval`.
    let start = std::time::Instant::now();
    eventually("the end of its backend", || database.rows(&active) == ["0"]);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[test]
fn an_index_that_was_cut_off_is_dropped_and_built_again() {
    let (database, files) = scene(
        "INSERT INTO counter VALUES (1);\nCREATE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO counter VALUES (2);\n",
    );
    let writer = Session::that(&database.url, "BEGIN; INSERT INTO a VALUES (2)");
    kill_at(&database, &files, "CONCURRENTLY");
    assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indrelid = 'a'::regclass"), ["f"]);
    drop(writer);
    told(&up(&database, &files), 0, &["goes on behind statement 1"]);
    assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indrelid = 'a'::regclass"), ["t"]);
    assert_eq!(count(&database), "1 2");
}

/// What the journal says when the program dies between a statement and its entry.
fn pretend_that_it_is_running(database: &Database, statement: u32) {
    let rows = database.rows(&format!(
        "UPDATE goose_db_version_journal SET state = 'running', sqlstate = NULL WHERE statement_no = {statement} \
         AND closed_at IS NULL RETURNING 1"
    ));
    assert_eq!(rows, ["1"]);
}

#[test]
fn an_index_that_was_built_before_its_entry_was_made_is_not_built_again() {
    let (database, files) = scene("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO counter VALUES (1);\n");
    told(&up(&database, &files), 26, &["23505"]);
    database.rows("DELETE FROM a WHERE ctid IN (SELECT ctid FROM a LIMIT 1)");
    database.rows("DROP INDEX i");
    database.rows("CREATE UNIQUE INDEX i ON a (id)");
    pretend_that_it_is_running(&database, 1);
    let oid = database.rows("SELECT 'i'::regclass::oid");
    told(&up(&database, &files), 0, &[]);
    assert_eq!((database.rows("SELECT 'i'::regclass::oid"), count(&database).as_str()), (oid, "1"));
}

#[test]
fn a_dropped_index_is_not_missed() {
    let (database, files) = scene("SELECT 1;\nDROP INDEX CONCURRENTLY i;\nINSERT INTO counter VALUES (1);\n");
    told(&up(&database, &files), 26, &["42704"]);
    database.rows("CREATE INDEX i ON a (id)");
    let reader = Session::that(&database.url, "BEGIN; SELECT * FROM a");
    kill_at(&database, &files, "CONCURRENTLY");
    drop(reader);
    database.rows("DROP INDEX IF EXISTS i");
    told(&up(&database, &files), 0, &[]);
    assert_eq!(count(&database), "1");
}

#[test]
fn a_detachment_that_was_cut_off_is_finalized() {
    let (database, files) = scene("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY;\nINSERT INTO counter VALUES (1);\n");
    database.rows(
        "CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); \
         INSERT INTO p VALUES (1)",
    );
    let reader = Session::that(&database.url, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM p");
    kill_at(&database, &files, "CONCURRENTLY");
    assert_eq!(database.rows("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'p1'::regclass"), ["t"]);
    drop(reader);
    told(&up(&database, &files), 0, &[]);
    assert_eq!(database.rows("SELECT count(*) FROM pg_inherits WHERE inhrelid = 'p1'::regclass"), ["0"]);
    assert_eq!(count(&database), "1");
}

#[test]
fn an_index_that_was_being_built_anew_leaves_nothing_behind() {
    let (database, files) = scene("REINDEX INDEX CONCURRENTLY i;\nINSERT INTO counter VALUES (1);\n");
    database.rows("CREATE INDEX i ON a (id)");
    let writer = Session::that(&database.url, "BEGIN; INSERT INTO a VALUES (2)");
    kill_at(&database, &files, "CONCURRENTLY");
    drop(writer);
    assert_eq!(database.rows("SELECT count(*) FROM pg_index WHERE indrelid = 'a'::regclass"), ["2"]);
    told(&up(&database, &files), 0, &[]);
    assert_eq!(
        database.rows("SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'a'::regclass"),
        ["i|t"]
    );
    assert_eq!(count(&database), "1");
}

/// A procedure that commits cannot run in a transaction of ours.
const COMMITTING: &str = "-- +goose StatementBegin\nCREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN \
     INSERT INTO counter VALUES (1); COMMIT; IF (SELECT count(*) FROM a) > 1 THEN PERFORM 1/0; END IF; END $$;\n\
     -- +goose StatementEnd\nCALL work();\nINSERT INTO counter VALUES (2);\n";

#[test]
fn what_nobody_can_tell_is_left_to_a_person_and_the_decision_is_kept() {
    let (database, files) = scene(COMMITTING);
    let ways_out = ["--resume-from 3", "--resume-from 2", "statement 2 may have committed a part"];
    told(&up(&database, &files), 26, &[&["22012", "1 of 3 statements"][..], &ways_out].concat());
    assert_eq!(count(&database), "1");
    let gate = migrate(&database.url, files.path(), &["check"]);
    told(&gate, 12, &["resolve --version 1"]);
    for _ in 0..2 {
        told(&up(&database, &files), 27, &["statement 2", "00001_a.sql:6:1", "--resume-from 3", "--resume-from 2"]);
    }
    assert_eq!(count(&database), "1");
    let down = migrate(&database.url, files.path(), &["down"]);
    told(&down, 28, &[]);
    let resolve =
        |more: &[&str]| migrate(&database.url, files.path(), &[&["resolve", "--version", "1"], more].concat());
    told(&resolve(&["--resume-from", "3"]), 2, &["--yes"]);
    told(&resolve(&["--yes"]), 2, &[]);
    told(&resolve(&["--resume-from", "9", "--yes"]), 2, &["has 3 statements"]);
    let holder = Session::that(&database.url, "SELECT pg_advisory_lock(4097083626)");
    told(&resolve(&["--resume-from", "3", "--yes"]), 41, &[&holder.pid]);
    drop(holder);
    eventually("the lock is free", || resolve(&["--resume-from", "3", "--yes", "--reason", "looked"]).code == 0);
    told(&up(&database, &files), 0, &["goes on behind statement 2"]);
    assert_eq!((count(&database).as_str(), database.versions().join(" ").as_str()), ("1 2", "0 1"));
    let journal = migrate(&database.url, files.path(), &["journal", "--output", "json"]);
    let lines: serde_json::Value = serde_json::from_str(&journal.stdout).expect("JSON");
    let decision = lines.as_array().expect("lines").iter().find(|line| line["kind"] == "decision").expect("one");
    assert_eq!(
        (&decision["note"], &decision["closed_by"]),
        (&"looked".into(), &"postgres: resolve --resume-from 3".into())
    );
    told(&migrate(&database.url, files.path(), &["journal"]), 0, &[]);
}

#[test]
fn a_person_can_take_a_file_for_applied_or_for_not_begun() {
    for (decision, versions, counted) in [("--applied", "0 1", "1"), ("--not-applied", "0", "1 1")] {
        let (database, files) = scene(COMMITTING);
        told(&up(&database, &files), 26, &[]);
        let resolved = migrate(&database.url, files.path(), &["resolve", "--version", "1", decision, "--yes"]);
        told(&resolved, 0, &[]);
        assert_eq!(database.versions().join(" "), versions, "{decision}");
        database.rows("DROP PROCEDURE work; DELETE FROM a WHERE ctid IN (SELECT ctid FROM a LIMIT 1)");
        told(&up(&database, &files), 0, &[]);
        assert_eq!(database.versions(), ["0", "1"]);
        let expected = if decision == "--applied" { counted.to_owned() } else { format!("{counted} 2") };
        assert_eq!(count(&database), expected, "{decision}");
    }
}

#[test]
fn a_down_that_is_half_done_is_finished_before_anything_goes_up_again() {
    let database = Database::create();
    database.rows("CREATE TABLE counter (n int)");
    let text = |last: &str| {
        format!(
            "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n-- +goose Down\nINSERT INTO counter VALUES (-1);\n{last}\n"
        )
    };
    let files = folder(&[("00001_a.sql", &text("SELECT 1/0;")), ("00002_b.sql", "-- +goose Up\nSELECT 1;\n")]);
    told(&migrate(&database.url, files.path(), &["up", "--to", "1"]), 0, &[]);
    told(&migrate(&database.url, files.path(), &["down"]), 26, &["1 of 2 statements", "is still recorded"]);
    told(&up(&database, &files), 27, &["half undone", " down`"]);
    std::fs::write(files.path().join("00001_a.sql"), text("SELECT 1;")).expect("a file");
    told(&migrate(&database.url, files.path(), &["down"]), 0, &[]);
    assert_eq!((count(&database).as_str(), database.versions().join(" ").as_str()), ("-1", "0"));
    told(&up(&database, &files), 0, &[]);
}

#[test]
fn a_baseline_records_what_is_there_and_runs_nothing() {
    let database = Database::create();
    database.rows("CREATE TABLE counter (n int)");
    let file = |n: u32| format!("-- +goose Up\nINSERT INTO counter VALUES ({n});\n-- +goose Down\nSELECT {n};\n");
    let files = folder(&[
        ("1_a.sql", &file(1)),
        ("2_b.sql", &unwrapped("INSERT INTO counter VALUES (2);\n")),
        ("3_c.sql", &file(3)),
    ]);
    told(&migrate(&database.url, files.path(), &["baseline", "--to", "7", "--yes"]), 2, &["there is no version 7"]);
    told(
        &migrate(&database.url, files.path(), &["baseline", "--to", "2", "--yes"]),
        0,
        &["2 migrations", "none was run"],
    );
    assert_eq!(database.version_rows(), "1:0:true 2:1:true 3:2:true");
    assert_eq!(database.rows("SELECT DISTINCT tool FROM goose_db_version_ledger"), ["migrate 0.1.0, baseline"]);
    told(
        &migrate(&database.url, files.path(), &["baseline", "--to", "2", "--yes"]),
        28,
        &["version 2 is recorded already"],
    );
    told(&up(&database, &files), 0, &[]);
    assert_eq!(count(&database), "3");
    // An edit of what was taken for applied is seen like any other.
    std::fs::write(files.path().join("1_a.sql"), file(9)).expect("a file");
    told(&up(&database, &files), 28, &["1_a.sql"]);
}

#[test]
fn who_holds_the_lock_is_shown_and_can_be_ended() {
    let (database, files) = scene("SELECT 1;\n");
    told(&migrate(&database.url, files.path(), &["unlock"]), 0, &["nobody holds"]);
    let holder = Session::that(&database.url, "SELECT pg_advisory_lock(4097083626)");
    let command = format!("migrate unlock --terminate {} --yes", holder.pid);
    told(&migrate(&database.url, files.path(), &["unlock"]), 0, &["the application", &command]);
    told(&migrate(&database.url, files.path(), &["unlock", "--terminate", &holder.pid]), 2, &["--yes"]);
    told(&migrate(&database.url, files.path(), &["unlock", "--terminate", "1", "--yes"]), 2, &["does not hold"]);
    told(&migrate(&database.url, files.path(), &["unlock", "--terminate", &holder.pid, "--yes"]), 0, &["told to end"]);
    told(&up(&database, &files), 0, &[]);
}

#[test]
fn a_release_without_a_version_undoes_it_with_what_the_ledger_keeps() {
    let database = Database::create();
    let old = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a ();\n-- +goose Down\nDROP TABLE a;\n");
    let new = (
        "00002_b.sql",
        "-- +goose Up\nCREATE TABLE b (n int);\n-- +goose Down\nDROP TABLE b;\nCREATE TABLE gone ();\n",
    );
    let apart = (
        "00003_c.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON b (n);\n\
         -- +goose Down\nDROP INDEX CONCURRENTLY i;\n",
    );
    told(&migrate(&database.url, folder(&[old, new, apart]).path(), &["up"]), 0, &[]);
    let files = folder(&[old]);
    told(&migrate(&database.url, files.path(), &["down-to", "1"]), 28, &["version 3", "no file for it"]);
    database.rows("UPDATE goose_db_version_ledger SET down_statements = ARRAY['DROP TABLE a;'] WHERE version_id = 2");
    told(&migrate(&database.url, files.path(), &["down-to", "1", "--stored-downs"]), 28, &["version 2", "ledger"]);
    assert_eq!(database.versions(), ["0", "1", "2", "3"]);
    let stored = "ARRAY['DROP TABLE b;', 'CREATE TABLE gone ();']";
    database.rows(&format!("UPDATE goose_db_version_ledger SET down_statements = {stored} WHERE version_id = 2"));
    told(
        &migrate(&database.url, files.path(), &["down-to", "1", "--stored-downs"]),
        0,
        &["00003_c.sql", "00002_b.sql"],
    );
    assert_eq!(database.versions(), ["0", "1"]);
    assert_eq!(database.rows("SELECT to_regclass('b'), to_regclass('gone')"), ["|gone"]);
}
