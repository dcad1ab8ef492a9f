//! L05: REFRESH MATERIALIZED VIEW without CONCURRENTLY.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::Action;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L05",
    name: "refresh-blocking",
    level: Some(Severity::Warning),
    summary: "REFRESH MATERIALIZED VIEW without CONCURRENTLY",
    why: "It holds ACCESS EXCLUSIVE on the view while the query runs: readers wait.",
    instead: "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a plain UNIQUE index and may run in a \
          transaction",
    bad: &[
        example::TABLES,
        (
            "00002_refresh.sql",
            "\
         -- +goose Up\n\
         REFRESH MATERIALIZED VIEW totals;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_refresh.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         CREATE UNIQUE INDEX CONCURRENTLY totals_client ON totals (client);\n\
         REFRESH MATERIALIZED VIEW CONCURRENTLY totals;\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY totals_client;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Refresh { name, concurrently: false, with_data: true } = &subject.command.action else { return };
    let is_empty = subject.relation(name).is_some_and(|(_, view)| view.unpopulated);
    if subject.is_existing(name) && !is_empty {
        let view = subject.shown(name);
        let message = format!("REFRESH makes every reader of `{view}` wait until its query is done");
        findings.report(subject.command.span, view, message, "without CONCURRENTLY");
    }
}
