//! What each SQL command of a statement says, as data: which objects it names and what it asks for.
//!
//! Floor 4. From a statement's text to [`Command`]s, over PostgreSQL's grammar (`squawk-syntax`), without knowing the
//! schema. Names are folded as PostgreSQL folds them: unquoted ones are lower case, long ones cut. Every span is a byte range of the
//! statement's text. Invariants: no type of the parsing library leaves this floor; a command that nothing here
//! understands is [`Action::Opaque`] and never an error.

mod action;
mod alter;
mod block;
mod definition;
mod expression;
mod kind;
mod lock_mode;
mod lower;
mod set;
mod table;

pub use action::{Action, Comment, Drop, Grant, OtherVerb, Rename, Setting, Transaction};
pub use alter::{AlterTable, ColumnChange, TableChange};
pub use block::{block, changes_roles_only, handles_exceptions};
pub use definition::{
    AlterFunction, CreateFunction, CreateIndex, CreateSequence, CreateTrigger, CreateType, CreateView, DomainChange,
    IndexColumn, TypeChange, TypeDefinition, Volatility,
};
pub use expression::{Expression, Query, Write};
pub use kind::{Kind, Persistence};
pub use lock_mode::LockMode;
pub use set::{Sections, read_set};
pub use table::{Column, ColumnType, Constraint, ConstraintKind, CreateTable, Generated, Identity, Partition};

use crate::diagnostic::Problem;
use crate::text::Span;

/// One SQL command; a goose statement usually holds one, and may hold several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Where it stands in the statement's text, without its `;`.
    pub span: Span,
    /// What it asks for.
    pub action: Action,
}

/// The name of an object as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The schema, when the name is qualified.
    pub schema: Option<String>,
    /// The name itself; the function, relation, type … .
    pub name: String,
    /// Where it stands in the statement's text.
    pub span: Where,
}

/// A span that does not take part in comparisons: two mentions of one object are equal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Where(pub Span);

impl PartialEq for Where {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Where {}
impl PartialOrd for Where {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Where {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}
impl std::hash::Hash for Where {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// The commands of a statement, in order. Where the text does not parse, the commands that it may hold are opaque.
#[must_use]
pub fn read(sql: &str) -> Vec<Command> {
    lower::read(sql)
}

/// The first fault of a text that PostgreSQL's parser would find, and the commands of [`read`], from one parse.
pub(crate) fn read_judged(sql: &str) -> (Result<(), Problem>, Vec<Command>) {
    lower::read_judged(sql)
}
