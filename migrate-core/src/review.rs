//! What a reviewer has to know about migrations, as texts: a picture of each, and one comment for a pull request.
//!
//! Floor 8. From a set, the findings of the rules and, where there is one, the proof of a replay to a [`picture`] and a
//! [`comment`]; and from the files of a base revision to what may not be done to them ([`compare`]). No driver, no clock,
//! no environment. Invariants: one input gives one text; the wire part of a picture is what `apply` sends, byte for byte.

mod base;
mod comment;
mod markdown;
mod picture;
mod section;
mod sentence;
mod summary;
mod transcript;

use std::borrow::Cow;

pub use base::{Base, Files, compare, is_new};
pub use comment::{Letter, MARKER, comment};
pub use picture::picture;
pub use summary::{Reversal, Summary, summary};
pub use transcript::{Sent, sent};

use crate::check::ready_statements;
use crate::command::LockMode;
use crate::flight::Bookkeeping;
use crate::lint::{ActiveAllow, Finding, Settings};
use crate::migration::{Body, Direction, Migration, Set, Statement, Version};
use crate::parse::Environment;

/// Everything that a review rests on.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// All migrations; the older ones say what exists.
    pub set: &'a Set,
    /// What the project's settings say to the rules.
    pub settings: &'a Settings,
    /// The tables and terms that the transcript is made for.
    pub bookkeeping: &'a Bookkeeping,
    /// Values of variables in ENVSUB files.
    pub environment: &'a Environment,
    /// What the rules found.
    pub findings: &'a [Finding],
    /// What the files allow.
    pub allows: &'a [ActiveAllow],
    /// What a replay showed; nothing for the migrations that were not replayed.
    pub proofs: &'a [Proof],
}

impl Material<'_> {
    fn proof(&self, version: Version) -> Option<&Proof> {
        self.proofs.iter().find(|proof| proof.version == version)
    }
}

/// How one direction of a migration ended in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Ok,
    /// With an error.
    Fails,
    /// The schema is another one than before Up.
    Differs,
    /// There is no Down.
    Missing,
    /// The file says that nothing undoes it.
    Irreversible,
    /// It was not tried, because of what came before.
    Untried,
}

impl Ending {
    /// The word used in text and JSON output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fails => "fails",
            Self::Differs => "differs",
            Self::Missing => "missing",
            Self::Irreversible => "irreversible",
            Self::Untried => "untried",
        }
    }
}

/// What a replay on a scratch server showed of one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The migration.
    pub version: Version,
    /// Its Up.
    pub up: Ending,
    /// Its Down, compared with the schema before Up.
    pub down: Ending,
    /// Its Up once more.
    pub reapply: Ending,
    /// How the schema behind Down differs from the one before Up.
    pub difference: Vec<String>,
    /// The first error.
    pub error: Option<String>,
    /// What Up changes in the schema, each line with `+` or `-` before it.
    pub change: Vec<String>,
    /// What the statements really did.
    pub traces: Vec<Trace>,
}

impl Proof {
    /// Whether the Down is proven, or declared not to be there.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.up == Ending::Ok
            && matches!((self.down, self.reapply), (Ending::Ok, Ending::Ok) | (Ending::Irreversible, _))
    }
}

/// What one statement was seen to do to relations that existed before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The section.
    pub direction: Direction,
    /// The statement, counted from 0.
    pub statement: usize,
    /// Each locked relation, unqualified where it is in `public`, with its strongest lock.
    pub locks: Vec<(String, LockMode)>,
    /// The relations whose storage was written anew.
    pub rewrites: Vec<String>,
    /// The relations that were read in full.
    pub scans: Vec<String>,
}

/// A migration with its statements at hand: one that is split when it runs is split with the values that there are.
fn filled<'a>(migration: &'a Migration, path: &str, environment: &Environment) -> Cow<'a, Migration> {
    if matches!(migration.body, Body::Split { .. }) {
        return Cow::Borrowed(migration);
    }
    let statements = |direction| -> Cow<'static, [Statement]> {
        let ready = ready_statements(migration, direction, path, environment);
        Cow::Owned(ready.map(Cow::into_owned).unwrap_or_default())
    };
    let body = Body::Split { up: statements(Direction::Up), down: statements(Direction::Down) };
    Cow::Owned(Migration { body, ..migration.clone() })
}

/// A count with its noun.
fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
