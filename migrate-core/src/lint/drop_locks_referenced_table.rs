//! L24: dropping a table, column or constraint with a foreign key to a table that is in use.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::catalog::{CatalogConstraint, QualifiedName};
use crate::command::{Action, ConstraintKind, Kind, Name, TableChange};
use crate::diagnostic::Severity;
use crate::text::Span;

pub(super) static RULE: Rule = Rule {
    id: "L24",
    name: "drop-locks-referenced-table",
    level: Some(Severity::Warning),
    summary: "dropping a table, column or constraint with a foreign key to a table that is in use",
    why: "The referenced table is locked ACCESS EXCLUSIVE as well.",
    instead: "drop the foreign key first, in a migration of its own",
    bad: &[
        (
            "00001_base.sql",
            "\
         -- +goose Up\n\
         CREATE TABLE clients (id bigint PRIMARY KEY);\n\
         CREATE TABLE orders (id bigint PRIMARY KEY, client bigint REFERENCES clients);\n\
         \n\
         -- +goose Down\n\
         DROP TABLE orders;\n\
         DROP TABLE clients;\n",
        ),
        (
            "00002_drop.sql",
            "\
         -- +goose Up\n\
         -- migrate:allow drop-column(orders.client) reason=\"unused since version 7\"\n\
         ALTER TABLE orders DROP COLUMN client;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE orders ADD COLUMN client bigint;\n",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_drop.sql",
            "\
         -- +goose Up\n\
         ALTER TABLE invoices DROP COLUMN client;\n\
         \n\
         -- +goose Down\n\
         ALTER TABLE invoices ADD COLUMN client bigint;\n",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    match &subject.command.action {
        Action::Drop(drop) if drop.kind == Kind::Table => {
            for name in drop.names.iter().filter(|name| subject.is_existing(name)) {
                report(subject, findings, (name, name.span.0), &drop.names, |_| true);
            }
        }
        Action::AlterTable(_) => {
            for change in tables::changes(subject) {
                let at = (&change.alter.name, change.span());
                match &change.entry.1 {
                    TableChange::DropColumn { column, .. } => {
                        report(subject, findings, at, &[], |key| uses(key, column));
                    }
                    TableChange::DropConstraint { name, cascade: false, .. } => {
                        let is_alone = change.alter.changes.len() == 1;
                        report(subject, findings, at, &[], |key| !is_alone && key.name == *name);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn uses(key: &CatalogConstraint, column: &str) -> bool {
    matches!(&key.kind, ConstraintKind::ForeignKey { columns, .. } if columns.iter().any(|name| name == column))
}

fn report(
    subject: &Subject<'_>,
    findings: &mut Findings<'_>,
    (table, span): (&Name, Span),
    dropped: &[Name],
    is_dropped: impl Fn(&CatalogConstraint) -> bool,
) {
    let Some((name, relation)) = subject.relation(table) else { return };
    let gone: Vec<&QualifiedName> = dropped.iter().filter_map(|name| Some(subject.relation(name)?.0)).collect();
    let is_used = |other: &QualifiedName| {
        let known = subject.before.relations.get(other);
        other != name && !gone.contains(&other) && known.is_none_or(|known| !subject.is_new_since(known.since))
    };
    let mut keys = relation.constraints.iter().filter(|key| is_dropped(key));
    if let Some((key, other)) =
        keys.find_map(|key| Some((key, key.references.as_ref().filter(|other| is_used(other))?)))
    {
        let message =
            format!("this also makes every read and write of `{other}` wait, for the foreign key `{}`", key.name);
        let history = format!("{} references {other} since {}", key.name, subject.describe(key.since));
        findings.report(span, name.to_string(), message, format!("references {other}")).history(history);
    }
}
