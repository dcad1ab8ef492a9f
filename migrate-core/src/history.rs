//! What a database says was applied: the rows of goose's version table with our ledger's beside them.
//!
//! Floor 5. Made from rows, by whoever reads them. Invariant: several notions of "applied" exist (goose/spec.md 4.4);
//! each has one function here and no other place decides it.

use std::collections::BTreeSet;

use crate::migration::{Digest, Version};

/// One row of the version table.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The digests of the file that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// SHA-256 of the text.
    pub text: Digest,
    /// SHA-256 of its tokens: unchanged by edits of white space and comments.
    pub tokens: Digest,
}

/// The rows of the version table in the order they were inserted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Ascending by id. Empty when the table does not exist.
    pub rows: Vec<Row>,
    /// Which of the tables exist.
    pub tables: Existing,
}

/// Which of the two tables exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Existing {
    /// goose's version table.
    pub version: bool,
    /// Our ledger beside it.
    pub ledger: bool,
}

impl History {
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
    History { rows: versions.iter().map(row).collect(), tables: Existing { version: true, ledger: true } }
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
    fn a_false_row_hides_the_version_from_current_but_not_from_up() {
        let mut history = of_versions(&[0, 1, 2, 2]);
        history.rows[3].applied = false;
        assert_eq!(history.current(), Version(1));
        assert!(history.holds(Version(2)) && !history.applied(Version(2)));
    }
}
