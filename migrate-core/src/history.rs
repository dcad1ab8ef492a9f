//! What a database says was applied: the rows of goose's version table with our ledger's beside them.
//!
//! Floor 5. Made from rows, by whoever reads them. Invariant: several notions of "applied" exist (goose/spec.md 4.4);
//! each has one function here and no other place decides it.

mod attempt;
mod reading;
mod side;

use std::collections::{BTreeMap, BTreeSet};

pub use attempt::{Attempt, Entry, EntryState};
pub use reading::TextRow;
pub(crate) use reading::{ENTRY_COLUMNS, ROW_COLUMNS};
pub use side::{Existing, Presence, SideTable, Sides};

use crate::migration::{Digest, Version};

/// One row of the version table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    /// The version it speaks of.
    pub version: Version,
    /// False only in rows that goose of about 2018 wrote on a down.
    pub applied: bool,
    /// The table's `tstamp`, ISO 8601 without a zone; old tables may hold NULL.
    pub at: Option<String>,
    /// What our ledger knows of this very row; nothing when goose wrote it.
    pub ledger: Option<LedgerEntry>,
}

/// What was written down with a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LedgerEntry {
    /// SHA-256 of the text.
    pub text: Digest,
    /// SHA-256 of its tokens: unchanged by edits of white space and comments.
    pub tokens: Digest,
    /// SHA-256 of the tokens of its Up; nothing where it was applied before this was kept.
    pub up: Option<Digest>,
    /// The oldest release that works with the schema behind it; nothing where the file names none.
    pub requires_app: Option<Version>,
}

/// What an applied version asks of every release that runs on its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// The version that the release has to know at least.
    pub requires: Version,
    /// The version that asks for it.
    pub by: Version,
}

/// The rows of the version table in the order they were inserted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct History {
    /// Ascending by id. Empty when the table does not exist.
    pub rows: Vec<Row>,
    /// Which of the tables exist.
    pub tables: Existing,
    /// What the journal says of files that were begun and not recorded.
    pub attempts: Vec<Attempt>,
}

impl History {
    /// The history of a database that this program, and nobody else, brought to a version of a set; `applied` are the
    /// versions up to that one. The row of version 0 comes with the table.
    #[must_use]
    pub fn brought_to(applied: impl IntoIterator<Item = Version>, has_journal: bool) -> Self {
        let row = |version| Row { version, applied: true, at: None, ledger: None };
        let rows = std::iter::once(Version::ZERO).chain(applied).map(row).collect();
        let journal = if has_journal { Presence::Whole } else { Presence::Absent };
        let tables = Existing { sides: Existing::WHOLE.sides.with(SideTable::Journal, journal), ..Existing::WHOLE };
        Self { rows, tables, attempts: Vec::new() }
    }

    /// goose's current version: walking back from the newest row, the first version whose newest row is true
    /// (goose/spec.md 4.4: the most recently inserted, not the highest). 0 for a fresh database.
    #[must_use]
    pub fn current(&self) -> Version {
        let mut seen = BTreeSet::new();
        for row in self.rows.iter().rev() {
            if seen.insert(row.version) && row.applied {
                return row.version;
            }
        }
        Version::ZERO
    }

    /// The highest version in the table, applied or not: what `up` measures missing files by.
    #[must_use]
    pub fn highest(&self) -> Version {
        self.rows.iter().map(|row| row.version).max().unwrap_or(Version::ZERO)
    }

    /// Whether `up` takes the version for applied: it has a row, true or false.
    #[must_use]
    pub fn holds(&self, version: Version) -> bool {
        self.rows.iter().any(|row| row.version == version)
    }

    /// The newest row of a version: decides `reset` and `status`.
    #[must_use]
    pub fn row(&self, version: Version) -> Option<&Row> {
        self.rows.iter().rev().find(|row| row.version == version)
    }

    /// Whether `reset` and `status` take the version for applied.
    #[must_use]
    pub fn applied(&self, version: Version) -> bool {
        self.row(version).is_some_and(|row| row.applied)
    }

    /// The highest floor among the applied versions, with the version that set it: an older release does not work with
    /// this schema.
    #[must_use]
    pub fn floor(&self) -> Option<Floor> {
        let floor = |row: &Row| {
            let requires = row.ledger.as_ref()?.requires_app?;
            self.applied(row.version).then_some(Floor { requires, by: row.version })
        };
        self.rows.iter().filter_map(floor).max_by_key(|floor| (floor.requires, floor.by))
    }

    /// The versions with a row, true or false: what [`holds`](Self::holds) says of each.
    #[must_use]
    pub fn held(&self) -> BTreeSet<Version> {
        self.rows.iter().map(|row| row.version).collect()
    }

    /// The newest row of each version: what [`row`](Self::row) says of each.
    #[must_use]
    pub fn newest(&self) -> BTreeMap<Version, &Row> {
        self.rows.iter().map(|row| (row.version, row)).collect()
    }

    /// The versions and their order alone: what decides which one is current.
    pub(crate) fn outline(&self) -> Self {
        let row = |row: &Row| Row { at: None, ledger: None, ..*row };
        Self { rows: self.rows.iter().map(row).collect(), tables: self.tables, attempts: Vec::new() }
    }

    /// This history as it will be once a version was recorded.
    pub(crate) fn record(&mut self, version: Version) {
        self.rows.push(Row { version, applied: true, at: None, ledger: None });
    }

    /// This history as it will be once a version was removed.
    pub(crate) fn forget(&mut self, version: Version) {
        self.rows.retain(|row| row.version != version);
    }
}

#[cfg(test)]
pub(crate) fn of_versions(versions: &[i64]) -> History {
    let row = |version: &i64| Row { version: Version(*version), applied: true, at: None, ledger: None };
    let tables =
        Existing { sides: Existing::WHOLE.sides.with(SideTable::Journal, Presence::Absent), ..Existing::WHOLE };
    History { rows: versions.iter().map(row).collect(), tables, attempts: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_version_is_the_one_inserted_last_not_the_highest() {
        let history = of_versions(&[0, 1, 3, 2]);
        assert_eq!((history.current(), history.highest()), (Version(2), Version(3)));
    }

    #[test]
    fn a_floor_lasts_as_long_as_its_version_is_applied() {
        let mut history = of_versions(&[0, 1, 2, 3]);
        let ledger = |requires_app: Option<i64>| {
            let digest = Digest::of_text("");
            Some(LedgerEntry { text: digest, tokens: digest, up: None, requires_app: requires_app.map(Version) })
        };
        (history.rows[2].ledger, history.rows[3].ledger) = (ledger(Some(1)), ledger(Some(2)));
        assert_eq!(history.floor(), Some(Floor { requires: Version(2), by: Version(3) }));
        history.rows.push(Row { applied: false, ledger: None, ..history.rows[3].clone() });
        assert_eq!(history.floor(), Some(Floor { requires: Version(1), by: Version(2) }));
        history.forget(Version(2));
        assert_eq!(history.floor(), None);
    }

    #[test]
    fn a_false_row_hides_the_version_from_current_but_not_from_up() {
        let mut history = of_versions(&[0, 1, 2, 2]);
        history.rows[3].applied = false;
        assert_eq!(history.current(), Version(1));
        assert!(history.holds(Version(2)) && !history.applied(Version(2)));
    }
}
