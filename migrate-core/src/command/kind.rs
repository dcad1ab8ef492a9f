//! Kinds of objects, and how long relations live.

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the object that SQL calls so")]
pub enum Kind {
    Table,
    ForeignTable,
    View,
    MaterializedView,
    Index,
    Sequence,
    Type,
    Domain,
    Function,
    Procedure,
    Routine,
    Aggregate,
    Trigger,
    EventTrigger,
    Policy,
    Rule,
    Schema,
    Extension,
    Statistics,
    Database,
    System,
    Role,
    Column,
    Constraint,
    Attribute,
    Value,
    Tablespace,
    Publication,
    Subscription,
    Other,
}

/// How long a relation lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Until it is dropped.
    #[default]
    Permanent,
    /// Until it is dropped, its data until a crash.
    Unlogged,
    /// Until the session ends.
    Temporary,
}
