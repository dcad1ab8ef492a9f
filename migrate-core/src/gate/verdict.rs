//! What the gate says, in a type, a sentence and a way out.

use crate::history::Floor;
use crate::migration::Version;
use crate::report::Exit;

/// How a database stands to a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Ready.
    Ok,
    /// Ready, and ahead of the release.
    OkAhead {
        /// The applied versions that the release does not know.
        extra: Vec<Version>,
    },
    /// Ahead, and the release asked for a database that is not.
    Ahead {
        /// The applied versions that are too many.
        extra: Vec<Version>,
    },
    /// There is no version table.
    NotInitialised,
    /// Versions that the release needs are not applied.
    Behind {
        /// Which.
        missing: Vec<Version>,
    },
    /// An applied version does not work with releases as old as this one.
    Incompatible {
        /// What it asks for.
        floor: Floor,
    },
    /// A version that the release needs is half applied, or half undone.
    Dirty {
        /// Which.
        version: Version,
    },
    /// What was applied is not what this release contains.
    Drift {
        /// The files that differ; none when the version table itself is another one.
        files: Vec<String>,
    },
    /// The role may not read the version table.
    NoPrivilege,
    /// The question was not answered.
    Unreachable {
        /// Why.
        why: String,
    },
}

impl State {
    /// The word in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::OkAhead { .. } => "ok-ahead",
            Self::Ahead { .. } => "ahead",
            Self::NotInitialised => "not-initialised",
            Self::Behind { .. } => "behind",
            Self::Incompatible { .. } => "incompatible",
            Self::Dirty { .. } => "dirty",
            Self::Drift { .. } => "drift",
            Self::NoPrivilege => "no-privilege",
            Self::Unreachable { .. } => "unreachable",
        }
    }
}

/// What the gate says of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How it stands.
    pub state: State,
    /// The same in one sentence.
    pub message: String,
    /// What to do about it; empty when nothing is to be done.
    pub next: String,
    /// The highest version that the release knows.
    pub head: Version,
    /// The highest applied version; 0 where none is known.
    pub highest: Version,
    /// The highest floor among the applied versions, where the role may read it.
    pub floor: Option<Floor>,
    /// What a person should know although nothing is refused.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// Whether the release may start.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Ok | State::OkAhead { .. })
    }

    /// The exit code of a program that ends with it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self.state {
            State::Ok | State::OkAhead { .. } => Exit::Ok,
            State::Behind { .. } => Exit::Pending,
            State::Ahead { .. } | State::Incompatible { .. } => Exit::Ahead,
            State::Dirty { .. } => Exit::Unfinished,
            State::Drift { .. } => Exit::Drift,
            State::NotInitialised => Exit::Uninitialised,
            State::NoPrivilege => Exit::Privilege,
            State::Unreachable { .. } => Exit::Connect,
        }
    }

    /// Whether waiting for the Job that migrates may change it.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(
            self.state,
            State::Behind { .. } | State::NotInitialised | State::Dirty { .. } | State::Unreachable { .. }
        )
    }
}

/// The sentence, and the way out.
impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, "; {}", self.next) }
    }
}
