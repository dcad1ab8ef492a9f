//! Guards and records that are prepared statements decide what those decide that are written out.

use std::path::Path;

use migrate_core::check;
use migrate_core::flight::{Bookkeeping, Durability, Purpose, TableName, Terms, Window, convoy};
use migrate_core::history::{Existing, History};
use migrate_core::parse::Environment;
use migrate_core::plan::{Goal, Order, plan};

use crate::hostile::assert_refused_without_begin;
use crate::stage::{Database, Ended, eventually, folder, migrate};

/// The file whose statement waits for a lock on a table that the scene holds.
const WAITING: u32 = 4;
const PREPARED: [&str; 4] = ["migrate_history", "migrate_lock", "migrate_proof", "migrate_record"];

/// Eight files, with another statement in one of them.
fn eight(at: u32, more: &str) -> tempfile::TempDir {
    let text = |version| {
        let more = if version == at { more } else { "" };
        format!("-- +goose Up\n{more}CREATE TABLE t{version} (id int);\n-- +goose Down\nDROP TABLE t{version};\n")
    };
    let files: Vec<(String, String)> = (1..=8).map(|version| (format!("{version:05}_t.sql"), text(version))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(&files)
}

/// What an `up` says that finds the fourth table there and waits with the fourth file while something is done.
fn up_and_meanwhile(database: &Database, meanwhile: &str) -> Ended {
    let files = eight(WAITING, "ALTER TABLE held ADD COLUMN added int;\nDROP TABLE IF EXISTS t4;\n");
    database.rows("CREATE TABLE held (id int)");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
    let holder = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.expect("one");
        tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK TABLE held IN ACCESS SHARE MODE").await.expect("a lock");
        client
    });
    let arguments = ["up", "--lock-timeout", "1m", "--lock-wait", "1m"];
    std::thread::scope(|scope| {
        let up = scope.spawn(|| migrate(&database.url, files.path(), &arguments));
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'held'::regclass";
        eventually("the fourth file waits", || database.rows(waits) == ["1"]);
        database.rows(meanwhile);
        runtime.block_on(holder.batch_execute("COMMIT")).expect("an end");
        up.join().expect("a run")
    })
}

fn assert_up(ended: &Ended, database: &Database, versions: &[&str]) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(database.versions(), versions, "{}", ended.stderr);
}

#[test]
fn a_session_of_its_own_has_them_prepared_and_one_of_a_pool_has_not() {
    let seen = "CREATE TABLE seen AS SELECT name FROM pg_prepared_statements ORDER BY name;\n";
    let (database, files) = (Database::create(), eight(WAITING, seen));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    assert_eq!(database.rows("SELECT name FROM seen"), PREPARED);
    let other = Database::create();
    let Some(pooler) = crate::pooled::start("transaction", 2) else { return };
    assert_eq!(migrate(&pooler.url(&other.name), files.path(), &["up"]).code, 0);
    assert_eq!(other.rows("SELECT name FROM seen"), [""; 0]);
    crate::pooled::leave(pooler, &other);
    let rows = "SELECT v.version_id, l.file, l.text_sha256, l.tokens_sha256, l.release, l.tool, l.no_transaction, \
                l.down_statements, l.down_sha256, l.up_sha256, l.requires_app, l.applied_by, length(l.run_id), \
                l.duration > interval '0' FROM goose_db_version v LEFT JOIN goose_db_version_ledger l \
                ON (l.row_id, l.version_id, l.tstamp) = (v.id, v.version_id, v.tstamp) ORDER BY v.id";
    assert_eq!(database.rows(rows), other.rows(rows), "the rows are the same either way");
}

/// Whatever makes the session what it was before has taken them with it.
#[test]
fn behind_a_file_that_touches_the_session_they_are_prepared_anew() {
    let (database, files) = (Database::create(), eight(WAITING, "SET search_path = public;\n"));
    let seen = "-- +goose Up\nCREATE TABLE seen AS SELECT name FROM pg_prepared_statements ORDER BY name;\n";
    std::fs::write(files.path().join("00006_t.sql"), seen).expect("the file");
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_up(&ended, &database, &["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(database.rows("SELECT name FROM seen"), PREPARED);
}

/// As goose's command may, which takes no lock: the newest row is then the one of the run all the same.
#[test]
fn what_somebody_applies_without_the_lock_meanwhile_is_not_run_again() {
    let database = Database::create();
    let ended = up_and_meanwhile(
        &database,
        "CREATE TABLE t4 (id int); CREATE TABLE t5 (id int); \
         INSERT INTO goose_db_version (version_id, is_applied) VALUES (4, true), (5, true)",
    );
    assert_up(&ended, &database, &["0", "1", "2", "3", "4", "5", "4", "6", "7", "8"]);
}

#[test]
fn a_record_that_does_not_stay_is_told_in_the_words_of_one_that_is_written_out() {
    let database = Database::create();
    let ended = up_and_meanwhile(
        &database,
        "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         DELETE FROM goose_db_version WHERE version_id = 5; RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER forget AFTER INSERT ON goose_db_version DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW WHEN (NEW.version_id = 5) EXECUTE FUNCTION forget()",
    );
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    assert!(ended.stderr.contains("00005_t.sql") && ended.stderr.contains("could not be recorded"), "{}", ended.stderr);
    assert_eq!(database.versions(), ["0", "1", "2", "3", "4"]);
}

#[test]
fn the_table_locker_of_goose_that_comes_meanwhile_is_waited_for() {
    let database = Database::create();
    let ended = up_and_meanwhile(
        &database,
        "CREATE TABLE goose_lock (lock_id bigint NOT NULL PRIMARY KEY, locked boolean NOT NULL DEFAULT false, \
         locked_at timestamptz NULL, locked_by text NULL, lease_expires_at timestamptz NULL, \
         updated_at timestamptz NULL); INSERT INTO goose_lock VALUES \
         (4097083626, true, now(), 'pod-1', clock_timestamp() + interval '3 seconds', now())",
    );
    assert_up(&ended, &database, &["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    assert!(ended.stderr.contains("goose's table locker (pod-1)"), "{}", ended.stderr);
    let early = "SELECT count(*) FROM goose_db_version v, goose_lock l WHERE v.version_id >= 4 \
                 AND v.tstamp < l.locked_at::timestamp + interval '3 seconds'";
    assert_eq!(database.rows(early), ["0"], "nothing was applied under the lease");
}

#[test]
fn where_the_server_will_not_prepare_them_they_are_written_out() {
    let (database, files) = (Database::create(), eight(0, ""));
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "2"]).code, 0);
    database.rows("ALTER TABLE goose_db_version_ledger ALTER down_sha256 TYPE bytea USING down_sha256::bytea");
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_up(&ended, &database, &["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
}

/// Somebody who takes no lock makes the history what the guards behind a failure expect.
#[test]
fn what_landed_behind_a_failure_all_the_same_is_told() {
    let database = Database::create();
    let files = eight(0, "");
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "2"]).code, 0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
    let hand = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.expect("one");
        tokio::spawn(connection);
        let third =
            "BEGIN; CREATE TABLE t3 (id int); INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, true)";
        client.batch_execute(third).await.expect("a row");
        client
    });
    let ended = std::thread::scope(|scope| {
        let up = scope.spawn(|| migrate(&database.url, files.path(), &["up"]));
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'";
        eventually("the third file waits for the name", || database.rows(waits) == ["1"]);
        runtime.block_on(hand.batch_execute("COMMIT")).expect("an end");
        up.join().expect("a run")
    });
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    let told: Vec<String> =
        (4..=8).filter(|n| ended.stderr.contains(&format!("up    {n:05}_t.sql"))).map(|n| n.to_string()).collect();
    assert_eq!(database.versions()[4..], told, "{}", ended.stderr);
    let last = database.versions().last().cloned().unwrap_or_default();
    assert!(ended.stderr.contains(&format!("the database is at version {last}")), "{}", ended.stderr);
}

/// What prepares the statements, and the guard and the record that execute them.
fn sent(dir: &Path) -> [String; 3] {
    let set = check::folder(dir, "migrations", None).set;
    let history = History { tables: Existing::WHOLE, ..History::brought_to([], true) };
    let environment = Environment::default();
    let plan = plan(Order::new(&set, Goal::Up, &environment), &history).expect("a plan");
    let tables = TableName::default().in_schema("public");
    let bookkeeping = Bookkeeping { tables, release: String::new(), run: String::new(), terms: Terms::default() };
    let window = Window { flights: 8, durability: Durability::Each, prepares: true };
    let flights: Vec<_> = convoy(&plan.batches, &bookkeeping, window).map(|(flight, _)| flight).collect();
    let of = |flight: usize, purpose| {
        let message = flights[flight].messages.iter().find(|message| message.purpose == purpose);
        message.expect("a message").sql.clone().into_owned()
    };
    let first = of(0, Purpose::Guard);
    let (_, prepares) = first.split_once("DEALLOCATE ALL;").expect("the statements behind the guard");
    [prepares.to_owned(), of(1, Purpose::Guard), of(1, Purpose::Record)]
}

#[test]
fn what_is_sent_behind_a_begin_that_failed_takes_no_effect() {
    let (database, files) = (Database::create(), eight(0, ""));
    assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
    let [prepares, guard, record] = sent(files.path());
    assert_refused_without_begin(&database, &prepares, &guard, &record);
    assert_eq!(database.versions(), ["0", "1"]);
}
