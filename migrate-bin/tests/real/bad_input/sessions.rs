//! A migration that leaves something in the session: the bookkeeping works, and the next file sees none of it.

use super::GOOD;
use crate::stage::{Database, folder, migrate};

/// What a file may leave behind, and a statement that fails if anything of it is still there.
const LEFTOVERS: [(&str, &str, &str); 8] = [
    ("a role", "SET ROLE pg_monitor;", "current_user = session_user"),
    ("a search path", "SELECT set_config('search_path', '', false);", "current_setting('search_path') LIKE '%public%'"),
    ("a setting", "SET statement_timeout = '7s';", "current_setting('statement_timeout') = '0'"),
    ("a time zone", "SET TIME ZONE 'Asia/Tokyo';", "current_setting('TimeZone') <> 'Asia/Tokyo'"),
    ("a temporary table", "CREATE TEMP TABLE a (id int, extra int);", "to_regclass('pg_temp.a') IS NULL"),
    ("a channel", "LISTEN news;", "NOT EXISTS (SELECT FROM pg_listening_channels())"),
    ("a prepared statement", "PREPARE p AS SELECT 1;", "NOT EXISTS (SELECT FROM pg_prepared_statements)"),
    (
        "a lock",
        "SELECT pg_advisory_lock(42);",
        "NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND pid = pg_backend_pid())",
    ),
];

fn next_file(condition: &str) -> String {
    format!(
        "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN\n  IF NOT ({condition}) THEN\n    \
         RAISE EXCEPTION 'it is still there';\n  END IF;\nEND $$;\n-- +goose StatementEnd\n"
    )
}

#[test]
fn what_a_file_leaves_in_the_session_reaches_neither_the_version_table_nor_the_next_file() {
    for mode in ["", "-- +goose NO TRANSACTION\n"] {
        for (name, leave, gone) in LEFTOVERS {
            let database = Database::create();
            let leaving = format!("{mode}-- +goose Up\n{leave}\n");
            let files = folder(&[GOOD, ("00002_b.sql", &leaving), ("00003_c.sql", &next_file(gone))]);
            let ended = migrate(&database.url, files.path(), &["up"]);
            assert_eq!(ended.code, 0, "{mode}{name}: {}", ended.stderr);
            assert_eq!(database.version_rows(), "1:0:true 2:1:true 3:2:true 4:3:true", "{mode}{name}");
        }
    }
}

#[test]
fn within_one_file_the_session_is_the_file_s_own() {
    let database = Database::create();
    let text = "-- +goose Up\nCREATE SCHEMA app;\nSET search_path = app;\nCREATE TABLE t (id int);\n";
    let files = folder(&[("00001_a.sql", text), ("00002_b.sql", "-- +goose Up\nCREATE TABLE t (id int);\n")]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let tables = database.rows("SELECT schemaname FROM pg_tables WHERE tablename = 't' ORDER BY 1");
    assert_eq!(tables, ["app", "public"]);
}
