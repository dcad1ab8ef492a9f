//! `ALTER TABLE` and its kin.

use super::{Column, ColumnType, Constraint, Expression, Generated, Identity, Kind, Name, Partition, Where};

/// `ALTER TABLE | INDEX | VIEW | MATERIALIZED VIEW | FOREIGN TABLE`, with the changes in the order written.
///
/// `RENAME` forms are [`Action::Rename`](super::Action::Rename).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterTable {
    /// What the command calls the relation.
    pub kind: Kind,
    /// The relation.
    pub name: Name,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `ONLY`.
    pub only: bool,
    /// What changes, each with its place.
    pub changes: Vec<(Where, TableChange)>,
}

impl AlterTable {
    /// Whether one of its changes drops this constraint.
    #[must_use]
    pub fn drops_constraint(&self, constraint: &str) -> bool {
        let drops =
            |change: &TableChange| matches!(change, TableChange::DropConstraint { name, .. } if name == constraint);
        self.changes.iter().any(|(_, change)| drops(change))
    }
}

/// One change of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// `ADD COLUMN`.
    AddColumn {
        /// The column.
        column: Box<Column>,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `DROP COLUMN`.
    DropColumn {
        /// The column.
        column: String,
        /// `IF EXISTS`.
        if_exists: bool,
        /// `CASCADE`.
        cascade: bool,
    },
    /// `ALTER COLUMN`.
    AlterColumn {
        /// The column; a number for `ALTER INDEX … ALTER COLUMN 1`.
        column: String,
        /// What changes.
        change: ColumnChange,
    },
    /// `ADD CONSTRAINT`.
    AddConstraint(Constraint),
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// The constraint.
        name: String,
        /// `IF EXISTS`.
        if_exists: bool,
        /// `CASCADE`.
        cascade: bool,
    },
    /// `VALIDATE CONSTRAINT`.
    ValidateConstraint(String),
    /// `ALTER CONSTRAINT name …`: the words after the name.
    AlterConstraint {
        /// The constraint.
        name: String,
        /// `Some` with `ENFORCED` or `NOT ENFORCED`.
        enforced: Option<bool>,
    },
    /// `ATTACH PARTITION`.
    AttachPartition {
        /// The table (or index) that is attached.
        partition: Name,
        /// Parent and bound; the parent is the altered table.
        bound: Partition,
    },
    /// `DETACH PARTITION`.
    DetachPartition {
        /// The partition.
        partition: Name,
        /// `CONCURRENTLY`.
        concurrently: bool,
        /// `FINALIZE`.
        finalize: bool,
    },
    /// `SET SCHEMA`.
    SetSchema(String),
    /// `OWNER TO`.
    OwnerTo(String),
    /// `SET LOGGED` (true) or `SET UNLOGGED`.
    SetLogged(bool),
    /// `SET TABLESPACE`.
    SetTablespace(String),
    /// `SET ACCESS METHOD`; `None` for `DEFAULT`.
    SetAccessMethod(Option<String>),
    /// `SET (parameter = …)` or `RESET (parameter)`: the parameters' names, such as `fillfactor`.
    Parameters {
        /// The names, lower case, with `toast.` where written.
        names: Vec<String>,
        /// `RESET`.
        reset: bool,
    },
    /// `ENABLE`/`DISABLE` of triggers: name, or `ALL`/`USER`.
    Trigger {
        /// The trigger, or `all`, `user`.
        name: String,
        /// Enabled, in whatever form.
        enable: bool,
    },
    /// `ENABLE`/`DISABLE RULE`.
    Rule {
        /// The rule.
        name: String,
        /// Enabled, in whatever form.
        enable: bool,
    },
    /// `ENABLE`, `DISABLE`, `FORCE`, `NO FORCE ROW LEVEL SECURITY`.
    RowLevelSecurity {
        /// `Some(true)` for ENABLE, `Some(false)` for DISABLE, `None` for the FORCE forms.
        enable: Option<bool>,
    },
    /// `INHERIT parent` (true) or `NO INHERIT parent`.
    Inherit(Name, bool),
    /// `OF type`, `NOT OF` (`None`).
    OfType(Option<Name>),
    /// `REPLICA IDENTITY`: the index, where one is named; `full`.
    ReplicaIdentity {
        /// `USING INDEX name`.
        index: Option<String>,
        /// `FULL`.
        full: bool,
    },
    /// `CLUSTER ON index`; `None` for `SET WITHOUT CLUSTER`.
    ClusterOn(Option<String>),
    /// `SET WITHOUT OIDS`.
    WithoutOids,
    /// `DEPENDS ON EXTENSION`, `NO DEPENDS ON EXTENSION`.
    DependsOnExtension,
    /// A form that no field above describes; its words in upper case, such as `SPLIT PARTITION`.
    Other(String),
}

/// One change of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnChange {
    /// `SET DATA TYPE`, `TYPE`.
    Type {
        /// The new type.
        to: ColumnType,
        /// `USING expression`.
        using: Option<Expression>,
        /// `COLLATE`.
        collation: Option<Name>,
    },
    /// `SET NOT NULL`.
    SetNotNull,
    /// `DROP NOT NULL`.
    DropNotNull,
    /// `SET DEFAULT`.
    SetDefault(Expression),
    /// `DROP DEFAULT`.
    DropDefault,
    /// `SET EXPRESSION AS (…)`.
    SetExpression(Generated),
    /// `DROP EXPRESSION`.
    DropExpression {
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `ADD GENERATED … AS IDENTITY`.
    AddIdentity(Identity),
    /// `SET GENERATED ALWAYS | BY DEFAULT`, or another identity option.
    SetIdentity(Option<Identity>),
    /// `RESTART` of an identity's sequence.
    RestartIdentity,
    /// `DROP IDENTITY`.
    DropIdentity {
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `SET STATISTICS`.
    SetStatistics,
    /// `SET (n_distinct = …)`, `RESET (…)`.
    Options,
    /// `SET STORAGE`.
    SetStorage,
    /// `SET COMPRESSION`.
    SetCompression,
    /// `SET`/`DROP` of something else.
    Other(String),
}
