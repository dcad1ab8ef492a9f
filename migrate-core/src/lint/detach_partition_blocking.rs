//! L23: DETACH PARTITION without CONCURRENTLY.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::TableChange;
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L23",
    name: "detach-partition-blocking",
    level: Some(Severity::Error),
    summary: "DETACH PARTITION without CONCURRENTLY",
    why: "It holds ACCESS EXCLUSIVE on the partitioned table and on the partition.",
    instead: "DETACH PARTITION … CONCURRENTLY in a file with `-- +goose NO TRANSACTION`; it is refused while there \
          is a DEFAULT partition",
    bad: &[
        example::PARTITIONS,
        (
            "00002_detach.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE events DETACH PARTITION events_1;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::PARTITIONS,
        (
            "00002_detach.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::changes(subject) {
        let TableChange::DetachPartition { partition, concurrently: false, finalize: false } = &change.entry.1 else {
            continue;
        };
        let parent = subject.shown(&change.alter.name);
        let message = format!("DETACH makes every read and write of `{parent}` wait");
        let report = findings.report(change.span(), subject.shown(partition), message, "without CONCURRENTLY");
        let known = subject.relation(&change.alter.name);
        let alone = "detach in a short transaction of its own, with a lock_timeout";
        if known.is_some_and(|(name, _)| tables::default_partition(subject, name).is_some()) {
            let help = format!("CONCURRENTLY is refused while there is a DEFAULT partition: {alone}");
            report.at_most(Severity::Warning).help(help);
        } else if subject.majors.min < 14 {
            let help = format!("CONCURRENTLY comes with PostgreSQL 14, before it: {alone}");
            report.at_most(Severity::Warning).help(help);
        }
    }
}
