//! What a catalog holds.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{ColumnType, ConstraintKind, Expression, Generated, Identity, Persistence, Query, Volatility};
use crate::migration::{Direction, Version};

/// Where an object got its present form: a statement of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The migration.
    pub version: Version,
    /// The line of its file, counted from 1.
    pub line: u32,
    /// Whether Up or Down.
    pub direction: Direction,
    /// Which statement of the section, counted from 0.
    pub statement: u32,
}

/// A name with its schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    /// The schema.
    pub schema: String,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for QualifiedName {
    /// `public` is left out, as people write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.schema == "public" { f.write_str(&self.name) } else { write!(f, "{}.{}", self.schema, self.name) }
    }
}

/// What kind of relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelationKind {
    /// A table; `key` is `Some` with the key columns when it is partitioned.
    Table {
        /// The columns of `PARTITION BY`.
        key: Option<Vec<String>>,
    },
    /// A foreign table.
    ForeignTable,
    /// A view or materialized view.
    View(View),
    /// An index.
    Index(IndexDefinition),
    /// A sequence, with the column that owns it.
    Sequence {
        /// `OWNED BY`, serial or identity.
        owner: Option<(QualifiedName, String)>,
        /// It belongs to an identity column.
        identity: bool,
    },
}

/// A relation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Relation {
    /// What it is.
    pub kind: RelationKind,
    /// Where it was created.
    pub since: Place,
    /// Permanent, unlogged, temporary.
    pub persistence: Persistence,
    /// Its columns in order (tables, views).
    pub columns: Vec<CatalogColumn>,
    /// False when it may have columns, constraints or indexes that are not known (LIKE of an unknown table, a query with `*`).
    pub complete: bool,
    /// Its constraints (tables).
    pub constraints: Vec<CatalogConstraint>,
    /// The tables it inherits from or is a partition of.
    pub parents: Vec<QualifiedName>,
    /// The composite type that it is `OF`.
    pub of_type: Option<QualifiedName>,
    /// It is the DEFAULT partition of its parent.
    pub default_partition: bool,
    /// Trigger names with the function each calls.
    pub triggers: BTreeMap<String, Option<QualifiedName>>,
    /// Trigger names with the columns that `UPDATE OF` and `WHEN` name.
    pub trigger_columns: BTreeMap<String, Vec<String>>,
    /// Policy names, with what their expressions refer to.
    pub policies: BTreeMap<String, Vec<Expression>>,
    /// Rule names.
    pub rules: Vec<String>,
    /// Row level security is enabled.
    pub row_security: bool,
    /// Extended statistics: name and columns.
    pub statistics: BTreeMap<String, Vec<String>>,
    /// The roles that were granted something on it.
    pub grants: BTreeSet<String>,
    /// It was last populated `WITH NO DATA` (materialized views).
    pub unpopulated: bool,
}

impl Relation {
    /// A relation without anything in it.
    #[must_use]
    pub const fn new(kind: RelationKind, persistence: Persistence, since: Place) -> Self {
        Self {
            kind,
            since,
            persistence,
            columns: Vec::new(),
            complete: true,
            constraints: Vec::new(),
            parents: Vec::new(),
            of_type: None,
            default_partition: false,
            triggers: BTreeMap::new(),
            trigger_columns: BTreeMap::new(),
            policies: BTreeMap::new(),
            rules: Vec::new(),
            row_security: false,
            statistics: BTreeMap::new(),
            grants: BTreeSet::new(),
            unpopulated: false,
        }
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&CatalogColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn column_mut(&mut self, name: &str) -> Option<&mut CatalogColumn> {
        self.columns.iter_mut().find(|column| column.name == name)
    }

    /// The constraint of this name.
    #[must_use]
    pub fn constraint(&self, name: &str) -> Option<&CatalogConstraint> {
        self.constraints.iter().find(|constraint| constraint.name == name)
    }

    /// The columns of the primary key.
    #[must_use]
    pub fn primary_key(&self) -> Option<&[String]> {
        self.constraints.iter().find_map(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } => Some(columns.as_slice()),
            _ => None,
        })
    }

    /// Whether a valid constraint says that a column is never NULL (PostgreSQL manual, ALTER TABLE, "SET NOT NULL").
    #[must_use]
    pub fn proves_not_null(&self, column: &str) -> bool {
        self.proves_not_null_without(column, |_| false)
    }

    /// The same, but for the constraints that a command drops: PostgreSQL drops them before it looks for a proof,
    /// wherever in the command that is written.
    #[must_use]
    pub fn proves_not_null_without(&self, column: &str, is_dropped: impl Fn(&str) -> bool) -> bool {
        let stays = |constraint: &&CatalogConstraint| constraint.valid && !is_dropped(&constraint.name);
        self.constraints.iter().filter(stays).any(|constraint| match &constraint.kind {
            ConstraintKind::Check { expression, .. } => expression.proves_not_null.iter().any(|name| name == column),
            ConstraintKind::NotNull(name) => name == column,
            ConstraintKind::PrimaryKey { columns, .. } => columns.iter().any(|name| name == column),
            _ => false,
        })
    }

    /// Whether it is a partitioned table.
    #[must_use]
    pub const fn is_partitioned(&self) -> bool {
        matches!(self.kind, RelationKind::Table { key: Some(_) })
    }

    /// Whether it is a table or a foreign table.
    #[must_use]
    pub const fn is_table(&self) -> bool {
        matches!(self.kind, RelationKind::Table { .. } | RelationKind::ForeignTable)
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogColumn {
    /// Its name.
    pub name: String,
    /// Its type, with serial resolved to its integer; `None` when it is not known.
    pub kind: Option<ColumnType>,
    /// Whether NULL is refused: NOT NULL, primary key, identity or serial.
    pub not_null: bool,
    /// Its default.
    pub default: Option<Expression>,
    /// It is generated.
    pub generated: Option<Generated>,
    /// It is an identity column.
    pub identity: Option<Identity>,
    /// Where it was added.
    pub since: Place,
    /// Where its type, default or nullability were last changed.
    pub changed: Place,
    /// Where an UPDATE last filled it.
    pub filled: Option<Place>,
}

/// A constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogConstraint {
    /// Its name, PostgreSQL's own where none was given.
    pub name: String,
    /// What it demands. `using_index` is resolved: the columns are those of the index.
    pub kind: ConstraintKind,
    /// It was validated for all rows.
    pub valid: bool,
    /// The referenced table of a foreign key, resolved.
    pub references: Option<QualifiedName>,
    /// Where it was added.
    pub since: Place,
    /// Where it was validated, if that was a step of its own.
    pub validated: Option<Place>,
}

impl CatalogConstraint {
    /// The columns of the table that it is about.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        match &self.kind {
            ConstraintKind::Check { expression, .. } => &expression.columns,
            ConstraintKind::NotNull(column) => std::slice::from_ref(column),
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::Exclude { columns }
            | ConstraintKind::ForeignKey { columns, .. } => columns,
        }
    }

    /// Whether an index of the same name stands behind it.
    #[must_use]
    pub const fn has_index(&self) -> bool {
        matches!(
            self.kind,
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclude { .. }
        )
    }
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Its table or materialized view.
    pub table: QualifiedName,
    /// UNIQUE.
    pub unique: bool,
    /// Its plain columns in order.
    pub columns: Vec<String>,
    /// Its expressions.
    pub expressions: Vec<Expression>,
    /// INCLUDE.
    pub include: Vec<String>,
    /// WHERE.
    pub predicate: Option<Expression>,
    /// `btree`, `gin` … .
    pub method: String,
    /// The constraint it belongs to.
    pub constraint: Option<String>,
    /// The index of the partitioned table that it is attached to.
    pub parent: Option<QualifiedName>,
}

impl IndexDefinition {
    /// Whether it is about a column: as a key, included, in an expression or in its predicate.
    #[must_use]
    pub fn mentions(&self, column: &str) -> bool {
        let expressions = self.expressions.iter().chain(&self.predicate).flat_map(|expression| &expression.columns);
        self.columns.iter().chain(&self.include).chain(expressions).any(|name| name == column)
    }
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// It is materialized.
    pub materialized: bool,
    /// What it shows.
    pub query: Query,
    /// The relations it reads, resolved where they are known.
    pub reads: Vec<QualifiedName>,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeEntry {
    /// What it is.
    pub kind: TypeKind,
    /// Where it was created.
    pub since: Place,
}

/// What a type is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeKind {
    /// An enum: its values in order, each with where it was added.
    Enum(Vec<(String, Place)>),
    /// A composite type.
    Composite(Vec<(String, ColumnType)>),
    /// A domain.
    Domain {
        /// The type below it.
        base: ColumnType,
        /// It has NOT NULL or a CHECK.
        constraints: Vec<CatalogConstraint>,
        /// NOT NULL.
        not_null: bool,
        /// DEFAULT.
        default: Option<Box<Expression>>,
    },
    /// A range, base or shell type.
    Other,
}

/// A function, procedure or aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The types of its arguments.
    pub arguments: Vec<String>,
    /// Their names; empty where none is given.
    pub argument_names: Vec<String>,
    /// What it returns, lower case.
    pub returns: String,
    /// IMMUTABLE, STABLE, VOLATILE.
    pub volatility: Volatility,
    /// `sql`, `plpgsql` … .
    pub language: String,
    /// Its code.
    pub body: Option<String>,
    /// Where it got its present form.
    pub since: Place,
}
