//! A set of migrations as data: what a folder of goose files says, before anything is planned.
//!
//! Floor 2. The same types whether the set was embedded at build time or read from a folder at run time: everything
//! is const-constructible, and nothing downstream knows which. Invariant: a [`Statement`] never owns text that its
//! migration's text already holds.

mod change;
mod dialect;
mod digest;

use std::borrow::Cow;

pub use change::{Change, changes};
pub use dialect::Dialect;
pub use digest::Digest;

use crate::text::Span;

/// A migration's version: the number in front of its file name, at least 1 (goose/spec.md 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i64);

impl Version {
    /// The version of a database to which nothing was applied; goose seeds its table with it.
    pub const ZERO: Self = Self(0);
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Which section of a file: forward or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The section under `-- +goose Up`.
    Up,
    /// The section under `-- +goose Down`.
    Down,
}

impl Direction {
    /// The lower-case word used in text and JSON output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Whether a file's statements run in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One transaction a file, goose's default.
    Transaction,
    /// Statement by statement, because the file says `-- +goose NO TRANSACTION`.
    NoTransaction,
}

impl Mode {
    /// The word used in text and JSON output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::NoTransaction => "no-transaction",
        }
    }
}

/// One string that goose would send to the server: usually one SQL statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    span: Span,
    line: u32,
    owned: Option<Cow<'static, str>>,
}

impl Statement {
    /// A statement that is a slice of its migration's text.
    #[must_use]
    pub const fn slice(span: Span, line: u32) -> Self {
        Self { span, line, owned: None }
    }

    /// A statement that differs from the text it came from: lines joined over a dropped CR, an annotation, or with
    /// variables filled in.
    #[must_use]
    pub const fn rewritten(span: Span, line: u32, sql: Cow<'static, str>) -> Self {
        Self { span, line, owned: Some(sql) }
    }

    /// The bytes to send, exactly goose's; `text` is the text of the migration this statement belongs to.
    #[must_use]
    pub fn sql<'a>(&'a self, text: &'a str) -> &'a str {
        match &self.owned {
            Some(sql) => sql,
            None => self.span.of(text),
        }
    }

    /// The text of a rewritten statement, `None` when it is a slice.
    #[must_use]
    pub fn rewritten_sql(&self) -> Option<&str> {
        self.owned.as_deref()
    }

    /// Where it stands in the migration's text.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The line it starts on, counted from 1.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }
}

/// The statements of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Split into statements.
    Split {
        /// What `up` runs.
        up: Cow<'static, [Statement]>,
        /// What `down` runs.
        down: Cow<'static, [Statement]>,
    },
    /// The file switches ENVSUB on: its text is split when it runs, because a value can change the splitting
    /// (goose/spec.md Q11). In the language that is named; without a name, both of goose's have to agree.
    Deferred(Option<Dialect>),
}

/// One goose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The number in front of the file name.
    pub version: Version,
    /// The file name, such as `00012_add_tasks.sql`.
    pub file: Cow<'static, str>,
    /// The file's text.
    pub text: Cow<'static, str>,
    /// Whether it runs in one transaction.
    pub mode: Mode,
    /// Its statements.
    pub body: Body,
    /// SHA-256 of the text, CRLF read as LF.
    pub digest: Digest,
}

impl Migration {
    /// The file name without version and extension: `add_tasks`.
    #[must_use]
    pub fn name(&self) -> &str {
        name(&self.file)
    }
}

/// A file name without version and extension: `add_tasks` of `00012_add_tasks.sql`.
#[must_use]
pub fn name(file: &str) -> &str {
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    stem.split_once('_').map_or(stem, |(_, name)| name)
}

/// The folder a set was made from, so that a stale embed can be named as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The folder, absolute for an embedded set, as given for one read at run time.
    pub folder: Cow<'static, str>,
    /// How messages write the folder: relative to the file that embedded it.
    pub shown: Cow<'static, str>,
}

/// A whole set of migrations, ascending by version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The migrations, ascending by version, each version once.
    pub migrations: Cow<'static, [Migration]>,
    /// SHA-256 over the names and digests of all of them.
    pub digest: Digest,
    /// Where they were read.
    pub origin: Origin,
    /// Name and version of the package that embedded them; empty for a folder read at run time.
    pub release: Cow<'static, str>,
    /// The revision of the sources that it was built from, where the build knew it; empty otherwise.
    pub revision: Cow<'static, str>,
}

impl Set {
    /// The migration with this version.
    #[must_use]
    pub fn find(&self, version: Version) -> Option<&Migration> {
        let at = self.migrations.binary_search_by_key(&version, |migration| migration.version).ok()?;
        self.migrations.get(at)
    }

    /// The same set with the variables of its files in the language that is named; none leaves it as it is.
    #[must_use]
    pub fn speaking(mut self, dialect: Option<Dialect>) -> Self {
        let deferred = |migration: &Migration| matches!(migration.body, Body::Deferred(_));
        if dialect.is_some() && self.migrations.iter().any(deferred) {
            for migration in self.migrations.to_mut().iter_mut().filter(|migration| deferred(migration)) {
                migration.body = Body::Deferred(dialect);
            }
        }
        self
    }

    /// The highest version, 0 for an empty set.
    #[must_use]
    pub fn latest(&self) -> Version {
        self.migrations.last().map_or(Version::ZERO, |migration| migration.version)
    }

    /// The file of a migration as messages write it.
    #[must_use]
    pub fn path_of(&self, migration: &Migration) -> String {
        format!("{}/{}", self.origin.shown.trim_end_matches('/'), migration.file)
    }

    /// The digest of a list of migrations: over each file name and digest, in order.
    #[must_use]
    pub fn digest_of(migrations: &[Migration]) -> Digest {
        Digest::of_parts(migrations.iter().flat_map(|migration| [migration.file.as_bytes(), migration.digest.bytes()]))
    }
}
