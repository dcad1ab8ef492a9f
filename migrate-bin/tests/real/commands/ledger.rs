//! The ledger beside goose's table: who, when, how long, from which text, with which release.

use super::{A, done};
use crate::stage::{Database, example_command, folder, migrate_command};

const CONCURRENT: (&str, &str) = (
    "00002_i.sql",
    "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (id);\n-- +goose Down\nDROP INDEX i;\n",
);

#[test]
fn a_row_belongs_to_its_goose_row_and_holds_digest_duration_role_and_tool() {
    let database = Database::create();
    let files = folder(&[A, CONCURRENT]);
    done(&database, files.path(), &["up"]);
    let rows = database.rows(
        "SELECT l.version_id, l.file, length(l.text_sha256), length(l.tokens_sha256), \
         l.duration > '0' AND l.duration < '1 min', l.applied_by, l.release, l.tool \
         FROM goose_db_version_ledger l JOIN goose_db_version v \
         ON v.id = l.row_id AND v.version_id = l.version_id AND v.tstamp = l.tstamp ORDER BY 1",
    );
    assert_eq!(
        rows,
        ["1|00001_a.sql|64|64|t|postgres||migrate 0.1.0", "2|00002_i.sql|64|64|t|postgres||migrate 0.1.0"]
    );
    let digest = database.rows("SELECT text_sha256 FROM goose_db_version_ledger WHERE version_id = 1");
    assert_eq!(digest, ["f56d6ca2e7d2dce60142dcc1ea296c8360e97d3bbc408ca080e453ddd58f0950"], "as sha256sum says");
}

#[test]
fn the_release_is_the_package_that_embedded_the_files() {
    let database = Database::create();
    let mut command = example_command(&["up", "--to", "1", "--database-url", &database.url]);
    let output = command.output().expect("migrate starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(database.rows("SELECT release FROM goose_db_version_ledger"), ["migrate-bin 0.1.0"]);
}

#[test]
fn the_role_is_the_one_that_logged_in_not_the_one_a_migration_took() {
    let database = Database::create();
    let text = "-- +goose Up\nSET ROLE pg_monitor;\nSELECT 1;\n";
    let files = folder(&[("00001_a.sql", text)]);
    done(&database, files.path(), &["up"]);
    assert_eq!(database.rows("SELECT applied_by FROM goose_db_version_ledger"), ["postgres"]);
}

#[test]
fn undoing_a_version_removes_its_row_and_redo_writes_a_new_one() {
    let database = Database::create();
    let files = folder(&[A, CONCURRENT]);
    done(&database, files.path(), &["up"]);
    done(&database, files.path(), &["redo"]);
    assert_eq!(database.rows("SELECT row_id, version_id FROM goose_db_version_ledger ORDER BY 1"), ["2|1", "4|2"]);
    done(&database, files.path(), &["reset"]);
    assert_eq!(database.rows("SELECT count(*) FROM goose_db_version_ledger"), ["0"]);
    assert_eq!(database.versions(), ["0"]);
}

#[test]
fn the_tables_are_where_the_table_option_says() {
    let database = Database::create();
    database.rows("CREATE SCHEMA app");
    let files = folder(&[A]);
    done(&database, files.path(), &["up", "--table", "app.versions"]);
    assert_eq!(database.rows("SELECT version_id FROM app.versions ORDER BY id"), ["0", "1"]);
    assert_eq!(database.rows("SELECT version_id FROM app.versions_ledger"), ["1"]);
    let mut command = migrate_command(&["version", "--database-url", &database.url]);
    let output = command.env("GOOSE_TABLE", "app.versions").output().expect("migrate starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n");
    assert_eq!(database.version_rows(), "(no table)");
}

/// What the ledger names was applied, whatever became of goose's table: whoever only looks is told the same as a run.
#[test]
fn a_version_table_that_was_lost_is_missed_by_every_command() {
    let (database, files) = (Database::create(), folder(&[A]));
    done(&database, files.path(), &["up"]);
    database.rows("DROP TABLE goose_db_version");
    for command in [&["up"][..], &["up", "--dry-run"], &["plan"], &["status"], &["version"], &["down"]] {
        let ended = crate::stage::migrate(&database.url, files.path(), command);
        assert_eq!(ended.code, 28, "{command:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("`goose_db_version_ledger` says that 1 version"),
            "{command:?}: {}",
            ended.stderr
        );
    }
    let gate = crate::stage::migrate(&database.url, files.path(), &["check"]);
    assert_eq!(gate.code, 13, "{}", gate.stderr);
    assert!(gate.stderr.contains("there is its ledger, goose_db_version_ledger"), "{}", gate.stderr);
    done(&database, files.path(), &["baseline", "--to", "1", "--yes"]);
    done(&database, files.path(), &["check"]);
}
