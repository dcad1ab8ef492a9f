//! A place where the version table would be forgotten, or that is the server's own, is refused.

use super::{ONE, there, told};
use crate::stage::{Database, Ended, folder, migrate, migrate_command};

#[test]
fn a_search_path_that_begins_with_temporary_tables_is_no_place_for_the_history() {
    for path in ["pg_temp, public", "pg_temp", "nowhere, pg_temp, public"] {
        let database = Database::create();
        let files = folder(&[ONE]);
        database.rows(&format!("ALTER DATABASE {} SET search_path = {path}", database.name));
        for command in ["up", "status", "version"] {
            let ended = migrate(&database.url, files.path(), &[command]);
            told(&ended, 20, &["pg_temp", "a temporary one", "--table SCHEMA.TABLE", "nothing was changed"]);
        }
        assert!(!there(&database, "public.a"), "{path}");
    }
}

#[test]
fn a_search_path_in_which_the_table_is_found_is_nobody_s_problem() {
    let database = Database::create();
    let files = folder(&[ONE]);
    told(&migrate(&database.url, files.path(), &["up"]), 0, &[]);
    database.rows(&format!("ALTER DATABASE {} SET search_path = pg_temp, public", database.name));
    told(&migrate(&database.url, files.path(), &["up"]), 0, &["nothing to apply: the database is at version 1"]);
}

#[test]
fn the_server_s_own_schemas_and_temporary_ones_are_refused_by_name() {
    let database = Database::create();
    let files = folder(&[ONE]);
    for schema in ["pg_catalog", "information_schema", "pg_toast"] {
        let table = format!("{schema}.goose_db_version");
        let ended = migrate(&database.url, files.path(), &["up", "--table", &table]);
        told(&ended, 20, &[schema, "the server's own", "nothing was changed"]);
    }
    told(&migrate(&database.url, files.path(), &["up", "--table", "pg_temp.goose_db_version"]), 20, &["pg_temp"]);
    let mut command = migrate_command(&["up", "--dir"]);
    command.arg(files.path()).args(["--database-url", &format!("{}?options=-csearch_path%3Dpg_temp", database.url)]);
    let ended: Ended = command.output().expect("migrate starts").into();
    told(&ended, 20, &["a temporary one"]);
    assert!(!there(&database, "a"));
}
