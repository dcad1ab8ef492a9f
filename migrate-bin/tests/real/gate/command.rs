//! `migrate check`, for init containers and programs in other languages; and what `version` says of an image.

use super::{file, release};
use crate::background::Background;
use crate::stage::{Database, Ended, example_command, folder, free_port, migrate, migrate_command};

fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", ended.stdout, ended.stderr))
}

#[test]
fn every_answer_has_its_exit_code_its_sentence_and_its_json() {
    let (database, files) = (Database::create(), release(&[1, 2, 3]));
    let check = |dir: &tempfile::TempDir, arguments: &[&str]| {
        let text = migrate(&database.url, dir.path(), &[&["check"], arguments].concat());
        let form = migrate(&database.url, dir.path(), &[&["check", "--output", "json"], arguments].concat());
        assert_eq!(text.code, form.code, "{} {}", text.stderr, form.stderr);
        let data = json(&form);
        assert_eq!((&data["exit"], data["open"].as_bool()), (&text.code.into(), Some(text.code == 0)));
        (text.code, data["state"].as_str().expect("a state").to_owned(), data, text)
    };
    let (code, state, ..) = check(&files, &[]);
    assert_eq!((code, state.as_str()), (14, "not-initialised"));
    assert_eq!(database.version_rows(), "(no table)", "it makes none");

    assert_eq!(migrate(&database.url, files.path(), &["up-to", "2"]).code, 0);
    let (code, state, data, text) = check(&files, &[]);
    assert_eq!((code, state.as_str(), data["missing"].to_string()), (10, "behind", "[3]".to_owned()));
    assert!(text.stdout.is_empty() && text.stderr.contains("lacks version 3"), "{}", text.stderr);
    assert_eq!(check(&files, &["--at-least", "2"]).0, 0);
    assert_eq!(check(&files, &["--only", "1,2"]).0, 0);
    assert_eq!(check(&files, &["--only", "1,3"]).0, 10);

    let (code, state, data, text) = check(&release(&[1]), &[]);
    assert_eq!((code, state.as_str(), data["extra"].to_string()), (0, "ok-ahead", "[2]".to_owned()));
    assert!(text.stdout.contains("holds version 2, and this release knows versions up to 1"), "{}", text.stdout);
    assert_eq!(check(&release(&[1]), &["--exact"]).1, "ahead");
    assert_eq!(check(&release(&[1]), &["--exact"]).0, 11);
    assert_eq!(check(&release(&[1]), &["--at-most", "1"]).0, 11);
    assert_eq!(check(&release(&[1]), &["--at-most", "2"]).0, 0);
    assert_eq!(check(&release(&[1, 2]), &["--exact"]).0, 0);
    assert_eq!(check(&release(&[1, 9]), &["--at-most", "5"]).0, 0, "of the release's own, those up to 5");
    let contradicting = ["check", "--at-least", "3", "--at-most", "2"];
    assert_eq!(migrate(&database.url, files.path(), &contradicting).code, 2, "no database is within these");
    assert_eq!(check(&release(&[1, 9]), &["--at-least", "0"]).0, 0);

    let edited = folder(&[("00001_t1.sql", "-- +goose Up\nCREATE TABLE other (id int);\n"), (&file(2).0, &file(2).1)]);
    let (code, state, data, _) = check(&edited, &[]);
    assert_eq!((code, state.as_str()), (13, "drift"));
    assert!(data["files"][0].as_str().is_some_and(|path| path.ends_with("00001_t1.sql")), "{data}");
}

#[test]
fn a_half_done_version_keeps_its_release_out_and_the_one_before_it_in() {
    let database = Database::create();
    let half = "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO t1 VALUES (1);\nCREATE INDEX CONCURRENTLY i ON nowhere (id);\n";
    let one = file(1);
    let files = folder(&[(&one.0, &one.1), ("00002_half.sql", half)]);
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 26);
    let ended = migrate(&database.url, files.path(), &["check", "--output", "json"]);
    assert_eq!((ended.code, &json(&ended)["half_done"]), (12, &2.into()));
    let before = migrate(&database.url, release(&[1]).path(), &["check"]);
    assert!(before.code == 0 && before.stderr.contains("version 2 is half applied"), "{}", before.stderr);
}

#[test]
fn a_server_that_is_not_there_is_no_answer_and_has_its_own_code() {
    let url = format!("postgres://postgres@127.0.0.1:{}/x", free_port());
    let ended = migrate(&url, release(&[1]).path(), &["check", "--connect-wait", "0s", "--output", "json"]);
    assert_eq!((ended.code, &json(&ended)["state"]), (40, &"unreachable".into()), "{}", ended.stderr);
}

#[test]
fn an_init_container_waits_for_the_job_and_no_longer_than_it_was_told() {
    let (database, files) = (Database::create(), release(&[1, 2]));
    let mut waiting = Background::start(&database.url, files.path(), &["check", "--wait", "2m"]);
    waiting.read_until("there is no version table");
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 0);
    let ended = waiting.wait();
    assert_eq!(ended.code, 0, "{}", ended.stderr);

    let ended = migrate(&database.url, release(&[1, 2, 3]).path(), &["check", "--wait", "1s"]);
    assert_eq!(ended.code, 10, "{}", ended.stderr);
    assert!(ended.stderr.contains("asking again"), "{}", ended.stderr);
}

#[test]
fn a_wait_is_not_spent_on_what_no_job_mends() {
    let (database, files) = (Database::create(), release(&[1]));
    database.rows("CREATE TABLE goose_db_version (x int)");
    let started = std::time::Instant::now();
    assert_eq!(migrate(&database.url, files.path(), &["check", "--wait", "5m"]).code, 13);
    assert!(started.elapsed() < std::time::Duration::from_mins(1));
}

#[test]
fn an_image_says_what_it_contains_without_a_database() {
    let ended: Ended = example_command(&["version", "--output", "json"]).output().expect("migrate starts").into();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let data = json(&ended);
    assert_eq!((&data["current"], data["set_sha256"].as_str().map(str::len)), (&serde_json::Value::Null, Some(64)));
    assert!(data["latest"].as_i64() > Some(0) && data["release"].as_str() == Some("migrate-bin 0.1.0"), "{data}");
    let head = std::process::Command::new("git").args(["rev-parse", "HEAD"]).output();
    let in_repository = head.is_ok_and(|output| output.status.success());
    assert!(!in_repository || data["revision"].as_str().is_some_and(|revision| revision.len() == 40), "{data}");

    let ended: Ended = migrate_command(&["version"]).output().expect("migrate starts").into();
    assert_eq!(ended.code, 2, "as text it is goose's command, which asks a database");
}
