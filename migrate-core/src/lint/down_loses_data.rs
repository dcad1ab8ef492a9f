//! G03: A Down that drops what Up moved data into.

use super::{Check, File, Findings, Rule, example};
use crate::command::{Action, Kind, Name, TableChange};
use crate::migration::Direction;
use crate::text::Span;

pub(super) static RULE: Rule = Rule {
    id: "G03",
    name: "down-loses-data",
    level: None,
    summary: "a Down that drops a table or column that Up filled from another one",
    why: "What Up moved is gone after `goose down`, unless Down moves it back first.",
    instead: "copy the rows or values back before the DROP, or say in the file that the data is not kept",
    bad: &[
        example::TABLES,
        (
            "00002_mail.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN mail text;
UPDATE clients SET mail = email WHERE id > 0;

-- +goose Down
ALTER TABLE clients DROP COLUMN mail;
",
        ),
    ],
    good: &[
        example::TABLES,
        (
            "00002_mail.sql",
            "\
-- +goose Up
ALTER TABLE clients ADD COLUMN mail text;

-- +goose Down
ALTER TABLE clients DROP COLUMN mail;
",
        ),
    ],
    check: Check::File(check),
    down: true,
};

fn check(file: &File<'_>, findings: &mut Findings<'_>) {
    for (index, command) in file.down {
        let dropped: Vec<(Span, String)> = match &command.action {
            Action::Drop(drop) if drop.kind == Kind::Table => {
                let filled = drop.names.iter().filter(|name| is_filled(file, name, None));
                filled.map(|name| (name.span.0, name.to_string())).collect()
            }
            Action::AlterTable(alter) => {
                let columns = alter.changes.iter().filter_map(|(place, change)| match change {
                    TableChange::DropColumn { column, .. } => Some((place.0, column)),
                    _ => None,
                });
                let filled = columns.filter(|(_, column)| is_filled(file, &alter.name, Some(column)));
                filled.map(|(span, column)| (span, format!("{}.{column}", alter.name))).collect()
            }
            _ => continue,
        };
        for (span, object) in dropped {
            let span = file.in_file(Direction::Down, *index, span);
            let message = format!("Down drops `{object}`, which holds data that Up moved there");
            findings.report_in_file((Direction::Down, span), object, message, "filled by Up");
        }
    }
}

/// Whether Up fills a table from a query, or a column with other than a constant.
fn is_filled(file: &File<'_>, table: &Name, column: Option<&String>) -> bool {
    file.up.iter().any(|(_, command)| match &command.action {
        Action::Write(write) if write.table.name == table.name => match column {
            None => write.from_query,
            Some(column) => write.verb == "update" && write.columns.contains(column) && !write.query.columns.is_empty(),
        },
        Action::CreateTableAs { name, with_data, .. } => column.is_none() && name.name == table.name && *with_data,
        _ => false,
    })
}
