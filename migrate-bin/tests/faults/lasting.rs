//! What a run has told is on the server's disk, though not every commit waited for it.
//!
//! Each scene has a server of its own that loses at a crash what no commit has waited for: its WAL writer is stopped, and
//! nothing else cleans its buffers. The first test shows that it does.

use migrate_scratch::{Installation, Server};

use crate::background::{Background, Session};
use crate::lab::{is_long, on_each_major};
use crate::stage::{Database, eventually, folder, migrate, signal};
use crate::story::{SLOW, Story, assert_told, go_on, slow_down, wait_until_slow};

/// What keeps a server from writing its log before a commit asks for it.
const FORGETFUL: [(&str, &str); 4] =
    [("synchronous_commit", "on"), ("wal_buffers", "64MB"), ("bgwriter_lru_maxpages", "0"), ("autovacuum", "off")];

fn forgetful(installation: &Installation, more: &[(&str, &str)]) -> Server {
    Server::start_with(installation, &[&FORGETFUL, more].concat()).expect("a server")
}

/// What will bring the server down.
struct Crash<'d> {
    database: &'d Database,
    wal_writer: String,
    witness: Session,
}

impl<'d> Crash<'d> {
    /// Stops the server's WAL writer.
    fn prepare(database: &'d Database) -> Self {
        let witness = Session::that(&database.url, "SELECT 1");
        let wal_writer = database.rows("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'").concat();
        signal(&wal_writer, "STOP");
        Self { database, wal_writer, witness }
    }

    /// One of its processes dies: the server throws everybody out and recovers from what is on its disk.
    fn happen(self) {
        signal(&self.wal_writer, "KILL");
        eventually("everybody is thrown out", || self.witness.run("SELECT 1").is_err());
        eventually("the server is back", || Session::attempt(&self.database.url).is_some());
    }
}

/// So many files, each of which makes a table and says with which setting.
fn files(count: usize, last: &str) -> tempfile::TempDir {
    let file = |n: usize| {
        let more = if n == count { last } else { "" };
        let up = format!(
            "CREATE TABLE t{n} (id int);\nINSERT INTO seen SELECT {n}, current_setting('synchronous_commit');\n"
        );
        (format!("{n:05}_t{n}.sql"), format!("-- +goose Up\n{up}{more}-- +goose Down\nDROP TABLE t{n};\n"))
    };
    let files: Vec<(String, String)> = (1..=count).map(file).collect();
    folder(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
}

/// The versions that are there, after everything that has to be the same as they was compared with them.
fn applied(database: &Database) -> usize {
    let versions = database.rows("SELECT version_id FROM goose_db_version WHERE version_id > 0 ORDER BY id");
    let upwards: Vec<String> = (1..=versions.len()).map(|version| version.to_string()).collect();
    assert_eq!(versions, upwards, "a prefix, in order, each once");
    assert_eq!(database.rows("SELECT version_id FROM goose_db_version_ledger ORDER BY version_id"), upwards);
    assert_eq!(database.rows("SELECT n FROM seen ORDER BY n"), upwards, "rows");
    let tables = "SELECT substr(relname, 2)::int AS n FROM pg_class WHERE relname ~ '^t[0-9]+$' ORDER BY n";
    assert_eq!(database.rows(tables), upwards, "tables");
    versions.len()
}

fn prepared(server: &Server) -> Database {
    let database = Database::create_on(server);
    database.rows("CREATE TABLE seen (n int, setting text)");
    database
}

#[test]
fn the_server_of_these_scenes_loses_at_a_crash_what_no_commit_has_waited_for() {
    on_each_major("lasting", |installation| {
        let server = forgetful(installation, &[]);
        let database = prepared(&server);
        let crash = Crash::prepare(&database);
        let filled = "CREATE TABLE lost AS SELECT n, repeat('x', 100) FROM generate_series(1, 1000) n";
        Session::that(&database.url, &format!("SET synchronous_commit = off; {filled}"));
        crash.happen();
        assert_eq!(database.rows("SELECT to_regclass('lost'), to_regclass('seen')"), ["|seen"]);
    });
}

#[test]
fn the_last_commit_of_each_group_waits_or_that_of_each_file_where_it_is_asked_for() {
    on_each_major("lasting", |installation| {
        let server = forgetful(installation, &[]);
        let waited = |arguments: &[&str]| {
            let database = prepared(&server);
            let files = files(10, "");
            assert_told(&migrate(&database.url, files.path(), &[&["up"], arguments].concat()), 0, &[]);
            assert_eq!(applied(&database), 10);
            database.rows("SELECT n FROM seen WHERE setting = 'on' ORDER BY n").join(" ")
        };
        assert_eq!(waited(&["--flight", "8"]), "4 8 10");
        assert_eq!(waited(&["--flight", "8", "--durable", "each"]), "1 2 3 4 5 6 7 8 9 10");
        assert_eq!(waited(&["--flight", "1"]), "1 2 3 4 5 6 7 8 9 10");
        assert_eq!(waited(&["--single-transaction"]), "1 2 3 4 5 6 7 8 9 10");
    });
}

/// A run by this URL whose sixth file fails, and a crash as soon as that was told: what it told.
fn fail_and_crash(database: &Database, url: &str) -> String {
    let files = files(6, "SELECT 1/0;\n");
    let crash = Crash::prepare(database);
    let ended = migrate(url, files.path(), &["up"]);
    assert_told(&ended, 25, &["the database is at version 5"]);
    crash.happen();
    ended.stderr
}

/// The server does not get the time to write it by itself.
#[test]
fn what_was_applied_before_a_failure_is_on_the_disk_when_the_failure_is_told() {
    on_each_major("lasting", |installation| {
        let minimal = [("wal_level", "minimal"), ("max_wal_senders", "0")];
        for settings in [&[][..], &minimal] {
            let server = forgetful(installation, settings);
            let database = prepared(&server);
            database.rows(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name));
            fail_and_crash(&database, &database.url);
            assert_eq!(applied(&database), 5);
        }
    });
}

#[test]
fn a_role_that_may_not_ask_the_server_to_write_brings_it_about_by_a_table_and_else_says_that_it_may_not() {
    on_each_major("lasting", |installation| {
        let server = forgetful(installation, &[]);
        let database = prepared(&server);
        database.rows("CREATE ROLE app LOGIN; GRANT ALL ON SCHEMA public TO app; GRANT ALL ON seen TO app");
        database.rows(
            "DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_proc WHERE proname = 'pg_logical_emit_message' \
             LOOP EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f); END LOOP; END $$",
        );
        let url = format!("postgres://app@127.0.0.1:{}/{}", server.port(), database.name);
        let told = fail_and_crash(&database, &url);
        assert_eq!(applied(&database), 5);
        assert!(!told.contains("wal_writer_delay"), "{told}");

        database.rows("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE seen (n int, setting text)");
        database.rows("GRANT ALL ON SCHEMA public TO app; GRANT ALL ON seen TO app");
        database.rows(&format!("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC", database.name));
        let told = fail_and_crash(&database, &url);
        assert!(told.contains("within three times wal_writer_delay"), "{told}");
    });
}

/// A database without any of the story's files, of which the second one is slow.
fn slow_story(server: &Server) -> (Database, Story) {
    let database = Database::create_on(server);
    database.rows("CREATE TABLE counter (n int)");
    slow_down(&database);
    (database, Story::with(SLOW))
}

#[test]
fn what_was_applied_before_a_signal_is_on_the_disk_when_the_end_is_told() {
    on_each_major("lasting", |installation| {
        let server = forgetful(installation, &[]);
        let (database, story) = slow_story(&server);
        let crash = Crash::prepare(&database);
        let run = story.start(&database.url, &[]);
        wait_until_slow(&database);
        run.signal("TERM");
        assert_told(&run.wait(), 50, &["00002_b.sql was rolled back; the database is at version 1"]);
        crash.happen();
        assert_eq!(database.versions(), ["0", "1"]);
    });
}

#[test]
fn a_crash_in_the_middle_of_a_run_leaves_a_prefix_that_holds_what_was_told_and_the_run_goes_on_with_the_rest() {
    let rounds: u64 = if is_long() { 60 } else { 4 };
    on_each_major("lasting", |installation| {
        let server = forgetful(installation, &[]);
        for round in 0..rounds {
            let database = prepared(&server);
            let files = files(80, "");
            // In every second round the server has flushed some by itself.
            let crash = Crash::prepare(&database);
            if round % 2 == 1 {
                signal(&crash.wal_writer, "CONT");
            }
            // Somewhere in the run, and not at the same place of a group each time.
            let told = usize::try_from(1 + (round * 37) % 67).expect("it is small");
            let mut run = Background::start(&database.url, files.path(), &["up"]);
            run.read_until(&format!("{told:05}_t{told}.sql"));
            run.signal("STOP");
            crash.happen();
            let lasted = applied(&database);
            assert!(lasted >= told, "round {round}: {told} was told, and {lasted} are there");
            run.signal("CONT");
            assert_told(&run.wait(), 0, &["80 migrations run"]);
            assert_eq!(applied(&database), 80, "round {round}");
        }
    });
}

#[test]
fn a_file_that_takes_its_time_does_not_keep_those_before_it_from_being_told() {
    on_each_major("lasting", |installation| {
        let server = forgetful(installation, &[]);
        let (database, story) = slow_story(&server);
        let crash = Crash::prepare(&database);
        let mut run = story.start(&database.url, &[]);
        run.read_until("00001_a.sql");
        wait_until_slow(&database);
        crash.happen();
        assert_eq!(database.versions(), ["0", "1"]);
        go_on(&database);
        assert_told(&run.wait(), 0, &["3 migrations run"]);
    });
}
