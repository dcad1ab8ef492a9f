//! The measured facts, a row for each form and role.

use std::sync::OnceLock;

use super::Majors;
use crate::command::LockMode;

/// One row: what a form does to the relation in one role.
pub(super) struct Row {
    pub(super) form: &'static str,
    pub(super) role: &'static str,
    pub(super) mode: Option<LockMode>,
    pub(super) rewrite: bool,
    pub(super) scan: bool,
    pub(super) outside: bool,
    since: Option<u32>,
    until: Option<u32>,
}

impl Row {
    /// A lock that no form stands for.
    pub(super) const fn lock(mode: LockMode) -> Self {
        Self {
            form: "",
            role: "",
            mode: Some(mode),
            rewrite: false,
            scan: false,
            outside: false,
            since: None,
            until: None,
        }
    }
}

const TEXT: &str = include_str!("facts.tsv");

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| TEXT.lines().skip(1).filter_map(row).collect())
}

fn row(line: &'static str) -> Option<Row> {
    let cells: Vec<&str> = line.split('\t').collect();
    let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
    let major = |at: usize| cell(at).trim_end_matches('?').parse().ok();
    let form = cells.first().copied()?;
    Some(Row {
        form,
        role: cell(4),
        mode: LockMode::ALL.into_iter().find(|mode| mode.sql() == cell(5)),
        rewrite: !matches!(cell(10), "" | "no" | "-"),
        scan: !matches!(cell(11), "" | "no" | "-"),
        outside: cell(12).starts_with("no"),
        since: major(2),
        until: major(3),
    })
}

/// The rows of a form that hold for some version of the range.
pub(super) fn of(form: &str, majors: Majors) -> impl Iterator<Item = &'static Row> {
    rows().iter().filter(move |row| {
        let since = row.since.is_none_or(|since| since <= majors.max);
        row.form == form && since && row.until.is_none_or(|until| until >= majors.min)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        assert_eq!(rows().len(), TEXT.lines().count() - 1);
        assert!(of("ix.create_concurrently", Majors::default()).all(|row| row.outside));
    }
}
