//! A server, a database or a role that takes no writes.

use super::{ONE, drop_role, role, there, told};
use crate::stage::{Database, folder, migrate};
use crate::standby::Standby;

const WITHOUT: (&str, &str) = (
    "00002_b.sql",
    "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\nCREATE INDEX CONCURRENTLY i ON b (id);\n\
     INSERT INTO b VALUES (1);\nVACUUM b;\n",
);

#[test]
fn a_read_only_default_is_overridden_with_a_transaction_and_without() {
    for setting in ["ALTER DATABASE NAME SET", "ALTER ROLE WHO SET"] {
        let database = Database::create();
        let (role, url) = role(&database, "readonly", "GRANT ALL ON SCHEMA public TO ROLE");
        let setting = setting.replace("NAME", &database.name).replace("WHO", &role);
        database.rows(&format!("{setting} default_transaction_read_only = on"));
        let files = folder(&[ONE, WITHOUT]);
        told(&migrate(&url, files.path(), &["up"]), 0, &["at version 2"]);
        let valid = "SELECT indisvalid, (SELECT count(*) FROM b) FROM pg_index WHERE indexrelid = 'i'::regclass";
        assert_eq!(database.rows(valid), ["t|1"]);
        database.rows(&format!("BEGIN READ WRITE; {}; COMMIT", unset(&setting)));
        drop_role(&database, &role);
    }
}

fn unset(setting: &str) -> String {
    format!("{} RESET ALL", setting.trim_end_matches(" SET"))
}

#[test]
fn a_file_that_makes_its_session_read_only_is_recorded_all_the_same() {
    let database = Database::create();
    let text =
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\nSET default_transaction_read_only = on;\n";
    let files = folder(&[ONE, ("00002_b.sql", text)]);
    told(&migrate(&database.url, files.path(), &["up"]), 0, &["at version 2"]);
    assert_eq!(database.versions(), ["0", "1", "2"]);
}

#[test]
fn a_standby_says_that_it_takes_no_writes_whatever_kind_of_file_is_next() {
    let primary = migrate_scratch::Server::newest().expect("a server");
    let database = Database::create_on(&primary);
    let files = folder(&[ONE, WITHOUT]);
    told(&migrate(&database.url, files.path(), &["up", "--to", "1"]), 0, &[]);
    database.rows("CREATE TABLE goose_db_version_journal_seen (id int)");
    let standby = Standby::of(&primary, true);
    let url = standby.url(&database.name);
    for (command, file) in [("up", "no transaction"), ("down", "transaction")] {
        let ended = migrate(&url, files.path(), &[command, "--connect-wait", "30s"]);
        told(&ended, 43, &["nothing "]);
        assert!(
            !ended.stderr.contains("INVALID") && !ended.stderr.contains("statements of"),
            "{file}: {}",
            ended.stderr
        );
    }
    assert!(!there(&database, "b"));
}
