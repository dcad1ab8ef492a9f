//! Files that choose the isolation of their transaction, which PostgreSQL allows before its first query alone: they work as
//! with goose, and the history that the guard compares is that behind the lock.

use crate::background::Background;
use crate::pooler::Pooler;
use crate::stage::{Database, folder, goose, migrate, run_goose, server};

/// A file whose transaction has this isolation, in both directions.
fn file(chosen: &str, isolation: &str) -> String {
    let asserted = format!(
        "-- +goose StatementBegin\nDO $$ BEGIN\n  IF current_setting('transaction_isolation') <> '{isolation}' THEN\n    \
         RAISE EXCEPTION 'it is %', current_setting('transaction_isolation');\n  END IF;\nEND $$;\n\
         -- +goose StatementEnd\n"
    );
    format!(
        "-- +goose Up\n-- why\n{chosen};\n{asserted}CREATE TABLE a (id int);\n-- +goose Down\n{chosen};\n{asserted}\
         DROP TABLE a;\n"
    )
}

const CHOSEN: [(&str, &str); 5] = [
    ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "serializable"),
    ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE", "repeatable read"),
    ("SET LOCAL transaction_isolation = 'serializable'", "serializable"),
    ("SET transaction_isolation TO 'repeatable read'", "repeatable read"),
    ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nSET TRANSACTION DEFERRABLE", "serializable"),
];

#[test]
fn a_file_chooses_its_isolation_in_both_directions_as_with_goose() {
    for (chosen, isolation) in CHOSEN {
        let files = folder(&[("00001_a.sql", &file(chosen, isolation))]);
        let database = Database::create();
        for command in ["up", "down", "up", "redo", "reset"] {
            let ended = migrate(&database.url, files.path(), &[command]);
            assert_eq!(ended.code, 0, "{chosen}: {command}: {}", ended.stderr);
        }
        let Some(goose) = goose("isolation beside goose") else { continue };
        for command in ["up", "down"] {
            let ended = run_goose(&goose, &database.url, files.path(), &[command]);
            assert_eq!(ended.code, 0, "{chosen}: goose {command}: {}", ended.stderr);
        }
    }
}

#[test]
fn where_it_comes_too_late_the_way_out_is_told() {
    let late = "-- +goose Up\nCREATE TABLE a (id int);\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n";
    let (database, files) = (Database::create(), folder(&[("00001_a.sql", late)]));
    let ended = migrate(&database.url, files.path(), &["up"]);
    assert_eq!(ended.code, 25, "{}", ended.stderr);
    assert!(ended.stderr.contains("make it the first statement of"), "{}", ended.stderr);
    let (chosen, isolation) = CHOSEN[0];
    let files = folder(&[("00001_a.sql", &file(chosen, isolation)), ("00002_b.sql", "-- +goose Up\nSELECT 1;\n")]);
    let ended = migrate(&database.url, files.path(), &["up", "--single-transaction"]);
    assert_eq!(
        (ended.code, database.rows("SELECT to_regclass('a') IS NULL")),
        (2, vec!["t".to_owned()]),
        "{}",
        ended.stderr
    );
}

#[test]
fn through_a_pooler_in_transaction_mode_too() {
    let database = Database::create();
    let Some(pooler) = Pooler::start("isolation through PgBouncer", server().port(), "") else { return };
    let (chosen, isolation) = CHOSEN[0];
    let files = folder(&[("00001_a.sql", &file(chosen, isolation))]);
    for command in ["up", "down"] {
        let ended = migrate(&pooler.url(&database.name), files.path(), &[command]);
        assert_eq!(ended.code, 0, "{command}: {}", ended.stderr);
    }
}

#[test]
fn runners_at_once_apply_such_files_once_each() {
    let files: Vec<(String, String)> = (1..=20)
        .map(|version| {
            let (chosen, _) = CHOSEN[version % 2];
            let text = format!("-- +goose Up\n{chosen};\nINSERT INTO counter VALUES ({version});\n");
            (format!("{version:05}_c.sql"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (database, files) = (Database::create(), folder(&files));
    database.rows("CREATE TABLE counter (version int)");
    let runs: Vec<Background> = (0..6).map(|_| Background::start(&database.url, files.path(), &["up"])).collect();
    for run in runs {
        let ended = run.wait();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let twice = "SELECT version FROM counter GROUP BY version HAVING count(*) > 1";
    assert_eq!((database.rows(twice), database.rows("SELECT count(*) FROM counter")), (vec![], vec!["20".to_owned()]));
    assert_eq!(database.rows("SELECT count(*) FROM goose_db_version"), ["21"]);
}
