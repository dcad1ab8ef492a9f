//! Files that try to break out of their transaction: whatever a file does, nothing behind its first error takes
//! effect, and nothing is recorded that did not run.

use std::path::Path;
use std::time::Duration;

use migrate_core::check;
use migrate_core::flight::{Bookkeeping, Purpose, TableName, Terms, flight};
use migrate_core::history::{Existing, History};
use migrate_core::parse::Environment;
use migrate_core::plan::{Goal, Order, plan};

use crate::stage::{Database, Ended, folder, migrate};

/// SQL that ends, rewinds or disguises the end of a transaction, or takes away what a flight rests on.
const ATTACKS: [(&str, &str); 38] = [
    ("commit", "COMMIT;"),
    ("rollback", "ROLLBACK;"),
    ("abort", "ABORT;"),
    ("end", "END;"),
    ("commit and chain", "COMMIT AND CHAIN;"),
    ("rollback and chain", "ROLLBACK AND CHAIN;"),
    ("commit and begin", "COMMIT; BEGIN;"),
    ("begin", "BEGIN;"),
    ("start", "START TRANSACTION;"),
    ("savepoint", "SAVEPOINT a; ROLLBACK TO a;"),
    ("release", "SAVEPOINT a; RELEASE a;"),
    ("commit behind another command", "SELECT 1; COMMIT;"),
    ("commit behind an empty command", ";;COMMIT;"),
    ("commit behind a comment", "/* a /* b */ ' */ COMMIT; --'"),
    ("commit behind a form feed", "\u{c}COMMIT;"),
    ("commit behind a comment that a carriage return ends", "SELECT 1; -- a note\rCOMMIT;"),
    ("commit behind an escape string", r"SELECT E'\''; COMMIT; --'"),
    ("commit behind a continued escape string", "SELECT E'a'\n'\\''; COMMIT; --'"),
    ("commit behind a Unicode string", r"SELECT U&'\0061'; COMMIT; --'"),
    ("commit behind a name with dollars", "SELECT 1 AS a$b$; COMMIT; SELECT 2 AS a$b$;"),
    ("commit behind a dollar quote with a foreign tag", "SELECT $é$'$é$; COMMIT; --'"),
    ("commit behind a quoted name", "SELECT 1 AS \"a\"\"'\"; COMMIT; --'"),
    (
        "commit behind a string of the old kind",
        "SET standard_conforming_strings = off; SELECT 1;\n-- +goose StatementEnd\n-- +goose StatementBegin\n\
         SELECT 'a\\'' ; COMMIT; --'",
    ),
    ("prepare transaction", "PREPARE TRANSACTION 'x';"),
    ("commit in a block", "DO $$ BEGIN COMMIT; END $$;"),
    ("commit by execute", "DO $$ BEGIN EXECUTE 'COMMIT'; END $$;"),
    ("commit in a procedure", "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$; CALL p();"),
    ("a body of statements", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;"),
    ("an error that is caught", "DO $$ BEGIN PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN NULL; END $$;"),
    ("our own setting, in the transaction", "SET LOCAL migrate.flight = 'other';"),
    ("our own setting, in the session", "SET migrate.flight = 'begun';"),
    ("no locks", "SELECT pg_advisory_unlock_all();"),
    ("no settings", "RESET ALL;"),
    ("nothing of the session", "DISCARD ALL;"),
    ("a read-only transaction", "SET TRANSACTION READ ONLY;"),
    ("a cursor that stays", "DECLARE c CURSOR WITH HOLD FOR SELECT 1;"),
    ("an escape of psql", r"SELECT 1 \; COMMIT;"),
    ("nothing at all", ";"),
];

fn block(sql: &str) -> String {
    format!("-- +goose StatementBegin\n{sql}\n-- +goose StatementEnd\n")
}

#[test]
fn nothing_behind_an_error_takes_effect_whatever_stands_before_it() {
    let database = Database::create();
    for (name, attack) in ATTACKS {
        let text = format!(
            "-- +goose Up\nCREATE TABLE before_it (id int);\n{}SELECT 1/0;\nCREATE TABLE behind_it (id int);\n",
            block(attack)
        );
        let files = folder(&[("00001_a.sql", &text), ("00002_b.sql", "-- +goose Up\nCREATE TABLE next (id int);\n")]);
        // Some of them are refused unless told otherwise; what is sent then has to be harmless all the same.
        for options in [&["up"][..], &["up", "--allow-transaction-control"]] {
            database.rows("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
            let up = migrate(&database.url, files.path(), options);
            assert!((20..40).contains(&up.code), "{name}: exit {}: {}", up.code, up.stderr);
            let stays = database.rows("SELECT count(*) FROM pg_class WHERE relname = 'before_it'") == ["1"];
            assert!(!stays || up.code == 26, "{name}: something stays, but exit {}: {}", up.code, up.stderr);
            if up.code == 29 {
                assert_eq!(database.version_rows(), "(no table)", "{name}");
            } else {
                assert_eq!(database.versions(), ["0"], "{name}");
            }
            let behind = database.rows("SELECT relname FROM pg_class WHERE relname IN ('behind_it', 'next')");
            assert_eq!(behind, Vec::<String>::new(), "{name}");
        }
    }
}

/// Runs `up` four times at once on one file.
fn four_ups(database: &Database, dir: &Path) -> Vec<Ended> {
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| migrate(&database.url, dir, &["up", "--allow-transaction-control"])))
            .collect();
        runs.into_iter().map(|run| run.join().expect("a run")).collect()
    })
}

#[test]
fn a_file_that_ends_its_transaction_itself_runs_once_among_four_runners() {
    for end in ["COMMIT;", "ROLLBACK;", "COMMIT; BEGIN;", "SELECT 1; COMMIT AND CHAIN;"] {
        let database = Database::create();
        database.rows("CREATE TABLE counter (at text)");
        let text = format!(
            "-- +goose Up\n{}INSERT INTO counter VALUES ('middle');\nSELECT pg_sleep(0.5);\n\
             INSERT INTO counter VALUES ('end');\n",
            block(end)
        );
        let files = folder(&[("00001_a.sql", &text)]);
        for run in four_ups(&database, files.path()) {
            assert_eq!(run.code, 0, "{end}: {}", run.stderr);
        }
        assert_eq!(database.versions(), ["0", "1"], "{end}");
        assert_eq!(database.rows("SELECT at FROM counter ORDER BY ctid"), ["middle", "end"], "{end}");
    }
}

#[test]
fn a_file_without_a_transaction_that_leaves_one_open_is_refused_and_not_recorded() {
    for (name, statements, code) in [
        ("left open", "BEGIN;\nCREATE TABLE a (id int);\n", 29),
        ("left open by chain", "BEGIN;\nCREATE TABLE a (id int);\nCOMMIT AND CHAIN;\n", 29),
        ("left open by an error", "BEGIN;\nCREATE TABLE a (id int);\nSELECT 1/0;\n", 29),
        ("ended by an error", "BEGIN;\nCREATE TABLE a (id int);\nSELECT 1/0;\nCOMMIT;\n", 25),
        ("closed", "BEGIN;\nCREATE TABLE a (id int);\nCOMMIT;\n", 0),
    ] {
        let database = Database::create();
        let text = format!("-- +goose NO TRANSACTION\n-- +goose Up\n{statements}");
        let files = folder(&[("00001_a.sql", &text), ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n")]);
        let up = migrate(&database.url, files.path(), &["up"]);
        assert_eq!(up.code, code, "{name}: {}", up.stderr);
        let expected = match code {
            0 => "1:0:true 2:1:true 3:2:true",
            25 => "1:0:true",
            _ => "(no table)",
        };
        assert_eq!(database.version_rows(), expected, "{name}");
        let is_there = database.rows("SELECT count(*) FROM pg_class WHERE relname = 'b'");
        assert_eq!(is_there, [if code == 0 { "1" } else { "0" }], "{name}");
    }
}

#[test]
fn a_file_without_a_transaction_that_gives_every_lock_back_is_recorded_once() {
    for unlock in ["SELECT pg_advisory_unlock_all();", "DISCARD ALL;"] {
        let database = Database::create();
        database.rows("CREATE TABLE counter (at int)");
        let text = format!(
            "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO counter VALUES (1);\n{unlock}\nSELECT pg_sleep(0.5);\n"
        );
        let files = folder(&[("00001_a.sql", &text)]);
        four_ups(&database, files.path());
        assert_eq!(database.versions(), ["0", "1"], "{unlock}");
    }
}

/// The private codes of the guard mean "nothing has run" only while nothing has.
#[test]
fn a_statement_that_raises_the_guard_s_own_code_is_a_failed_statement() {
    for (mode, code) in [("-- +goose NO TRANSACTION\n", 26), ("", 25)] {
        let database = Database::create();
        database.rows("CREATE SEQUENCE runs");
        let raise = block("DO $$ BEGIN RAISE EXCEPTION 'mine' USING ERRCODE = 'MG002'; END $$;");
        let text = format!("{mode}-- +goose Up\nSELECT nextval('runs');\n{raise}");
        let files = folder(&[("00001_a.sql", &text)]);
        let up = migrate(&database.url, files.path(), &["up"]);
        assert_eq!(up.code, code, "{}", up.stderr);
        assert_eq!(database.rows("SELECT last_value FROM runs"), ["1"], "{mode}: {}", up.stderr);
    }
}

/// Every INSERT into the version table is thrown away by a trigger, without an error.
const SWALLOW: &str = "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
                       CREATE TRIGGER swallow BEFORE INSERT ON goose_db_version FOR EACH ROW EXECUTE FUNCTION swallow()";

#[test]
fn a_file_whose_version_row_a_trigger_swallows_is_rolled_back() {
    for (mode, code) in [("", 25), ("-- +goose NO TRANSACTION\n", 26)] {
        let database = Database::create();
        let first = ("00001_a.sql", "-- +goose Up\nCREATE TABLE counter (n int);\n");
        let second = format!("{mode}-- +goose Up\nINSERT INTO counter VALUES (2);\n");
        let files = folder(&[first, ("00002_b.sql", second.as_str())]);
        assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
        database.rows(SWALLOW);
        let ended = migrate(&database.url, files.path(), &["up"]);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("a trigger, a rule or a policy keeps, changes or brings back rows"),
            "{}",
            ended.stderr
        );
        assert_eq!(database.versions(), ["0", "1"], "{mode}");
        database.rows("DROP TRIGGER swallow ON goose_db_version");
        let again = migrate(&database.url, files.path(), &["up"]);
        assert_eq!(again.code, 0, "{}", again.stderr);
        assert_eq!(database.rows("SELECT n FROM counter"), ["2"], "{mode}");
    }
}

#[test]
fn a_deferred_trigger_finds_the_session_that_its_file_made() {
    let database = Database::create();
    let text = format!(
        "-- +goose Up\nCREATE TEMP TABLE t (id int PRIMARY KEY, up int REFERENCES t DEFERRABLE INITIALLY DEFERRED);\n\
         INSERT INTO t VALUES (1, 2), (2, 1);\n{}",
        block("SET search_path = pg_temp;")
    );
    let files = folder(&[("00001_a.sql", &text)]);
    let up = migrate(&database.url, files.path(), &["up"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    assert_eq!(database.versions(), ["0", "1"]);
}

#[test]
fn a_failed_file_without_a_transaction_is_not_run_again_by_the_cleaning_up() {
    let database = Database::create();
    database.rows("CREATE TABLE counter (at int)");
    let text = "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO counter VALUES (1);\nSELECT 1/0;\n\
                INSERT INTO counter VALUES (2);\n";
    let files = folder(&[("00001_a.sql", text)]);
    for (options, runs) in [(&["up", "--no-versioning"][..], 1), (&["up"], 2)] {
        let up = migrate(&database.url, files.path(), options);
        assert_eq!(up.code, 26, "{}", up.stderr);
        assert!(!up.stderr.contains("WARNING"), "{}", up.stderr);
        assert_eq!(database.rows("SELECT at FROM counter"), vec!["1"; runs], "{options:?}");
    }
}

#[test]
fn a_timeout_that_the_database_sets_for_everybody_does_not_cut_a_migration_short() {
    let database = Database::create();
    database.rows(&format!("ALTER DATABASE {} SET statement_timeout = '300ms'", database.name));
    let up = "-- +goose Up\nSELECT pg_sleep(0.6);\n";
    let unwrapped = format!("-- +goose NO TRANSACTION\n{up}");
    // The third sets one for itself, which is its own business.
    let own = "-- +goose NO TRANSACTION\n-- +goose Up\nSET statement_timeout = '300ms';\nSELECT pg_sleep(0.6);\n";
    let files = folder(&[("00001_a.sql", up), ("00002_b.sql", &unwrapped), ("00003_c.sql", own)]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((ended.code, database.version_rows().as_str()), (26, "1:0:true 2:1:true 3:2:true"), "{}", ended.stderr);
}

/// The guard of the first migration of a folder, as `apply` would send it on a database with both tables.
fn guard(dir: &Path) -> String {
    let set = check::folder(dir, "migrations", None).set;
    let history = History { rows: vec![], tables: Existing::WHOLE, attempts: vec![] };
    let environment = Environment::default();
    let plan = plan(Order::new(&set, Goal::Up, &environment), &history).expect("a plan");
    let bookkeeping = Bookkeeping {
        tables: TableName::default().in_schema("public"),
        release: String::new(),
        run: String::new(),
        terms: Terms::default(),
    };
    let messages = flight(&plan.batches[0], &bookkeeping).messages;
    let guard = messages.iter().find(|message| message.purpose == Purpose::Guard).expect("a guard");
    guard.sql.clone().into_owned()
}

#[test]
fn what_is_sent_behind_a_begin_that_failed_takes_no_effect() {
    let (database, files) = (Database::create(), folder(&[("00001_a.sql", "-- +goose Up\nSELECT 1;\n")]));
    assert_refused_without_begin(&database, "SELECT 1", &guard(files.path()), "SELECT 1");
}

/// That a guard outside a transaction ends its session, and with it what is on the wire behind it, a record at last.
pub(crate) fn assert_refused_without_begin(database: &Database, before: &str, guard: &str, record: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (guarded, created, after) = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.expect("one");
        tokio::spawn(connection);
        client.batch_execute(before).await.expect("what the guard needs");
        // `join!` polls in order and the first poll sends: all are on the wire before the first answer, as in a flight
        // whose BEGIN was cancelled.
        let answers = tokio::join!(
            client.batch_execute(guard),
            client.batch_execute("CREATE TABLE behind_it (id int)"),
            client.batch_execute(record),
            client.batch_execute("COMMIT"),
        );
        (answers.0, answers.1, tokio::time::timeout(Duration::from_secs(10), client.batch_execute("SELECT 1")).await)
    });
    let code = guarded.expect_err("a guard outside a transaction").code().cloned();
    assert_eq!(code, Some(tokio_postgres::error::SqlState::ADMIN_SHUTDOWN));
    assert!(created.is_err() && after.expect("an answer").is_err(), "the session is gone");
    assert_eq!(database.rows("SELECT count(*) FROM pg_class WHERE relname = 'behind_it'"), ["0"]);
}
