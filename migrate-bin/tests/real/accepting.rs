//! Applied files that were changed where it cannot matter, and on purpose.

use crate::stage::{Database, Ended, folder, goose, migrate, run_goose};

const UP: &str = "-- +goose Up\nCREATE TABLE a (id int);\n";
const DOWN: &str = "-- +goose Down\nDROP TABLE a;\n";
const FILE: &str = "00001_a.sql";

/// A folder of one file that was applied, and what it is changed to.
fn applied_then(database: &Database, changed: &str) -> tempfile::TempDir {
    let files = folder(&[(FILE, &format!("{UP}{DOWN}"))]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    std::fs::write(files.path().join(FILE), changed).expect("a file");
    files
}

fn told(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

const ACCEPT: [&str; 5] = ["accept", "1", "--reason", "squashed into a baseline", "--yes"];

#[test]
fn an_edit_of_the_down_alone_stops_no_deploy_and_is_what_undoes_the_version() {
    for down in [
        "-- +goose Down\nDROP TABLE IF EXISTS a;\n",
        "-- +goose Down\nDROP TABLE a;\nCREATE TABLE undone (id int);\n",
        "",
        "-- +goose Down\n-- +goose StatementBegin\nDROP TABLE a;\n-- +goose StatementEnd\n",
    ] {
        let database = Database::create();
        let files = applied_then(&database, &format!("{UP}{down}"));
        told(&migrate(&database.url, files.path(), &["up"]), 0, &["Down of", FILE]);
        told(&migrate(&database.url, files.path(), &["check"]), 0, &[]);
        let status = migrate(&database.url, files.path(), &["status", "--output", "json"]).stdout;
        assert!(status.contains("\"state\":\"applied\""), "{status}");
        told(&migrate(&database.url, files.path(), &["down"]), 0, &[]);
        let undone = database.rows("SELECT to_regclass('undone') IS NOT NULL");
        assert_eq!(undone, [if down.contains("undone") { "t" } else { "f" }]);
    }
}

/// Whoever accepts the text of today accepts it for the builds, too.
#[test]
fn what_is_accepted_is_what_the_lock_names() {
    let database = Database::create();
    let files = folder(&[(FILE, &format!("{UP}{DOWN}")), ("00002_b.sql", "-- +goose Up\nSELECT 1;\n")]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    assert_eq!(migrate(&database.url, files.path(), &["lock"]).code, 0);
    std::fs::write(files.path().join(FILE), format!("{UP}SELECT 1;\n{DOWN}")).expect("a file");
    told(&migrate(&database.url, files.path(), &["lock", "--check"]), 29, &[FILE]);
    told(
        &migrate(&database.url, files.path(), &ACCEPT[..4]),
        2,
        &["--yes", "would count as the file that was applied"],
    );
    told(&migrate(&database.url, files.path(), &["lock", "--check"]), 29, &[FILE]);
    told(&migrate(&database.url, files.path(), &ACCEPT), 0, &[]);
    told(&migrate(&database.url, files.path(), &["lock", "--check"]), 0, &[]);
}

#[test]
fn an_edit_of_the_up_stops_deploys_until_a_person_accepts_it() {
    for up in [
        "-- +goose Up\nCREATE TABLE IF NOT EXISTS a (id int);\n",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\n",
        "-- +goose Up\nCREATE TABLE a (id int);\nSELECT 1;\n",
    ] {
        let database = Database::create();
        let files = applied_then(&database, &format!("{up}{DOWN}"));
        told(&migrate(&database.url, files.path(), &["up"]), 28, &["restore the file", " accept`"]);
        told(&migrate(&database.url, files.path(), &["check"]), 13, &[]);
        told(&migrate(&database.url, files.path(), &ACCEPT[..4]), 2, &["--yes"]);
        told(&migrate(&database.url, files.path(), &ACCEPT), 0, &["counts as applied"]);
        told(&migrate(&database.url, files.path(), &["up"]), 0, &["nothing to apply"]);
        told(&migrate(&database.url, files.path(), &["check"]), 0, &[]);
        told(&migrate(&database.url, files.path(), &ACCEPT), 2, &["is the one that was applied"]);
        let journal = migrate(&database.url, files.path(), &["journal", "--output", "json"]).stdout;
        assert!(journal.contains("squashed into a baseline") && journal.contains("postgres: accept"), "{journal}");
        told(&migrate(&database.url, files.path(), &["down"]), 0, &[]);
    }
}

/// A licence header, say.
#[test]
fn a_change_of_the_layout_is_told_until_a_run_has_written_it_down() {
    for header in ["-- Copyright of whoever wrote this.\n", "\n\n", "--\n-- one\n--\n"] {
        let database = Database::create();
        let files = applied_then(&database, &format!("{header}{UP}{DOWN}"));
        let told_of = |arguments: &[&str]| {
            let ended = migrate(&database.url, files.path(), arguments);
            assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
            (ended.stderr.contains("white space or comments"), ended.stdout)
        };
        let (shown, plan) = told_of(&["plan", "--output", "json"]);
        assert!(shown && plan.contains("\"relaid\":[{") && plan.contains("text_sha256 = e.now"), "{plan}");
        assert!(told_of(&["up", "--dry-run"]).0 && told_of(&["up", "--dry-run"]).0, "a dry run writes nothing");
        assert!(told_of(&["up"]).0);
        assert!(!told_of(&["up"]).0 && !told_of(&["plan"]).0);
        std::fs::write(files.path().join(FILE), format!("{UP}SELECT 1;\n{DOWN}")).expect("a file");
        told(&migrate(&database.url, files.path(), &["up"]), 28, &[FILE]);
    }
}

#[test]
fn a_role_that_may_not_write_the_new_layout_down_is_told_each_time_and_stopped_by_nothing() {
    let database = Database::create();
    let files = applied_then(&database, &format!("-- a header\n{UP}{DOWN}"));
    let role = format!("{}_reader", database.name);
    database.rows(&format!("CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role}"));
    let url = database.url.replace("postgres@", &format!("{role}@"));
    for _ in 0..2 {
        told(&migrate(&url, files.path(), &["up"]), 0, &["white space or comments", "nothing to apply"]);
    }
    database.rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    database.rows(
        "ALTER DATABASE SET default_transaction_read_only = on"
            .replace("DATABASE", &format!("DATABASE {}", database.name))
            .as_str(),
    );
    told(&migrate(&database.url, files.path(), &["up"]), 0, &["white space or comments"]);
}

#[test]
fn what_nobody_can_accept_is_said() {
    let (database, files) = (Database::create(), folder(&[(FILE, &format!("{UP}{DOWN}"))]));
    told(&migrate(&database.url, files.path(), &ACCEPT), 2, &["version 1 is not applied"]);
    let Some(goose) = goose("a file that goose applied") else { return };
    assert_eq!(run_goose(&goose, &database.url, files.path(), &["up"]).code, 0);
    std::fs::write(files.path().join(FILE), "-- +goose Up\nSELECT 1;\n").expect("a file");
    told(&migrate(&database.url, files.path(), &ACCEPT), 2, &["as far as is known"]);
}

#[test]
fn a_ledger_of_an_older_release_is_read_and_completed() {
    let database = Database::create();
    let files = applied_then(&database, &format!("{UP}-- +goose Down\nDROP TABLE IF EXISTS a;\n"));
    database.rows("ALTER TABLE goose_db_version_ledger DROP COLUMN up_sha256");
    for (command, code) in [("status", 0), ("check", 13), ("up", 28)] {
        told(&migrate(&database.url, files.path(), &[command]), code, &[]);
    }
    told(&migrate(&database.url, files.path(), &ACCEPT), 0, &[]);
    told(&migrate(&database.url, files.path(), &["up"]), 0, &[]);
    std::fs::write(files.path().join(FILE), format!("{UP}{DOWN}")).expect("a file");
    told(&migrate(&database.url, files.path(), &["up"]), 0, &["Down of"]);
}
