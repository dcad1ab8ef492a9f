//! "Rolled back" is said when everything was, "stays" when something did: by what the server did.

use super::{ONE, there, told};
use crate::stage::{Database, folder, migrate};

const FAILS: &str = "INSERT INTO a VALUES (1 / 0);\n";

#[test]
fn a_file_that_only_looks_as_if_it_controlled_its_transaction_is_rolled_back_and_said_to_be() {
    for (name, text) in [
        ("a body", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;\n"),
        (
            "a body with CASE",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;\n",
        ),
        ("letters", "CREATE TABLE f (day text DEFAULT 'C:\\weekend\\'); -- commit\n"),
        ("a name", "CREATE TABLE f (\"commit\" int, \"end\" int);\n"),
        (
            "a rule",
            "CREATE TABLE f (id int);\nCREATE RULE r AS ON INSERT TO f DO ALSO (DELETE FROM a; DELETE FROM a);\n",
        ),
        ("a savepoint", "CREATE TABLE f (id int);\nSAVEPOINT s;\nSELECT 1;\nRELEASE SAVEPOINT s;\n"),
        ("a rewound savepoint", "CREATE TABLE f (id int);\nSAVEPOINT s;\nSELECT 1;\nROLLBACK TO SAVEPOINT s;\n"),
        ("a comment", "CREATE TABLE f (id int); /* ; COMMIT; */\n"),
    ] {
        for options in [&["up"][..], &["up", "--allow-transaction-control"]] {
            let database = Database::create();
            let block = format!("-- +goose StatementBegin\n{text}-- +goose StatementEnd\n");
            let text = if text.contains("ATOMIC") || text.contains("RULE") { block } else { text.to_owned() };
            let files = folder(&[ONE, ("00002_b.sql", &format!("-- +goose Up\n{text}{FAILS}"))]);
            let ended = migrate(&database.url, files.path(), options);
            told(&ended, 25, &["22012", "00002_b.sql was rolled back"]);
            assert!(!ended.stderr.contains("stays") && !ended.stderr.contains("by hand"), "{name}: {}", ended.stderr);
            assert!(!there(&database, "f"), "{name}");
            assert!(database.rows("SELECT to_regproc('f') IS NULL") == ["t"], "{name}");
        }
    }
}

#[test]
fn a_file_that_did_end_its_transaction_says_what_stays() {
    for (name, text, stays) in [
        ("COMMIT", format!("CREATE TABLE f (id int);\nCOMMIT;\n{FAILS}"), true),
        ("END and BEGIN", format!("CREATE TABLE f (id int);\nEND;\nBEGIN;\n{FAILS}"), true),
        ("in one string", block(&format!("CREATE TABLE f (id int); COMMIT; {FAILS}")), true),
        ("outside", format!("ROLLBACK;\nCREATE TABLE f (id int);\n{FAILS}"), true),
        ("before COMMIT", format!("CREATE TABLE f (id int);\n{FAILS}COMMIT;\n"), false),
        ("before it in one string", block(&format!("CREATE TABLE f (id int); {FAILS} COMMIT;")), false),
        ("nothing before COMMIT", format!("COMMIT;\nBEGIN;\nCREATE TABLE f (id int);\n{FAILS}"), false),
        ("chained", format!("ROLLBACK AND CHAIN;\nCREATE TABLE f (id int);\n{FAILS}"), false),
        (
            "hidden in a string that ends elsewhere",
            format!("SELECT E'a'\n'\\''; CREATE TABLE f (id int); COMMIT; --'\n;\n{FAILS}"),
            true,
        ),
    ] {
        let database = Database::create();
        let files = folder(&[ONE, ("00002_b.sql", &format!("-- +goose Up\n{text}"))]);
        let ended = migrate(&database.url, files.path(), &["up", "--allow-transaction-control"]);
        let (code, word) = if stays { (26, "stays") } else { (25, "00002_b.sql was rolled back") };
        told(&ended, code, &["22012", word]);
        assert_eq!(there(&database, "f"), stays, "{name}: {}", ended.stderr);
        assert_eq!(database.versions(), ["0", "1"], "{name}");
    }
}

fn block(text: &str) -> String {
    format!("-- +goose StatementBegin\n{text}\n-- +goose StatementEnd\n")
}

#[test]
fn a_file_without_a_transaction_of_which_nothing_stays_is_not_said_to_be_half_done() {
    for (name, text, code) in [
        ("the first statement", "INSERT INTO a VALUES (1 / 0);\nSELECT 1;\n", 25),
        ("the second", "CREATE TABLE f (id int);\nINSERT INTO a VALUES (1 / 0);\n", 26),
        ("a name with the word", "INSERT INTO a (concurrently) VALUES (1);\n", 25),
    ] {
        let database = Database::create();
        let text = format!("-- +goose NO TRANSACTION\n-- +goose Up\n{text}");
        let files = folder(&[ONE, ("00002_b.sql", &text)]);
        let ended = migrate(&database.url, files.path(), &["up"]);
        let word = if code == 25 { "nothing of 00002_b.sql stays" } else { "1 of 2 statements" };
        told(&ended, code, &[word]);
        assert!(!ended.stderr.contains("INVALID"), "{name}: {}", ended.stderr);
        assert_eq!(there(&database, "f"), code == 26, "{name}");
        // What the gate and the journal say is the same.
        let check = migrate(&database.url, files.path(), &["check"]);
        assert_eq!(check.code, if code == 26 { 12 } else { 10 }, "{name}: {}", check.stderr);
    }
}
