//! The rows of the gate's question, read as the history that `history` makes of them.

use crate::flight::Seen;
use crate::history::{Attempt, ENTRY_COLUMNS, Existing, History, ROW_COLUMNS, Row, Sides, TextRow};

/// What the question found.
pub(super) struct Reading {
    /// The schema of the version table; none when there is no table.
    pub(super) schema: Option<String>,
    /// Who asked.
    pub(super) role: String,
    /// How the tables of ours were found.
    pub(super) sides: Sides<Seen>,
    pub(super) found: Found,
}

/// The state of the version table.
pub(super) enum Found {
    Absent,
    /// There is none, and its ledger is there.
    Lost,
    Forbidden,
    /// Row level security keeps rows from this role.
    Filtered,
    Odd,
    History(History),
    /// The answer is not one to the question.
    Nonsense,
}

pub(super) fn read(rows: Vec<TextRow>) -> Reading {
    let (mut tables, mut history, mut entries) = (None, Vec::new(), Vec::new());
    for mut row in rows {
        let rest = if row.len() > 2 { row.split_off(2) } else { Vec::new() };
        let mut head = row.into_iter().flatten();
        let (kind, number) = (head.next().unwrap_or_default(), head.next());
        let number: u64 = number.and_then(|number| number.parse().ok()).unwrap_or_default();
        match kind.as_str() {
            "tables" => tables = Some(rest),
            "row" => history.push((number, rest)),
            "entry" => entries.push((number, rest)),
            _ => {}
        }
    }
    let Some(tables) = tables else {
        return Reading {
            schema: None,
            role: String::new(),
            sides: Sides::each(|_| Seen::read(None)),
            found: Found::Nonsense,
        };
    };
    let mut columns = tables.into_iter();
    let mut next = || columns.next().flatten();
    let schema = next();
    let filtered = next().as_deref() == Some("true");
    let (fits, readable) = (next().as_deref() == Some("true"), next().as_deref() == Some("true"));
    let words = next().unwrap_or_default();
    let mut words = words.split(',');
    let sides = Sides::each(|_| Seen::read(words.next()));
    let role = next().unwrap_or_default();
    let has_ledger = next().and(next()).as_deref() == Some("true");
    let tables = Existing { version: schema.is_some(), sides: Sides::each(|side| sides.of(side).presence()) };
    let found = match (schema.is_some(), readable, fits) {
        (false, _, _) if has_ledger => Found::Lost,
        (false, _, _) => Found::Absent,
        (true, false, _) if filtered => Found::Filtered,
        (true, false, _) => Found::Forbidden,
        (true, true, false) => Found::Odd,
        (true, true, true) => of_rows(history, entries, tables),
    };
    Reading { schema, role, sides, found }
}

/// A set of rows promises no order.
fn of_rows(history: Vec<(u64, TextRow)>, entries: Vec<(u64, TextRow)>, tables: Existing) -> Found {
    let rows: Option<Vec<Row>> = ordered(history, ROW_COLUMNS).into_iter().map(Row::read).collect();
    match rows.zip(Attempt::read_all(ordered(entries, ENTRY_COLUMNS))) {
        Some((rows, attempts)) => Found::History(History { rows, tables, attempts }),
        None => Found::Odd,
    }
}

fn ordered(mut rows: Vec<(u64, TextRow)>, columns: usize) -> Vec<TextRow> {
    rows.sort_unstable_by_key(|(number, _)| *number);
    let cut = |(_, mut row): (u64, TextRow)| {
        row.truncate(columns);
        row
    };
    rows.into_iter().map(cut).collect()
}
