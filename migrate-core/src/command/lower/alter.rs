//! `ALTER TABLE` and its kin: from their trees to a list of changes, or to a new name.

mod column;

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::parts::{all_words, called_by_grammar, child, has, name, name_in, place, text, within, word, word_in};
use super::table::{column, constraint, partition};
use crate::command::{Action, AlterTable, Kind, Name, OtherVerb, Rename, TableChange};

/// The action of a command that alters a relation.
pub(super) fn lower(stmt: &ast::Stmt) -> Option<Action> {
    let node = stmt.syntax();
    let kind = match node.kind() {
        K::ALTER_TABLE => Kind::Table,
        K::ALTER_INDEX => Kind::Index,
        K::ALTER_VIEW => Kind::View,
        K::ALTER_MATERIALIZED_VIEW => Kind::MaterializedView,
        K::ALTER_FOREIGN_TABLE => Kind::ForeignTable,
        _ => return None,
    };
    if child(node, K::ALL_IN_TABLESPACE).is_some() {
        let words = format!("{} ALL IN TABLESPACE", called_by_grammar(node));
        return Some(Action::Other(OtherVerb { words, objects: Vec::new() }));
    }
    let targets = [K::TABLE_RELATION_NAME, K::INDEX_REF, K::VIEW_REF];
    let target = node.children().find(|node| targets.contains(&node.kind()))?;
    let object = name(&target)?;
    let if_exists = has(node, K::IF_EXISTS);
    let actions: Vec<SyntaxNode> =
        node.children().filter(|child| child.text_range().start() >= target.text_range().end()).collect();
    if let Some(rename) = actions.iter().find_map(|action| renamed(action, kind, &object, if_exists)) {
        return Some(Action::Rename(Box::new(rename)));
    }
    Some(Action::AlterTable(Box::new(AlterTable {
        kind,
        only: has(&target, K::ONLY_KW),
        changes: actions.iter().map(|action| (place(action), change(action, &object))).collect(),
        name: object,
        if_exists,
    })))
}

fn renamed(node: &SyntaxNode, of: Kind, object: &Name, if_exists: bool) -> Option<Rename> {
    let rename = |what, from, to| Rename { what, of, object: object.clone(), if_exists, from, to };
    Some(match node.kind() {
        K::RENAME_COLUMN => {
            rename(Kind::Column, Some(word_in(node, K::COLUMN_NAME_REF)?), word_in(node, K::COLUMN_NAME)?)
        }
        K::RENAME_CONSTRAINT => {
            rename(Kind::Constraint, Some(word_in(node, K::CONSTRAINT_NAME_REF)?), word_in(node, K::CONSTRAINT_NAME)?)
        }
        _ if called_by_grammar(node).ends_with("RENAME TO") => rename(of, None, name(node)?.name),
        _ => return None,
    })
}

fn change(node: &SyntaxNode, table: &Name) -> TableChange {
    let known = columns(node)
        .or_else(|| constraints(node))
        .or_else(|| partitions(node, table))
        .or_else(|| storage(node))
        .or_else(|| behaviour(node));
    known.unwrap_or_else(|| TableChange::Other(called_by_grammar(node)))
}

fn cascades(node: &SyntaxNode) -> bool {
    has(node, K::CASCADE)
}

fn columns(node: &SyntaxNode) -> Option<TableChange> {
    Some(match node.kind() {
        K::ADD_COLUMN => {
            TableChange::AddColumn { column: Box::new(column(node)?), if_not_exists: has(node, K::IF_NOT_EXISTS) }
        }
        K::DROP_COLUMN => TableChange::DropColumn {
            column: word_in(node, K::COLUMN_NAME_REF)?,
            if_exists: has(node, K::IF_EXISTS),
            cascade: cascades(node),
        },
        K::ALTER_COLUMN | K::ALTER_VIEW_COLUMN | K::ALTER_SET_STATISTICS => column::altered(node)?,
        _ => return None,
    })
}

fn constraints(node: &SyntaxNode) -> Option<TableChange> {
    let named = || word_in(node, K::CONSTRAINT_NAME_REF);
    Some(match node.kind() {
        K::ADD_CONSTRAINT => TableChange::AddConstraint(constraint(&node.children().find_map(ast::Constraint::cast)?)?),
        K::DROP_CONSTRAINT => {
            TableChange::DropConstraint { name: named()?, if_exists: has(node, K::IF_EXISTS), cascade: cascades(node) }
        }
        K::VALIDATE_CONSTRAINT => TableChange::ValidateConstraint(named()?),
        K::ALTER_CONSTRAINT => {
            let enforced = match () {
                () if within(node, K::NOT_ENFORCED).is_some() => Some(false),
                () if within(node, K::ENFORCED).is_some() => Some(true),
                () => None,
            };
            TableChange::AlterConstraint { name: named()?, enforced }
        }
        _ => return None,
    })
}

fn partitions(node: &SyntaxNode, table: &Name) -> Option<TableChange> {
    Some(match node.kind() {
        K::ATTACH_PARTITION => TableChange::AttachPartition {
            partition: name_in(node, K::TABLE_NAME_REF)?,
            bound: partition(table.clone(), node)?,
        },
        K::ATTACH_INDEX_PARTITION => TableChange::AttachPartition {
            partition: name_in(node, K::INDEX_REF)?,
            bound: crate::command::Partition { parent: table.clone(), default: false, bound: String::new() },
        },
        K::DETACH_PARTITION => TableChange::DetachPartition {
            partition: name_in(node, K::TABLE_NAME_REF)?,
            concurrently: has(node, K::DETACH_CONCURRENTLY),
            finalize: has(node, K::DETACH_FINALIZE),
        },
        K::INHERIT_TABLE => TableChange::Inherit(name(node)?, true),
        K::NO_INHERIT_TABLE => TableChange::Inherit(name(node)?, false),
        _ => return None,
    })
}

fn storage(node: &SyntaxNode) -> Option<TableChange> {
    Some(match node.kind() {
        K::SET_SCHEMA => TableChange::SetSchema(word_in(node, K::SCHEMA_REF)?),
        K::OWNER_TO => TableChange::OwnerTo(word_in(node, K::ROLE_REF)?),
        K::SET_LOGGED => TableChange::SetLogged(true),
        K::SET_UNLOGGED => TableChange::SetLogged(false),
        K::SET_TABLESPACE => TableChange::SetTablespace(word_in(node, K::TABLESPACE_REF)?),
        K::SET_ACCESS_METHOD => TableChange::SetAccessMethod(word_in(node, K::ACCESS_METHOD_REF)),
        K::SET_OPTIONS => TableChange::Parameters { names: parameters(node), reset: false },
        K::RESET_OPTIONS => TableChange::Parameters { names: parameters(node), reset: true },
        K::CLUSTER_ON => TableChange::ClusterOn(Some(name(node)?.name)),
        K::SET_WITHOUT_CLUSTER => TableChange::ClusterOn(None),
        K::SET_WITHOUT_OIDS => TableChange::WithoutOids,
        K::REPLICA_IDENTITY => TableChange::ReplicaIdentity {
            index: within(node, K::USING_INDEX_NAME).and_then(|using| name(&using)).map(|name| name.name),
            full: within(node, K::REPLICA_IDENTITY_FULL).is_some(),
        },
        _ => return None,
    })
}

/// The names in front of `=` in a list of parameters.
fn parameters(node: &SyntaxNode) -> Vec<String> {
    let options = node.descendants().filter(|node| node.kind() == K::ATTRIBUTE_OPTION);
    let named = options.map(|option| text(&option).split('=').next().unwrap_or_default().trim().to_ascii_lowercase());
    named.collect()
}

fn behaviour(node: &SyntaxNode) -> Option<TableChange> {
    let trigger = |enable| {
        let target = child(node, K::TRIGGER_REF).and_then(|trigger| word(&trigger));
        let all = || text(node).rsplit(' ').next().unwrap_or_default().to_ascii_lowercase();
        TableChange::Trigger { name: target.unwrap_or_else(all), enable }
    };
    let rule = |enable| all_words(node, K::RULE_REF).pop().map(|name| TableChange::Rule { name, enable });
    Some(match node.kind() {
        K::ENABLE_TRIGGER | K::ENABLE_ALWAYS_TRIGGER | K::ENABLE_REPLICA_TRIGGER => trigger(true),
        K::DISABLE_TRIGGER => trigger(false),
        K::ENABLE_RULE | K::ENABLE_ALWAYS_RULE | K::ENABLE_REPLICA_RULE => rule(true)?,
        K::DISABLE_RULE => rule(false)?,
        K::ENABLE_RLS => TableChange::RowLevelSecurity { enable: Some(true) },
        K::DISABLE_RLS => TableChange::RowLevelSecurity { enable: Some(false) },
        K::FORCE_RLS | K::NO_FORCE_RLS => TableChange::RowLevelSecurity { enable: None },
        K::OF_TYPE => TableChange::OfType(Some(name(node)?)),
        K::NOT_OF => TableChange::OfType(None),
        _ if called_by_grammar(node).contains("DEPENDS ON EXTENSION") => TableChange::DependsOnExtension,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{ColumnChange, Constraint, ConstraintKind, read};

    fn changes(sql: &str) -> Vec<TableChange> {
        match &read(sql)[0].action {
            Action::AlterTable(alter) => alter.changes.iter().map(|(_, change)| change.clone()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn changes_come_in_the_order_written() {
        let changes = changes(
            "ALTER TABLE IF EXISTS ONLY app.t ADD COLUMN IF NOT EXISTS a text NOT NULL, DROP COLUMN b CASCADE, \
             ADD CONSTRAINT k CHECK (c > 0) NOT VALID, VALIDATE CONSTRAINT k, DETACH PARTITION p CONCURRENTLY, \
             SET (fillfactor = 70), DISABLE TRIGGER ALL, ENABLE ROW LEVEL SECURITY, OWNER TO r, SET SCHEMA s;",
        );
        assert!(matches!(&changes[0], TableChange::AddColumn { column, if_not_exists: true } if column.not_null));
        assert!(matches!(&changes[1], TableChange::DropColumn { column, cascade: true, .. } if column == "b"));
        assert!(
            matches!(&changes[2], TableChange::AddConstraint(c) if c.not_valid && matches!(c.kind, ConstraintKind::Check { .. }))
        );
        assert_eq!(changes[3], TableChange::ValidateConstraint("k".into()));
        assert!(matches!(&changes[4], TableChange::DetachPartition { concurrently: true, .. }));
        assert_eq!(changes[5], TableChange::Parameters { names: vec!["fillfactor".into()], reset: false });
        assert_eq!(changes[6], TableChange::Trigger { name: "all".into(), enable: false });
        assert_eq!(changes[7], TableChange::RowLevelSecurity { enable: Some(true) });
        assert_eq!(changes[8], TableChange::OwnerTo("r".into()));
        assert_eq!(changes[9], TableChange::SetSchema("s".into()));
    }

    #[test]
    fn every_other_form_is_told_apart() {
        let one = |form: &str| changes(&format!("ALTER TABLE t {form}")).remove(0);
        assert_eq!(one("INHERIT s.p"), TableChange::Inherit(name_of("s", "p"), true));
        assert_eq!(one("NO INHERIT s.p"), TableChange::Inherit(name_of("s", "p"), false));
        assert_eq!(one("OF s.k"), TableChange::OfType(Some(name_of("s", "k"))));
        assert_eq!(one("SET UNLOGGED"), TableChange::SetLogged(false));
        assert_eq!(one("SET TABLESPACE \"Q\""), TableChange::SetTablespace("Q".into()));
        assert_eq!(one("SET ACCESS METHOD heap"), TableChange::SetAccessMethod(Some("heap".into())));
        assert_eq!(one("SET ACCESS METHOD DEFAULT"), TableChange::SetAccessMethod(None));
        assert_eq!(one("CLUSTER ON i"), TableChange::ClusterOn(Some("i".into())));
        assert_eq!(one("SET WITHOUT OIDS"), TableChange::WithoutOids);
        assert_eq!(one("OWNER TO CURRENT_USER"), TableChange::OwnerTo("current_user".into()));
        let names = vec!["toast.autovacuum_enabled".to_owned()];
        assert_eq!(one("RESET (toast.autovacuum_enabled)"), TableChange::Parameters { names, reset: true });
        assert_eq!(
            one("REPLICA IDENTITY USING INDEX i"),
            TableChange::ReplicaIdentity { index: Some("i".into()), full: false }
        );
        assert_eq!(one("REPLICA IDENTITY FULL"), TableChange::ReplicaIdentity { index: None, full: true });
        assert_eq!(one("ENABLE REPLICA TRIGGER \"T\""), TableChange::Trigger { name: "T".into(), enable: true });
        assert_eq!(one("DISABLE TRIGGER USER"), TableChange::Trigger { name: "user".into(), enable: false });
        assert_eq!(one("DISABLE RULE r"), TableChange::Rule { name: "r".into(), enable: false });
        assert_eq!(one("NO FORCE ROW LEVEL SECURITY"), TableChange::RowLevelSecurity { enable: None });
        assert_eq!(
            one("ALTER CONSTRAINT c NOT ENFORCED"),
            TableChange::AlterConstraint { name: "c".into(), enforced: Some(false) }
        );
        assert_eq!(
            one("ALTER CONSTRAINT c DEFERRABLE"),
            TableChange::AlterConstraint { name: "c".into(), enforced: None }
        );
        assert!(matches!(one("DETACH PARTITION p FINALIZE"), TableChange::DetachPartition { finalize: true, .. }));
        assert!(
            matches!(one("ATTACH PARTITION p DEFAULT"), TableChange::AttachPartition { bound, .. } if bound.default && bound.parent.name == "t")
        );
    }

    fn name_of(schema: &str, name: &str) -> Name {
        Name { schema: Some(schema.into()), name: name.into(), span: crate::command::Where::default() }
    }

    #[test]
    fn indexes_and_views_change_as_tables_do() {
        let column = |sql: &str| match changes(sql).remove(0) {
            TableChange::AlterColumn { column, change } => (column, change),
            other => panic!("{sql}: {other:?}"),
        };
        assert_eq!(
            column("ALTER INDEX i ALTER COLUMN 2 SET STATISTICS 100"),
            ("2".into(), ColumnChange::SetStatistics)
        );
        assert_eq!(column("ALTER VIEW v ALTER a DROP DEFAULT"), ("a".into(), ColumnChange::DropDefault));
        assert_eq!(
            column("ALTER MATERIALIZED VIEW v ALTER a SET STORAGE PLAIN"),
            ("a".into(), ColumnChange::SetStorage)
        );
        assert!(
            matches!(&changes("ALTER INDEX i ATTACH PARTITION s.j")[0], TableChange::AttachPartition { partition, .. } if partition.name == "j")
        );
        assert_eq!(changes("ALTER INDEX i NO DEPENDS ON EXTENSION e"), [TableChange::DependsOnExtension]);
    }

    #[test]
    fn constraints_are_added_in_every_form() {
        let one = |form: &str| match changes(&format!("ALTER TABLE t ADD {form}")).remove(0) {
            TableChange::AddConstraint(constraint) => constraint,
            other => panic!("{form}: {other:?}"),
        };
        let named = one("CONSTRAINT \"N\" NOT NULL c NOT VALID");
        assert_eq!(
            (named.name.as_deref(), named.not_valid, named.kind),
            (Some("N"), true, ConstraintKind::NotNull("c".into()))
        );
        let key = one("CONSTRAINT k PRIMARY KEY USING INDEX i DEFERRABLE INITIALLY DEFERRED");
        assert_eq!(
            (key.deferrable, key.kind),
            (true, ConstraintKind::PrimaryKey { columns: Vec::new(), using_index: Some("i".into()) })
        );
        let foreign = one("FOREIGN KEY (a, b) REFERENCES s.p (c, d) ON DELETE SET NULL (a) NOT VALID");
        assert!(foreign.not_valid && foreign.name.is_none() && !foreign.deferrable);
        let ConstraintKind::ForeignKey { columns, references, referenced } = foreign.kind else { panic!() };
        assert_eq!(
            (columns.join(","), references.to_string(), referenced.join(",")),
            ("a,b".into(), "s.p".into(), "c,d".into())
        );
        assert_eq!(
            one("EXCLUDE USING gist (r WITH &&, lower(a) WITH =)").kind,
            ConstraintKind::Exclude { columns: vec!["r".into()] }
        );
        assert!(matches!(
            one("CHECK (a > 0) NO INHERIT NOT ENFORCED"),
            Constraint { not_enforced: true, kind: ConstraintKind::Check { no_inherit: true, .. }, .. }
        ));
        assert!(
            matches!(one("UNIQUE NULLS NOT DISTINCT (a) INCLUDE (b)").kind, ConstraintKind::Unique { columns, nulls_not_distinct: true, .. } if columns == ["a"])
        );
    }

    #[test]
    fn new_names_are_a_command_of_their_own() {
        for (sql, what, of, from, to) in [
            ("ALTER TABLE t RENAME COLUMN a TO b;", Kind::Column, Kind::Table, Some("a"), "b"),
            ("ALTER TABLE t RENAME a TO b;", Kind::Column, Kind::Table, Some("a"), "b"),
            ("ALTER TABLE t RENAME CONSTRAINT a TO b;", Kind::Constraint, Kind::Table, Some("a"), "b"),
            ("ALTER TABLE t RENAME TO u;", Kind::Table, Kind::Table, None, "u"),
            ("ALTER INDEX i RENAME TO j;", Kind::Index, Kind::Index, None, "j"),
            ("ALTER VIEW v RENAME TO w;", Kind::View, Kind::View, None, "w"),
            ("ALTER MATERIALIZED VIEW v RENAME TO w;", Kind::MaterializedView, Kind::MaterializedView, None, "w"),
        ] {
            let commands = read(sql);
            let Action::Rename(rename) = &commands[0].action else { panic!("{sql}: {commands:?}") };
            assert_eq!(
                (rename.what, rename.of, rename.from.as_deref(), rename.to.as_str()),
                (what, of, from, to),
                "{sql}"
            );
        }
    }
}
