//! `status` and `version`, and what `up` does when nothing is pending.

use serde_json::json;

use super::{A, B, alone, done, everything, json};
use crate::stage::{Database, example_command, folder, migrate, migrate_command};

fn empty(name: &str) -> (String, String) {
    (name.to_owned(), "-- +goose Up\n".to_owned())
}

#[test]
fn status_tells_the_five_states_in_the_documented_form() {
    let database = Database::create();
    let files = folder(&[A, ("00003_c.sql", "-- +goose Up\nSELECT 1;\n"), ("00004_d.sql", "-- +goose Up\n")]);
    done(&database, files.path(), &["up"]);
    std::fs::remove_file(files.path().join("00004_d.sql")).expect("a file");
    for (name, text) in [("00003_c.sql", "-- +goose Up\nSELECT 2;\n"), B, ("00005_e.sql", "-- +goose Up\n")] {
        std::fs::write(files.path().join(name), text).expect("a file");
    }
    let at = database.rows(
        "SELECT to_char(tstamp, 'YYYY-MM-DD\"T\"HH24:MI:SS') FROM goose_db_version WHERE version_id > 0 ORDER BY id",
    );
    let before = everything(&database);
    let status = done(&database, files.path(), &["status", "--output", "json"]);
    let line = |version: i64, name: Option<&str>, state: &str, at: Option<&String>| json!({ "version": version, "name": name, "state": state, "applied_at": at });
    let expected = json!({ "current": 4, "migrations": [
        line(1, Some("a"), "applied", Some(&at[0])),
        line(2, Some("b"), "missing", None),
        line(3, Some("c"), "edited", Some(&at[1])),
        line(4, None, "unknown", Some(&at[2])),
        line(5, Some("e"), "pending", None),
    ], "half_done": [] });
    assert_eq!(json(&status.stdout), expected);
    let text = done(&database, files.path(), &["status"]);
    for state in ["applied", "missing", "edited", "unknown", "pending"] {
        let lines = text.stdout.lines().skip(1).filter(|line| line.split_whitespace().nth(1) == Some(state));
        assert_eq!(lines.count(), 1, "{}", text.stdout);
    }
    assert!(text.stderr.contains("the database is at version 4; 2 not applied"), "{}", text.stderr);
    assert_eq!(everything(&database), before, "status writes nothing");
}

#[test]
fn a_fresh_database_is_at_version_zero_and_stays_fresh() {
    let database = Database::create();
    let files = folder(&[A]);
    let version = done(&database, files.path(), &["version"]);
    assert_eq!((version.stdout.as_str(), version.stderr.as_str()), ("0\n", ""));
    let status = done(&database, files.path(), &["status", "--output", "json"]);
    assert_eq!(json(&status.stdout)["migrations"][0]["state"], "pending");
    assert_eq!(everything(&database), Vec::<String>::new());
}

#[test]
fn version_reads_no_folder_and_tells_the_embedded_set() {
    let database = Database::create();
    let files = folder(&[A, B]);
    done(&database, files.path(), &["up"]);
    let version = done(&database, &files.path().join("nowhere"), &["version", "--output", "json"]);
    assert_eq!((&json(&version.stdout)["current"], &json(&version.stdout)["latest"]), (&2.into(), &json!(null)));
    let mut command = migrate_command(&["version", "--output", "json", "--database-url", &database.url]);
    let bare = json(&String::from_utf8_lossy(&command.output().expect("migrate starts").stdout));
    assert_eq!((&bare["latest"], &bare["set_sha256"]), (&json!(null), &json!(null)), "{bare}");
    let mut command = example_command(&["version", "--output", "json", "--database-url", &database.url]);
    let embedded = json(&String::from_utf8_lossy(&command.output().expect("migrate starts").stdout));
    assert_eq!(embedded["set_sha256"].as_str().map(str::len), Some(64), "{embedded}");
    assert!(embedded["latest"].as_i64() >= Some(14) && embedded["release"] == "migrate-bin 0.1.0", "{embedded}");
}

#[test]
fn the_version_applied_last_is_current_and_a_higher_one_is_mentioned() {
    let database = Database::create();
    let files = folder(&[A, ("00003_c.sql", "-- +goose Up\n")]);
    done(&database, files.path(), &["up"]);
    std::fs::write(files.path().join("00002_b.sql"), B.1).expect("a file");
    let refused = migrate(&database.url, files.path(), &["up"]);
    assert_eq!(refused.code, 28, "{}", refused.stderr);
    assert!(refused.stderr.contains("00002_b.sql") && refused.stderr.contains("--allow-missing"), "{}", refused.stderr);
    done(&database, files.path(), &["up", "--allow-missing"]);
    assert_eq!(database.versions(), ["0", "1", "3", "2"]);
    assert_eq!(done(&database, files.path(), &["version"]).stdout, "2\n");
    let status = done(&database, files.path(), &["status"]);
    assert!(status.stderr.contains("highest applied version is 3"), "{}", status.stderr);
    let down = done(&database, files.path(), &["down-to", "2"]);
    assert!(down.stderr.contains("not applied in ascending order"), "{}", down.stderr);
}

#[test]
fn with_nothing_pending_up_succeeds_up_one_succeeds_and_up_by_one_does_not() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    let before = everything(&database);
    for arguments in [&["up"][..], &["up", "--one"], &["up-to", "1"], &["up", "--to", "1"]] {
        let ended = done(&database, files.path(), arguments);
        assert!(ended.stderr.contains("nothing to apply: the database is at version 1"), "{}", ended.stderr);
    }
    let ended = migrate(&database.url, files.path(), &["up-by-one"]);
    assert_eq!(ended.code, 28, "{}", ended.stderr);
    assert!(ended.stderr.contains("no migration is pending"), "{}", ended.stderr);
    assert_eq!(everything(&database), before);
}

#[test]
fn up_with_nothing_pending_needs_no_right_to_write() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    let role = format!("reader_{}", database.name);
    database.rows(&format!(
        "CREATE ROLE {role} LOGIN; ALTER ROLE {role} SET default_transaction_read_only = on; \
         GRANT SELECT ON goose_db_version, goose_db_version_ledger TO {role}"
    ));
    let url = database.url.replace("postgres@", &format!("{role}@"));
    let ended = migrate(&url, files.path(), &["up", "--output", "json"]);
    assert_eq!((ended.code, json(&ended.stdout)), (0, json!({ "ran": [], "current": 1 })), "{}", ended.stderr);
    database.rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_database_ahead_of_the_set_is_no_error_and_is_mentioned() {
    let database = Database::create();
    let files = folder(&[A, B]);
    done(&database, files.path(), &["up"]);
    std::fs::remove_file(files.path().join("00002_b.sql")).expect("a file");
    let ended = done(&database, files.path(), &["up"]);
    assert!(ended.stderr.contains("the database is ahead: it holds 1 version"), "{}", ended.stderr);
    let ended = migrate(&database.url, files.path(), &["down"]);
    assert_eq!(ended.code, 28, "{}", ended.stderr);
    assert!(ended.stderr.contains("version 2 is applied, but this set has no file for it"), "{}", ended.stderr);
    assert_eq!(database.version_rows(), "1:0:true 2:1:true 3:2:true");
}

#[test]
fn what_ran_is_told_as_json() {
    let database = Database::create();
    let files = [empty("00001_a.sql"), empty("00002_b.sql")];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = folder(&files);
    let up = json(&done(&database, files.path(), &["up", "--output", "json"]).stdout);
    assert_eq!((&up["current"], up["ran"].as_array().map(Vec::len)), (&2.into(), Some(2)), "{up}");
    let redo = json(&done(&database, files.path(), &["redo", "--output", "json"]).stdout);
    let halves: Vec<_> = redo["ran"].as_array().into_iter().flatten().map(|ran| &ran["direction"]).collect();
    assert_eq!(halves, ["down", "up"], "{redo}");
    assert!(redo["ran"][0]["duration_ms"].is_u64() && redo["ran"][0]["file"] == "00002_b.sql", "{redo}");
}

#[test]
fn completions_are_printed_for_the_common_shells() {
    let files = folder(&[]);
    for (shell, mark) in [("bash", "complete -F"), ("zsh", "#compdef migrate"), ("fish", "complete -c migrate")] {
        let ended = alone(files.path(), &["completions", shell]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stdout.contains(mark) && ended.stdout.contains("up-by-one"), "{shell}");
    }
}
