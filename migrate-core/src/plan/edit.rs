//! An applied file that is not what was applied, as a value: plans warn of it, and errors name it.

use crate::migration::{Digest, Version};

/// How far a file differs from the one that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditKind {
    /// White space or comments.
    Layout,
    /// The SQL of its Down: what it made is what was applied.
    Down,
    /// The SQL itself.
    Text,
}

/// An applied file that is not what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The version.
    pub version: Version,
    /// The file, as messages write it.
    pub path: String,
    /// How far it differs.
    pub kind: EditKind,
    /// Digest of the file that was applied.
    pub applied: Digest,
    /// Digest of the file as it is.
    pub now: Digest,
}
