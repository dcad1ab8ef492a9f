//! Definitions of indexes, views, types, sequences, functions and triggers, and the changes of types.

use super::{ColumnType, Constraint, Expression, Kind, Name, Persistence, Query};

/// `CREATE INDEX`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "words that do not depend on each other")]
pub struct CreateIndex {
    /// Its name; PostgreSQL makes one where there is none.
    pub name: Option<Name>,
    /// The relation.
    pub table: Name,
    /// `ON ONLY`.
    pub only: bool,
    /// `UNIQUE`.
    pub unique: bool,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `USING`; `btree` where it is not written.
    pub method: String,
    /// What is indexed, in order.
    pub columns: Vec<IndexColumn>,
    /// `INCLUDE`.
    pub include: Vec<String>,
    /// `WHERE`.
    pub predicate: Option<Expression>,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
}

/// An element of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexColumn {
    /// A plain column.
    Column(String),
    /// An expression.
    Expression(Expression),
}

/// `CREATE VIEW`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "words that do not depend on each other")]
pub struct CreateView {
    /// The view.
    pub name: Name,
    /// `MATERIALIZED`.
    pub materialized: bool,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// Its columns, where they are listed.
    pub columns: Vec<String>,
    /// What it shows.
    pub query: Query,
    /// Not `WITH NO DATA`.
    pub with_data: bool,
}

/// `CREATE TYPE`, `CREATE DOMAIN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateType {
    /// The type.
    pub name: Name,
    /// What it is.
    pub definition: TypeDefinition,
}

/// What a type is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "its action is boxed")]
pub enum TypeDefinition {
    /// `AS ENUM (…)`: its values in order.
    Enum(Vec<String>),
    /// `AS (attribute type, …)`.
    Composite(Vec<(String, ColumnType)>),
    /// `CREATE DOMAIN`.
    Domain {
        /// The type below it.
        base: ColumnType,
        /// `NOT NULL`.
        not_null: bool,
        /// `DEFAULT`.
        default: Option<Expression>,
        /// Its CHECK constraints.
        constraints: Vec<Constraint>,
    },
    /// A range, base or shell type.
    Other,
}

/// A change of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeChange {
    /// `ADD VALUE`.
    AddValue {
        /// The value.
        value: String,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// `BEFORE` (true) or `AFTER` another value.
        beside: Option<(bool, String)>,
    },
    /// `ADD ATTRIBUTE`.
    AddAttribute(String, ColumnType),
    /// `DROP ATTRIBUTE`.
    DropAttribute(String),
    /// `ALTER ATTRIBUTE … TYPE`.
    AlterAttribute(String, ColumnType),
    /// `SET SCHEMA`.
    SetSchema(String),
    /// `OWNER TO`.
    OwnerTo(String),
    /// A form that no field above describes.
    Other,
}

/// A change of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainChange {
    /// `ADD CONSTRAINT`.
    AddConstraint(Constraint),
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// The constraint.
        name: String,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `VALIDATE CONSTRAINT`.
    ValidateConstraint(String),
    /// `SET NOT NULL`.
    SetNotNull,
    /// `DROP NOT NULL`.
    DropNotNull,
    /// `SET DEFAULT`, `DROP DEFAULT`.
    Default(Option<Expression>),
    /// `SET SCHEMA`.
    SetSchema(String),
    /// `OWNER TO`.
    OwnerTo(String),
}

/// `CREATE SEQUENCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSequence {
    /// The sequence.
    pub name: Name,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Temporary or not.
    pub persistence: Persistence,
    /// `OWNED BY table.column`.
    pub owned_by: Option<(Name, String)>,
}

/// `CREATE FUNCTION` and its kin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateFunction {
    /// `Function`, `Procedure` or `Aggregate`.
    pub kind: Kind,
    /// The function.
    pub name: Name,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// The types of its input arguments, as [`ColumnType`] writes them.
    pub arguments: Vec<String>,
    /// Their names; empty where none is given.
    pub argument_names: Vec<String>,
    /// What it returns, as written, in lower case; empty for a procedure.
    pub returns: String,
    /// `LANGUAGE`, lower case; `sql` for a body without quotes.
    pub language: String,
    /// How it depends on the database; `VOLATILE` where nothing is written.
    pub volatility: Volatility,
    /// The code, without its quotes; `None` for a body that is SQL itself.
    pub body: Option<String>,
}

/// `IMMUTABLE`, `STABLE`, `VOLATILE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "PostgreSQL manual, \"Function Volatility Categories\"")]
pub enum Volatility {
    Immutable,
    Stable,
    #[default]
    Volatile,
}

/// `ALTER FUNCTION` and its kin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterFunction {
    /// `Function`, `Procedure`, `Routine` or `Aggregate`.
    pub kind: Kind,
    /// The function.
    pub name: Name,
    /// `SET SCHEMA`.
    pub schema: Option<String>,
    /// `IMMUTABLE`, `STABLE`, `VOLATILE`.
    pub volatility: Option<Volatility>,
}

/// `CREATE TRIGGER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTrigger {
    /// The trigger.
    pub name: String,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// Its relation.
    pub table: Name,
    /// `FROM` of a constraint trigger.
    pub from: Option<Name>,
    /// What it calls.
    pub function: Option<Name>,
    /// `WHEN`.
    pub when: Option<Expression>,
    /// `UPDATE OF` columns.
    pub columns: Vec<String>,
}
