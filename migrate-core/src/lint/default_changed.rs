//! B11: SET DEFAULT of a column that clients write.

use super::{Check, Findings, Rule, Subject, tables};
use crate::command::{ColumnChange, TableChange};

pub(super) static RULE: Rule = Rule {
    id: "B11",
    name: "default-changed",
    level: None,
    summary: "SET DEFAULT of a column that clients write",
    why: "Rows of the version that is still running get the new value too, and code that fills in the default itself differs from \
          what the database does.",
    instead: "let both versions write the column, and change the default one release later",
    bad: &[
        (
            "00001_jobs.sql",
            "\
-- +goose Up
CREATE TABLE jobs (id bigint PRIMARY KEY, state text NOT NULL DEFAULT 'open');

-- +goose Down
DROP TABLE jobs;
",
        ),
        (
            "00002_state.sql",
            "\
-- +goose Up
ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'new';

-- +goose Down
ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'open';
",
        ),
    ],
    good: &[
        (
            "00001_jobs.sql",
            "\
-- +goose Up
CREATE TABLE jobs (id bigint PRIMARY KEY, state text NOT NULL DEFAULT 'open');

-- +goose Down
DROP TABLE jobs;
",
        ),
        (
            "00002_kind.sql",
            "\
-- +goose Up
ALTER TABLE jobs ADD COLUMN kind text;
ALTER TABLE jobs ALTER COLUMN kind SET DEFAULT 'plain';

-- +goose Down
ALTER TABLE jobs DROP COLUMN kind;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::AlterColumn { column, change: ColumnChange::SetDefault(new) } = &change.entry.1 else {
            continue;
        };
        let known = tables::column_of(subject, &change.alter.name, column);
        let old = known.and_then(tables::default_of);
        if known.is_some_and(|known| subject.is_new_since(known.since)) || old.is_some_and(|old| old.text == new.text) {
            continue;
        }
        let object = format!("{}.{column}", subject.shown(&change.alter.name));
        let message = format!("inserts that leave `{object}` out get another value after this");
        let label = old.map_or_else(|| "NULL before".to_owned(), |old| format!("{} before", old.text));
        findings.report(new.span.0, object, message, label);
    }
}
