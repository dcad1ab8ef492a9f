//! The migrations that the cases apply: three files, each of which makes a table and counts itself, and what is true
//! before, after, and when a run was disturbed in the second one.
//!
//! Invariant: whatever is done twice shows as a second row of the counter.

use std::path::Path;

use crate::background::{Background, Session};
use crate::proxy::At;
use crate::stage::{Database, Ended, eventually, folder, migrate, names, text};

/// A statement that takes a minute while there is a table `slow`, and ends when that is dropped.
pub(crate) const SLOW: &str = "-- +goose StatementBegin\nDO $$ BEGIN FOR i IN 1..6000 LOOP EXIT WHEN NOT EXISTS \
     (SELECT FROM pg_class WHERE relname = 'slow'); PERFORM pg_sleep(0.01); END LOOP; END $$;\n\
     -- +goose StatementEnd\n";

/// A side's COMMIT, or its answer to that: the whole of a message, because BEGIN says READ COMMITTED.
pub(crate) const COMMIT: At = At::Text("COMMIT\0", 1);

/// Three files.
pub(crate) struct Story {
    files: tempfile::TempDir,
}

impl Story {
    /// The second file does this, too, between its table and its index.
    pub(crate) fn with(more: &str) -> Self {
        Self::of("-- +goose Up\n", &format!("{more}CREATE INDEX t2_name ON t2 (name);\n"))
    }

    /// The second file is slow as long as there is a table `slow`.
    pub(crate) fn slow() -> Self {
        Self::with(SLOW)
    }

    /// The second file has no transaction, and builds its index concurrently.
    pub(crate) fn unwrapped(more: &str) -> Self {
        let up = format!("{more}CREATE INDEX CONCURRENTLY t2_name ON t2 (name);\n");
        Self::of("-- +goose NO TRANSACTION\n-- +goose Up\n", &up)
    }

    fn of(head: &str, more: &str) -> Self {
        let table = |n: u32| format!("CREATE TABLE t{n} (id int, name text);\nINSERT INTO counter VALUES ({n});\n");
        let down = |n: u32| format!("-- +goose Down\nDROP TABLE t{n};\nINSERT INTO counter VALUES (-{n});\n");
        let whole = |n: u32, head: &str, more: &str| format!("{head}{}{more}{}", table(n), down(n));
        let [one, two, three] = [whole(1, "-- +goose Up\n", ""), whole(2, head, more), whole(3, "-- +goose Up\n", "")];
        Self { files: folder(&[("00001_a.sql", &one), ("00002_b.sql", &two), ("00003_c.sql", &three)]) }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.files.path()
    }

    /// A story in an empty schema, whose first file is applied.
    pub(crate) fn begun_anew(database: &Database, more: &str) -> Self {
        let story = Self::with(more);
        database.rows("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        story.begin(database);
        story
    }

    /// The database as the first file leaves it, so that what is disturbed is the second one.
    pub(crate) fn begin(&self, database: &Database) {
        database.rows("CREATE TABLE counter (n int)");
        let ended = migrate(&database.url, self.dir(), &["up", "--to", "1"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }

    pub(crate) fn up(&self, url: &str, arguments: &[&str]) -> Ended {
        migrate(url, self.dir(), &[&["up"], arguments].concat())
    }

    pub(crate) fn start(&self, url: &str, arguments: &[&str]) -> Background {
        Background::start(url, self.dir(), &[&["up"], arguments].concat())
    }

    /// Its files, by name.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let names = names(self.dir()).into_iter();
        names.map(|name| (name.clone(), text(&self.dir().join(name)))).collect()
    }

    /// A run of files without a transaction that builds its index and has to wait for a writer with it.
    pub(crate) fn held_in_its_index(&self, database: &Database, arguments: &[&str]) -> Held {
        // The table comes with the file, so that nobody can write to it before; an older transaction holds it up too.
        let writer =
            Session::that(&database.url, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM counter");
        let run = self.start(&database.url, arguments);
        let building = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() \
                        AND phase LIKE 'waiting%'";
        eventually("the index waits", || database.rows(building) == ["1"]);
        Held { run, writer }
    }

    /// A run that nothing disturbs reaches the end, and the next one finds nothing to do.
    pub(crate) fn rerun(&self, database: &Database) {
        let rerun = self.up(&database.url, &[]);
        assert_eq!(rerun.code, 0, "the rerun: {}", rerun.stderr);
        assert_finished(database);
    }
}

/// A run that cannot go on, and the session that is in its way.
pub(crate) struct Held {
    pub(crate) run: Background,
    pub(crate) writer: Session,
}

/// Nothing of the second file is there.
pub(crate) fn assert_first_only(database: &Database) {
    assert_eq!(database.versions(), ["0", "1"]);
    assert_eq!(counted(database), "1");
    assert_eq!(database.rows("SELECT to_regclass('t2')"), [""]);
}

/// Everything is there, and once.
pub(crate) fn assert_finished(database: &Database) {
    assert_eq!(database.versions(), ["0", "1", "2", "3"]);
    assert_eq!(counted(database), "1 2 3");
    let columns = "SELECT string_agg(relname || '.' || attname, ' ' ORDER BY relname, attnum) FROM pg_attribute \
                   JOIN pg_class ON pg_class.oid = attrelid WHERE relname ~ '^t[123]$' AND attnum > 0";
    assert_eq!(database.rows(columns), ["t1.id t1.name t2.id t2.name t3.id t3.name"]);
    assert_eq!(
        database.rows("SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't2'::regclass"),
        ["t2_name|t"]
    );
    assert_eq!(database.rows("SELECT version_id FROM goose_db_version_ledger ORDER BY version_id"), ["1", "2", "3"]);
    if database.rows("SELECT to_regclass('goose_db_version_journal') IS NOT NULL") == ["t"] {
        assert_eq!(database.rows("SELECT count(*) FROM goose_db_version_journal WHERE closed_at IS NULL"), ["0"]);
    }
}

pub(crate) fn counted(database: &Database) -> String {
    database.rows("SELECT n FROM counter ORDER BY ctid").join(" ")
}

/// How a run ended, and that its last words hold these: the state, the next command.
pub(crate) fn assert_told(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    let last = ended.stderr.rfind("error[").map_or(ended.stderr.as_str(), |at| &ended.stderr[at..]);
    for word in words {
        assert!(last.contains(word), "`{word}` is not in its last words: {}", ended.stderr);
    }
}

/// From now on the slow statement takes its time.
pub(crate) fn slow_down(database: &Database) {
    database.rows("CREATE TABLE slow ()");
}

/// It ends, and is quick from now on.
pub(crate) fn go_on(database: &Database) {
    database.rows("DROP TABLE slow");
}

/// Waits until the slow statement is running.
pub(crate) fn wait_until_slow(database: &Database) {
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    eventually("the slow statement", || database.rows(sleeping) == ["1"]);
}
