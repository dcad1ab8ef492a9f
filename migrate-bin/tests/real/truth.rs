//! What the program says of a database is so, whatever stands in the way of its records: triggers, policies, search paths,
//! roles, translated messages.

mod balanced;
mod before;
mod denied;
pub(crate) mod german;
mod hidden;
mod leaving;
mod passing;
mod places;
mod positions;
mod recorded;
mod sets;
mod writable;

use crate::stage::{Database, Ended};

/// A file that can be undone.
const ONE: (&str, &str) = ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n");
const TWO: (&str, &str) = ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n");

/// This exit code, one error, and these words.
fn told(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{words:?}\n{}", ended.stderr);
    if code != 0 {
        assert_eq!(ended.stderr.matches("error[").count(), 1, "{words:?}\n{}", ended.stderr);
    }
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} is not in\n{}", ended.stderr);
    }
}

/// Whether a relation is there.
fn there(database: &Database, relation: &str) -> bool {
    database.rows(&format!("SELECT to_regclass('{relation}') IS NOT NULL")) == ["t"]
}

/// A role of the scene's own, and the URL of its session.
fn role(database: &Database, name: &str, grants: &str) -> (String, String) {
    let role = format!("{name}_{}", database.name);
    database.rows(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN; {}", grants.replace("ROLE", &role)));
    let url = database.url.replace("postgres@", &format!("{role}@"));
    (role, url)
}

fn drop_role(database: &Database, role: &str) {
    database.rows(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}
