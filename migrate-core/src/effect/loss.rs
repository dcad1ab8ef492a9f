//! What a command takes away for good, and whose stored values it replaces.

use crate::catalog::Catalog;
use crate::command::{Action, AlterTable, ColumnChange, ColumnType, Kind, Name, TableChange, TypeChange, Write};

/// Whether data is lost for good: rows, columns, or everything in a schema or database.
pub(super) fn destroys(action: &Action) -> bool {
    match action {
        Action::Drop(drop) => match drop.kind {
            Kind::Table | Kind::ForeignTable | Kind::Database => true,
            Kind::Schema | Kind::Extension | Kind::Type | Kind::Domain => drop.cascade,
            _ => false,
        },
        Action::AlterTable(alter) => {
            alter.changes.iter().any(|(_, change)| matches!(change, TableChange::DropColumn { .. }))
        }
        Action::AlterType { changes, .. } => {
            changes.iter().any(|change| matches!(change, TypeChange::DropAttribute(_)))
        }
        Action::Truncate { .. } => true,
        Action::Write(write) => write.deletes || write.query.writes.iter().any(|write| write.deletes),
        Action::Select(query) => query.writes.iter().any(|write| write.deletes),
        Action::Other(other) => other.words == "DROP OWNED",
        _ => false,
    }
}

/// The relations, and columns, whose stored values become others: rows that are updated, and columns whose new type may not
/// hold what was there (`numeric` to `integer` rounds) or whose `USING` makes something else of it.
pub(super) fn overwrites(action: &Action, before: &Catalog) -> Vec<(String, Option<String>)> {
    match action {
        Action::Write(write) => {
            let writes = std::iter::once(write.as_ref()).chain(&write.query.writes);
            updated(writes, before)
        }
        Action::Select(query) => updated(query.writes.iter(), before),
        Action::AlterTable(alter) => converted(alter, before),
        _ => Vec::new(),
    }
}

fn updated<'w>(writes: impl Iterator<Item = &'w Write>, before: &Catalog) -> Vec<(String, Option<String>)> {
    writes.filter(|write| write.updates).map(|write| (shown(&write.table, before), None)).collect()
}

fn converted(alter: &AlterTable, before: &Catalog) -> Vec<(String, Option<String>)> {
    let table = before.relation(&alter.name).known().map(|(_, table)| table);
    let loses = |column: &str, to: &ColumnType| {
        let from = table.and_then(|table| table.column(column)).and_then(|column| column.kind.as_ref());
        // A domain refuses values, and changes none.
        !from.is_some_and(|from| holds_all(before.base_of(from), before.base_of(to)))
    };
    let of_change = |change: &TableChange| match change {
        TableChange::AlterColumn { column, change: ColumnChange::Type { to, using, .. } }
            if using.is_some() || loses(column, to) =>
        {
            Some((shown(&alter.name, before), Some(column.clone())))
        }
        _ => None,
    };
    alter.changes.iter().filter_map(|(_, change)| of_change(change)).collect()
}

fn shown(name: &Name, before: &Catalog) -> String {
    before.relation(name).known().map_or_else(|| name.to_string(), |(name, _)| name.to_string())
}

/// Types in rows: each holds every value of those before it in its row, as it is.
const WIDER: [&[&str]; 6] = [
    &["smallint", "integer", "bigint", "numeric"],
    &["real", "double precision"],
    &["varchar", "text"],
    &["citext", "text"],
    &["date", "timestamp"],
    &["json", "text"],
];

/// Whether a type holds every value of another one, as it is. Too long a string is refused and not cut.
fn holds_all(from: &ColumnType, to: &ColumnType) -> bool {
    let (old, new) = (from.name.name.as_str(), to.name.name.as_str());
    if from.dimensions != to.dimensions {
        return false;
    }
    let is_string = |name: &str| matches!(name, "varchar" | "text");
    if is_string(old) && is_string(new) {
        return true;
    }
    if old == new {
        // The digits behind the point, or of a second: fewer of them round.
        let scale = |kind: &ColumnType| kind.modifiers.last().copied();
        return to.modifiers.is_empty() || scale(from).zip(scale(to)).is_some_and(|(from, to)| from <= to);
    }
    let place = |row: &&[&str], name: &str| row.iter().position(|known| *known == name);
    let wider = |row: &&[&str]| place(row, old).zip(place(row, new)).is_some_and(|(old, new)| old < new);
    to.modifiers.is_empty() && WIDER.iter().any(wider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{External, Place};
    use crate::command::read;
    use crate::migration::{Direction, Version};

    fn told(sql: &str) -> Vec<String> {
        let mut before = Catalog::new(External::default());
        let place = Place { version: Version(1), line: 1, direction: Direction::Up, statement: 0 };
        let table = "CREATE DOMAIN phone_number AS text CHECK (VALUE <> ''); CREATE TABLE t (i int, n numeric(10,2), s \
                     varchar(20), at timestamptz, d date, phone phone_number)";
        for command in read(table) {
            before.apply(&command, place);
        }
        let found = read(sql).into_iter().flat_map(|command| overwrites(&command.action, &before));
        found.map(|(table, column)| column.map_or(table.clone(), |column| format!("{table}.{column}"))).collect()
    }

    #[test]
    fn what_replaces_stored_values_is_told() {
        for (sql, whose) in [
            ("UPDATE t SET i = NULL", "t"),
            ("INSERT INTO t (i) VALUES (1) ON CONFLICT (i) DO UPDATE SET n = 0", "t"),
            ("MERGE INTO t USING u ON t.i = u.i WHEN MATCHED THEN UPDATE SET n = 0", "t"),
            ("WITH x AS (UPDATE t SET i = 1 RETURNING i) SELECT * FROM x", "t"),
            ("ALTER TABLE t ALTER n TYPE int", "t.n"),
            ("ALTER TABLE t ALTER n TYPE numeric(10,1)", "t.n"),
            ("ALTER TABLE t ALTER at TYPE date", "t.at"),
            ("ALTER TABLE t ALTER s TYPE text USING left(s, 3)", "t.s"),
        ] {
            assert_eq!(told(sql), [whose], "{sql}");
        }
    }

    #[test]
    fn what_keeps_every_value_is_not() {
        for sql in [
            "INSERT INTO t (i) VALUES (1) ON CONFLICT DO NOTHING",
            "MERGE INTO t USING u ON t.i = u.i WHEN NOT MATCHED THEN INSERT (i) VALUES (u.i)",
            "ALTER TABLE t ALTER i TYPE bigint, ALTER n TYPE numeric, ALTER s TYPE text, ALTER d TYPE timestamp",
            "ALTER TABLE t ALTER n TYPE numeric(12,4), ALTER s TYPE varchar(10)",
            "ALTER TABLE t ADD c int",
            "ALTER TABLE t ALTER phone TYPE text, ALTER s TYPE phone_number",
        ] {
            assert_eq!(told(sql), Vec::<String>::new(), "{sql}");
        }
    }
}
