//! The words for a command and the objects that it names.
//!
//! Invariant: an object has its schema, as the catalog resolves it or as it would be created.

use crate::catalog::{Catalog, QualifiedName};
use crate::command::{
    Action, AlterTable, ColumnChange, ConstraintKind, DomainChange, Kind, Name, Rename, TableChange, Transaction,
    TypeChange, TypeDefinition,
};

/// What SQL calls an object.
pub(super) const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Table => "TABLE",
        Kind::ForeignTable => "FOREIGN TABLE",
        Kind::View => "VIEW",
        Kind::MaterializedView => "MATERIALIZED VIEW",
        Kind::Index => "INDEX",
        Kind::Sequence => "SEQUENCE",
        Kind::Type => "TYPE",
        Kind::Domain => "DOMAIN",
        Kind::Function => "FUNCTION",
        Kind::Procedure => "PROCEDURE",
        Kind::Routine => "ROUTINE",
        Kind::Aggregate => "AGGREGATE",
        Kind::Trigger => "TRIGGER",
        Kind::EventTrigger => "EVENT TRIGGER",
        Kind::Policy => "POLICY",
        Kind::Rule => "RULE",
        Kind::Schema => "SCHEMA",
        Kind::Extension => "EXTENSION",
        Kind::Statistics => "STATISTICS",
        Kind::Database => "DATABASE",
        Kind::System => "SYSTEM",
        Kind::Role => "ROLE",
        Kind::Column => "COLUMN",
        Kind::Constraint => "CONSTRAINT",
        Kind::Attribute => "ATTRIBUTE",
        Kind::Value => "VALUE",
        Kind::Tablespace => "TABLESPACE",
        Kind::Publication => "PUBLICATION",
        Kind::Subscription => "SUBSCRIPTION",
        Kind::Other => "OBJECT",
    }
}

/// The words that name a command.
pub(super) fn verb(action: &Action) -> String {
    let concurrently = |is: bool| if is { " CONCURRENTLY" } else { "" };
    match action {
        Action::AlterTable(alter) => alter_verb(alter),
        Action::Rename(rename) => rename_verb(rename),
        Action::AlterType { changes, .. } => {
            format!("ALTER TYPE {}", distinct(changes.iter().map(|change| type_change(change).to_owned())))
        }
        Action::AlterDomain { change, .. } => format!("ALTER DOMAIN {}", domain_change(change)),
        Action::AlterSequence { options, .. } => {
            format!("ALTER SEQUENCE {}", distinct(options.iter().map(|option| option.to_uppercase())))
        }
        Action::AlterFunction(alter) => format!("ALTER {}", word(alter.kind)),
        Action::CreateFunction(create) => format!("CREATE {}", word(create.kind)),
        Action::CreateIndex(create) => format!("CREATE INDEX{}", concurrently(create.concurrently)),
        Action::Drop(drop) => format!("DROP {}{}", word(drop.kind), concurrently(drop.concurrently)),
        Action::Refresh { concurrently: is, .. } => format!("REFRESH MATERIALIZED VIEW{}", concurrently(*is)),
        Action::Reindex { kind, concurrently: is, .. } => format!("REINDEX {}{}", word(*kind), concurrently(*is)),
        Action::Comment(comment) => format!("COMMENT ON {}", word(comment.kind)),
        Action::Write(write) => write.verb.to_uppercase(),
        Action::Setting(setting) => setting_verb(setting.reset, setting.local),
        Action::Other(other) => other.words.clone(),
        action => fixed(action).to_owned(),
    }
}

/// Commands whose words are always the same.
fn fixed(action: &Action) -> &'static str {
    match action {
        Action::CreateTable(create) if create.foreign => "CREATE FOREIGN TABLE",
        Action::CreateTable(_) => "CREATE TABLE",
        Action::CreateTableAs { .. } => "CREATE TABLE AS",
        Action::CreateView(create) if create.materialized => "CREATE MATERIALIZED VIEW",
        Action::CreateView(_) => "CREATE VIEW",
        Action::CreateType(create) if matches!(create.definition, TypeDefinition::Domain { .. }) => "CREATE DOMAIN",
        Action::CreateType(_) => "CREATE TYPE",
        Action::CreateSequence(_) => "CREATE SEQUENCE",
        Action::CreateTrigger(_) => "CREATE TRIGGER",
        Action::CreatePolicy { .. } => "CREATE POLICY",
        Action::AlterPolicy { .. } => "ALTER POLICY",
        Action::CreateRule { .. } => "CREATE RULE",
        Action::CreateExtension { .. } => "CREATE EXTENSION",
        Action::CreateSchema { .. } => "CREATE SCHEMA",
        Action::CreateStatistics { .. } => "CREATE STATISTICS",
        Action::Grant(grant) if grant.revoke => "REVOKE",
        Action::Grant(_) => "GRANT",
        Action::Truncate { .. } => "TRUNCATE",
        Action::Select(_) => "SELECT",
        Action::Copy { .. } => "COPY",
        Action::Lock { .. } => "LOCK TABLE",
        Action::Vacuum { full: true, .. } => "VACUUM FULL",
        Action::Vacuum { .. } => "VACUUM",
        Action::Analyze { .. } => "ANALYZE",
        Action::Cluster { .. } => "CLUSTER",
        Action::Do { .. } => "DO",
        Action::Call { .. } => "CALL",
        Action::Transaction(control) => match control {
            Transaction::Begin => "BEGIN",
            Transaction::Commit => "COMMIT",
            Transaction::Rollback => "ROLLBACK",
            Transaction::Savepoint => "SAVEPOINT",
            Transaction::Release => "RELEASE SAVEPOINT",
            Transaction::RollbackTo => "ROLLBACK TO SAVEPOINT",
            Transaction::Prepare => "PREPARE TRANSACTION",
        },
        _ => "OPAQUE",
    }
}

fn setting_verb(reset: bool, local: bool) -> String {
    match (reset, local) {
        (true, _) => "RESET",
        (false, true) => "SET LOCAL",
        (false, false) => "SET",
    }
    .to_owned()
}

/// Words in the order of their first use, each once.
fn distinct(words: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    words.for_each(|word| {
        if !seen.contains(&word) {
            seen.push(word);
        }
    });
    seen.join(", ")
}

fn alter_verb(alter: &AlterTable) -> String {
    let changes = distinct(alter.changes.iter().map(|(_, change)| table_change(change)));
    format!("ALTER {} {changes}", word(alter.kind))
}

fn rename_verb(rename: &Rename) -> String {
    let of = word(rename.of);
    match rename.what {
        Kind::Column | Kind::Constraint | Kind::Attribute | Kind::Value => {
            format!("ALTER {of} RENAME {}", word(rename.what))
        }
        Kind::Trigger | Kind::Policy | Kind::Rule => format!("ALTER {} RENAME", word(rename.what)),
        _ => format!("ALTER {of} RENAME"),
    }
}

fn table_change(change: &TableChange) -> String {
    let fixed = match change {
        TableChange::AddColumn { .. } => "ADD COLUMN",
        TableChange::DropColumn { .. } => "DROP COLUMN",
        TableChange::AlterColumn { change, .. } => return format!("ALTER COLUMN {}", column_change(change)),
        TableChange::AddConstraint(constraint) => added(&constraint.kind),
        TableChange::DropConstraint { .. } => "DROP CONSTRAINT",
        TableChange::ValidateConstraint(_) => "VALIDATE CONSTRAINT",
        TableChange::AlterConstraint { .. } => "ALTER CONSTRAINT",
        TableChange::AttachPartition { .. } => "ATTACH PARTITION",
        TableChange::DetachPartition { concurrently: true, .. } => "DETACH PARTITION CONCURRENTLY",
        TableChange::DetachPartition { .. } => "DETACH PARTITION",
        TableChange::SetSchema(_) => "SET SCHEMA",
        TableChange::OwnerTo(_) => "OWNER TO",
        TableChange::SetLogged(true) => "SET LOGGED",
        TableChange::SetLogged(false) => "SET UNLOGGED",
        TableChange::SetTablespace(_) => "SET TABLESPACE",
        TableChange::SetAccessMethod(_) => "SET ACCESS METHOD",
        TableChange::Parameters { reset: true, .. } => "RESET",
        TableChange::Parameters { .. } => "SET",
        TableChange::Trigger { enable: true, .. } => "ENABLE TRIGGER",
        TableChange::Trigger { .. } => "DISABLE TRIGGER",
        TableChange::Rule { enable: true, .. } => "ENABLE RULE",
        TableChange::Rule { .. } => "DISABLE RULE",
        TableChange::RowLevelSecurity { enable: Some(true) } => "ENABLE ROW LEVEL SECURITY",
        TableChange::RowLevelSecurity { enable: Some(false) } => "DISABLE ROW LEVEL SECURITY",
        TableChange::RowLevelSecurity { enable: None } => "FORCE ROW LEVEL SECURITY",
        TableChange::Inherit(_, true) => "INHERIT",
        TableChange::Inherit(_, false) => "NO INHERIT",
        TableChange::OfType(Some(_)) => "OF",
        TableChange::OfType(None) => "NOT OF",
        TableChange::ReplicaIdentity { .. } => "REPLICA IDENTITY",
        TableChange::ClusterOn(Some(_)) => "CLUSTER ON",
        TableChange::ClusterOn(None) => "SET WITHOUT CLUSTER",
        TableChange::WithoutOids => "SET WITHOUT OIDS",
        TableChange::DependsOnExtension => "DEPENDS ON EXTENSION",
        TableChange::Other(words) => words,
    };
    fixed.to_owned()
}

const fn added(kind: &ConstraintKind) -> &'static str {
    match kind {
        ConstraintKind::Check { .. } => "ADD CHECK",
        ConstraintKind::NotNull(_) => "ADD NOT NULL",
        ConstraintKind::PrimaryKey { .. } => "ADD PRIMARY KEY",
        ConstraintKind::Unique { .. } => "ADD UNIQUE",
        ConstraintKind::Exclude { .. } => "ADD EXCLUDE",
        ConstraintKind::ForeignKey { .. } => "ADD FOREIGN KEY",
    }
}

fn column_change(change: &ColumnChange) -> &str {
    match change {
        ColumnChange::Type { .. } => "TYPE",
        ColumnChange::SetNotNull => "SET NOT NULL",
        ColumnChange::DropNotNull => "DROP NOT NULL",
        ColumnChange::SetDefault(_) => "SET DEFAULT",
        ColumnChange::DropDefault => "DROP DEFAULT",
        ColumnChange::SetExpression(_) => "SET EXPRESSION",
        ColumnChange::DropExpression { .. } => "DROP EXPRESSION",
        ColumnChange::AddIdentity(_) => "ADD GENERATED",
        ColumnChange::SetIdentity(_) => "SET GENERATED",
        ColumnChange::RestartIdentity => "RESTART",
        ColumnChange::DropIdentity { .. } => "DROP IDENTITY",
        ColumnChange::SetStatistics => "SET STATISTICS",
        ColumnChange::Options => "SET",
        ColumnChange::SetStorage => "SET STORAGE",
        ColumnChange::SetCompression => "SET COMPRESSION",
        ColumnChange::Other(words) => words,
    }
}

const fn type_change(change: &TypeChange) -> &'static str {
    match change {
        TypeChange::AddValue { .. } => "ADD VALUE",
        TypeChange::AddAttribute(..) => "ADD ATTRIBUTE",
        TypeChange::DropAttribute(_) => "DROP ATTRIBUTE",
        TypeChange::AlterAttribute(..) => "ALTER ATTRIBUTE",
        TypeChange::SetSchema(_) => "SET SCHEMA",
        TypeChange::OwnerTo(_) => "OWNER TO",
        TypeChange::Other => "SET",
    }
}

const fn domain_change(change: &DomainChange) -> &'static str {
    match change {
        DomainChange::AddConstraint(_) => "ADD CONSTRAINT",
        DomainChange::DropConstraint { .. } => "DROP CONSTRAINT",
        DomainChange::ValidateConstraint(_) => "VALIDATE CONSTRAINT",
        DomainChange::SetNotNull => "SET NOT NULL",
        DomainChange::DropNotNull => "DROP NOT NULL",
        DomainChange::Default(Some(_)) => "SET DEFAULT",
        DomainChange::Default(None) => "DROP DEFAULT",
        DomainChange::SetSchema(_) => "SET SCHEMA",
        DomainChange::OwnerTo(_) => "OWNER TO",
    }
}

/// The objects that a command names, each once, in the order written.
pub(super) fn objects(action: &Action, catalog: &Catalog) -> Vec<(Kind, String)> {
    let named = |kind: Kind, name: &Name| (kind, full(&resolve(name, catalog)));
    let bare = |kind: Kind, name: &str| (kind, name.to_owned());
    let part = |kind: Kind, of: &Name, part: &str| (kind, format!("{}.{part}", full(&resolve(of, catalog))));
    match action {
        Action::CreateTable(create) => vec![named(Kind::Table, &create.name)],
        Action::CreateTableAs { name, .. } => vec![named(Kind::Table, name)],
        Action::AlterTable(alter) => vec![named(alter.kind, &alter.name)],
        Action::Rename(rename) => match &rename.from {
            Some(from) => vec![part(rename.what, &rename.object, from)],
            None => vec![named(rename.of, &rename.object)],
        },
        Action::CreateIndex(create) => {
            let index = create.name.as_ref().map(|index| {
                let schema = resolve(&create.table, catalog).schema;
                (Kind::Index, format!("{schema}.{}", index.name))
            });
            index.into_iter().chain([named(Kind::Table, &create.table)]).collect()
        }
        Action::Drop(drop) => match &drop.on {
            Some(on) => drop.names.iter().map(|name| part(drop.kind, on, &name.name)).collect(),
            None => drop.names.iter().map(|name| named_or_bare(drop.kind, name, catalog)).collect(),
        },
        Action::CreateView(create) => {
            let kind = if create.materialized { Kind::MaterializedView } else { Kind::View };
            vec![named(kind, &create.name)]
        }
        Action::Refresh { name, .. } => vec![named(Kind::MaterializedView, name)],
        Action::CreateType(create) => vec![named(Kind::Type, &create.name)],
        Action::AlterType { name, .. } => vec![named(Kind::Type, name)],
        Action::AlterDomain { name, .. } => vec![named(Kind::Domain, name)],
        Action::CreateSequence(create) => vec![named(Kind::Sequence, &create.name)],
        Action::AlterSequence { name, .. } => vec![named(Kind::Sequence, name)],
        Action::CreateFunction(create) => vec![named(create.kind, &create.name)],
        Action::AlterFunction(alter) => vec![named(alter.kind, &alter.name)],
        Action::CreateTrigger(create) => vec![part(Kind::Trigger, &create.table, &create.name)],
        Action::CreatePolicy { name, table, .. } | Action::AlterPolicy { name, table } => {
            vec![part(Kind::Policy, table, name)]
        }
        Action::CreateRule { name, table, .. } => vec![part(Kind::Rule, table, name)],
        Action::CreateExtension { name, .. } => vec![bare(Kind::Extension, &name.name)],
        Action::CreateSchema { name, .. } => vec![bare(Kind::Schema, &name.name)],
        Action::CreateStatistics { name, table, .. } => {
            let statistics = name.as_ref().map(|name| named(Kind::Statistics, name));
            statistics.into_iter().chain([named(Kind::Table, table)]).collect()
        }
        _ => more_objects(action, catalog),
    }
}

/// The objects of commands that do not define any.
fn more_objects(action: &Action, catalog: &Catalog) -> Vec<(Kind, String)> {
    let table = |name: &Name| (Kind::Table, full(&resolve(name, catalog)));
    match action {
        Action::Comment(comment) => {
            let object = comment.object.as_ref().map(|object| match &comment.part {
                Some(part) => (comment.kind, format!("{}.{part}", full(&resolve(object, catalog)))),
                None => named_or_bare(comment.kind, object, catalog),
            });
            object.into_iter().collect()
        }
        Action::Grant(grant) => {
            let kind = if grant.all_in_schema { Kind::Schema } else { grant.kind };
            grant.objects.iter().map(|object| named_or_bare(kind, object, catalog)).collect()
        }
        Action::Truncate { tables, .. }
        | Action::Lock { tables, .. }
        | Action::Vacuum { tables, .. }
        | Action::Analyze { tables } => tables.iter().map(table).collect(),
        Action::Write(write) => vec![table(&write.table)],
        Action::Select(query) => query.reads.iter().map(table).collect(),
        Action::Copy { table: name, .. } | Action::Cluster { table: name } => name.iter().map(table).collect(),
        Action::Reindex { kind, name, .. } => name.iter().map(|name| named_or_bare(*kind, name, catalog)).collect(),
        Action::Call { name } => vec![(Kind::Procedure, name.to_string())],
        Action::Other(other) => other.objects.iter().map(|(kind, name)| named_or_bare(*kind, name, catalog)).collect(),
        _ => Vec::new(),
    }
}

/// Kinds that live in no schema keep their name.
fn named_or_bare(kind: Kind, name: &Name, catalog: &Catalog) -> (Kind, String) {
    let is_global = matches!(
        kind,
        Kind::Schema
            | Kind::Extension
            | Kind::Database
            | Kind::System
            | Kind::Role
            | Kind::Tablespace
            | Kind::Publication
            | Kind::Subscription
            | Kind::EventTrigger
            | Kind::Other
    );
    (kind, if is_global { name.to_string() } else { full(&resolve(name, catalog)) })
}

fn resolve(name: &Name, catalog: &Catalog) -> QualifiedName {
    match catalog.relation(name).known() {
        Some((found, _)) => found.clone(),
        None => catalog.qualify(name),
    }
}

fn full(name: &QualifiedName) -> String {
    format!("{}.{}", name.schema, name.name)
}
