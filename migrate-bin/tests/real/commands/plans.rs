//! `plan` and `--dry-run`: the exact SQL, and nothing done.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{A, B, alone, done, everything, json};
use crate::stage::{Database, folder, migrate};

/// Files of every kind whose statements end in every way.
const KINDS: [(&str, &str); 6] = [
    A,
    B,
    (
        "00003_function.sql",
        "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  \
         RETURN 1; -- ;\nEND $$\n-- +goose StatementEnd\n-- +goose StatementBegin\nSELECT f() -- no semicolon;\n\
         -- +goose StatementEnd\nINSERT INTO a VALUES (f()); -- the end\n-- +goose Down\nDROP FUNCTION f();\n",
    ),
    (
        "00004_index.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (id);\n\
         CREATE INDEX CONCURRENTLY j ON b (id); -- glued--;\n",
    ),
    ("00005_empty.sql", "-- +goose Up\n-- +goose Down\n"),
    (
        "00006_session.sql",
        "-- +goose Up\nSELECT set_config('search_path', '', false);\nCREATE TABLE public.c (at text DEFAULT 'it''s \\');\n",
    ),
];

fn psql(url: &str, sql: &str) {
    let mut psql = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url])
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    psql.stdin.take().expect("its input").write_all(sql.as_bytes()).expect("psql reads");
    let output = psql.wait_with_output().expect("psql ends");
    assert!(output.status.success(), "{}\n{sql}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_plan_run_by_psql_does_what_up_does() {
    let (by_psql, by_up) = (Database::create(), Database::create());
    let files = folder(&KINDS);
    let plan = done(&by_psql, files.path(), &["plan"]).stdout;
    assert_eq!(everything(&by_psql), Vec::<String>::new(), "plan changes nothing");
    psql(&by_psql.url, &plan);
    done(&by_up, files.path(), &["up"]);
    assert_eq!(by_psql.version_rows(), by_up.version_rows());
    assert_eq!(by_psql.schema(), by_up.schema());
    let ledger = "SELECT row_id, version_id, file, text_sha256, tokens_sha256, duration > '0', applied_by, release, \
                  tool FROM goose_db_version_ledger ORDER BY 1";
    assert_eq!(by_psql.rows(ledger), by_up.rows(ledger));
    let nothing = done(&by_psql, files.path(), &["up"]);
    assert!(nothing.stderr.contains("nothing to apply"), "{}", nothing.stderr);
}

#[test]
fn a_plan_that_is_run_twice_by_hand_refuses_itself() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    let files = folder(&[A, ("00002_b.sql", "-- +goose Up\nINSERT INTO a VALUES (1);\n")]);
    let plan = done(&database, files.path(), &["plan"]).stdout;
    psql(&database.url, &plan);
    let again = std::panic::catch_unwind(|| psql(&database.url, &plan));
    assert!(again.is_err(), "the guard compares the history");
    assert_eq!(
        (database.rows("SELECT * FROM a"), database.versions()),
        (vec!["1".into()], vec!["0".into(), "1".into(), "2".into()])
    );
}

#[test]
fn a_plan_without_a_database_is_the_plan_of_a_database_at_that_version() {
    let database = Database::create();
    let files = folder(&KINDS);
    for (from, options) in [("0", &[][..]), ("2", &[]), ("3", &["--to", "4"]), ("4", &["--one"])] {
        if from != "0" {
            done(&database, files.path(), &["up-to", from]);
        }
        let online = done(&database, files.path(), &[&["plan"], options].concat());
        let offline = alone(files.path(), &[&["plan", "--offline", "--from", from], options].concat());
        assert_eq!((offline.code, offline.stderr.as_str()), (0, ""), "{from}");
        assert_eq!(offline.stdout, online.stdout, "{from}");
        assert!(offline.stdout.contains("COMMIT") || from == "3", "{from}");
    }
}

#[test]
fn a_plan_as_json_holds_every_message_with_its_purpose() {
    let files = folder(&[A, KINDS[3]]);
    let plan = alone(files.path(), &["plan", "--offline", "--from", "0", "--output", "json"]);
    let plan = json(&plan.stdout);
    let purposes = |messages: &serde_json::Value| -> Vec<String> {
        let all = messages.as_array().into_iter().flatten();
        all.map(|message| message["purpose"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(
        purposes(&plan["preparation"]),
        ["begin", "guard", "prepare", "prepare", "prepare", "prepare", "commit"]
    );
    assert_eq!(purposes(&plan["migrations"][0]["messages"]), ["begin", "guard", "statement", "record", "commit"]);
    let unwrapped = purposes(&plan["migrations"][1]["messages"]);
    assert_eq!(unwrapped[..7], ["lock", "guard", "begin", "guard", "journal", "commit", "timeouts"]);
    let statement = &plan["migrations"][0]["messages"][2];
    assert_eq!((&statement["sql"], &statement["line"]), (&"CREATE TABLE a (id int);".into(), &2.into()));
}

#[test]
fn a_dry_run_of_any_command_prints_its_plan_and_changes_nothing() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    std::fs::write(files.path().join(B.0), B.1).expect("a file");
    let before = everything(&database);
    for (arguments, sql) in [
        (&["up"][..], "CREATE TABLE b"),
        (&["up", "--one"], "CREATE TABLE b"),
        (&["up-to", "2"], "CREATE TABLE b"),
        (&["up-by-one"], "CREATE TABLE b"),
        (&["down"], "DROP TABLE a"),
        (&["down-to", "0"], "DROP TABLE a"),
        (&["redo"], "CREATE TABLE a"),
        (&["reset"], "DROP TABLE a"),
        (&["up", "--no-versioning"], "CREATE TABLE a"),
    ] {
        let ended = done(&database, files.path(), &[arguments, &["--dry-run"]].concat());
        assert!(ended.stdout.contains(sql), "{arguments:?}: {}", ended.stdout);
        assert_eq!(everything(&database), before, "{arguments:?}");
    }
    let dry = done(&database, files.path(), &["up", "--dry-run"]);
    assert_eq!(dry.stdout, done(&database, files.path(), &["plan"]).stdout);
}

#[test]
fn a_plan_with_nothing_to_run_is_empty_and_says_so() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    let plan = done(&database, files.path(), &["plan"]);
    assert_eq!(plan.stdout, "");
    assert!(plan.stderr.contains("nothing to run: the database is at version 1"), "{}", plan.stderr);
}

#[test]
fn a_plan_is_refused_where_up_would_be() {
    let database = Database::create();
    let files = folder(&[A, ("00003_c.sql", "-- +goose Up\n")]);
    done(&database, files.path(), &["up"]);
    std::fs::write(files.path().join(B.0), B.1).expect("a file");
    let refused = migrate(&database.url, files.path(), &["plan"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (28, ""), "{}", refused.stderr);
    let allowed = done(&database, files.path(), &["plan", "--allow-missing"]);
    assert!(allowed.stdout.contains("CREATE TABLE b"), "{}", allowed.stdout);
}
