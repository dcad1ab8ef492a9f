//! What the journal says of files without a transaction that are not finished.

use super::History;
use crate::migration::{Digest, Direction, Version};

/// One try to run such a file in one direction, which has not ended with its record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The version.
    pub version: Version,
    /// Which section.
    pub direction: Direction,
    /// The file's name when it ran.
    pub file: String,
    /// Its statements that were begun, in order.
    pub entries: Vec<Entry>,
}

/// One statement of such a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its number, counted from 1.
    pub statement: usize,
    /// Of its tokens.
    pub digest: Digest,
    /// What it is, as the journal has it.
    pub kind: String,
    /// How far it came.
    pub state: EntryState,
    /// What was there before it began, as far as that tells afterwards whether it took effect.
    pub evidence: Option<String>,
}

/// How far a statement came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryState {
    /// It was begun, and nobody wrote down how it ended.
    Running,
    /// It is done.
    Done,
    /// It ended with an error.
    Failed,
}

impl EntryState {
    /// The word in the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Running, Self::Done, Self::Failed].into_iter().find(|state| state.word() == word)
    }
}

impl Attempt {
    /// How many statements from the first one on are done.
    #[must_use]
    pub fn done(&self) -> usize {
        let in_order = self.entries.iter().enumerate();
        in_order.take_while(|(at, entry)| entry.statement == at + 1 && entry.state == EntryState::Done).count()
    }
}

impl History {
    /// The files that are not finished. An attempt that the version table contradicts is none any more: goose, or a
    /// person, has decided it.
    pub fn unfinished(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| match attempt.direction {
            Direction::Up => !self.holds(attempt.version),
            Direction::Down => self.holds(attempt.version),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::of_versions;
    use super::*;

    fn attempt(version: i64, direction: Direction, states: &[EntryState]) -> Attempt {
        let entry = |(at, state): (usize, &EntryState)| Entry {
            statement: at + 1,
            digest: Digest::of_text(""),
            kind: "transaction".into(),
            state: *state,
            evidence: None,
        };
        let entries = states.iter().enumerate().map(entry).collect();
        Attempt { version: Version(version), direction, file: "x.sql".into(), entries }
    }

    #[test]
    fn statements_count_as_done_up_to_the_first_that_is_not() {
        use EntryState::{Done, Failed};
        let attempt = attempt(1, Direction::Up, &[Done, Done, Failed]);
        assert_eq!(attempt.done(), 2);
    }

    #[test]
    fn what_the_version_table_has_decided_is_not_unfinished() {
        let mut history = of_versions(&[0, 1, 2]);
        history.attempts = [(2, Direction::Up), (3, Direction::Up), (1, Direction::Down), (4, Direction::Down)]
            .map(|(version, direction)| attempt(version, direction, &[]))
            .into();
        let unfinished: Vec<_> = history.unfinished().map(|attempt| attempt.version.0).collect();
        assert_eq!(unfinished, [3, 1]);
    }
}
