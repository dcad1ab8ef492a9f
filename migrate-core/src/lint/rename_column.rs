//! B01: RENAME COLUMN of a column that a running version uses.

use super::{Check, Findings, Rule, Subject, example, tables};
use crate::command::{Action, Kind, Rename, TableChange};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    id: "B01",
    name: "rename-column",
    level: Some(Severity::Error),
    summary: "RENAME COLUMN of a column that a running version uses",
    why: "The version that is still running names the old column and fails from the moment the rename commits.",
    instead: "add a column with the new name, write both, fill the old rows in batches, read the new one, and drop \
          the old one some releases later",
    bad: &[
        example::TABLES,
        (
            "00002_rename.sql",
            "\
-- +goose Up
ALTER TABLE clients RENAME COLUMN zip TO postcode;

-- +goose Down
ALTER TABLE clients RENAME COLUMN postcode TO zip;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_fax.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN fax text;
ALTER TABLE clients RENAME COLUMN fax TO telefax;

-- +goose Down
ALTER TABLE clients DROP COLUMN telefax;
",
        ),
    ],
    check: Check::Command(check),
    down: false,
};

fn check(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Action::Rename(rename) = &subject.command.action else { return };
    let Some(from) = rename.from.as_ref().filter(|_| rename.what == Kind::Column) else { return };
    if !subject.is_existing(&rename.object) || is_kept(subject, rename, from) || is_renamed_table(subject, rename, from) {
        return;
    }
    let known = tables::column_of(subject, &rename.object, from);
    if known.is_some_and(|known| subject.is_new_since(known.since)) {
        return;
    }
    let object = format!("{}.{from}", subject.shown(&rename.object));
    let message = format!("whoever still uses `{object}` fails after this");
    let label = format!("is called {} from then on", rename.to);
    findings.report(subject.command.span, object, message, label);
}

/// Whether the section gave the table this name, which nobody uses yet: who used the old one is B02's to say, unless a view
/// has that name, and this column.
fn is_renamed_table(subject: &Subject<'_>, rename: &Rename, from: &str) -> bool {
    let earlier = subject.section.iter().take(subject.at);
    let renamed = earlier.into_iter().find_map(|(_, command)| match &command.action {
        Action::Rename(table) if matches!(table.what, Kind::Table | Kind::ForeignTable) => {
            (table.to == rename.object.name).then_some(&table.object.name)
        }
        _ => None,
    });
    let Some(old) = renamed else { return false };
    let later = subject.section.get(subject.at + 1..).unwrap_or_default();
    let view = later.iter().find_map(|(_, command)| match &command.action {
        Action::CreateView(create) if create.name.name == *old => Some(create),
        _ => None,
    });
    view.is_none_or(|view| {
        let shown = if view.columns.is_empty() { view.query.output.as_ref() } else { Some(&view.columns) };
        shown.is_some_and(|columns| columns.iter().any(|column| column == from))
    })
}

/// Whether the section makes the old name again: a column of that name, or a view in place of the table.
fn is_kept(subject: &Subject<'_>, rename: &Rename, from: &str) -> bool {
    let later = subject.section.get(subject.at + 1..).unwrap_or_default();
    later.iter().any(|(_, command)| match &command.action {
        Action::CreateView(create) => create.name.name == rename.object.name,
        Action::AlterTable(alter) => alter.name.name == rename.object.name && {
            let adds = |change: &TableChange| matches!(change, TableChange::AddColumn { column, .. } if column.name == from);
            alter.changes.iter().any(|(_, change)| adds(change))
        },
        _ => false,
    })
}
