//! The tables of ours beside goose's version table.
//!
//! Whatever finds, makes, completes, guards, hides or grants them goes through [`SideTable::ALL`]: one more is a variant
//! here, a file of its SQL with its layout below `flight/side`, and the line there that names that file.

/// A table of ours beside the version table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SideTable {
    /// What goose's table has no column for, a row an applied version.
    Ledger,
    /// How far files without a transaction came, an entry a statement.
    Journal,
}

impl SideTable {
    /// All of them, in the order in which they are made.
    pub const ALL: [Self; 2] = [Self::Ledger, Self::Journal];

    /// Its word. Its name is the version table's, `_`, and this.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Journal => "journal",
        }
    }

    /// Whether a run writes it: one that keeps a ledger, one that has a file without a transaction.
    #[must_use]
    pub(crate) const fn is_written(self, keeps_ledger: bool, without_transaction: bool) -> bool {
        match self {
            Self::Ledger => keeps_ledger,
            Self::Journal => without_transaction,
        }
    }

    /// What is not known where it cannot be read, in the plural.
    #[must_use]
    pub(crate) const fn tells(self) -> &'static str {
        match self {
            Self::Ledger => "floors and edited files",
            Self::Journal => "files that are half done",
        }
    }
}

/// Whether a table of ours is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Presence {
    /// It is not.
    #[default]
    Absent,
    /// It is, without the columns that came later.
    Older,
    /// It is, with all its columns.
    Whole,
}

/// A value for each table of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Sides<T>([T; SideTable::ALL.len()]);

impl<T: Copy> Sides<T> {
    /// The value that a function gives for each.
    #[must_use]
    pub fn each(value: impl FnMut(SideTable) -> T) -> Self {
        Self(SideTable::ALL.map(value))
    }

    /// The value of one.
    #[must_use]
    pub const fn of(&self, side: SideTable) -> T {
        self.0[side as usize]
    }

    /// The same, but for one.
    #[must_use]
    pub const fn with(mut self, side: SideTable, value: T) -> Self {
        self.0[side as usize] = value;
        self
    }
}

/// Which of the tables exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Existing {
    /// goose's version table.
    pub version: bool,
    /// Ours beside it.
    pub sides: Sides<Presence>,
}

impl Existing {
    /// All tables, with all their columns.
    pub const WHOLE: Self = Self { version: true, sides: Sides([Presence::Whole; SideTable::ALL.len()]) };

    /// Whether a table of ours is there, with or without the columns that came later.
    #[must_use]
    pub fn has(&self, side: SideTable) -> bool {
        self.sides.of(side) != Presence::Absent
    }

    /// Whether a table of ours is there with all its columns.
    #[must_use]
    pub fn is_whole(&self, side: SideTable) -> bool {
        self.sides.of(side) == Presence::Whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_its_own_place() {
        for (at, side) in SideTable::ALL.into_iter().enumerate() {
            assert_eq!(side as usize, at, "{}", side.word());
            let only = Sides::default().with(side, Presence::Whole);
            let there = SideTable::ALL.map(|other| only.of(other) == Presence::Whole);
            assert_eq!(there.iter().filter(|there| **there).count(), 1);
            assert!(there[at]);
        }
    }
}
