//! T12: a CONCURRENTLY that PostgreSQL refuses for this object.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::catalog::RelationKind;
use crate::command::{Action, Drop, Kind, Name, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "T12",
    name: "concurrently-unsupported",
    level: Some(Severity::Error),
    summary: "a CONCURRENTLY that PostgreSQL refuses for this object",
    why: "CREATE INDEX CONCURRENTLY fails on a partitioned table; DROP INDEX CONCURRENTLY on several indexes, \
          with CASCADE, and on the index of a constraint; DETACH CONCURRENTLY with a DEFAULT partition; \
          REFRESH CONCURRENTLY without a plain UNIQUE index, or on a view that was never filled.",
    instead: "partitioned: CREATE INDEX … ON ONLY parent, CONCURRENTLY on each partition, ALTER INDEX … ATTACH \
          PARTITION; otherwise do without CONCURRENTLY, or make what it needs first",
    bad: &[
        example::PARTITIONS,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         CREATE INDEX CONCURRENTLY events_what ON events (what);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX events_what;\n",
        ),
    ],
    good: &[
        example::PARTITIONS,
        (
            "00002_index.sql",
            "\
         -- +goose NO TRANSACTION\n\
         -- +goose Up\n\
         CREATE INDEX CONCURRENTLY events_1_what ON events_1 (what);\n\
         \n\
         -- +goose Down\n\
         DROP INDEX CONCURRENTLY events_1_what;\n",
        ),
    ],
    check: Check::Command(check),
    down: true,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let refused = match &subject.command.action {
        Action::CreateIndex(index) if index.concurrently => partitioned(subject, &index.table),
        Action::Drop(drop) if drop.concurrently && drop.kind == Kind::Index => dropped(subject, drop),
        Action::Refresh { name, concurrently: true, .. } => refreshed(subject, name),
        Action::AlterTable(alter) => {
            let detaches = |(_, change): &(_, TableChange)| {
                matches!(change, TableChange::DetachPartition { concurrently: true, .. })
            };
            let known = subject.relation(&alter.name).filter(|_| alter.changes.iter().any(detaches));
            let refused = known.filter(|(name, _)| tables::default_partition(subject, name).is_some());
            refused.map(|(name, _)| (name.to_string(), "there is a DEFAULT partition"))
        }
        _ => None,
    };
    if let Some((object, why)) = refused {
        let message = format!("PostgreSQL refuses CONCURRENTLY here: {why}");
        findings.report(subject.command.span, object, message, why).without_facts();
    }
}

type Refused = Option<(String, &'static str)>;

fn partitioned(subject: &Subject<'_>, table: &Name) -> Refused {
    let (name, relation) = subject.relation(table)?;
    let is_partitioned = matches!(relation.kind, RelationKind::Table { key: Some(_) });
    is_partitioned.then(|| (name.to_string(), "the table is partitioned"))
}

fn dropped(subject: &Subject<'_>, drop: &Drop) -> Refused {
    let first = drop.names.first()?;
    if drop.names.len() > 1 {
        return Some((subject.shown(first), "it drops several indexes at once"));
    }
    if drop.cascade {
        return Some((subject.shown(first), "CASCADE is not supported"));
    }
    let (name, relation) = subject.relation(first)?;
    let RelationKind::Index(index) = &relation.kind else { return None };
    if index.constraint.is_some() {
        return Some((name.to_string(), "the index belongs to a constraint"));
    }
    let table = subject.before.relations.get(&index.table)?;
    let is_partitioned = matches!(table.kind, RelationKind::Table { key: Some(_) });
    is_partitioned.then(|| (name.to_string(), "the table is partitioned"))
}

fn refreshed(subject: &Subject<'_>, view: &Name) -> Refused {
    let (name, relation) = subject.relation(view)?;
    if relation.unpopulated {
        return Some((name.to_string(), "the view was never filled"));
    }
    let is_plain = |index: &crate::catalog::IndexDefinition| {
        index.unique && index.expressions.is_empty() && index.predicate.is_none()
    };
    let has_one = subject.before.indexes_of(name).any(|(_, index)| is_plain(index));
    let is_certain = subject.before.clouded.is_none() && !has_one;
    is_certain.then(|| (name.to_string(), "the view has no plain UNIQUE index"))
}
