//! All objects of a database as one value: what its catalogs say, in the server's own words.
//!
//! Floor 8. Made from the rows of one query that somebody else runs; no driver, no database. Invariant: two databases with
//! the same objects have the same value, in whatever order the objects were made and whatever the session's settings are;
//! the order of a table's columns is a part of the table.
//!
//! Neither extensions' own objects nor the tables of the bookkeeping are in it. What else is not is listed in
//! docs/verify.md.

mod canonical;
mod diagram;
mod difference;
mod order;
mod question;
mod reading;
mod script;
#[cfg(test)]
mod tests;
mod view_text;

use std::fmt::Display;

pub use diagram::mermaid;
pub use question::question;
pub use script::script;

use crate::flight::TableName;
use crate::history::TextRow;
use crate::migration::Digest;

/// Everything in a database, ordered by kind and name; the columns of a table in their own order.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// The objects.
    pub objects: Vec<Object>,
    /// Which object has to be there before which other one, as positions in `objects`: the second needs the first.
    needs: Vec<(usize, usize)>,
}

/// One object, or one part of an object that is changed by itself: a column, a comment, a privilege.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its name, qualified and quoted as a statement would have it; of a part, the name within its parent.
    pub name: String,
    /// The table, or other object, that it is a part of.
    pub parent: Option<String>,
    /// What makes it: a statement without its semicolon; of a column and of a constraint, its line in the statement that
    /// makes the table.
    pub definition: String,
    /// Of a column its type, of a foreign key the table that it refers to.
    pub target: Option<String>,
}

/// What an object is, in the order in which a script makes them where nothing else decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A schema.
    Schema,
    /// An extension, without its version.
    Extension,
    /// A foreign-data wrapper or a server.
    ForeignServer,
    /// An enum, a composite type, a range or a domain.
    Type,
    /// A sequence that no identity column has.
    Sequence,
    /// A function, a procedure or an aggregate.
    Function,
    /// A table without its columns.
    Table,
    /// A column.
    Column,
    /// A constraint of a table or a domain.
    Constraint,
    /// An index that no constraint has.
    Index,
    /// That a table is a partition of another.
    Partition,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A rule.
    Rule,
    /// A trigger.
    Trigger,
    /// A policy of row-level security.
    Policy,
    /// What else is set on an object: row-level security, replica identity, a disabled trigger, a sequence's owner.
    Setting,
    /// Extended statistics.
    Statistics,
    /// A publication.
    Publication,
    /// An event trigger.
    EventTrigger,
    /// What is known by its name alone, such as an operator or a collation.
    Other,
    /// A comment.
    Comment,
    /// A privilege that is not there by itself.
    Privilege,
    /// What privileges later objects get.
    DefaultPrivilege,
}

impl Kind {
    /// The word for it in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Extension => "extension",
            Self::ForeignServer => "foreign server",
            Self::Type => "type",
            Self::Sequence => "sequence",
            Self::Function => "function",
            Self::Table => "table",
            Self::Column => "column",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::Partition => "partition",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Rule => "rule",
            Self::Trigger => "trigger",
            Self::Policy => "policy",
            Self::Setting => "setting",
            Self::Statistics => "statistics",
            Self::Publication => "publication",
            Self::EventTrigger => "event trigger",
            Self::Other => "other",
            Self::Comment => "comment",
            Self::Privilege => "privilege",
            Self::DefaultPrivilege => "default privilege",
        }
    }
}

/// What needs what follows from the objects.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.objects == other.objects
    }
}

impl Eq for Schema {}

impl Schema {
    /// The schema that the rows of [`question`] tell of; `None` when they are not such rows.
    #[must_use]
    pub fn read(rows: Vec<TextRow>) -> Option<Self> {
        reading::read(rows)
    }

    /// Asks a database, through whatever runs SQL and gives rows of text. The bookkeeping's tables are left out.
    ///
    /// # Errors
    /// What the asking ended with, in words.
    pub async fn ask<E: Display>(
        table: &TableName,
        ask: impl AsyncFnOnce(&str) -> Result<Vec<TextRow>, E>,
    ) -> Result<Self, String> {
        let rows = ask(&question(table)).await.map_err(|error| error.to_string())?;
        Self::read(rows).ok_or_else(|| "the server's answer is none to the question about its schema".to_owned())
    }

    /// SHA-256 of everything in it: two databases have the same schema when they have the same fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of_text(&canonical::text(self))
    }

    /// What has to happen to this schema so that it becomes the other one, a line each: `+` is only in the other one, `-`
    /// only in this one, `~` is in both and not the same. Parts of what is there or gone as a whole have no lines.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Vec<String> {
        difference::difference(self, other)
    }
}
