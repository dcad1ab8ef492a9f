//! What an operator reads: help, runs, and every kind of trouble.

use std::path::Path;
use std::process::Command;

use migrate_scratch::Server;

/// Runs the program and pictures its three answers.
fn picture(name: &str, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_pictured"))
        .args(arguments)
        .env_clear()
        // Where the scratch folder is a file system of its own, git says so in other words.
        .env("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .expect("the program starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().unwrap_or(-1);
    let settings = crate::settings("cli");
    settings.bind(|| {
        insta::assert_snapshot!(name, masked(format!("exit {code}\n\nstdout\n{stdout}\nstderr\n{stderr}")));
    });
}

/// The text without what differs from run to run. insta's own filters need features of `regex` that the embedded
/// PostgreSQL does not: with them, `cargo run` behind `./test` would compile it a second time.
fn masked(text: String) -> String {
    let masks = [
        (r"\((\d+ ms|\d+\.\d s)", "([DURATION]"),
        (r"in (\d+ ms|\d+\.\d s)", "in [DURATION]"),
        (r#""duration_ms":\d+"#, r#""duration_ms":[DURATION]"#),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+Z)?", "[TIME]"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r#""run_id":"[0-9a-f]{16}""#, r#""run_id":"[RUN]""#),
        (r#""revision":("[0-9a-f]{40}"|null)"#, r#""revision":"[REVISION]""#),
        (r"PostgreSQL \d+\.\d+( \([^)]*\))? at", "PostgreSQL [VERSION] at"),
        (r"PostgreSQL \d+\.\d+( \([^)]*\))?,", "PostgreSQL [VERSION],"),
        (r#""server":"\d+\.\d+( \([^)]*\))?""#, r#""server":"[VERSION]""#),
        (r"(/[\w.-]+)+/\.tmp\w+", "[FOLDER]"),
    ];
    let mask = |text: String, (pattern, with): (&str, &str)| {
        let pattern = regex_lite::Regex::new(pattern).expect("a pattern");
        pattern.replace_all(&text, with).into_owned()
    };
    masks.into_iter().fold(text, mask)
}

#[test]
fn the_help_of_every_command() {
    picture("help", &["--help"]);
    let commands = [
        "up",
        "up-to",
        "up-by-one",
        "down",
        "down-to",
        "redo",
        "reset",
        "status",
        "version",
        "check",
        "doctor",
        "plan",
        "inspect",
        "validate",
        "lint",
        "review",
        "verify",
        "schema",
        "explain",
        "create",
        "fix",
        "lock",
        "baseline",
        "resolve",
        "accept",
        "journal",
        "repair",
        "unlock",
        "exit-codes",
        "completions",
    ];
    for command in commands {
        picture(&format!("help_{command}"), &[command, "--help"]);
    }
}

#[test]
fn the_exit_codes() {
    picture("exit_codes", &["exit-codes"]);
    picture("exit_codes_json", &["exit-codes", "--output", "json"]);
}

#[test]
fn the_question_of_the_gate() {
    picture("check_sql", &["check", "--sql"]);
}

#[test]
fn a_plan_without_a_database() {
    picture("plan_offline", &["plan", "--offline", "--from", "17"]);
    picture("plan_offline_json", &["plan", "--offline", "--from", "17", "--output", "json"]);
}

#[test]
fn a_migration_as_it_is_read() {
    picture("inspect_version", &["inspect", "13"]);
    picture("inspect_json", &["inspect", "18", "--output", "json"]);
}

#[test]
fn what_the_rules_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).expect("a file");
    let dir = folder.path().display().to_string();
    write(
        "00001_users.sql",
        "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text);\n-- +goose Down\nDROP TABLE users;\n",
    );
    picture("lock_first", &["lock", "--dir", &dir]);
    write(
        "00002_email.sql",
        "-- +goose Up\nALTER TABLE users ALTER COLUMN email SET NOT NULL;\nCREATE TABLE mails (id bigint PRIMARY KEY);\n",
    );
    for form in ["text", "json", "sarif", "github"] {
        picture(&format!("lint_{form}"), &["lint", "--dir", &dir, "--output", form]);
    }
    picture("lock_refused", &["lock", "--dir", &dir]);
    picture("lock_check", &["lock", "--check", "--dir", &dir]);
    picture("lint_of_history", &["lint"]);
    picture("lint_since_nowhere", &["lint", "--dir", &dir, "--since", "origin/main"]);
    picture("explain_rule", &["explain", "L09"]);
    picture("explain_code", &["explain", "missing-statement-begin"]);
    picture("explain_nothing_known", &["explain", "L00"]);
}

#[test]
fn a_day_in_the_life_of_a_database() {
    let server = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
    let url = server.url("postgres");
    let run = |name: &str, arguments: &[&str]| {
        picture(name, &[arguments, &["--database-url", &url]].concat());
    };
    run("day_1_status_before", &["status"]);
    run("day_1_check_before", &["check"]);
    run("day_2_up", &["up"]);
    run("day_2_check", &["check"]);
    run("day_2_check_json", &["check", "--output", "json"]);
    run("day_2_doctor", &["doctor"]);
    run("day_2_doctor_json", &["doctor", "--output", "json"]);
    run("day_3_up_again", &["up"]);
    run("day_4_redo", &["redo"]);
    run("day_5_down_json", &["down", "--output", "json", "--log-format", "json"]);
    run("day_6_status", &["status"]);
    run("day_7_up_one_by_one", &["up-by-one", "-v"]);
    run("day_8_version_json", &["version", "--output", "json"]);
    run("day_9_up_by_one_with_nothing_pending", &["up-by-one"]);
}

#[test]
fn trouble_with_a_server() {
    let server = Server::newest().expect("PostgreSQL server binaries; `./test` installs them");
    let folder = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).expect("a file");
    let url = server.url("postgres");
    let dir = folder.path().display().to_string();
    let run = |name: &str, arguments: &[&str]| {
        picture(name, &[arguments, &["--database-url", &url, "--dir", &dir]].concat());
    };
    write("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
    write("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\nALTER TABLE missing\n  ADD COLUMN c int;\n");
    run("failed_migration", &["up"]);
    write("00002_b.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE b (id int);\nSELECT 1/0;\n");
    run("failed_no_transaction", &["up"]);
    write("00002_b.sql", "-- +goose Up\nSELECT 1;\n");
    write("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id bigint);\n-- +goose Down\nDROP TABLE a;\n");
    run("edited_file", &["up"]);
    run("unknown_version", &["up-to", "7"]);
    let missing = server.url("nowhere");
    picture("missing_database", &["status", "--database-url", &missing]);
}

#[test]
fn trouble_with_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).expect("a file");
    write("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int)\n-- +goose Down\nDROP TABLE a;\n");
    write("00002_b.sql", "\u{feff}-- +goose Up\nSELECT 1;\n");
    write("2_c.sql", "-- +goose up now\nSELECT 1;\n");
    write("seed.sql", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n");
    let dir = folder.path().display().to_string();
    picture("broken_folder", &["validate", "--dir", &dir]);
    picture("broken_folder_json", &["validate", "--dir", &dir, "--output", "json", "--log-format", "json"]);
}

#[test]
fn trouble_with_arguments() {
    picture("no_database", &["up"]);
    picture("bad_table_name", &["status", "--table", "Goose V"]);
    picture("no_command", &[]);
    picture("no_server", &["status", "--connect-wait", "0s", "--database-url", "postgres://u:canary@127.0.0.1:1/x"]);
}
