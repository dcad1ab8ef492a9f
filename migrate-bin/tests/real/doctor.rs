//! `migrate doctor` in the surroundings that people are called for at night.

use crate::background::Session;
use crate::pgpool::Pgpool;
use crate::pooler::Pooler;
use crate::stage::{Database, Ended, eventually, folder, free_port, migrate, migrate_command, server, sql};

const ONE: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const TWO: (&str, &str) = ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n");

/// The page, as text and as JSON; both end alike.
fn doctor(url: &str, dir: &tempfile::TempDir) -> (Ended, serde_json::Value) {
    let text = migrate(url, dir.path(), &["doctor", "--connect-wait", "0s"]);
    let form = migrate(url, dir.path(), &["doctor", "--connect-wait", "0s", "--output", "json"]);
    assert_eq!(text.code, form.code, "{} {}", text.stderr, form.stderr);
    let data = serde_json::from_str(&form.stdout).unwrap_or_else(|error| panic!("{error}: {}", form.stdout));
    (text, data)
}

/// The lines that somebody has to look at.
fn marked(ended: &Ended) -> Vec<&str> {
    ended.stdout.lines().filter(|line| line.starts_with('!')).collect()
}

fn says(lines: &[&str], words: &[&str]) {
    for word in words {
        assert!(lines.iter().any(|line| line.contains(word)), "{word}: {lines:#?}");
    }
}

#[test]
fn nothing_is_marked_where_nothing_is_wrong() {
    let (database, files) = (Database::create(), folder(&[ONE, TWO]));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let before = database.version_rows();
    let (page, data) = doctor(&database.url, &files);
    assert_eq!((page.code, marked(&page)), (0, vec![]), "{}", page.stdout);
    let lines: Vec<&str> = page.stdout.lines().collect();
    says(
        &lines,
        &["PostgreSQL ", "primary at 127.0.0.1", "no TLS", "none shows", "postgres, a superuser", "lock        free"],
    );
    assert_eq!((&data["schema"]["state"], &data["pooler"]["verdict"]), (&"ok".into(), &"none-shows".into()));
    assert_eq!(database.version_rows(), before);
}

#[test]
fn a_database_that_was_never_migrated_stays_as_it_is() {
    let (database, files) = (Database::create(), folder(&[ONE]));
    let (page, data) = doctor(&database.url, &files);
    assert_eq!((page.code, &data["schema"]["state"]), (14, &"not-initialised".into()), "{}", page.stdout);
    assert_eq!(database.version_rows(), "(no table)");
}

#[test]
fn a_role_is_told_each_grant_that_it_lacks() {
    let (database, files) = (Database::create(), folder(&[ONE]));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    database.rows("CREATE ROLE doctor_app LOGIN");
    let (page, data) = doctor(&database.url.replace("postgres@", "doctor_app@"), &files);
    assert_eq!(page.code, 22, "{}", page.stdout);
    let table = "TABLE \"public\".\"goose_db_version\" TO \"doctor_app\"";
    let grants = ["SELECT", "INSERT", "DELETE"].map(|privilege| format!("GRANT {privilege} ON {table}"));
    let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
    says(&marked(&page), &grants);
    says(&marked(&page), &["GRANT CREATE ON SCHEMA \"public\" TO \"doctor_app\"", "goose_db_version_ledger"]);
    let missing = data["privileges"].as_array().expect("privileges").iter().filter(|one| one["held"] == false).count();
    assert_eq!(missing, marked(&page).iter().filter(|line| line.contains("privilege")).count());
    // Each of them, carried out, is missed no more.
    for one in data["privileges"].as_array().expect("privileges").iter().filter(|one| one["held"] == false) {
        database.rows(one["grant"].as_str().expect("a grant"));
    }
    let (page, _) = doctor(&database.url.replace("postgres@", "doctor_app@"), &files);
    assert_eq!((page.code, marked(&page)), (0, vec![]), "{}", page.stdout);
    database.rows("DROP OWNED BY doctor_app; DROP ROLE doctor_app");
}

#[test]
fn who_holds_the_lock_and_which_index_is_invalid_are_shown() {
    let (database, files) = (Database::create(), folder(&[ONE]));
    database.rows("CREATE TABLE twice (id int); INSERT INTO twice VALUES (1), (1)");
    let half = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY broken ON twice (id);\n";
    let files_with_half = folder(&[ONE, ("00002_half.sql", half)]);
    assert_eq!(migrate(&database.url, files_with_half.path(), &["up"]).code, 26);
    let _holder = Session::that(&database.url, "SELECT pg_advisory_lock(4097083626)");
    let (page, data) = doctor(&database.url, &files_with_half);
    assert_eq!(page.code, 12, "{}", page.stdout);
    says(
        &marked(&page),
        &["held by", "public.broken on public.twice is INVALID", "version 2 (00002_half.sql) is half applied"],
    );
    assert_eq!(data["unfinished"][0]["version"], 2);
    assert!(data["lock_holder"]["pid"].is_number() && data["invalid_indexes"][0]["name"] == "public.broken", "{data}");
    assert_eq!(doctor(&database.url, &files).0.code, 0, "for the release before it the schema is ready");
}

#[test]
fn settings_that_hurt_are_named_with_their_source() {
    let (database, files) = (Database::create(), folder(&[ONE]));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    database.rows(&format!(
        "ALTER DATABASE {name} SET statement_timeout = '30s'; ALTER DATABASE {name} SET default_transaction_isolation = \
         'serializable'; ALTER DATABASE {name} SET default_transaction_read_only = on",
        name = database.name
    ));
    let (page, data) = doctor(&database.url, &files);
    let words =
        ["statement_timeout = 30000 ms (database)", "isolation = serializable", "read_only = on", "read-only at"];
    says(&marked(&page), &words);
    assert_eq!((page.code, data["hazards"].as_array().map(Vec::len)), (0, Some(3)), "{}", page.stdout);
}

#[test]
fn a_pooler_in_transaction_mode_is_found_out() {
    let Some(pooler) = Pooler::start("doctor", server().port(), "pool_mode = transaction") else { return };
    let (database, files) = (Database::create(), folder(&[ONE]));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let (page, data) = doctor(&pooler.url(&database.name), &files);
    says(&marked(&page), &["in transaction mode: two sessions"]);
    assert_eq!((page.code, &data["pooler"]["verdict"]), (0, &"transaction".into()));
    drop(pooler);
    eventually("the pooler's sessions end", || {
        let query = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", database.name);
        sql(&server().url("postgres"), &query) == ["0"]
    });
}

#[test]
fn poolers_that_keep_a_backend_for_a_session_or_for_a_statement_are_told_apart() {
    let (database, files) = (Database::create(), folder(&[ONE]));
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let verdict = |url: &str| {
        let (page, data) = doctor(url, &files);
        let sign = data["pooler"]["sign"].as_str().unwrap_or_default().to_owned();
        (page.code, data["pooler"]["verdict"].as_str().expect("a verdict").to_owned(), sign)
    };
    assert_eq!(verdict(&database.url), (0, "none-shows".to_owned(), String::new()));
    for (mode, expected, sign) in
        [("session", "session", "was told to name process"), ("statement", "statement", "statement pooling mode")]
    {
        let settings = format!("pool_mode = {mode}");
        let Some(pooler) = Pooler::start("doctor", server().port(), &settings) else { return };
        let (code, found, told) = verdict(&pooler.url(&database.name));
        assert_eq!((code, found.as_str()), (0, expected), "{told}");
        assert!(told.contains(sign), "{told}");
    }
    let Some(pgpool) = Pgpool::start("doctor behind pgpool-II", server().port(), None) else { return };
    let (code, found, told) = verdict(&pgpool.url(&database.name));
    assert_eq!((code, found.as_str()), (0, "pgpool"), "{told}");
    assert!(told.starts_with(|first: char| first.is_ascii_digit()), "a version: {told}");
}

#[test]
fn a_database_that_is_ahead_and_one_that_is_behind_are_told_apart() {
    let (database, files) = (Database::create(), folder(&[ONE, TWO]));
    assert_eq!(migrate(&database.url, files.path(), &["up-to", "1"]).code, 0);
    let (page, data) = doctor(&database.url, &files);
    assert_eq!((page.code, data["schema"]["missing"].to_string()), (10, "[2]".to_owned()));
    says(&marked(&page), &["lacks version 2"]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let (page, data) = doctor(&database.url, &folder(&[ONE]));
    assert_eq!((page.code, data["schema"]["extra"].to_string()), (0, "[2]".to_owned()));
}

#[test]
fn a_server_that_cannot_be_reached_is_one_line_and_its_code() {
    let url = format!("postgres://postgres:Xq7canary@127.0.0.1:{}/x", free_port());
    let (page, data) = doctor(&url, &folder(&[ONE]));
    assert_eq!((page.code, data["reachable"].as_bool(), marked(&page).len()), (40, Some(false), 1), "{}", page.stdout);
    assert!(!format!("{page:?}{data}").contains("Xq7canary"));
}

#[test]
fn without_migrations_the_page_says_what_the_database_says_of_itself() {
    let doctor = |url: &str| -> (Ended, serde_json::Value) {
        let run = |more: &[&str]| -> Ended {
            let mut command = migrate_command(&["doctor", "--database-url", url]);
            command.args(more).output().expect("migrate starts").into()
        };
        let (page, form) = (run(&[]), run(&["--output", "json"]));
        assert_eq!(page.code, form.code, "{} {}", page.stderr, form.stderr);
        (page, serde_json::from_str(&form.stdout).expect("JSON"))
    };
    let (database, files) = (Database::create(), folder(&[ONE, TWO]));
    let (page, data) = doctor(&database.url);
    assert_eq!((page.code, &data["schema"]["state"]), (14, &"not-initialised".into()), "{}", page.stdout);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let (page, data) = doctor(&database.url);
    assert_eq!((page.code, &data["schema"]["state"]), (0, &"unjudged".into()), "{} {}", page.stdout, page.stderr);
    let lines: Vec<&str> = page.stdout.lines().collect();
    says(&lines, &["not judged, no migrations are named; version 2 is applied", "PostgreSQL "]);
    let broken = folder(&[
        ONE,
        TWO,
        ("00003_c.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE c (id int);\nSELECT 1/0;\n"),
    ]);
    assert_eq!(migrate(&database.url, broken.path(), &["up"]).code, 26);
    let (page, data) = doctor(&database.url);
    assert_eq!((page.code, &data["schema"]["half_done"]), (12, &3.into()), "{}", page.stdout);
    says(&marked(&page), &["version 3 (00003_c.sql) is half applied"]);
}
