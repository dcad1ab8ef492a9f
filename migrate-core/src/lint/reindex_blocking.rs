//! L03: REINDEX without CONCURRENTLY.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::{Action, Kind};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L03",
    name: "reindex-blocking",
    level: Some(Severity::Error),
    summary: "REINDEX without CONCURRENTLY",
    why: "It holds SHARE on the table and ACCESS EXCLUSIVE on its indexes: writes wait, and so does the \
          planning of every query.",
    instead: "REINDEX … CONCURRENTLY, in a file with `-- +goose NO TRANSACTION`",
    bad: &[
        example::TABLES,
        (
            "00002_reindex.sql",
            "\
         -- +goose Up\n\
         REINDEX TABLE invoices;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_reindex.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         REINDEX TABLE CONCURRENTLY invoices;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Reindex { kind, name, concurrently } = &subject.command.action else { return };
    let is_relation = matches!(kind, Kind::Table | Kind::Index);
    let is_used = !is_relation || name.as_ref().is_none_or(|name| subject.is_existing(name));
    if *concurrently || *kind == Kind::System || !is_used {
        return;
    }
    let object = name.as_ref().map_or_else(|| "database".to_owned(), |name| subject.shown(name));
    let message = format!("REINDEX of `{object}` makes writes, and the planning of every query on the table, wait");
    findings.report(subject.command.span, object, message, "without CONCURRENTLY");
}
