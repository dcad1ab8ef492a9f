//! Statements that a server refuses in ways of its own, servers that run out of something, and files of odd content.

use std::process::Command;
use std::time::Duration;

use migrate_scratch::Server;

use crate::background::Background;
use crate::lab::{BOTH, BOTH_2, DIRECT, in_each, is_long, on_each_major};
use crate::stage::{Database, folder, migrate, skipped_without};
use crate::story::{Story, assert_finished, assert_first_only, assert_told, counted};

#[test]
fn f36_a_new_value_of_an_enum_that_is_used_at_once_says_to_split_the_file() {
    in_each("F36", BOTH, |cell| {
        let story = Story::with("ALTER TYPE mood ADD VALUE 'glad';\nINSERT INTO moods VALUES ('glad');\n");
        story.begin(&cell.database);
        cell.database.rows("CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE moods (mood mood)");
        let ended = story.up(&cell.url(), &[]);
        assert_told(&ended, 25, &["55P04", "00002_b.sql:5", "was rolled back", "a file of its own"]);
        assert_first_only(&cell.database);
        assert_eq!(cell.database.rows("SELECT count(*) FROM pg_enum WHERE enumlabel = 'glad'"), ["0"]);
    });
}

#[test]
fn f40_rows_whose_triggers_are_pending_say_what_to_do_before_the_alter() {
    in_each("F40", BOTH, |cell| {
        let story = Story::with("INSERT INTO child VALUES (1);\nALTER TABLE child ADD COLUMN more int;\n");
        story.begin(&cell.database);
        cell.database.rows(
            "CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1); CREATE TABLE child \
             (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        );
        let ended = story.up(&cell.url(), &[]);
        assert_told(&ended, 25, &["55006", "00002_b.sql:5", "SET CONSTRAINTS ALL IMMEDIATE"]);
        assert_first_only(&cell.database);
    });
}

#[test]
fn f44_too_many_locks_for_the_server_are_told_with_its_hint_and_nothing_stays() {
    on_each_major("F44", |installation| {
        let few = [("max_locks_per_transaction", "10"), ("max_connections", "10")];
        let server = Server::start_with(installation, &few).expect("a server");
        let database = Database::create_on(&server);
        let story = Story::with(
            "-- +goose StatementBegin\nDO $$ BEGIN FOR i IN 1..5000 LOOP EXECUTE format('CREATE TABLE many_%s (id int)', \
             i); END LOOP; END $$;\n-- +goose StatementEnd\n",
        );
        story.begin(&database);
        let ended = story.up(&database.url, &[]);
        let words = ["out of shared memory", "53200", "max_locks_per_transaction", "00002_b.sql was rolled back"];
        assert_told(&ended, 47, &words);
        assert_first_only(&database);
        let mended = Story::with("");
        mended.rerun(&database);
        drop(database);
    });
}

/// A file system of a few mebibytes; it is gone with this value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where none may be made.
    fn mount(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={mebibytes}m,mode=0777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        let mounted = mounted.is_ok_and(|output| output.status.success()).then(|| folder.path().to_owned());
        skipped_without(mounted, "F44", "MIGRATE_REQUIRE_NAMESPACES", "the right to mount a file system")?;
        Some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn f44_a_full_disk_rolls_the_migration_back_and_the_next_run_goes_on_when_there_is_room() {
    on_each_major("F44", |installation| {
        let Some(disk) = SmallDisk::mount(24) else { return };
        let server = Server::start(installation).expect("a server");
        let database = Database::create_on(&server);
        let place = disk.0.path().join("space");
        let (program, owner) = ("chown", format!("--reference={}", server.folder().join("data").display()));
        std::fs::create_dir(&place).expect("a folder");
        let given = Command::new(program).arg(&owner).arg(&place).status().expect("chown");
        assert!(given.success());
        crate::stage::permit(disk.0.path(), 0o755);
        database.rows(&format!("CREATE TABLESPACE small LOCATION '{}'", place.display()));
        let fill = |rows: u32| {
            format!(
                "CREATE TABLE big (id int, text text) TABLESPACE small;\n\
                 INSERT INTO big SELECT i, repeat('x', 1000) FROM generate_series(1, {rows}) i;\n"
            )
        };
        let story = Story::with(&fill(60_000));
        story.begin(&database);
        let ended = story.up(&database.url, &[]);
        assert_told(&ended, 47, &["53100", "No space left on device", "00002_b.sql was rolled back", "run again"]);
        assert_first_only(&database);
        Story::with(&fill(1_000)).rerun(&database);
        database.rows("DROP TABLE big");
        database.rows("DROP TABLESPACE small");
        drop((database, server));
    });
}

#[test]
fn f46_a_version_table_that_was_dropped_is_missed_and_nothing_is_applied_again() {
    in_each("F46", BOTH, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        assert_told(&story.up(&cell.url(), &[]), 0, &["2 migrations run"]);
        cell.database.rows("CREATE TABLE kept AS SELECT * FROM goose_db_version; DROP TABLE goose_db_version");
        for _ in 0..2 {
            let ended = story.up(&cell.url(), &[]);
            let words = ["no table `goose_db_version`", "3 versions", " baseline`", "nothing was changed"];
            assert_told(&ended, 28, &words);
            assert_eq!(cell.database.rows("SELECT to_regclass('goose_db_version')"), [""]);
        }
        assert_told(&migrate(&cell.url(), story.dir(), &["baseline", "--to", "3", "--yes"]), 0, &[]);
        assert_eq!(cell.database.versions(), ["0", "1", "2", "3"]);
        assert_eq!(counted(&cell.database), "1 2 3");
        assert_told(&story.up(&cell.url(), &[]), 0, &[]);
        assert_eq!(counted(&cell.database), "1 2 3");
    });
}

#[test]
fn f49_what_a_file_says_of_its_session_does_not_reach_the_record_or_the_next_file() {
    let settings = [
        ("session_replication_role", "replica", "origin"),
        ("row_security", "off", "on"),
        ("standard_conforming_strings", "off", "on"),
        ("client_encoding", "'LATIN1'", "UTF8"),
        ("quote_all_identifiers", "on", "off"),
        ("backslash_quote", "off", "safe_encoding"),
        ("datestyle", "'German'", "ISO, MDY"),
    ];
    let check = |(name, _, usual): &(&str, &str, &str)| {
        format!(
            "IF current_setting('{name}') <> '{usual}' THEN RAISE EXCEPTION '{name} is %', current_setting('{name}'); END IF; "
        )
    };
    let checks: String = settings.iter().map(check).collect();
    let next = format!(
        "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN {checks} END $$;\n-- +goose StatementEnd\n\
         INSERT INTO counter VALUES (3, 'ä\\');\n"
    );
    for (mode, ways) in [("", BOTH), ("-- +goose NO TRANSACTION\n", DIRECT)] {
        in_each("F49", ways, |cell| {
            let set = |(name, value, _): &(&str, &str, &str)| format!("SET {name} = {value};\n");
            let set = settings.iter().map(set).collect::<Vec<_>>().concat();
            let first = format!("{mode}-- +goose Up\nINSERT INTO counter VALUES (1, 'a\\');\n{set}");
            let files = folder(&[("00001_a.sql", &first), ("00002_b.sql", &next)]);
            cell.database.rows("CREATE TABLE counter (n int, word text)");
            let ended = migrate(&cell.url(), files.path(), &["up"]);
            assert_told(&ended, 0, &["2 migrations run"]);
            assert_eq!(cell.database.rows("SELECT n, word FROM counter ORDER BY n"), ["1|a\\", "3|ä\\"]);
            assert_eq!(cell.database.versions(), ["0", "1", "2"]);
            assert_told(&migrate(&cell.url(), files.path(), &["up"]), 0, &[]);
        });
    }
}

#[test]
fn f50_files_of_odd_bytes_run_as_they_are_or_are_refused_at_their_line() {
    in_each("F50", BOTH_2, |cell| {
        let run = |text: &str| {
            let files = folder(&[("00001_a.sql", text)]);
            let ended = migrate(&cell.url(), files.path(), &["up", "--table", "odd"]);
            let versions = cell.database.rows("SELECT count(*) FROM pg_class WHERE relname = 'odd'");
            cell.database.rows("DROP TABLE IF EXISTS odd, odd_ledger, a");
            (ended, versions)
        };
        let (ended, _) = run("-- +goose Up\r\nCREATE TABLE a (\r\n  id int\r\n);\r\n");
        assert_eq!(ended.code, 0, "CRLF: {}", ended.stderr);
        let (ended, _) = run("\u{feff}-- +goose Up\nCREATE TABLE a (id int);\n");
        assert_eq!(ended.code, 29, "BOM: {}", ended.stderr);
        assert!(ended.stderr.contains("byte order mark") && ended.stderr.contains("00001_a.sql:1"), "{}", ended.stderr);
        let (ended, versions) = run("-- +goose Up\nCREATE TABLE a (id int);\nSELECT 'a\0b';\n");
        assert_eq!((ended.code, versions.concat().as_str()), (29, "0"), "NUL: {}", ended.stderr);
        assert!(ended.stderr.contains("00001_a.sql:3"), "NUL: {}", ended.stderr);
    });
}

#[test]
fn f50_a_hundred_thousand_statements_are_run_once_each() {
    in_each("F50", BOTH_2, |cell| {
        let statements = if is_long() { 100_000 } else { 10_000 };
        let insert = |n: u32| format!("INSERT INTO numbers VALUES ({n});\n");
        let text = (0..statements).map(insert).collect::<Vec<_>>().concat();
        let story = Story::with(&format!("CREATE TABLE numbers (n int);\n{text}"));
        story.begin(&cell.database);
        assert_told(&story.up(&cell.url(), &[]), 0, &["2 migrations run"]);
        assert_finished(&cell.database);
        assert_eq!(
            cell.database.rows("SELECT count(*), count(DISTINCT n) FROM numbers"),
            [format!("{statements}|{statements}")]
        );
    });
}

#[test]
fn f50_a_huge_statement_is_sent_whole() {
    let mebibytes = if is_long() { 64 } else { 8 };
    in_each("F50", BOTH_2, |cell| {
        // Lines of a mebibyte: goose reads none that is longer than four.
        let line = format!("{}\n", "x".repeat((1 << 20) - 1));
        let story = Story::with(&format!("CREATE TABLE big AS SELECT '{}' AS text;\n", line.repeat(mebibytes)));
        story.begin(&cell.database);
        let ended = story.up(&cell.url(), &[]);
        assert_eq!(ended.code, 0, "{}", ended.stderr.chars().take(2000).collect::<String>());
        assert_finished(&cell.database);
        assert_eq!(cell.database.rows("SELECT length(text) >> 20 FROM big"), [mebibytes.to_string()]);
    });
}

/// The most memory that a process has held, in mebibytes, as the kernel counts it.
#[expect(clippy::disallowed_methods, reason = "not a file of migrations")]
fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kibibytes| kibibytes >> 10)
}

#[test]
fn f51_a_flood_of_notices_costs_neither_memory_nor_a_log_without_end() {
    in_each("F51", BOTH, |cell| {
        let notices = if is_long() { 1_000_000 } else { 200_000 };
        let story = Story::with(&format!(
            "-- +goose StatementBegin\nDO $$ BEGIN FOR i IN 1..{notices} LOOP RAISE WARNING 'number %', i; END LOOP; \
             END $$;\n-- +goose StatementEnd\n"
        ));
        story.begin(&cell.database);
        let run = story.start(&cell.url(), &[]);
        let (told, peak) = told_and_peak(run);
        assert_told(&told, 0, &["2 migrations run", "more notices are not shown"]);
        assert!(told.stderr.lines().count() < 300, "{} lines", told.stderr.lines().count());
        assert!(peak < 200, "{peak} MiB");
        assert_finished(&cell.database);
    });
}

/// Reads what a run says while its memory is looked at.
fn told_and_peak(run: Background) -> (crate::stage::Ended, u64) {
    let pid = run.pid();
    let waiting = std::thread::spawn(move || run.wait());
    let mut peak = 0;
    // A million notices take a debug build half a minute by itself, and there are as many runs as cells.
    let patience = Duration::from_mins(if is_long() { 10 } else { 1 });
    let begun = std::time::Instant::now();
    while !waiting.is_finished() {
        assert!(begun.elapsed() < patience, "the run's end did not come true");
        peak = peak_memory(pid).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(20));
    }
    (waiting.join().expect("a run"), peak)
}

const RAISE: &str = "CREATE FUNCTION refuse() RETURNS KIND LANGUAGE plpgsql AS $$ BEGIN \
     RAISE EXCEPTION 'not today' USING HINT = 'ask the owner'; END $$;";

#[test]
fn f52_an_event_trigger_that_raises_is_told_with_its_context() {
    in_each("F52", BOTH, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        cell.database.rows(&format!(
            "{} CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION refuse()",
            RAISE.replace("KIND", "event_trigger")
        ));
        let ended = story.up(&cell.url(), &[]);
        assert_told(&ended, 25, &["not today", "ask the owner", "PL/pgSQL function refuse()", "00002_b.sql:4"]);
        assert_first_only(&cell.database);
        cell.database.rows("DROP EVENT TRIGGER refuse");
        story.rerun(&cell.database);
    });
}

#[test]
fn f52_a_trigger_on_the_version_table_that_raises_rolls_the_migration_back() {
    in_each("F52", BOTH, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        cell.database.rows(&format!(
            "{} CREATE TRIGGER refuse BEFORE INSERT ON goose_db_version FOR EACH ROW EXECUTE FUNCTION refuse()",
            RAISE.replace("KIND", "trigger")
        ));
        let ended = story.up(&cell.url(), &[]);
        let words =
            ["could not be recorded", "not today", "ask the owner", "PL/pgSQL function refuse()", "was rolled back"];
        assert_told(&ended, 25, &words);
        assert_first_only(&cell.database);
        cell.database.rows("DROP TRIGGER refuse ON goose_db_version");
        story.rerun(&cell.database);
    });
}

#[test]
fn f52_row_security_that_hides_the_versions_is_a_refusal_and_never_a_second_run() {
    in_each("F52", DIRECT, |cell| {
        let story = Story::with("");
        story.begin(&cell.database);
        let role = cell.role("guest");
        cell.database.rows(&format!(
            "CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}; \
             GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}; \
             ALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY"
        ));
        let url = cell.url().replace("postgres@", &format!("{role}@"));
        let ended = story.up(&url, &[]);
        assert_told(&ended, 22, &["row level security keeps rows of `goose_db_version`", &role, "nothing was changed"]);
        assert_first_only(&cell.database);
        cell.database.rows("ALTER TABLE goose_db_version DISABLE ROW LEVEL SECURITY");
        story.rerun(&cell.database);
        cell.database.rows(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
    });
}
