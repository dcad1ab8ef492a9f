//! `review` from outside: its forms, what it writes, and how it ends. What it says of branches is pictured in `snapshots/`.

use serde_json::{Value, json};

use super::lint::Repository;
use super::{A, B, alone, json};
use crate::stage::{folder, text};

const INDEX: (&str, &str) =
    ("00002_index.sql", "-- +goose Up\nCREATE INDEX a_id ON a (id);\n-- +goose Down\nDROP INDEX a_id;\n");

#[test]
fn a_review_in_json_has_the_documented_fields() {
    let repository = Repository::new(&[A]);
    repository.put(INDEX);
    let ended = alone(&repository.dir(), &["review", "--base", "main", "--output", "json"]);
    assert_eq!(ended.code, 29, "{}", ended.stderr);
    let mut value = json(&ended.stdout);
    let summary = value["migrations"][0]["summary"].take();
    assert!(
        summary.as_str().is_some_and(|line| line.starts_with("builds index a_id on a · one transaction · ")),
        "{summary}"
    );
    let rules: Vec<Value> =
        value["findings"].as_array().into_iter().flatten().map(|found| found["rule"].clone()).collect();
    assert_eq!(rules, ["L01"]);
    value["findings"] = json!([]);
    let expected = json!({
        "base": "main", "refused": true, "findings": [],
        "migrations": [{
            "version": 2, "name": "index", "file": "00002_index.sql", "mode": "transaction", "summary": null,
            "does": "builds index a_id on a", "lock": { "relation": "a", "mode": "ShareLock" },
            "rewrites": [], "scans": ["a"], "destructive": false, "overwrites": [], "tables": [], "reversal": "down", "reason": null, "proof": null,
        }],
    });
    assert_eq!(value, expected);
    assert_eq!(ended.stderr, "1 new migration: 1 error, 0 warnings\n");
}

#[test]
fn a_proof_is_part_of_the_review_where_it_is_asked_for() {
    let repository = Repository::new(&[A]);
    repository.put(B);
    let url = crate::stage::server().url("postgres");
    let arguments = ["review", "--base", "main", "--output", "json", "--verify", "--database-url", &url];
    let ended = alone(&repository.dir(), &arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let proof = &json(&ended.stdout)["migrations"][0]["proof"];
    assert_eq!((&proof["holds"], &proof["change"]), (&json!(true), &json!(["+ table public.b (1 column)"])), "{proof}");
    repository.put((B.0, "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE c;\n"));
    let ended = alone(&repository.dir(), &arguments);
    let proof = &json(&ended.stdout)["migrations"][0]["proof"];
    assert_eq!((ended.code, &proof["down"], &proof["holds"]), (29, &json!("fails"), &json!(false)), "{proof}");
    assert!(proof["error"].as_str().is_some_and(|error| error.contains("\"c\" does not exist")), "{proof}");
}

#[test]
fn what_was_done_to_the_base_is_in_every_form() {
    let repository = Repository::new(&[A]);
    repository.put((A.0, B.1));
    for (form, part) in [
        ("text", "error[H01 base-file-edited]"),
        ("json", "\"rule\":\"H01\""),
        ("sarif", "\"ruleId\":\"H01\""),
        ("github", "title=H01 base-file-edited::"),
        ("markdown", "`H01 base-file-edited`"),
    ] {
        let ended = alone(&repository.dir(), &["review", "--base", "main", "--output", form]);
        assert!(ended.code == 29 && ended.stdout.contains(part), "{form}: {}{}", ended.stdout, ended.stderr);
    }
    assert_eq!(alone(&repository.dir(), &["lock"]).code, 0);
    repository.put((A.0, "-- +goose Up\nCREATE TABLE a (id text);\n"));
    let told = alone(&repository.dir(), &["review", "--base", "main", "--output", "json"]);
    let findings = json(&told.stdout)["findings"].as_array().cloned().unwrap_or_default();
    let causes = findings.iter().filter(|found| ["H01", "K01"].contains(&found["rule"].as_str().unwrap_or_default()));
    assert_eq!(causes.count(), 1, "one cause is told once: {}", told.stdout);
}

#[test]
fn without_a_base_what_is_not_history_is_new() {
    let root = folder(&[("m/00001_a.sql", A.1), ("m/00002_b.sql", B.1), ("migrate.toml", "[lint]\njudge-from = 2\n")]);
    let ended = alone(&root.path().join("m"), &["review", "--output", "json"]);
    let value = json(&ended.stdout);
    assert_eq!((ended.code, &value["base"], &value["migrations"][0]["version"]), (0, &json!(null), &json!(2)));
    assert_eq!(value["migrations"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_picture_in_text_is_that_which_is_written() {
    let repository = Repository::new(&[A]);
    repository.put(B);
    let out = repository.dir().join("../out");
    let shown = out.display().to_string();
    let ended = alone(&repository.dir(), &["review", "--base", "main", "--write", &shown]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let picture = text(&out.join("00002_b.txt"));
    assert_eq!(ended.stdout, format!("{picture}\n"));
    let statement = picture.find("\nWIRE, UP\n").map(|at| &picture[at..]).expect("a transcript");
    assert!(
        statement.contains("  statement 1, line 2\n      CREATE TABLE b (id int);\n  record version 2 is applied\n"),
        "{statement}"
    );
    let occupied = alone(&repository.dir(), &["review", "--base", "main", "--write", &format!("{shown}/comment.md")]);
    assert_eq!(occupied.code, 20, "{}", occupied.stderr);
    assert!(occupied.stderr.contains("--write"), "{}", occupied.stderr);
}

#[test]
fn markdown_is_a_form_of_review_alone() {
    for command in ["lint", "validate"] {
        let ended = alone(folder(&[A]).path(), &[command, "--output", "markdown"]);
        assert!(ended.code == 2 && ended.stderr.contains(" review`"), "{}", ended.stderr);
    }
}
