//! Applied files that were changed since, as far as the ledger can tell.

use super::{A, done, everything, json};
use crate::stage::{Database, folder, goose, migrate, run_goose};

/// The file with another column type, and the SHA-256 of both as `sha256sum` says them.
const EDITED: &str = "-- +goose Up\nCREATE TABLE a (id bigint);\n-- +goose Down\nDROP TABLE a;\n";
const A_SHA256: &str = "f56d6ca2e7d2dce60142dcc1ea296c8360e97d3bbc408ca080e453ddd58f0950";
const EDITED_SHA256: &str = "2a087b94e8017ec2d5dc1a07f5f44fb2d44f3c2172924968bfbce8b262805425";

fn state(database: &Database, dir: &std::path::Path) -> String {
    let status = json(&done(database, dir, &["status", "--output", "json"]).stdout);
    status["migrations"][0]["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_edited_applied_file_stops_up_with_both_digests_and_changes_nothing() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    std::fs::write(files.path().join(A.0), EDITED).expect("a file");
    std::fs::write(files.path().join("00002_b.sql"), "-- +goose Up\nCREATE TABLE b ();\n").expect("a file");
    let before = everything(&database);
    for arguments in [&["up"][..], &["up-to", "2"], &["up-by-one"], &["up", "--one"], &["up", "--dry-run"], &["plan"]] {
        let ended = migrate(&database.url, files.path(), arguments);
        assert_eq!(ended.code, 28, "{arguments:?}: {}", ended.stderr);
        for word in ["00001_a.sql", A_SHA256, EDITED_SHA256, "restore the file", "nothing was changed"] {
            assert!(ended.stderr.contains(word), "{arguments:?} {word}: {}", ended.stderr);
        }
    }
    assert_eq!(everything(&database), before);
    assert_eq!(state(&database, files.path()), "edited");
}

#[test]
fn an_edited_file_may_be_undone_with_a_warning_and_applied_anew() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    std::fs::write(files.path().join(A.0), EDITED).expect("a file");
    let redo = done(&database, files.path(), &["redo"]);
    assert!(redo.stderr.contains("warning: ") && redo.stderr.contains(A_SHA256), "{}", redo.stderr);
    assert_eq!(state(&database, files.path()), "applied");
    let column = "SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname = 'id'";
    assert_eq!(database.rows(column), ["bigint"]);
}

#[test]
fn white_space_and_comments_are_a_warning_and_line_ends_are_nothing() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    let path = files.path().join(A.0);
    std::fs::write(&path, A.1.replace('\n', "\r\n")).expect("a file");
    let crlf = done(&database, files.path(), &["up"]);
    assert!(!crlf.stderr.contains("warning"), "{}", crlf.stderr);
    std::fs::write(&path, A.1.replace("CREATE TABLE", "-- why\nCREATE   TABLE")).expect("a file");
    let layout = done(&database, files.path(), &["up"]);
    assert!(
        layout.stderr.contains("warning: ") && layout.stderr.contains("white space or comments"),
        "{}",
        layout.stderr
    );
    assert_eq!(state(&database, files.path()), "applied");
}

#[test]
fn an_annotation_is_no_comment_to_an_edit() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    std::fs::write(files.path().join(A.0), format!("-- +goose NO TRANSACTION\n{}", A.1)).expect("a file");
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 28);
}

#[test]
fn what_goose_applied_has_no_known_text_and_is_never_edited() {
    let Some(goose) = goose("what_goose_applied_has_no_known_text_and_is_never_edited") else { return };
    let database = Database::create();
    let files = folder(&[A]);
    let up = run_goose(&goose, &database.url, files.path(), &["up"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    std::fs::write(files.path().join(A.0), EDITED).expect("a file");
    let ended = done(&database, files.path(), &["up"]);
    assert!(!ended.stderr.contains("warning"), "{}", ended.stderr);
    assert_eq!(state(&database, files.path()), "applied");
}

#[test]
fn a_version_that_goose_undid_and_applied_again_lost_its_known_text() {
    let Some(goose) = goose("a_version_that_goose_undid_and_applied_again_lost_its_known_text") else { return };
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    std::fs::write(files.path().join(A.0), EDITED).expect("a file");
    assert_eq!(migrate(&database.url, files.path(), &["up"]).code, 28);
    let redo = run_goose(&goose, &database.url, files.path(), &["redo"]);
    assert_eq!(redo.code, 0, "{}", redo.stderr);
    assert_eq!(state(&database, files.path()), "applied");
    done(&database, files.path(), &["up"]);
    done(&database, files.path(), &["down"]);
    assert_eq!(database.rows("SELECT count(*) FROM goose_db_version_ledger"), ["0"], "the old row goes too");
}

#[test]
fn a_version_table_made_anew_does_not_inherit_the_old_ledger() {
    let database = Database::create();
    let files = folder(&[A]);
    done(&database, files.path(), &["up"]);
    database.rows(
        "CREATE TABLE kept AS SELECT * FROM goose_db_version; TRUNCATE goose_db_version RESTART IDENTITY; \
         INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES (0, true, now()), (1, true, '2020-01-01')",
    );
    std::fs::write(files.path().join(A.0), EDITED).expect("a file");
    done(&database, files.path(), &["up"]);
    assert_eq!(state(&database, files.path()), "applied");
}
