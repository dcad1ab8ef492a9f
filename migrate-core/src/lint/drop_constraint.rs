//! D09: DROP of a constraint or unique index that keeps data right.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::catalog::{CatalogConstraint, RelationKind};
use crate::command::{Action, Command, ConstraintKind, Kind, Name, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "D09",
    name: "drop-constraint",
    level: Some(Severity::Warning),
    summary: "DROP of a constraint or unique index that keeps data right",
    why: "From then on the database accepts rows that it refused before, and the constraint cannot come back \
          once there are such rows.",
    instead: "add the constraint that replaces it first, or allow it with a reason",
    bad: &[
        example::ORDERS,
        (
            "00002_drop.sql",
            "\
-- +goose Up
ALTER TABLE orders DROP CONSTRAINT orders_person_fkey;

-- +goose Down
ALTER TABLE orders ADD CONSTRAINT orders_person_fkey FOREIGN KEY (person) REFERENCES people;
",
        ),
    ],
    good: &[
        example::ORDERS,
        (
            "00002_swap.sql",
            "\
-- +goose Up
ALTER TABLE orders DROP CONSTRAINT orders_person_fkey;
ALTER TABLE orders ADD CONSTRAINT orders_person_fkey FOREIGN KEY (person) REFERENCES people NOT VALID;

-- +goose Down
SELECT 1;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    if let Action::Drop(drop) = &subject.command.action
        && drop.kind == Kind::Index
    {
        for name in drop.names.iter().filter(|name| subject.is_existing(name)) {
            index(subject, findings, name);
        }
    }
    for change in tables::changes(subject) {
        let TableChange::DropConstraint { name, .. } = &change.entry.1 else { continue };
        let Some((table, relation)) = subject.relation(&change.alter.name) else { continue };
        let Some(constraint) = relation.constraint(name) else { continue };
        if subject.is_new_since(constraint.since)
            || is_spent_proof(subject, &change.alter.name, constraint)
            || is_replaced(subject, &change.alter.name, constraint)
        {
            continue;
        }
        let message = format!("`{table}` no longer refuses what the constraint `{name}` refused");
        let label = format!("in force since {}", subject.describe(constraint.since));
        findings.report(change.span(), format!("{table}.{name}"), message, label);
    }
}

fn index(subject: &Subject<'_>, findings: &mut Findings<'_>, name: &Name) {
    let Some((index, relation)) = subject.relation(name) else { return };
    let RelationKind::Index(definition) = &relation.kind else { return };
    let anew = |command: &Command| match &command.action {
        Action::CreateIndex(create) => {
            create.unique && subject.relation(&create.table).is_some_and(|(table, _)| *table == definition.table)
        }
        _ => false,
    };
    if definition.unique && !subject.section.iter().any(|(_, command)| anew(command)) {
        let table = &definition.table;
        let message = format!("`{table}` no longer refuses the duplicates that the unique index `{index}` refused");
        let label = format!("in force since {}", subject.describe(relation.since));
        findings.report(name.span.0, index.to_string(), message, label);
    }
}

/// A CHECK that only proved what NOT NULL says by now, perhaps since this very command.
fn is_spent_proof(subject: &Subject<'_>, table: &Name, constraint: &CatalogConstraint) -> bool {
    let ConstraintKind::Check { expression, .. } = &constraint.kind else { return false };
    let proves = &expression.proves_not_null;
    let Some((_, relation)) = subject.after.relation(table).known() else { return false };
    !proves.is_empty() && proves.iter().all(|name| relation.column(name).is_some_and(|column| column.not_null))
}

/// Whether the section adds a constraint of the same name, or of the same kind over one of its columns, or drops what
/// the constraint was about.
fn is_replaced(subject: &Subject<'_>, table: &Name, old: &CatalogConstraint) -> bool {
    let drops = |command: &Command| {
        matches!(&command.action, Action::Drop(drop) if drop.kind == Kind::Table
            && drop.names.iter().any(|name| name.name == table.name))
    };
    if subject.section.iter().any(|(_, command)| drops(command)) {
        return true;
    }
    let added = subject.section.iter().filter_map(|(_, command)| match &command.action {
        Action::AlterTable(alter) if alter.name.name == table.name => Some(&alter.changes),
        _ => None,
    });
    added.flatten().any(|(_, change)| match change {
        TableChange::AddConstraint(new) => {
            let kinds = (&new.kind, &old.kind);
            let alike = std::mem::discriminant(kinds.0) == std::mem::discriminant(kinds.1);
            new.name.as_deref() == Some(&old.name) || (alike && shares_column(kinds.0, old.columns()))
        }
        TableChange::DropColumn { column, .. } => old.columns().contains(column),
        _ => false,
    })
}

fn shares_column(kind: &ConstraintKind, others: &[String]) -> bool {
    let columns = match kind {
        ConstraintKind::Check { expression, .. } => &expression.columns,
        ConstraintKind::PrimaryKey { columns, using_index } | ConstraintKind::Unique { columns, using_index, .. } => {
            if using_index.is_some() {
                return true;
            }
            columns
        }
        ConstraintKind::Exclude { columns } | ConstraintKind::ForeignKey { columns, .. } => columns,
        ConstraintKind::NotNull(column) => return others.contains(column),
    };
    columns.iter().any(|column| others.contains(column))
}
