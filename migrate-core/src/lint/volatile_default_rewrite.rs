//! L13: ADD COLUMN with a default that differs from row to row.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L13",
    name: "volatile-default-rewrite",
    level: Some(Severity::Error),
    summary: "ADD COLUMN with a default that differs from row to row",
    why: "A volatile default (random(), gen_random_uuid(), clock_timestamp(), nextval(), most functions of \
          one's own) is computed for each row: the table and its indexes are written anew under ACCESS \
          EXCLUSIVE. now(), literals and immutable calls cost nothing.",
    instead: "ADD COLUMN without the default, then ALTER COLUMN … SET DEFAULT, then fill old rows in batches",
    bad: &[
        example::TABLES,
        (
            "00002_token.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ADD COLUMN token uuid DEFAULT gen_random_uuid();\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE clients DROP COLUMN token;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_token.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ADD COLUMN token uuid;\n\
         ALTER TABLE clients ALTER COLUMN token SET DEFAULT gen_random_uuid();\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE clients DROP COLUMN token;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (change, column) in tables::added_columns(subject) {
        if subject.is_emptied(&change.alter.name) {
            continue;
        }
        // That of a domain stands elsewhere.
        let span = match (&column.default, &column.kind) {
            (Some(default), _) => default.span.0,
            (None, Some(kind)) if subject.before.default_of(kind).is_some() => change.span(),
            _ => continue,
        };
        let is_other = tables::is_numbered(column)
            || column.kind.as_ref().is_some_and(|kind| tables::is_constrained_domain(subject, kind));
        if is_other || subject.effect_of(change.alter, change.entry).rewrites.is_empty() {
            continue;
        }
        let table = subject.shown(&change.alter.name);
        let message = format!("this default writes `{table}` anew while every read and write waits");
        let object = format!("{table}.{}", column.name);
        findings.report(span, object, message, "computed for every row");
    }
}
