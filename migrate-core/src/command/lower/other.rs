//! What acts on objects of any kind: from DROP, COMMENT, GRANT and REVOKE to their actions, and from every command that
//! has no action of its own to its words.

mod privilege;

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::parts::{called_by_grammar, child, has, kind, name, name_and_column, within, word};
use super::{expression, routine};
use crate::command::{Action, Comment, Drop, Kind, Name, OtherVerb};

/// The action of such a command; every command of the grammar that no other module takes has one.
pub(super) fn lower(stmt: &ast::Stmt) -> Option<Action> {
    let node = stmt.syntax();
    match node.kind() {
        K::COMMENT_ON => comment(node),
        K::GRANT | K::REVOKE => Some(privilege::lower(node)),
        _ if has_own_action(node) => None,
        _ => drop_of(node).or_else(|| Some(other(node))),
    }
}

/// Whether another action is for such a command: its words alone would make a table that is not understood look harmless.
fn has_own_action(node: &SyntaxNode) -> bool {
    let own = matches!(
        node.kind(),
        K::EMPTY_STMT
            | K::CREATE_TABLE
            | K::CREATE_TABLE_AS
            | K::CREATE_FOREIGN_TABLE
            | K::CREATE_INDEX
            | K::CREATE_TYPE
            | K::CREATE_DOMAIN
            | K::CREATE_VIEW
            | K::CREATE_MATERIALIZED_VIEW
            | K::CREATE_FUNCTION
            | K::CREATE_PROCEDURE
            | K::CREATE_TRIGGER
            | K::CREATE_POLICY
            | K::CREATE_RULE
            | K::ALTER_TABLE
            | K::ALTER_FOREIGN_TABLE
            | K::ALTER_INDEX
            | K::ALTER_VIEW
            | K::ALTER_MATERIALIZED_VIEW
            | K::ALTER_TYPE
            | K::ALTER_DOMAIN
            | K::ALTER_SEQUENCE
            | K::INSERT
            | K::UPDATE
            | K::DELETE
            | K::MERGE
            | K::TRUNCATE
            | K::LOCK
            | K::REINDEX
            | K::DO
            | K::CALL
    );
    own && within(node, K::ALL_IN_TABLESPACE).is_none()
}

fn drop_of(node: &SyntaxNode) -> Option<Action> {
    let words = called_by_grammar(node);
    if node.kind() == K::DROP_OWNED {
        return None;
    }
    let kind = kind(words.strip_prefix("DROP ")?);
    let subjects = subjects(node);
    let arguments = match kind {
        Kind::Function | Kind::Procedure | Kind::Routine | Kind::Aggregate => {
            subjects.iter().map(routine::signature).collect()
        }
        _ => Vec::new(),
    };
    let on = child(node, K::ON_TABLE).or_else(|| child(node, K::ON_RELATION));
    Some(Action::Drop(Box::new(Drop {
        kind,
        names: subjects.iter().filter_map(name).collect(),
        on: on.and_then(|on| super::types::relation(&on)),
        if_exists: has(node, K::IF_EXISTS),
        cascade: has(node, K::CASCADE),
        concurrently: has(node, K::CONCURRENTLY_KW),
        arguments,
    })))
}

/// The nodes that name the objects of a command, those in lists among them.
fn subjects(node: &SyntaxNode) -> Vec<SyntaxNode> {
    let parts = node.children().filter(|child| !is_clause(child.kind()));
    let each = parts.flat_map(|part| match part.kind() {
        K::FUNCTION_SIG_LIST | K::PROCEDURE_SIG_LIST | K::ROUTINE_SIG_LIST => part.children().collect(),
        _ => vec![part],
    });
    each.collect()
}

/// Parts of a command that name none of its objects, or objects that have no name.
fn is_clause(kind: K) -> bool {
    matches!(
        kind,
        K::IF_EXISTS
            | K::CASCADE
            | K::RESTRICT
            | K::ON_TABLE
            | K::ON_RELATION
            | K::USING_METHOD
            | K::SERVER_CLAUSE
            | K::USER_MAPPING_ROLE
            | K::DROP_DATABASE_FORCE_CLAUSE
            | K::CAST_SIG
            | K::OP
            | K::OP_SIG_LIST
            | K::LITERAL
    ) || ast::Type::can_cast(kind)
}

fn comment(node: &SyntaxNode) -> Option<Action> {
    let commented = node.children().find(|child| ast::CommentObject::can_cast(child.kind()))?;
    let words = called_by_grammar(&commented);
    let kind = kind(words.strip_prefix("OBJECT ")?);
    let subject = subjects(&commented).into_iter().next();
    let (object, part) = match kind {
        Kind::Column => name_and_column(&commented).map(|(table, column)| (Some(table), Some(column)))?,
        Kind::Constraint | Kind::Trigger | Kind::Policy | Kind::Rule => {
            (part_of(&commented), subject.as_ref().and_then(word))
        }
        _ => (subject.as_ref().and_then(name), None),
    };
    Some(Action::Comment(Box::new(Comment { kind, object, part })))
}

/// The relation or domain that a constraint, trigger, policy or rule belongs to.
fn part_of(node: &SyntaxNode) -> Option<Name> {
    let owners = [K::RELATION_NAME_REF, K::TABLE_NAME_REF, K::DOMAIN_REF];
    owners.into_iter().find_map(|kind| name(&child(node, kind)?))
}

/// A command by its words, which are what the grammar calls it.
fn other(node: &SyntaxNode) -> Action {
    let words = match node.kind() {
        K::DISCARD => node.first_child().map_or_else(|| "DISCARD".to_owned(), |target| called_by_grammar(&target)),
        K::REASSIGN => "REASSIGN OWNED".to_owned(),
        K::ALTER_DATABASE if within(node, K::SET_TABLESPACE).is_some() => "ALTER DATABASE SET TABLESPACE".to_owned(),
        K::ALTER_SUBSCRIPTION if names_no_slot(node) => "ALTER SUBSCRIPTION WITHOUT SLOT".to_owned(),
        K::CREATE_SUBSCRIPTION if names_no_slot(node) => "CREATE SUBSCRIPTION WITHOUT SLOT NAME".to_owned(),
        K::CREATE_SUBSCRIPTION if makes_no_slot(node) => "CREATE SUBSCRIPTION WITHOUT SLOT".to_owned(),
        _ => called_by_grammar(node),
    };
    Action::Other(OtherVerb { words, objects: objects(node) })
}

/// `connect = false` or `create_slot = false`: only without them it cannot run in a transaction.
fn makes_no_slot(node: &SyntaxNode) -> bool {
    let text = squeezed(node);
    ["connect=", "create_slot="]
        .iter()
        .any(|option| ["false", "off", "0"].iter().any(|no| text.contains(&format!("{option}{no}"))))
}

/// `slot_name = NONE`: from then on no slot has to be dropped on another server.
fn names_no_slot(node: &SyntaxNode) -> bool {
    let text = squeezed(node);
    ["slot_name=none", "slot_name='none'"].iter().any(|option| text.contains(option))
}

/// The text of a node without white space, in lower case.
fn squeezed(node: &SyntaxNode) -> String {
    node.text().to_string().to_ascii_lowercase().split_whitespace().collect()
}

fn objects(node: &SyntaxNode) -> Vec<(Kind, Name)> {
    if matches!(node.kind(), K::EXPLAIN | K::PREPARE | K::DECLARE) {
        return expression::query(node).reads.into_iter().map(|name| (Kind::Table, name)).collect();
    }
    let of_kind = |part: SyntaxNode| Some((kind_of_name(part.kind())?, name(&part)?));
    let mut found: Vec<(Kind, Name)> = node.children().filter_map(of_kind).collect();
    let relations = [K::TABLE_NAME_REF, K::RELATION_NAME_REF];
    let deeper = node.descendants().skip(1).filter(|part| relations.contains(&part.kind()));
    let deeper: Vec<Name> = deeper.filter_map(|part| name(&part)).collect();
    found.extend(deeper.into_iter().map(|name| (Kind::Table, name)));
    if let Some(schema) = within(node, K::PUBLICATION_OBJECT_TABLES_IN_SCHEMA).and_then(|it| child(&it, K::SCHEMA_REF))
    {
        found.extend(name(&schema).map(|name| (Kind::Schema, name)));
    }
    found
}

/// The kind of object that a node of the grammar names: `EVENT_TRIGGER`, `PUBLICATION_REF`, `FUNCTION_SIG`.
fn kind_of_name(node: K) -> Option<Kind> {
    // Relations are found wherever they stand.
    if matches!(node, K::TABLE_NAME_REF | K::RELATION_NAME_REF) {
        return None;
    }
    let words = format!("{node:?}").replace('_', " ");
    let words = words.strip_suffix(" REF").or_else(|| words.strip_suffix(" SIG")).unwrap_or(&words);
    let words = words.strip_suffix(" NAME").unwrap_or(words);
    Some(kind(words)).filter(|kind| *kind != Kind::Other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    fn action(sql: &str) -> Action {
        read(sql).remove(0).action
    }

    #[test]
    fn every_kind_of_object_is_dropped_by_name() {
        let cases = [
            ("DROP TABLE IF EXISTS a.\"B\", c CASCADE", Kind::Table, "a.B c"),
            ("DROP INDEX CONCURRENTLY i", Kind::Index, "i"),
            ("DROP MATERIALIZED VIEW v", Kind::MaterializedView, "v"),
            ("DROP TYPE t RESTRICT", Kind::Type, "t"),
            ("DROP SCHEMA a, b", Kind::Schema, "a b"),
            ("DROP EXTENSION \"uuid-ossp\"", Kind::Extension, "uuid-ossp"),
            ("DROP ROLE a", Kind::Role, "a"),
            ("DROP USER a", Kind::Role, "a"),
            ("DROP EVENT TRIGGER a", Kind::EventTrigger, "a"),
            ("DROP CAST (a AS b)", Kind::Other, ""),
            ("DROP OPERATOR CLASS s.x USING btree", Kind::Other, "s.x"),
        ];
        for (sql, kind, names) in cases {
            let Action::Drop(drop) = action(sql) else { panic!("{sql}: {:?}", action(sql)) };
            let found: Vec<String> = drop.names.iter().map(ToString::to_string).collect();
            assert_eq!((drop.kind, found.join(" ").as_str()), (kind, names), "{sql}");
            assert_eq!((drop.if_exists, drop.cascade), (sql.contains("IF EXISTS"), sql.contains("CASCADE")), "{sql}");
            assert_eq!(drop.concurrently, sql.contains("CONCURRENTLY"), "{sql}");
        }
    }

    #[test]
    fn a_dropped_function_keeps_its_arguments_apart() {
        let Action::Drop(drop) = action("DROP FUNCTION s.f(x int4, OUT y text), g, h()") else { panic!() };
        assert_eq!(drop.names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["s.f", "g", "h"]);
        assert_eq!(drop.arguments, [Some(vec!["integer".to_owned()]), None, Some(Vec::new())]);
    }

    #[test]
    fn a_dropped_trigger_stands_on_its_table() {
        for sql in ["DROP TRIGGER a ON s.t", "DROP POLICY a ON s.t", "DROP RULE a ON s.t"] {
            let Action::Drop(drop) = action(sql) else { panic!("{sql}") };
            assert_eq!((drop.names[0].to_string(), drop.on.unwrap().to_string()), ("a".into(), "s.t".into()));
        }
    }

    #[test]
    fn a_comment_names_the_object_and_its_part() {
        let cases = [
            ("COLUMN s.t.c", Kind::Column, Some("s.t"), Some("c")),
            ("TABLE s.t", Kind::Table, Some("s.t"), None),
            ("CONSTRAINT \"C\" ON t", Kind::Constraint, Some("t"), Some("C")),
            ("CONSTRAINT c ON DOMAIN s.d", Kind::Constraint, Some("s.d"), Some("c")),
            ("TRIGGER g ON t", Kind::Trigger, Some("t"), Some("g")),
            ("FUNCTION f(int)", Kind::Function, Some("f"), None),
            ("EXTENSION e", Kind::Extension, Some("e"), None),
            ("OPERATOR + (int, int)", Kind::Other, None, None),
        ];
        for (object, kind, name, part) in cases {
            let Action::Comment(comment) = action(&format!("COMMENT ON {object} IS 'x'")) else { panic!("{object}") };
            let found = comment.object.map(|name| name.to_string());
            assert_eq!((comment.kind, found.as_deref(), comment.part.as_deref()), (kind, name, part), "{object}");
        }
    }

    #[test]
    fn other_commands_are_kept_by_their_words() {
        let cases = [
            ("CREATE ROLE a LOGIN", "CREATE ROLE", "Role a"),
            ("ALTER SYSTEM SET x = 1", "ALTER SYSTEM", ""),
            ("CREATE DATABASE d", "CREATE DATABASE", "Database d"),
            ("DISCARD ALL", "DISCARD ALL", ""),
            (
                "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
                "CREATE EVENT TRIGGER",
                "EventTrigger e",
            ),
            ("SECURITY LABEL ON TABLE s.t IS 'x'", "SECURITY LABEL", "Table s.t"),
            ("CREATE PUBLICATION p FOR TABLE a.b, c", "CREATE PUBLICATION", "Publication p, Table a.b, Table c"),
            ("ALTER PUBLICATION p ADD TABLE x", "ALTER PUBLICATION", "Publication p, Table x"),
            ("LISTEN a", "LISTEN", ""),
            ("EXPLAIN SELECT 1 FROM t", "EXPLAIN", "Table t"),
            ("DROP OWNED BY a", "DROP OWNED", ""),
            ("REASSIGN OWNED BY a TO b", "REASSIGN OWNED", ""),
            ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a", "ALTER DEFAULT PRIVILEGES", ""),
            ("ALTER SCHEMA a OWNER TO b", "ALTER SCHEMA", "Schema a"),
        ];
        for (sql, words, objects) in cases {
            let Action::Other(other) = action(sql) else { panic!("{sql}: {:?}", action(sql)) };
            let found: Vec<String> = other.objects.iter().map(|(kind, name)| format!("{kind:?} {name}")).collect();
            assert_eq!((other.words.as_str(), found.join(", ").as_str()), (words, objects), "{sql}");
        }
    }
}
