//! G23: a `migrate:allow` that allows nothing. The engine reports it (`allow.rs`).

use super::{Check, Rule, UNUSED_ALLOW};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: UNUSED_ALLOW,
    name: "unused-allow",
    level: Some(Severity::Warning),
    summary: "a `migrate:allow` that allows nothing, has expired, gives no reason or names no rule",
    why: "An exception that nothing needs any more would hide the next finding of its rule, and one without a reason \
          cannot be reviewed. A missing reason and an unknown rule are errors.",
    instead: "delete the comment, or write `-- migrate:allow rule(object) reason=\"…\"` directly above the statement",
    bad: &[(
        "00001_create_clients.sql",
        "-- +goose Up\n-- migrate:allow drop-table reason=\"it is empty\"\nCREATE TABLE clients (id bigint PRIMARY KEY);\n\
         -- +goose Down\nDROP TABLE clients;\n",
    )],
    good: &[(
        "00001_create_clients.sql",
        "-- +goose Up\nCREATE TABLE clients (id bigint PRIMARY KEY);\n-- +goose Down\nDROP TABLE clients;\n",
    )],
    check: Check::Engine,
    down: true,
};
