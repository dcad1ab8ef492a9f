//! How a list of files differs from what was written down of it: by an embedded set, or by a lock.

use std::collections::BTreeMap;

use super::Digest;

/// How a file differs from what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is there, and was not known.
    Added(String),
    /// It has another text than the one that was known.
    Changed(String),
    /// It was known, and is not there.
    Removed(String),
}

impl Change {
    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        match self {
            Self::Added(file) | Self::Changed(file) | Self::Removed(file) => file,
        }
    }

    /// The word used in text and JSON output.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Added(_) => "added",
            Self::Changed(_) => "changed",
            Self::Removed(_) => "removed",
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} was {}", self.file(), self.word())
    }
}

/// What differs, by file name. A file that cannot be read has no digest, and differs from all.
pub fn changes<'a>(
    known: impl IntoIterator<Item = (&'a str, Digest)>,
    files: impl IntoIterator<Item = (&'a str, Option<Digest>)>,
) -> Vec<Change> {
    let mut known: BTreeMap<&str, Digest> = known.into_iter().collect();
    let mut changes: Vec<Change> = files
        .into_iter()
        .filter_map(|(file, digest)| match known.remove(file) {
            None => Some(Change::Added(file.to_owned())),
            same if same == digest => None,
            Some(_) => Some(Change::Changed(file.to_owned())),
        })
        .collect();
    changes.extend(known.into_keys().map(|file| Change::Removed(file.to_owned())));
    changes.sort_by(|a, b| a.file().cmp(b.file()));
    changes
}
