//! The two languages of variables beside the two real gooses, on one server.

use std::path::Path;
use std::process::Command;

use crate::stage::{Database, Ended, folder, goose, migrate_command, newer_goose};

const VALUES: [(&str, &str); 3] = [("A", "alpha"), ("EMPTY", ""), ("UTF", "h\u{e9}llo")];

fn file(expression: &str) -> String {
    format!("-- +goose ENVSUB ON\n-- +goose Up\nCREATE TABLE said AS SELECT '{expression}'::text AS what;\n")
}

/// What a goose stores.
fn of_goose(goose: &Path, expression: &str) -> Option<String> {
    let (database, files) = (Database::create(), folder(&[("00001_a.sql", &file(expression))]));
    let mut command = Command::new(goose);
    command.env_clear().envs(VALUES).arg("-dir").arg(files.path());
    let ended = command.args(["postgres", &format!("{}?sslmode=disable", database.url), "up"]).output();
    let ended: Ended = ended.expect("goose starts").into();
    (ended.code == 0).then(|| database.rows("SELECT what FROM said").concat())
}

/// What we store, or the exit code.
fn of_ours(expression: &str, more: &[&str]) -> Result<String, (i32, String)> {
    let (database, files) = (Database::create(), folder(&[("00001_a.sql", &file(expression))]));
    let mut command = migrate_command(&["up", "--database-url", &database.url, "--dir"]);
    let ended: Ended = command.arg(files.path()).args(more).envs(VALUES).output().expect("migrate starts").into();
    if ended.code == 0 { Ok(database.rows("SELECT what FROM said").concat()) } else { Err((ended.code, ended.stderr)) }
}

#[test]
fn each_language_stores_what_its_goose_stores() {
    let scene = "each_language_stores_what_its_goose_stores";
    let (Some(older), Some(newer)) = (goose(scene), newer_goose(scene)) else { return };
    for expression in [
        "${A}",
        "${A:+3}",
        "${A: -9}",
        "${NO:-x\\}y}",
        "$A\u{b2}",
        "${A:?m} ${#A}",
        "${NO:-$$}",
        "${A:1:2}",
        "${UTF:0:1}",
        "$A$$",
        "cost $5",
    ] {
        let (old, new) = (of_goose(&older, expression), of_goose(&newer, expression));
        assert_eq!(of_ours(expression, &["--envsub", "goose-3.27"]).ok(), old, "{expression} as 3.27.3");
        assert_eq!(of_ours(expression, &["--envsub", "goose-3.30"]).ok(), new, "{expression} as 3.30.1");
        match (of_ours(expression, &[]), old, new) {
            (Ok(ours), old, Some(new)) => {
                assert_eq!(ours, new, "{expression}");
                assert!(old.is_none_or(|old| old == new), "{expression} was run although they differ");
            }
            (Err((code, told)), old, new) => {
                assert!(old != new, "{expression} is alike in both: {told}");
                assert!(code == 29 && told.contains("goose up to 3.30.0"), "{expression}: {code} {told}");
                assert!(!told.contains("alpha"), "values are nobody's business: {told}");
            }
            (Ok(ours), ..) => panic!("{expression}: {ours}, which goose 3.30.1 refuses"),
        }
    }
}

#[test]
fn a_line_that_fails_is_shown_as_it_stands_and_as_it_was_sent_without_the_values() {
    let text = |mode: &str| {
        format!(
            "{mode}-- +goose ENVSUB ON\n-- +goose Up\nSELECT 1,\n  ${{NO_SUCH:-nothing}}.x, '${{SECRET}}' FROM t;\n"
        )
    };
    for mode in ["", "-- +goose NO TRANSACTION\n"] {
        let (database, files) = (Database::create(), folder(&[("00001_a.sql", &text(mode))]));
        let mut command = migrate_command(&["up", "--database-url", &database.url, "--dir"]);
        let ended = command.arg(files.path()).env("SECRET", "Xq7canary").output().expect("migrate starts");
        let ended: Ended = ended.into();
        assert_eq!(ended.code, 25, "{}", ended.stderr);
        for words in ["${NO_SUCH:-nothing}.x, '${SECRET}' FROM t;", "sent: nothing.x, '…' FROM t;"] {
            assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("Xq7canary"), "{}", ended.stderr);
    }
}

#[test]
fn what_the_two_read_differently_is_told_before_anything_runs() {
    for (expression, code, words) in [
        ("${A:+3}", 29, "P23"),
        ("${\u{c9}}", 29, "P14"),
        ("${1}", 29, "P14"),
        ("${A:?m}", 0, "P24"),
        ("cost $5", 0, "P24"),
        ("${A:-x}", 0, "1 migration can be read"),
    ] {
        let files = folder(&[("00001_a.sql", &file(expression))]);
        let validated = |more: &[&str]| -> Ended {
            let mut command = migrate_command(&["validate", "--dir"]);
            command.arg(files.path()).args(more).output().expect("migrate starts").into()
        };
        let ended = validated(&[]);
        assert_eq!(ended.code, code, "{expression}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{expression}: {}", ended.stderr);
        if words == "P23" {
            assert_eq!(validated(&["--envsub", "goose-3.27"]).code, 0);
            assert_eq!(validated(&["--envsub", "goose-3.30"]).code, 0);
            assert_eq!(validated(&["--envsub", "goose-4"]).code, 2);
        }
    }
}
