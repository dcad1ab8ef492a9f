//! A server that is in use: what a migration waits for, for how long, and that the application does not wait for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::background::{Background, Session};
use crate::stage::{Database, eventually, folder, migrate, sql};

const TABLE: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n");
const ALTER: (&str, &str) = ("00002_b.sql", "-- +goose Up\nALTER TABLE a ADD COLUMN more int;\n");

/// A bound below a second leaves less time to look.
#[test]
fn who_is_in_the_way_is_named_however_short_the_wait_for_a_lock_is() {
    let database = Database::create();
    database.rows("CREATE TABLE a (id int)");
    let files = folder(&[("00001_a.sql", "-- +goose Up\nALTER TABLE a ADD b int;\n")]);
    let reader = Session::that(&database.url, "BEGIN; SELECT * FROM a");
    let ended = migrate(&database.url, files.path(), &["up", "--lock-timeout", "400ms", "--lock-retry-budget", "2s"]);
    assert_eq!(ended.code, 42, "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("pg_terminate_backend({})", reader.pid)), "{}", ended.stderr);
}

#[test]
fn a_version_table_that_somebody_holds_for_himself_is_not_waited_for_in_silence() {
    let database = Database::create();
    let files = folder(&[("00001_a.sql", "-- +goose Up\nSELECT 1;\n")]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let holder = Session::that(&database.url, "BEGIN; LOCK TABLE goose_db_version IN ACCESS EXCLUSIVE MODE");
    let mut run = Background::start(&database.url, files.path(), &["up"]);
    let told = run.read_until("has not been read");
    assert!(told.contains(&holder.pid), "{told}");
    drop(holder);
    assert_eq!(run.wait().code, 0);
}

/// It passes, so a Job that is started again may succeed.
#[test]
fn a_version_table_that_the_role_s_own_timeout_does_not_wait_for_is_told_as_what_passes() {
    let database = Database::create();
    let files = folder(&[("00001_a.sql", "-- +goose Up\nSELECT 1;\n")]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let _holder = Session::that(&database.url, "BEGIN; LOCK TABLE goose_db_version IN ACCESS EXCLUSIVE MODE");
    for timeout in ["lock_timeout", "statement_timeout"] {
        let name = &database.name;
        let set = format!("ALTER DATABASE {name} RESET ALL; ALTER DATABASE {name} SET {timeout} = '300ms'");
        set.split("; ").for_each(|one| drop(database.rows(one)));
        for command in ["up", "status"] {
            let ended = migrate(&database.url, files.path(), &[command]);
            assert_eq!(ended.code, 42, "{timeout} {command}: {}", ended.stderr);
            assert!(ended.stderr.contains("could not be read in time"), "{timeout} {command}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_lock_of_the_application_is_tried_for_again_until_it_is_free() {
    let (database, files) = (Database::create(), folder(&[TABLE, ALTER]));
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
    let holder = Session::that(&database.url, "BEGIN; SELECT * FROM a");
    let mut run = Background::start(&database.url, files.path(), &["up", "--lock-timeout", "1500ms"]);
    let blocked = run.read_until("waits for a lock");
    assert!(blocked.contains(&holder.pid) && blocked.contains("the application"), "{blocked}");
    let retry = run.read_until("trying again");
    assert!(retry.contains("00002_b.sql was rolled back"), "{retry}");
    drop(holder);
    let ended = run.wait();
    assert_eq!((ended.code, database.versions()), (0, vec!["0".into(), "1".into(), "2".into()]), "{}", ended.stderr);
}

#[test]
fn a_lock_that_stays_taken_ends_the_run_when_its_budget_is_spent() {
    let (database, files) = (Database::create(), folder(&[TABLE, ALTER]));
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
    let holder = Session::that(&database.url, "BEGIN; SELECT * FROM a");
    let arguments = ["up", "--lock-timeout", "2500ms", "--lock-retry-budget", "6s"];
    let ended = migrate(&database.url, files.path(), &arguments);
    assert_eq!(ended.code, 42, "{}", ended.stderr);
    for words in ["55P03", "00002_b.sql:2", "was rolled back", "tried", &holder.pid] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn readers_wait_no_longer_than_the_lock_timeout_behind_a_migration_that_waits() {
    let (database, files) = (Database::create(), folder(&[TABLE, ALTER]));
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
    let holder = Session::that(&database.url, "BEGIN; SELECT * FROM a");
    let over = AtomicBool::new(false);
    let (waits, ended) = std::thread::scope(|scope| {
        let readers = scope.spawn(|| {
            let mut waits = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let start = Instant::now();
                sql(&database.url, "SELECT count(*) FROM a");
                waits.push(start.elapsed());
            }
            waits
        });
        let arguments = ["up", "--lock-timeout", "500ms", "--lock-retry-budget", "4s"];
        let ended = migrate(&database.url, files.path(), &arguments);
        over.store(true, Ordering::Relaxed);
        (readers.join().expect("readers"), ended)
    });
    drop(holder);
    assert_eq!(ended.code, 42, "{}", ended.stderr);
    let mut waits = waits;
    waits.sort();
    let p99 = waits[(waits.len() - 1) * 99 / 100];
    println!("{} reads, p99 {p99:?}, longest {:?}", waits.len(), waits.last());
    assert!(p99 < Duration::from_millis(1500), "{p99:?}");
}

#[test]
fn a_deadlock_is_tried_again() {
    let database = Database::create();
    // The first time it fails as a deadlock does.
    database.rows("CREATE SEQUENCE tries");
    let text = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN IF nextval('tries') = 1 THEN \
                RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF; END $$;\n-- +goose StatementEnd\n";
    let files = folder(&[("00001_a.sql", text)]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((ended.code, database.versions()), (0, vec!["0".into(), "1".into()]), "{}", ended.stderr);
    assert!(ended.stderr.contains("trying again"), "{}", ended.stderr);
    assert_eq!(database.rows("SELECT last_value FROM tries"), ["2"]);
}

#[test]
fn an_index_built_concurrently_waits_without_a_bound_and_says_for_whom() {
    let (database, files) = (
        Database::create(),
        folder(&[
            TABLE,
            ("00002_i.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (id);\n"),
        ]),
    );
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
    let writer = Session::that(&database.url, "BEGIN; INSERT INTO a VALUES (1)");
    let mut run = Background::start(&database.url, files.path(), &["up", "--lock-timeout", "300ms"]);
    let blocked = run.read_until("waits for a lock");
    assert!(blocked.contains(&writer.pid) && blocked.contains("00002_i.sql:3"), "{blocked}");
    let progress = run.read_until("has been running for");
    assert!(progress.contains("CREATE INDEX CONCURRENTLY: waiting for writers before build"), "{progress}");
    drop(writer);
    let ended = run.wait();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), ["t"]);
}

#[test]
fn a_long_statement_is_never_silent_for_more_than_fifteen_seconds() {
    let (database, files) = (Database::create(), folder(&[("00001_a.sql", "-- +goose Up\nSELECT pg_sleep(13);\n")]));
    let mut run = Background::start(&database.url, files.path(), &["up", "--log-format", "json"]);
    let line = run.read_until("\"event\":\"progress\"");
    let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
    assert_eq!((&line["version"], &line["statement"], &line["line"]), (&1.into(), &1.into(), &2.into()));
    assert_eq!((&line["waits_for"], &line["phase"]), (&"Timeout PgSleep".into(), &serde_json::Value::Null));
    assert!(line["elapsed_ms"].as_u64().is_some_and(|time| (10_000..15_000).contains(&time)), "{line}");
    assert_eq!(run.wait().code, 0);
}

#[test]
fn the_file_s_own_timeouts_hold_for_it_and_no_longer() {
    let database = Database::create();
    let shows = |name: &str, value: &str| {
        format!(
            "-- +goose StatementBegin\nDO $$ BEGIN IF current_setting('{name}') <> '{value}' THEN \
             RAISE EXCEPTION '{name} is %', current_setting('{name}'); END IF; END $$;\n-- +goose StatementEnd\n"
        )
    };
    let usual = format!("-- +goose Up\n{}{}", shows("lock_timeout", "5s"), shows("statement_timeout", "0"));
    let own = format!(
        "-- +goose Up\n-- migrate:lock-timeout 2s\n-- migrate:statement-timeout 1min\n{}{}",
        shows("lock_timeout", "2s"),
        shows("statement_timeout", "1min")
    );
    let files = folder(&[("00001_a.sql", &usual), ("00002_b.sql", &own), ("00003_c.sql", &usual)]);
    database.rows(&format!(
        "ALTER DATABASE {0} SET lock_timeout = '1ms'; ALTER DATABASE {0} SET statement_timeout = '1s'",
        database.name
    ));
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let files = folder(&[("00001_a.sql", "-- +goose Up\n-- migrate:lock-timeout soon\nSELECT 1;\n")]);
    let ended = migrate(&Database::create().url, files.path(), &["up"]);
    assert_eq!(ended.code, 29, "{}", ended.stderr);
    for words in ["00001_a.sql:2:1", "`migrate:lock-timeout` has no time"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[test]
fn a_role_that_owns_what_the_files_make_does_not_write_the_version_table() {
    let database = Database::create();
    let role = format!("owner_{}", database.name);
    database.rows(&format!("CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}"));
    let concurrently = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\n\
                        CREATE INDEX CONCURRENTLY i ON b (id);\n";
    let files = folder(&[TABLE, ("00002_b.sql", concurrently)]);
    let ended = migrate(&database.url, files.path(), &["up", "--role", &role]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let owner = "SELECT relname, relowner::regrole FROM pg_class WHERE relname IN ('a', 'b', 'i') ORDER BY 1";
    assert_eq!(database.rows(owner), ["a", "b", "i"].map(|name| format!("{name}|{role}")));
    assert_eq!(database.rows("SELECT DISTINCT applied_by FROM goose_db_version_ledger"), ["postgres"]);
    let theirs = "SELECT DISTINCT relowner::regrole FROM pg_class WHERE relname LIKE 'goose%' AND relkind = 'r'";
    assert_eq!(database.rows(theirs), ["postgres"]);
    database.rows(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

#[test]
fn notices_are_told_with_the_place_of_their_statement() {
    let database = Database::create();
    let raise = |words: &str| {
        format!("-- +goose StatementBegin\nDO $$ BEGIN RAISE WARNING '{words}'; END $$;\n-- +goose StatementEnd\n")
    };
    let text = format!("-- +goose Up\nCREATE TABLE a ();\n{}SELECT 1;\n{}", raise("one"), raise("two"));
    let files = folder(&[("00001_a.sql", &text), ("00002_b.sql", &format!("-- +goose Up\n{}", raise("three")))]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    let told: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("WARNING")).collect();
    let expected = [
        "warning: 00001_a.sql:4: server WARNING: one",
        "warning: 00001_a.sql:8: server WARNING: two",
        "warning: 00002_b.sql:3: server WARNING: three",
    ];
    assert_eq!(told, expected, "{}", ended.stderr);
}

#[test]
fn a_flood_of_notices_is_cut_short() {
    let database = Database::create();
    let text = "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN FOR i IN 1..20000 LOOP RAISE WARNING 'no %', i; \
                END LOOP; END $$;\n-- +goose StatementEnd\n";
    let files = folder(&[("00001_a.sql", text)]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!(ended.code, 0);
    assert!(ended.stderr.lines().count() < 300, "{}", ended.stderr.lines().count());
    assert!(ended.stderr.contains("19800 more notices are not shown"), "{}", ended.stderr.lines().last().unwrap());
}

#[test]
fn all_files_in_one_transaction_are_applied_together_or_not_at_all() {
    let database = Database::create();
    let broken = ("00003_c.sql", "-- +goose Up\nSELECT set_config('search_path', '', false);\nSELECT 1/0;\n");
    let files = folder(&[TABLE, ALTER, broken]);
    let ended = migrate(&database.url, files.path(), &["up", "--single-transaction"]);
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    for words in ["00003_c.sql:3", "rolled back with the other 2 files"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    assert_eq!(
        (database.versions(), database.rows("SELECT to_regclass('a')")),
        (vec!["0".into()], vec![String::new()])
    );
    let mended = ("00003_c.sql", "-- +goose Up\nSELECT set_config('search_path', '', false);\n");
    let last = ("00004_d.sql", "-- +goose Up\nCREATE TABLE d (id int);\n");
    let files = folder(&[TABLE, ALTER, mended, last]);
    let ended = migrate(&database.url, files.path(), &["up", "--single-transaction"]);
    assert_eq!((ended.code, database.versions().join(" ").as_str()), (0, "0 1 2 3 4"), "{}", ended.stderr);
    assert_eq!(database.rows("SELECT count(DISTINCT xmin::text) FROM goose_db_version WHERE version_id > 0"), ["1"]);
    assert_eq!(database.rows("SELECT count(*) FROM goose_db_version_ledger"), ["4"]);
    let apart = ("00005_e.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n");
    let files = folder(&[TABLE, ALTER, mended, last, apart]);
    let ended = migrate(&database.url, files.path(), &["up", "--single-transaction"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("00005_e.sql"), "{}", ended.stderr);
}

#[test]
fn of_all_files_in_one_transaction_the_one_that_waits_is_named() {
    let database = Database::create();
    database.rows("CREATE TABLE old (id int)");
    let second = ("00002_b.sql", "-- +goose Up\nALTER TABLE old ADD b int;\n");
    let files = folder(&[TABLE, second]);
    let holder = Session::that(&database.url, "BEGIN; SELECT * FROM old");
    let mut run =
        Background::start(&database.url, files.path(), &["up", "--single-transaction", "--lock-timeout", "1s"]);
    let told = run.read_until("trying again");
    assert!(told.contains("00002_b.sql was rolled back"), "{told}");
    drop(holder);
    assert_eq!(run.wait().code, 0);
}

#[test]
fn one_failure_stops_all_that_is_on_the_way_behind_it() {
    let database = Database::create();
    let files: Vec<(String, String)> = (1..=40)
        .map(|version| {
            let text = if version == 7 { "SELECT 1/0;".into() } else { format!("CREATE TABLE t{version} (id int);") };
            (format!("{version:05}_t.sql"), format!("-- +goose Up\n{text}\n"))
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = folder(&files);
    for flights in ["1", "2", "24", "1000"] {
        let database = Database::create();
        let ended = migrate(&database.url, files.path(), &["up", "--flight", flights]);
        assert_eq!((ended.code, database.versions().len()), (25, 7), "{flights}: {}", ended.stderr);
        let tables = database.rows("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'");
        assert_eq!(tables, ["6"], "{flights}");
    }
    eventually("no session left", || {
        database.rows(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ) == ["0"]
    });
}
