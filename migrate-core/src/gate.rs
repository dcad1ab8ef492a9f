//! The gate in front of a release: whether a database is ready for it, asked with one SELECT.
//!
//! Floor 9. Made from the set that the release was compiled with and from rows that somebody else fetched: the caller
//! lends "run this SQL, give me rows of text", so that the application's own pool does. Invariant: the question changes
//! nothing, takes no lock beyond ACCESS SHARE, needs no privilege but SELECT, leaves nothing in the session, and is no
//! error of the server in any state of the tables: it works on a standby and through a pooler in any mode.
//!
//! ```
//! # fn load() -> migrate_core::migration::Set {
//! #     let folder = migrate_core::parse::Folder { path: "m".into(), shown: "m".into(), sources: vec![], diagnostics: vec![] };
//! #     migrate_core::parse::parse(folder).set
//! # }
//! use migrate_core::gate::{Gate, Latch, Policy, State};
//!
//! # let set = load(); // in a release: the set that `embed!` made
//! let latch = Latch::new(Gate::new(&set), Policy::FailFast);
//! # struct Pool;
//! # impl Pool { fn text_rows(&self, _: &str) -> Result<Vec<Vec<Option<String>>>, String> { Ok(vec![]) } }
//! # let pool = Pool;
//! // Any driver will do that can run a simple query and give its columns as text.
//! let verdict = latch.admit(|sql| pool.text_rows(sql));
//! if !verdict.is_open() {
//!     eprintln!("{verdict}");
//! }
//! # assert!(matches!(verdict.state, State::Unreachable { .. }));
//! ```
//!
//! With `tokio-postgres`, and with `deadpool-postgres`, whose clients are such clients: `latch.admit_client(&client).await`.
//!
//! With `sqlx`, every column of the question is text: `examples/pools` of the repository has both.

#[cfg(feature = "postgres")]
mod client;
mod judgement;
mod latch;
mod question;
mod reading;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeSet;
use std::fmt::Display;

pub use latch::{Latch, Policy};
pub use verdict::{State, Verdict};

use crate::flight::TableName;
pub use crate::history::TextRow;
use crate::migration::{Set, Version};

/// Which versions a release asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// All of its own. More are welcome: while a deploy rolls, and after a release was rolled back, the database is ahead.
    #[default]
    AtLeast,
    /// Its own up to a version, that one included.
    UpTo(Version),
    /// All of its own and no other. Never for a probe of readiness: every old pod would fail it the moment that the
    /// next release's Job succeeds.
    Exact,
    /// Its own up to the first, and none above the second.
    Range(Version, Version),
    /// These alone: for a service that uses a part of the schema.
    Subset(BTreeSet<Version>),
}

/// What a release asks of its database.
#[derive(Debug, Clone)]
pub struct Gate<'s> {
    set: &'s Set,
    table: TableName,
    mode: Mode,
}

impl<'s> Gate<'s> {
    /// The gate of a release: all of its versions, in goose's usual table.
    #[must_use]
    pub fn new(set: &'s Set) -> Self {
        Self { set, table: TableName::default(), mode: Mode::default() }
    }

    /// The same for another version table.
    #[must_use]
    pub fn table(self, table: TableName) -> Self {
        Self { table, ..self }
    }

    /// The same with another demand.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// The one SELECT. All of its columns are text.
    #[must_use]
    pub fn question(&self) -> String {
        question::question(&self.table)
    }

    /// What the question's rows mean for this release.
    #[must_use]
    pub fn judge(&self, rows: Vec<TextRow>) -> Verdict {
        judgement::judge(self, reading::read(rows))
    }

    /// Asks once.
    pub fn check<E: Display>(&self, ask: impl FnOnce(&str) -> Result<Vec<TextRow>, E>) -> Verdict {
        match ask(&self.question()) {
            Ok(rows) => self.judge(rows),
            Err(error) => self.unreachable(&error.to_string()),
        }
    }

    /// Asks once, where asking means waiting.
    pub async fn check_async<E: Display>(&self, ask: impl AsyncFnOnce(&str) -> Result<Vec<TextRow>, E>) -> Verdict {
        match ask(&self.question()).await {
            Ok(rows) => self.judge(rows),
            Err(error) => self.unreachable(&error.to_string()),
        }
    }

    /// The verdict when there is no answer.
    #[must_use]
    pub fn unreachable(&self, why: &str) -> Verdict {
        judgement::unreachable(self, why)
    }

    /// The highest version that the release knows.
    #[must_use]
    pub fn head(&self) -> Version {
        match self.mode {
            Mode::UpTo(version) => version.max(self.set.latest()),
            _ => self.set.latest(),
        }
    }

    /// The versions that have to be applied.
    fn required(&self) -> BTreeSet<Version> {
        let own = self.set.migrations.iter().map(|migration| migration.version);
        let mut required: BTreeSet<Version> = match &self.mode {
            Mode::AtLeast | Mode::Exact => own.collect(),
            Mode::UpTo(last) => own.filter(|version| version <= last).chain([*last]).collect(),
            Mode::Range(least, _) => own.filter(|version| version <= least).chain([*least]).collect(),
            Mode::Subset(versions) => versions.clone(),
        };
        required.remove(&Version::ZERO);
        required
    }
}
