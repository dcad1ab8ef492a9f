//! L21: CREATE TABLE … PARTITION OF a table that is in use.

use super::{Check, Findings, Rule, Subject, example};
use crate::command::Action;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L21",
    name: "create-partition-of-locks-parent",
    level: Some(Severity::Warning),
    summary: "CREATE TABLE … PARTITION OF a table that is in use",
    why: "It takes ACCESS EXCLUSIVE on the partitioned table, and scans its DEFAULT partition if there is one; \
          ATTACH takes SHARE UPDATE EXCLUSIVE on the parent.",
    instead: "CREATE TABLE part (LIKE parent INCLUDING ALL), then ALTER TABLE parent ATTACH PARTITION part …",
    bad: &[
        example::PARTITIONS,
        (
            "00002_february.sql",
            "\
         -- +goose Up\n\
         CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');\n\
         \n\
         -- +goose Down\n\
         DROP TABLE events_2;\n",
        ),
    ],
    good: &[
        example::PARTITIONS,
        (
            "00002_february.sql",
            "\
         -- +goose Up\n\
         CREATE TABLE events_2 (LIKE events INCLUDING ALL);\n\
         ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');\n\
         \n\
         -- +goose Down\n\
         DROP TABLE events_2;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::CreateTable(table) = &subject.command.action else { return };
    let Some(partition) = table.partition_of.as_ref().filter(|of| subject.is_existing(&of.parent)) else { return };
    let parent = subject.shown(&partition.parent);
    let message = format!("PARTITION OF makes every read and write of `{parent}` wait");
    findings.report(partition.parent.span.0, table.name.to_string(), message, "locked ACCESS EXCLUSIVE");
}
