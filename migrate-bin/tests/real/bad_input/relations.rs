//! A version table that is not goose's, or a place for it that does not exist.

use super::{GOOD, assert_refused, assert_untouched, relations};
use crate::stage::{Database, folder, migrate};

#[test]
fn a_relation_that_is_not_goose_s_table_is_left_alone() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    database.rows(
        "CREATE VIEW a_view AS SELECT 1; CREATE SEQUENCE a_sequence; CREATE TABLE other_columns (a int); \
         CREATE TABLE other_types (id int, version_id text, is_applied text, tstamp int); \
         INSERT INTO other_types VALUES (1, 'x', 'y', 3)",
    );
    let before = relations(&database);
    for (table, why) in [
        ("a_view", "it is not a table"),
        ("a_sequence", "it is not a table"),
        ("other_columns", "column id does not exist"),
        ("other_types", ""),
    ] {
        for command in ["up", "status", "version"] {
            let ended = migrate(&database.url, files.path(), &[command, "--table", table]);
            let what = format!("`{table}` is not a goose version table");
            assert_refused(&ended, 28, &[&what, why, "nothing was changed", "--table"]);
        }
        assert_eq!(relations(&database), before, "{table}");
    }
}

#[test]
fn a_schema_that_does_not_exist_is_not_created() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    for command in ["up", "status"] {
        let ended = migrate(&database.url, files.path(), &[command, "--table", "nowhere.goose_db_version"]);
        assert_refused(&ended, 20, &["error[config]", "`nowhere`", "CREATE SCHEMA nowhere"]);
    }
    assert_untouched(&database);
}

#[test]
fn a_search_path_without_a_schema_leaves_no_place_for_the_table() {
    let database = Database::create();
    let files = folder(&[GOOD]);
    database.rows(&format!("ALTER DATABASE {} SET search_path = nowhere", database.name));
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_refused(&ended, 20, &["search_path", "--table SCHEMA.TABLE"]);
    assert_untouched(&database);
}

#[test]
fn a_migration_that_drops_the_version_table_is_rolled_back() {
    let database = Database::create();
    let files = folder(&[GOOD, ("00002_b.sql", "-- +goose Up\nDROP TABLE goose_db_version;\n")]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_refused(&ended, 25, &["could not be recorded", "42P01", "00002_b.sql was rolled back"]);
    assert_eq!(database.version_rows(), "1:0:true 2:1:true");
}

#[test]
fn a_database_that_is_read_only_by_default_is_migrated_all_the_same() {
    let database = Database::create();
    let concurrently = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (id);\n";
    let files = folder(&[GOOD]);
    database.rows(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name));
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((ended.code, database.version_rows().as_str()), (0, "1:0:true 2:1:true"), "{}", ended.stderr);
    let files = folder(&[GOOD, ("00002_b.sql", concurrently)]);
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!((ended.code, database.versions().join(" ").as_str()), (0, "0 1 2"), "{}", ended.stderr);
}
