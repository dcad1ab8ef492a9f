//! What a database holds after a failure, as a value; its words are made here and nowhere else.

use crate::migration::Version;

/// What a database holds after a failure: what the server said, or what follows from what it said, and no guess.
///
/// Files are names as in the folder, such as `00012_add_tasks.sql`; `current` is the version of the database, the one of
/// the row that was inserted last, as for goose.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing was changed.
    Untouched,
    /// Of a run, this many migrations are done; what failed changed nothing.
    Done {
        /// How many.
        migrations: usize,
        /// The version of the database.
        current: Version,
    },
    /// What was under way is settled.
    Settled {
        /// The version of the database.
        current: Version,
    },
    /// Not a statement of the file ran.
    NotBegun {
        /// The file.
        file: String,
        /// The version of the database.
        current: Version,
    },
    /// The file's transaction was rolled back.
    RolledBack {
        /// The file.
        file: String,
        /// How many other files were in the same transaction.
        others: usize,
        /// The version of the database.
        current: Version,
    },
    /// Statements of a file without a transaction ran, and nothing of them stays.
    Nothing {
        /// The file.
        file: String,
        /// The version of the database.
        current: Version,
    },
    /// Statements of a file without a transaction are done and stay done.
    Partial {
        /// How far it came.
        part: Part,
        /// Whether the version is recorded still: when the file was being undone.
        recorded: bool,
        /// The version of the database.
        current: Version,
    },
    /// The same, where only the journal tells, and of the next statement nobody knows.
    Unfinished(Part),
    /// The same, where more may be done than the journal says.
    AtLeast(Part),
    /// A file that ends or rewinds its transaction itself left what it committed.
    Committed {
        /// The file.
        file: String,
        /// Its version.
        version: Version,
        /// The version of the database; nothing where what the file left open was rolled back behind its last statement.
        current: Option<Version>,
    },
    /// All statements of a file are done, and its version is not recorded; nothing where even that is not known.
    AllDone {
        /// The file.
        file: String,
        /// Its version.
        unrecorded: Option<Version>,
    },
    /// The file may have run in part.
    MayHaveRun {
        /// The file.
        file: String,
    },
    /// Nobody could be asked: the files ran whole or not at all.
    Unknown {
        /// The files.
        files: Vec<String>,
        /// The version of the database before them.
        before: Version,
    },
    /// The file was undone, and is to be applied again.
    Undone {
        /// The file.
        file: String,
        /// Whether it was applied again in part.
        in_part_again: bool,
    },
    /// The run was ended while something may have been under way, and the server was not asked.
    Abandoned,
    /// What the files left, where the version table took no part.
    Unversioned(Box<State>),
    /// What a command does besides a database is done in part; in words, because there is no database to speak of.
    Elsewhere(String),
}

/// How far a file without a transaction came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file.
    pub file: String,
    /// Its version.
    pub version: Version,
    /// How many of its statements are done, from the first on.
    pub done: usize,
    /// How many it has.
    pub of: usize,
}

impl State {
    /// The word in JSON: `untouched`, `rolled-back`, `partial`, `done`, `unknown`.
    ///
    /// `untouched` and `rolled-back` ask for nothing to be undone; `partial` is what exit codes 26 and 27 end with; `done`
    /// is a database in which what was begun is whole; with `unknown` the next run finds it out.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unversioned(state) => state.word(),
            Self::Untouched | Self::NotBegun { .. } | Self::Elsewhere(_) => "untouched",
            Self::RolledBack { .. } | Self::Nothing { .. } => "rolled-back",
            Self::Partial { .. }
            | Self::Unfinished(_)
            | Self::AtLeast(_)
            | Self::Committed { .. }
            | Self::AllDone { .. }
            | Self::Undone { .. } => "partial",
            Self::Done { .. } | Self::Settled { .. } => "done",
            Self::MayHaveRun { .. } | Self::Unknown { .. } | Self::Abandoned => "unknown",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Settled { current } => write!(f, "the database is at version {current}"),
            Self::Unversioned(state) => {
                state.write_files(f)?;
                f.write_str("; the version table was neither read nor written")
            }
            state => {
                state.write_files(f)?;
                state.write_versions(f)
            }
        }
    }
}

impl State {
    /// The same where the version table takes no part: whatever it holds, nobody looked.
    #[must_use]
    pub fn unversioned(self) -> Self {
        match self {
            Self::Untouched | Self::Abandoned | Self::Elsewhere(_) | Self::Unversioned(_) => self,
            state => Self::Unversioned(Box::new(state)),
        }
    }

    /// What became of files.
    fn write_files(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Untouched => f.write_str("nothing was changed"),
            Self::Done { migrations, .. } => write!(f, "{migrations} of this run's migrations are done"),
            Self::Settled { .. } => f.write_str("what was under way is settled"),
            Self::NotBegun { file, .. } => write!(f, "nothing of {file} ran"),
            Self::RolledBack { file, others: 0, .. } => write!(f, "{file} was rolled back"),
            Self::RolledBack { file, others, .. } => {
                write!(f, "{file} was rolled back with the other {others} files of its transaction")
            }
            Self::Nothing { file, .. } => write!(f, "nothing of {file} stays"),
            Self::Partial { part: Part { file, done: 0, .. }, .. } => {
                write!(f, "none of the statements of {file} is done, and it has NO TRANSACTION")
            }
            Self::Partial { part, .. } => write!(f, "{part} are done and stay done, because it has NO TRANSACTION"),
            Self::Unfinished(part) => write!(f, "{part} are done"),
            Self::AtLeast(part) => write!(f, "at least {part} are done, and written down in the journal"),
            Self::Undone { file, in_part_again: false } => write!(f, "{file} is undone"),
            Self::Undone { file, in_part_again: true } => write!(f, "{file} is undone, and in part applied again"),
            Self::Abandoned => f.write_str(
                "the server rolls back what it has not committed; `migrate status` and `migrate journal` show what stays",
            ),
            Self::Elsewhere(text) => f.write_str(text),
            Self::Committed { file, current: Some(_), .. } => write!(
                f,
                "{file} ends or rewinds its transaction itself: what it committed, and what ran outside a transaction \
                 behind that, stays"
            ),
            Self::Committed { file, current: None, .. } => {
                write!(f, "what {file} did outside its own transaction stays, what it left open was rolled back")
            }
            Self::AllDone { file, .. } => write!(f, "all statements of {file} are done"),
            Self::MayHaveRun { file } => write!(f, "{file} may have run in part"),
            Self::Unknown { files, .. } => write!(f, "{} ran whole or not at all", files.join(", ")),
            Self::Unversioned(state) => state.write_files(f),
        }
    }

    /// What the version table says of them, behind that.
    fn write_versions(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done { current, .. }
            | Self::NotBegun { current, .. }
            | Self::RolledBack { current, .. }
            | Self::Nothing { current, .. } => write!(f, "; the database is at version {current}"),
            Self::Partial { part, recorded, current } => {
                let recorded = if *recorded { "still" } else { "not" };
                write!(f, "; version {} is {recorded} recorded, the database is at version {current}", part.version)
            }
            Self::Unfinished(part) => write!(f, "; version {} is unfinished", part.version),
            Self::Committed { version, current: Some(current), .. } => {
                write!(f, "; version {version} is not recorded, the database is at version {current}")
            }
            Self::Committed { version, current: None, .. } | Self::AllDone { unrecorded: Some(version), .. } => {
                write!(f, "; version {version} is not recorded")
            }
            Self::AllDone { unrecorded: None, .. } => {
                f.write_str("; whether that is recorded shows in the version table")
            }
            Self::MayHaveRun { .. } => f.write_str("; its version is not recorded as far as is known"),
            Self::Unknown { before, .. } => write!(f, "; before it the database was at version {before}"),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} statements of {}", self.done, self.of, self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_a_hand_is_told_apart_from_what_does_not() {
        let (file, current) = (|| "00002_b.sql".to_owned(), Version(1));
        let part = |done| Part { file: file(), version: Version(2), done, of: 3 };
        for (state, word, text) in [
            (State::Untouched, "untouched", "nothing was changed"),
            (
                State::RolledBack { file: file(), others: 0, current },
                "rolled-back",
                "00002_b.sql was rolled back; the database is at version 1",
            ),
            (
                State::Partial { part: part(1), recorded: false, current },
                "partial",
                "1 of 3 statements of 00002_b.sql are done and stay done, because it has NO TRANSACTION; version 2 is \
                 not recorded, the database is at version 1",
            ),
            (
                State::Unknown { files: vec![file()], before: current },
                "unknown",
                "00002_b.sql ran whole or not at all; before it the database was at version 1",
            ),
            (
                State::RolledBack { file: file(), others: 0, current }.unversioned(),
                "rolled-back",
                "00002_b.sql was rolled back; the version table was neither read nor written",
            ),
            (
                State::Unfinished(part(2)),
                "partial",
                "2 of 3 statements of 00002_b.sql are done; version 2 is unfinished",
            ),
        ] {
            assert_eq!((state.word(), state.to_string().as_str()), (word, text));
        }
    }
}
