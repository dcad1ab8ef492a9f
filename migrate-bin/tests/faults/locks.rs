//! Locks and timeouts of others: what is waited for, what is tried again, and what a role's defaults may not do.

use crate::background::Session;
use crate::lab::{BOTH, BOTH_5, DIRECT, Way, in_each};
use crate::proxy::{Act, At, Connection, Fault, Side};
use crate::stage::{Database, eventually, folder, migrate};
use crate::story::{Story, assert_finished, assert_told, counted};

#[test]
fn f31_an_index_build_waits_for_an_old_snapshot_however_long_and_names_it() {
    in_each("F31", DIRECT, |cell| {
        let story = Story::unwrapped("");
        story.begin(&cell.database);
        let snapshot =
            Session::that(&cell.database.url, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM counter");
        let mut run = story.start(&cell.url(), &["--lock-timeout", "300ms"]);
        let blocked = run.read_until("waits for a lock");
        assert!(blocked.contains(&snapshot.pid) && blocked.contains("00002_b.sql"), "{blocked}");
        let progress = run.read_until("has been running for");
        assert!(progress.contains("waiting for old snapshots"), "{progress}");
        drop(snapshot);
        assert_told(&run.wait(), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
        story.rerun(&cell.database);
    });
}

/// The runner dies when the index is built and before the journal says so.
#[test]
fn f34_an_index_whose_builder_died_before_the_entry_was_made_is_not_built_again() {
    in_each("F34", DIRECT, |cell| {
        let story = Story::unwrapped("");
        story.begin(&cell.database);
        let entry = At::Text("'create-index-concurrently', 'done'", 1);
        let fault = Fault { on: Connection::First(1), side: Side::Client, at: entry, act: Act::Hold };
        let proxy = cell.proxy(&[fault]);
        let run = story.start(&cell.through(&proxy), &[]);
        eventually("the entry is on its way", || proxy.hits() == 1);
        run.signal("KILL");
        assert_eq!(run.wait().code, -1);
        drop(proxy);
        let oid = cell.database.rows("SELECT 't2_name'::regclass::oid");
        let running =
            "SELECT state FROM goose_db_version_journal WHERE closed_at IS NULL ORDER BY statement_no DESC LIMIT 1";
        assert_eq!(cell.database.rows(running), ["running"]);
        story.rerun(&cell.database);
        assert_eq!(cell.database.rows("SELECT 't2_name'::regclass::oid"), oid, "it is the same index");
    });
}

/// What a role or a database says of every session, and what of it a server knows.
fn hostile(major: u32) -> Vec<&'static str> {
    let mut settings = vec![
        "statement_timeout = '1s'",
        "lock_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1s'",
        "default_transaction_read_only = on",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on",
        "search_path = nowhere, public",
        "row_security = off",
        "client_min_messages = error",
    ];
    if major >= 17 {
        settings.push("transaction_timeout = '1s'");
    }
    settings
}

#[test]
fn f41_f42_the_defaults_of_a_role_or_a_database_do_not_cut_a_migration_short() {
    in_each("F41, F42", BOTH_5, |cell| {
        let story = Story::with("SELECT pg_sleep(1.4);\n");
        story.begin(&cell.database);
        let role = cell.role("odd");
        // A pooler's users are a list of its own; there the database says it.
        let (whose, url) = match cell.way {
            Way::Direct => (format!("ROLE {role}"), cell.url().replace("postgres@", &format!("{role}@"))),
            Way::Pooled(_) => (format!("DATABASE {}", cell.database.name), cell.url()),
        };
        cell.database.rows(&format!("CREATE ROLE {role} LOGIN SUPERUSER"));
        let set = |setting: &str| format!("ALTER {whose} SET {setting};");
        cell.database.rows(&hostile(cell.server.major()).into_iter().map(set).collect::<String>());
        let ended = story.up(&url, &[]);
        cell.database.rows(&format!("BEGIN READ WRITE; ALTER {whose} RESET ALL; COMMIT"));
        assert_told(&ended, 0, &["2 migrations run"]);
        assert_finished(&cell.database);
        story.rerun(&cell.database);
        cell.database.rows(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
    });
}

#[test]
fn f42_a_database_at_serializable_gets_its_migrations_at_read_committed() {
    in_each("F42", BOTH, |cell| {
        let level = "CREATE TABLE levels AS SELECT current_setting('transaction_isolation') AS level;\n";
        let files = folder(&[("00001_a.sql", &format!("-- +goose Up\n{level}"))]);
        let name = &cell.database.name;
        cell.database.rows(&format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"));
        assert_told(&migrate(&cell.url(), files.path(), &["up"]), 0, &["1 migration"]);
        assert_eq!(cell.database.rows("SELECT level FROM levels"), ["read committed"]);
    });
}

/// A statement that fails once, as a server does that cannot serialize or finds a deadlock.
fn fails_once(sqlstate: &str) -> String {
    format!(
        "-- +goose StatementBegin\nDO $$ BEGIN IF nextval('tries') = 1 THEN RAISE EXCEPTION 'once' \
         USING ERRCODE = '{sqlstate}'; END IF; END $$;\n-- +goose StatementEnd\n"
    )
}

#[test]
fn f43_what_fails_for_want_of_luck_is_tried_again_whole() {
    for sqlstate in ["40001", "40P01", "55P03"] {
        in_each(&format!("F43 {sqlstate}"), BOTH, |cell| {
            let story = Story::with(&fails_once(sqlstate));
            story.begin(&cell.database);
            cell.database.rows("CREATE SEQUENCE tries");
            let ended = story.up(&cell.url(), &[]);
            assert!(ended.stderr.contains("trying again"), "{}", ended.stderr);
            assert_told(&ended, 0, &["2 migrations run"]);
            assert_finished(&cell.database);
            assert_eq!(cell.database.rows("SELECT last_value FROM tries"), ["2"]);
        });
    }
}

/// Two sessions that wait for each other: the server ends one of the two, whichever it likes.
#[test]
fn f43_a_real_deadlock_with_the_application_costs_a_retry_at_most() {
    in_each("F43", BOTH, |cell| {
        let story = Story::with("UPDATE mine SET n = n + 1;\nSELECT pg_sleep(0.3);\nUPDATE theirs SET n = n + 1;\n");
        story.begin(&cell.database);
        let tables = "CREATE TABLE mine (n int); INSERT INTO mine VALUES (0); CREATE TABLE theirs (n int); \
                      INSERT INTO theirs VALUES (0)";
        cell.database.rows(tables);
        let holder = Session::that(&cell.database.url, "BEGIN; UPDATE theirs SET n = n + 10");
        let run = story.start(&cell.url(), &["--lock-timeout", "10s"]);
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                       WHERE NOT l.granted AND a.datname = current_database()";
        eventually("the migration waits", || cell.database.rows(waiting) == ["1"]);
        // Whoever is ended: the application's statement fails, or the migration is tried again.
        let theirs = holder.run("UPDATE mine SET n = n + 10; COMMIT");
        drop(holder);
        assert_told(&run.wait(), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
        let application = if theirs.is_ok() { 10 } else { 0 };
        let expected = (application + 1).to_string();
        assert_eq!(
            cell.database.rows("SELECT n FROM mine UNION ALL SELECT n FROM theirs"),
            [expected.clone(), expected]
        );
    });
}

/// What the application holds for longer than all retries last.
#[test]
fn f30_a_lock_that_is_never_free_ends_the_run_with_42_and_nothing_done() {
    in_each("F30", BOTH, |cell| {
        let story = Story::with("ALTER TABLE t1 ADD COLUMN more int;\n");
        story.begin(&cell.database);
        let holder = Session::that(&cell.database.url, "BEGIN; SELECT count(*) FROM t1");
        let ended = story.up(&cell.url(), &["--lock-timeout", "2500ms", "--lock-retry-budget", "6s"]);
        // A pool of one place has none for the session that looks who is in the way.
        let who = if cell.way == Way::Pooled(1) { "" } else { &holder.pid };
        assert_told(&ended, 42, &["55P03", "00002_b.sql", "was rolled back", who, "run again"]);
        assert_eq!((counted(&cell.database).as_str(), waits(&cell.database)), ("1", 0));
        drop(holder);
        // The rows of `t1` have one column more than the story knows.
        let rerun = story.up(&cell.database.url, &[]);
        assert_eq!((rerun.code, counted(&cell.database).as_str()), (0, "1 2 3"), "{}", rerun.stderr);
    });
}

/// Sessions of this database that wait for a lock.
fn waits(database: &Database) -> usize {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    database.rows(waiting).concat().parse().expect("a number")
}
