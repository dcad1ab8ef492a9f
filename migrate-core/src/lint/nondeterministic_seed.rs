//! M05: Seed rows that differ from database to database.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::Action;

pub(super) static RULE: Rule = Rule {
    id: "M05",
    name: "nondeterministic-seed",
    level: None,
    summary: "seed rows with random(), now() or a random UUID",
    why: "Each database gets other values: what refers to them by value works in one and not in the other.",
    instead: "write the values into the file",
    bad: &[
        example::TABLES,
        (
            "00002_client.sql",
            "\
-- +goose Up
INSERT INTO clients (id, name) VALUES (1, md5(random()::text));

-- +goose Down
SELECT 1;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_client.sql",
            "\
-- +goose Up
INSERT INTO clients (id, name) VALUES (1, 'a');

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

const FUNCTIONS: [&str; 10] = [
    "random",
    "now",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "gen_random_uuid",
    "uuid_generate_v4",
    "uuidv7",
    "gen_random_bytes",
];

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Write(write) = &subject.command.action else { return };
    let called = write.query.calls.iter().find(|call| FUNCTIONS.contains(&call.name.as_str()));
    let words = ["current_timestamp", "current_date", "current_time", "localtimestamp"];
    let text = write.query.text.to_ascii_lowercase();
    let word = words.iter().find(|word| text.contains(*word));
    let what = called.map(|call| format!("{}()", call.name)).or_else(|| word.map(|word| word.to_uppercase()));
    if let Some(what) = what.filter(|_| write.verb == "insert" && !write.from_query) {
        let table = subject.shown(&write.table);
        let message = format!("{what} gives these rows of `{table}` other values in every database");
        findings.report(write.table.span.0, table, message, "not the same everywhere").without_facts();
    }
}
