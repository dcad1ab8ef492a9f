//! Places in text that holds more than ASCII: the server counts characters, files are bytes.

use super::told;
use crate::stage::{Database, folder, migrate};

#[test]
fn a_quote_that_was_pasted_from_a_document_is_shown_where_it_stands() {
    for (name, statement, line) in [
        ("curly quotes", "CREATE TABLE b ();\nINSERT INTO faq (q) VALUES (“How?”);", 3),
        ("a long dash", "SELECT 1 – 1;", 2),
        ("an ellipsis", "SELECT …;", 2),
        ("guillemets behind umlauts", "SELECT 'äöü',\n  «x»;", 3),
        ("no-break spaces", "SELECT\u{a0}1;", 2),
        ("an emoji", "SELECT 🙂;", 2),
        ("at the very end", "SELECT “", 2),
    ] {
        let database = Database::create();
        let text = format!("-- +goose Up\n-- +goose StatementBegin\n{statement}\n-- +goose StatementEnd\n");
        let files = folder(&[("00001_a.sql", &text)]);
        let ended = migrate(&database.url, files.path(), &["up"]);
        let place = format!("00001_a.sql:{}:", line + 1);
        told(&ended, 25, &["sqlstate: ", &place, "00001_a.sql was rolled back"]);
        assert!(!ended.stderr.contains("panicked"), "{name}: {}", ended.stderr);
    }
}
