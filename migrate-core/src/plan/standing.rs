//! How each version stands: what a database says of it, beside what the set holds.

use std::collections::BTreeSet;

use super::edit::EditKind;
use super::edits::edits;
use crate::history::History;
use crate::migration::{Set, Version};

/// How a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its newest row says that it was applied.
    Applied,
    /// Above the highest version of the table, or its newest row says that it was undone.
    Pending,
    /// Below the highest version of the table, and without a row: `up` refuses it unless late files are allowed.
    Missing,
    /// Applied, from a file whose SQL was another. Layout, comments and the Down do not count.
    Edited,
    /// In the database, and without a file in the set.
    Unknown,
}

impl State {
    /// Its name, as `status` writes it and as JSON has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::Edited => "edited",
            Self::Unknown => "unknown",
        }
    }

    /// Whether `up` has it before it.
    #[must_use]
    pub const fn is_ahead(self) -> bool {
        matches!(self, Self::Pending | Self::Missing)
    }
}

/// A version of a set or of a database, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The version.
    pub version: Version,
    /// How it stands.
    pub state: State,
    /// The `tstamp` of the row that says it was applied, ISO 8601 without a zone.
    pub applied_at: Option<String>,
}

/// Every version that the set has a file for or the database a row, ascending; version 0, which comes with the table, is
/// none.
///
/// # Examples
/// ```
/// use migrate_core::history::History;
/// use migrate_core::migration::Version;
/// use migrate_core::parse::{Folder, Source, parse};
/// use migrate_core::plan::{State, standings};
///
/// let file = |name: &str| Source { file: name.into(), text: Ok("-- +goose Up\nSELECT 1;\n".into()) };
/// let sources = ["00001_a.sql", "00002_b.sql", "00004_d.sql"].map(file).into();
/// let set = parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] }).set;
/// let history = History::brought_to([Version(1), Version(3)], false);
///
/// let states: Vec<State> = standings(&set, &history).iter().map(|standing| standing.state).collect();
/// assert_eq!(states, [State::Applied, State::Missing, State::Unknown, State::Pending]);
/// ```
#[must_use]
pub fn standings(set: &Set, history: &History) -> Vec<Standing> {
    standings_beside(set, &BTreeSet::new(), history)
}

/// The same, where files of some versions are there and cannot be read: whether they were edited is not known, and unknown
/// they are not.
#[must_use]
pub fn standings_beside(set: &Set, unreadable: &BTreeSet<Version>, history: &History) -> Vec<Standing> {
    let edited = edits(set, history).into_iter().filter(|edit| edit.kind == EditKind::Text);
    let edited: BTreeSet<Version> = edited.map(|edit| edit.version).collect();
    let files = set.migrations.iter().map(|migration| migration.version);
    let rows = history.rows.iter().map(|row| row.version).filter(|version| *version != Version::ZERO);
    let versions: BTreeSet<Version> = files.chain(rows).chain(unreadable.iter().copied()).collect();
    let has_file = |version: Version| set.find(version).is_some() || unreadable.contains(&version);
    let (newest, highest) = (history.newest(), history.highest());
    let standing = |version: Version| {
        let held = newest.get(&version);
        let row = held.filter(|row| row.applied);
        let state = match (has_file(version), row) {
            (false, _) => State::Unknown,
            (true, Some(_)) if edited.contains(&version) => State::Edited,
            (true, Some(_)) => State::Applied,
            (true, None) if version < highest && held.is_none() => State::Missing,
            (true, None) => State::Pending,
        };
        Standing { version, state, applied_at: row.and_then(|row| row.at.clone()) }
    };
    versions.into_iter().map(standing).collect()
}
