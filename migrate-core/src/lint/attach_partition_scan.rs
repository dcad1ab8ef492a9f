//! L22: ATTACH PARTITION of a table that no CHECK proves to fit.

use squawk_lexer::TokenKind;

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::catalog::{Relation, RelationKind, attachment};
use crate::command::{Action, ConstraintKind, Expression, Kind, Partition, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "L22",
    name: "attach-partition-scan",
    level: Some(Severity::Warning),
    summary: "ATTACH PARTITION of a table that no CHECK proves to fit",
    why: "The attached table is scanned under ACCESS EXCLUSIVE unless a valid CHECK implies the bound; a \
          DEFAULT partition is scanned as well. An index or a key of the parent that it has nothing like is made then.",
    instead: "add a CHECK that implies the bound (with the key NOT NULL) as NOT VALID, validate it in the next \
          migration, make the indexes and keys that the parent has, then ATTACH and drop the CHECK",
    bad: &[
        example::PARTITIONS,
        (
            "00002_attach.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE events ATTACH PARTITION old_events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    good: &[
        example::PARTITIONS,
        (
            "00002_check.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE old_events ADD CONSTRAINT old_at CHECK (at >= '2025-01-01' AND at < '2026-01-01') NOT VALID;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE old_events DROP CONSTRAINT old_at;\n",
        ),
        (
            "00003_validate.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE old_events VALIDATE CONSTRAINT old_at;\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
        (
            "00004_attach.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE events ATTACH PARTITION old_events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');\n\
         \n\
         -- +goose Down\n\
         SELECT 1;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    // The parent may be new: it is the partition that is scanned.
    let Action::AlterTable(alter) = &subject.command.action else { return };
    for (span, change) in &alter.changes {
        let TableChange::AttachPartition { partition, bound } = change else { continue };
        if alter.kind == Kind::Index {
            continue;
        }
        let parent = subject.relation(&alter.name);
        let key = match parent.map(|(_, parent)| &parent.kind) {
            Some(RelationKind::Table { key: Some(key) }) => key.as_slice(),
            _ => &[],
        };
        let attached = subject.relation(partition).map(|(_, relation)| relation);
        let proves_itself = attached.is_some_and(|relation| proves(relation, key, bound));
        let built = parent.zip(subject.relation(partition)).and_then(|(parent, partition)| {
            attachment::missing(subject.before, parent, partition)
        });
        let default = parent.and_then(|(parent, _)| tables::default_partition(subject, parent));
        let default = default.filter(|(_, it)| !subject.is_new_since(it.since) && !proves(it, key, bound));
        let (table, label) = match default {
            _ if !proves_itself && subject.is_existing(partition) => {
                (subject.shown(partition), "no valid CHECK implies the bound".to_owned())
            }
            _ if built.is_some() && subject.is_existing(partition) => {
                (subject.shown(partition), format!("it has nothing like {}", built.unwrap_or_default()))
            }
            Some((default, _)) => (default.to_string(), format!("no valid CHECK keeps this bound out of {default}")),
            None => continue,
        };
        let message = format!("ATTACH scans `{table}` while every read and write of it waits");
        findings.report(span.0, table, message, label);
    }
}

/// Whether a valid CHECK speaks of all key columns and of every value of the bound, and no key column may be NULL.
/// PostgreSQL draws the conclusion itself; a CHECK that names all of it was written for that.
fn proves(relation: &Relation, key: &[String], bound: &Partition) -> bool {
    let values = literals(&bound.bound);
    let is_list = bound.bound.to_ascii_lowercase().split_whitespace().any(|word| word == "in" || word.starts_with("in("));
    let speaks = |expression: &Expression| {
        let said = literals(&expression.text);
        let fits = if is_list {
            // Fewer values than the bound has are in it, too.
            !said.is_empty() && !expression.text.contains(['<', '>', '!']) && said.iter().all(|value| values.contains(value))
        } else {
            values.iter().all(|value| said.contains(value))
        };
        key.iter().all(|column| expression.columns.contains(column)) && fits
    };
    let mut valid = relation.constraints.iter().filter(|constraint| constraint.valid);
    let is_checked = valid.any(|constraint| match &constraint.kind {
        ConstraintKind::Check { expression, .. } => speaks(expression),
        _ => false,
    });
    is_checked && !bound.default && key.iter().all(|column| tables::is_proven_not_null(relation, column))
}

/// The strings and numbers of a text.
fn literals(text: &str) -> Vec<&str> {
    let mut start = 0;
    let mut found = Vec::new();
    for token in squawk_lexer::tokenize(text) {
        let end = start + token.len as usize;
        if matches!(token.kind, TokenKind::Literal { .. }) {
            found.push(text.get(start..end).unwrap_or_default().trim_matches('\''));
        }
        start = end;
    }
    found
}
