//! What one command asks for.

use super::{
    AlterFunction, AlterTable, Column, CreateFunction, CreateIndex, CreateSequence, CreateTable, CreateTrigger,
    CreateType, CreateView, DomainChange, Expression, Kind, LockMode, Name, Persistence, Query, TypeChange, Where,
    Write,
};

/// What one command asks for. `Box`es keep the enum small: sets hold thousands of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `CREATE TABLE`, `CREATE FOREIGN TABLE`.
    CreateTable(Box<CreateTable>),
    /// `CREATE TABLE … AS`, `SELECT … INTO`.
    CreateTableAs {
        /// The table.
        name: Name,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// Permanent, unlogged or temporary.
        persistence: Persistence,
        /// Its columns, where they are listed.
        columns: Vec<String>,
        /// What fills it.
        query: Box<Query>,
        /// Not `WITH NO DATA`.
        with_data: bool,
    },
    /// `ALTER TABLE` and its kin.
    AlterTable(Box<AlterTable>),
    /// `RENAME` of an object, a column, a constraint, an attribute or a value.
    Rename(Box<Rename>),
    /// `CREATE INDEX`.
    CreateIndex(Box<CreateIndex>),
    /// `DROP` of any kind of object.
    Drop(Box<Drop>),
    /// `CREATE VIEW`, `CREATE MATERIALIZED VIEW`.
    CreateView(Box<CreateView>),
    /// `REFRESH MATERIALIZED VIEW`.
    Refresh {
        /// The view.
        name: Name,
        /// `CONCURRENTLY`.
        concurrently: bool,
        /// Not `WITH NO DATA`.
        with_data: bool,
    },
    /// `CREATE TYPE`, `CREATE DOMAIN`.
    CreateType(Box<CreateType>),
    /// `ALTER TYPE`.
    AlterType {
        /// The type.
        name: Name,
        /// What changes.
        changes: Vec<TypeChange>,
    },
    /// `ALTER DOMAIN`.
    AlterDomain {
        /// The domain.
        name: Name,
        /// What changes.
        change: DomainChange,
    },
    /// `CREATE SEQUENCE`.
    CreateSequence(Box<CreateSequence>),
    /// `ALTER SEQUENCE` (not RENAME, OWNER TO, SET SCHEMA: those are `Rename`, `Alter`).
    AlterSequence {
        /// The sequence.
        name: Name,
        /// `IF EXISTS`.
        if_exists: bool,
        /// The first words of its options, lower case: `restart`, `owned by`, `cache`, `as`, `owner to`, `set schema`.
        options: Vec<String>,
        /// `OWNED BY table.column`.
        owned_by: Option<(Name, String)>,
    },
    /// `CREATE FUNCTION`, `CREATE PROCEDURE`, `CREATE AGGREGATE`.
    CreateFunction(Box<CreateFunction>),
    /// `ALTER FUNCTION | PROCEDURE | ROUTINE | AGGREGATE` (not RENAME).
    AlterFunction(AlterFunction),
    /// `CREATE TRIGGER`.
    CreateTrigger(Box<CreateTrigger>),
    /// `CREATE POLICY`.
    CreatePolicy {
        /// The policy.
        name: String,
        /// Its table.
        table: Name,
        /// `USING` and `WITH CHECK`.
        expressions: Vec<Expression>,
    },
    /// `ALTER POLICY` (not RENAME).
    AlterPolicy {
        /// The policy.
        name: String,
        /// Its table.
        table: Name,
    },
    /// `CREATE RULE`.
    CreateRule {
        /// The rule.
        name: String,
        /// Its relation.
        table: Name,
        /// `OR REPLACE`.
        or_replace: bool,
    },
    /// `CREATE EXTENSION`.
    CreateExtension {
        /// The extension.
        name: Name,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// `SCHEMA`.
        schema: Option<String>,
    },
    /// `CREATE SCHEMA`.
    CreateSchema {
        /// The schema.
        name: Name,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `CREATE STATISTICS`.
    CreateStatistics {
        /// The statistics object.
        name: Option<Name>,
        /// Its table.
        table: Name,
        /// The columns it covers.
        columns: Vec<String>,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `COMMENT ON`.
    Comment(Box<Comment>),
    /// `GRANT`, `REVOKE`.
    Grant(Box<Grant>),
    /// `TRUNCATE`.
    Truncate {
        /// The tables.
        tables: Vec<Name>,
        /// `CASCADE`.
        cascade: bool,
        /// `RESTART IDENTITY`.
        restart: bool,
    },
    /// `INSERT`, `UPDATE`, `DELETE`, `MERGE`.
    Write(Box<Write>),
    /// `SELECT`, `VALUES`, `TABLE`.
    Select(Box<Query>),
    /// `COPY`.
    Copy {
        /// The table; `None` for a query.
        table: Option<Name>,
        /// `FROM`.
        from: bool,
    },
    /// `LOCK TABLE`.
    Lock {
        /// The relations.
        tables: Vec<Name>,
        /// The mode.
        mode: LockMode,
    },
    /// `VACUUM`.
    Vacuum {
        /// The tables; all when empty.
        tables: Vec<Name>,
        /// `FULL`.
        full: bool,
        /// `ANALYZE`.
        analyze: bool,
    },
    /// `ANALYZE`.
    Analyze {
        /// The tables; all when empty.
        tables: Vec<Name>,
    },
    /// `CLUSTER`.
    Cluster {
        /// The table; all when `None`.
        table: Option<Name>,
    },
    /// `REINDEX`.
    Reindex {
        /// `Index`, `Table`, `Schema`, `Database` or `System`.
        kind: Kind,
        /// What is built again.
        name: Option<Name>,
        /// `CONCURRENTLY`.
        concurrently: bool,
    },
    /// `DO`.
    Do {
        /// The code, without its quotes.
        body: String,
        /// Where the code stands.
        span: Where,
    },
    /// `CALL`.
    Call {
        /// The procedure.
        name: Name,
    },
    /// `SET`, `RESET`.
    Setting(Setting),
    /// `BEGIN`, `COMMIT`, `SAVEPOINT` … .
    Transaction(Transaction),
    /// A command that is understood and touches none of the above, by its words: `CREATE ROLE`, `LISTEN`, `NOTIFY` … .
    Other(OtherVerb),
    /// A command that nothing here understands.
    Opaque,
}

/// A column that a command adds, for callers that need only that.
impl Action {
    /// The columns that the command adds to a relation that existed before.
    pub fn added_columns(&self) -> impl Iterator<Item = &Column> {
        let changes = match self {
            Self::AlterTable(alter) => alter.changes.as_slice(),
            _ => &[],
        };
        changes.iter().filter_map(|(_, change)| match change {
            super::TableChange::AddColumn { column, .. } => Some(column.as_ref()),
            _ => None,
        })
    }
}

/// `… RENAME …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// What kind of thing gets a new name: `Column`, `Constraint`, `Attribute`, `Value`, or a whole object.
    pub what: Kind,
    /// What kind of object the command names: `Table` for `ALTER TABLE … RENAME COLUMN`.
    pub of: Kind,
    /// The object, or for triggers, policies and rules their table.
    pub object: Name,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The old name of a column, constraint, attribute, value, trigger, policy or rule.
    pub from: Option<String>,
    /// The new name.
    pub to: String,
}

/// `DROP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop {
    /// What kind of objects.
    pub kind: Kind,
    /// The objects; functions without their arguments.
    pub names: Vec<Name>,
    /// The relation of a trigger, a policy or a rule.
    pub on: Option<Name>,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `CASCADE`.
    pub cascade: bool,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// For functions: the argument types of each name, as [`CreateFunction::arguments`]; `None` where no list is written.
    pub arguments: Vec<Option<Vec<String>>>,
}

/// `COMMENT ON`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// What kind of object.
    pub kind: Kind,
    /// The object; the relation of a column, constraint, trigger, policy or rule.
    pub object: Option<Name>,
    /// The column, constraint, trigger, policy or rule.
    pub part: Option<String>,
}

/// `GRANT`, `REVOKE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `REVOKE`.
    pub revoke: bool,
    /// What kind of objects; `Role` for `GRANT role TO role`.
    pub kind: Kind,
    /// `ALL … IN SCHEMA`.
    pub all_in_schema: bool,
    /// The objects, or schemas with `all_in_schema`.
    pub objects: Vec<Name>,
    /// The roles, lower case; `public` among them.
    pub roles: Vec<String>,
}

/// `SET`, `RESET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The parameter, lower case; `role`, `session authorization`, `time zone`, `constraints`, `transaction`, `all`.
    pub name: String,
    /// `SET LOCAL`.
    pub local: bool,
    /// `RESET`, or `TO DEFAULT`.
    pub reset: bool,
    /// The values, without their quotes.
    pub values: Vec<String>,
}

/// A command that controls a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the command of its name")]
pub enum Transaction {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
    Prepare,
}

/// A command of which only its words are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherVerb {
    /// The words that name it, upper case, such as `CREATE ROLE`, `ALTER SYSTEM`, `DISCARD ALL`.
    pub words: String,
    /// The objects it names, where they are relations or of a known kind.
    pub objects: Vec<(Kind, Name)>,
}
