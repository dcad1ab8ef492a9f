//! L17: ALTER COLUMN TYPE that is more than a change of metadata.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{ColumnChange, ColumnType, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L17",
    name: "type-change-rewrite",
    level: Some(Severity::Error),
    summary: "ALTER COLUMN TYPE that is more than a change of metadata",
    why: "Unless both types are stored alike (varchar that grows, varchar to text, numeric with more digits), \
          the table and its indexes are written anew under ACCESS EXCLUSIVE.",
    instead: "1) ADD COLUMN of the new type, with a trigger that keeps it equal\n2) fill old rows in batches\n3) \
          let the application use it, then drop the old column",
    bad: &[
        example::TABLES,
        (
            "00002_zip.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ALTER COLUMN zip TYPE bigint;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_name.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE clients ALTER COLUMN name TYPE text;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for change in tables::heavy_changes(subject) {
        let TableChange::AlterColumn { column, change: ColumnChange::Type { to, using, .. } } = &change.entry.1 else {
            continue;
        };
        let rewrites = || !subject.effect_of(change.alter, change.entry).rewrites.is_empty();
        if tables::is_constrained_domain(subject, to) || !rewrites() {
            continue;
        }
        let table = subject.shown(&change.alter.name);
        let known = tables::column_of(subject, &change.alter.name, column);
        let from = known.and_then(|known| known.kind.as_ref());
        let zones = from.is_some_and(|from| is_time_zone_only(from, to)) && using.is_none();
        let label = from.map_or_else(|| "its present type is not known".to_owned(), |from| format!("{from} to {to}"));
        let message = format!("this change of type writes `{table}` anew while every read and write waits");
        let report = findings.report(change.span(), format!("{table}.{column}"), message, label);
        // Most of what becomes text or numeric was text or numeric before.
        let report = if from.is_none() && takes_much(to) { report.at_most(Severity::Warning) } else { report };
        if let (Some(known), Some(from)) = (known, from) {
            let report = report.history(format!("column {column} is {from} since {}", subject.describe(known.changed)));
            if zones {
                report.help(
                    "SET LOCAL TimeZone = 'UTC' before it, if the values are in UTC: then nothing is written anew. \
                     Otherwise a new column, as for any other type",
                );
            }
        }
    }
}

/// Whether a change to this type is often no more than a change of metadata.
fn takes_much(to: &ColumnType) -> bool {
    matches!(to.name.name.as_str(), "text" | "varchar" | "numeric") && to.modifiers.is_empty() && to.dimensions == 0
}

/// Whether two types differ only in whether they have a time zone.
fn is_time_zone_only(from: &ColumnType, to: &ColumnType) -> bool {
    let names = (from.name.name.as_str(), to.name.name.as_str());
    matches!(names, ("timestamp", "timestamptz") | ("timestamptz", "timestamp"))
        && from.modifiers == to.modifiers
        && from.dimensions == 0
        && to.dimensions == 0
}
