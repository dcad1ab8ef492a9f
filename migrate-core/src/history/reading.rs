//! Rows of text, as a server gives them, read as rows of the tables.
//!
//! Invariant: what is not as goose or we wrote it makes the whole of it unreadable; nothing is guessed.

use super::{Attempt, Entry, EntryState, LedgerEntry, Row};
use crate::migration::{Digest, Direction, Version};

/// A row of text values; NULL is absent.
pub type TextRow = Vec<Option<String>>;

/// The columns of a row of the version table with the ledger's beside it.
pub(crate) const ROW_COLUMNS: usize = 7;
/// The columns of an open entry of the journal.
pub(crate) const ENTRY_COLUMNS: usize = 8;

impl Row {
    /// A row of the version table: version, whether it is applied, when, the two digests, the floor, the digest of its Up.
    #[must_use]
    pub fn read(row: TextRow) -> Option<Self> {
        let [version, applied, at, text, tokens, requires, up] = <[Option<String>; ROW_COLUMNS]>::try_from(row).ok()?;
        let digest = |hex: Option<String>| hex.as_deref().and_then(Digest::from_hex);
        let requires_app = requires.and_then(|version| version.parse().ok()).map(Version);
        let ledger = digest(text).zip(digest(tokens));
        let up = digest(up);
        let ledger = ledger.map(|(text, tokens)| LedgerEntry { text, tokens, up, requires_app });
        let applied = match applied?.as_str() {
            "t" | "true" => true,
            "f" | "false" => false,
            _ => return None,
        };
        Some(Self { version: Version(version?.parse().ok()?), applied, at, ledger })
    }
}

impl Attempt {
    /// The open entries of the journal by file; nothing when one of them is not ours.
    #[must_use]
    pub fn read_all(rows: Vec<TextRow>) -> Option<Vec<Self>> {
        let mut attempts: Vec<Self> = Vec::new();
        for row in rows {
            let [version, direction, file, statement, digest, kind, state, evidence] =
                <[Option<String>; ENTRY_COLUMNS]>::try_from(row).ok()?;
            let version = Version(version?.parse().ok()?);
            let direction = if direction? == Direction::Up.word() { Direction::Up } else { Direction::Down };
            let entry = Entry {
                statement: statement?.parse().ok()?,
                digest: Digest::from_hex(&digest?)?,
                kind: kind?,
                state: EntryState::from_word(&state?)?,
                evidence,
            };
            match attempts.last_mut().filter(|last| last.version == version && last.direction == direction) {
                Some(last) => last.entries.push(entry),
                None => attempts.push(Self { version, direction, file: file?, entries: vec![entry] }),
            }
        }
        Some(attempts)
    }
}
