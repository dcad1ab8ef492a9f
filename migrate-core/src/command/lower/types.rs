//! Types, domains and the objects that stand beside tables: from their CREATE and ALTER to their actions.

mod object;
mod view;

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::parts::{called_by_grammar, child, has, kind, literal, name, name_in, within, word, word_in};
use super::{expression, name as names, table};
use crate::command::{Action, ColumnType, CreateType, DomainChange, Kind, Name, Rename, TypeChange, TypeDefinition};

/// The action of a command on types, sequences, views, policies, rules, schemas, extensions or statistics, and of
/// every RENAME that is not of a table, an index or a view.
pub(super) fn lower(stmt: &ast::Stmt) -> Option<Action> {
    let node = stmt.syntax();
    match node.kind() {
        K::ALTER_TABLE | K::ALTER_INDEX | K::ALTER_VIEW | K::ALTER_MATERIALIZED_VIEW | K::ALTER_FOREIGN_TABLE => None,
        K::CREATE_TYPE => create_type(node),
        K::CREATE_DOMAIN => create_domain(node),
        K::ALTER_TYPE => rename(node).or_else(|| alter_type(node)),
        K::ALTER_DOMAIN => rename(node).or_else(|| alter_domain(node)),
        _ => view::lower(node).or_else(|| object::lower(node)).or_else(|| rename(node)),
    }
}

fn column_type(node: &SyntaxNode) -> Option<ColumnType> {
    node.children().find_map(ast::Type::cast).map(|kind| names::column_type(&kind))
}

fn expr(node: &SyntaxNode) -> Option<ast::Expr> {
    node.children().find_map(ast::Expr::cast)
}

fn create_type(node: &SyntaxNode) -> Option<Action> {
    let definition = if let Some(values) = child(node, K::ENUM_TYPE) {
        let values = values.descendants().filter(|node| node.kind() == K::VARIANT);
        TypeDefinition::Enum(values.filter_map(|value| literal(&value)).collect())
    } else if let Some(fields) = child(node, K::COMPOSITE_TYPE) {
        let fields = fields.descendants().filter(|node| node.kind() == K::COMPOSITE_FIELD_DEF);
        let field = |field: SyntaxNode| Some((word_in(&field, K::COMPOSITE_FIELD)?, column_type(&field)?));
        TypeDefinition::Composite(fields.filter_map(field).collect())
    } else {
        TypeDefinition::Other
    };
    Some(Action::CreateType(Box::new(CreateType { name: name_in(node, K::TYPE_NAME)?, definition })))
}

fn create_domain(node: &SyntaxNode) -> Option<Action> {
    let written = || node.children().filter_map(ast::Constraint::cast);
    let check = |constraint: &ast::Constraint| matches!(constraint, ast::Constraint::CheckConstraint(_));
    let default = child(node, K::DEFAULT_CONSTRAINT).and_then(|default| expr(&default));
    let definition = TypeDefinition::Domain {
        base: column_type(node)?,
        not_null: has(node, K::NOT_NULL_CONSTRAINT),
        default: default.map(|expr| expression::expression(&expr)),
        constraints: written().filter(check).filter_map(|constraint| table::constraint(&constraint)).collect(),
    };
    Some(Action::CreateType(Box::new(CreateType { name: name_in(node, K::DOMAIN)?, definition })))
}

fn alter_type(node: &SyntaxNode) -> Option<Action> {
    let actions = node.children().filter(|child| child.kind() != K::TYPE_NAME_REF);
    let changes = actions.flat_map(|action| match action.kind() {
        K::ALTER_TYPE_ATTRIBUTE_ACTION_LIST => action.children().collect(),
        _ => vec![action],
    });
    let changes = changes.map(|change| type_change(&change).unwrap_or(TypeChange::Other)).collect();
    Some(Action::AlterType { name: name_in(node, K::TYPE_NAME_REF)?, changes })
}

fn type_change(node: &SyntaxNode) -> Option<TypeChange> {
    Some(match node.kind() {
        K::ADD_VALUE => TypeChange::AddValue {
            value: literal(&child(node, K::LITERAL)?)?,
            if_not_exists: has(node, K::IF_NOT_EXISTS),
            beside: beside(node),
        },
        K::ADD_ATTRIBUTE => TypeChange::AddAttribute(word_in(node, K::COMPOSITE_FIELD)?, column_type(node)?),
        K::ALTER_ATTRIBUTE => TypeChange::AlterAttribute(word_in(node, K::COMPOSITE_FIELD_REF)?, column_type(node)?),
        K::DROP_ATTRIBUTE => TypeChange::DropAttribute(word_in(node, K::COMPOSITE_FIELD_REF)?),
        K::SET_SCHEMA => TypeChange::SetSchema(word_in(node, K::SCHEMA_REF)?),
        K::OWNER_TO => TypeChange::OwnerTo(word_in(node, K::ROLE_REF)?),
        _ => return None,
    })
}

fn beside(node: &SyntaxNode) -> Option<(bool, String)> {
    let before = child(node, K::BEFORE_VALUE);
    let is_before = before.is_some();
    Some((is_before, literal(&before.or_else(|| child(node, K::AFTER_VALUE))?)?))
}

fn alter_domain(node: &SyntaxNode) -> Option<Action> {
    let change = node.children().find_map(|action| domain_change(&action))?;
    Some(Action::AlterDomain { name: name_in(node, K::DOMAIN_REF)?, change })
}

fn domain_change(node: &SyntaxNode) -> Option<DomainChange> {
    let constraint = || word_in(node, K::CONSTRAINT_NAME_REF);
    Some(match node.kind() {
        K::ADD_CONSTRAINT => {
            let constraint = node.children().find_map(ast::Constraint::cast)?;
            DomainChange::AddConstraint(table::constraint(&constraint)?)
        }
        K::DROP_CONSTRAINT => DomainChange::DropConstraint { name: constraint()?, if_exists: has(node, K::IF_EXISTS) },
        K::VALIDATE_CONSTRAINT => DomainChange::ValidateConstraint(constraint()?),
        K::SET_NOT_NULL => DomainChange::SetNotNull,
        K::DROP_NOT_NULL => DomainChange::DropNotNull,
        K::SET_DEFAULT => DomainChange::Default(Some(expression::expression(&expr(node)?))),
        K::DROP_DEFAULT => DomainChange::Default(None),
        K::SET_SCHEMA => DomainChange::SetSchema(word_in(node, K::SCHEMA_REF)?),
        K::OWNER_TO => DomainChange::OwnerTo(word_in(node, K::ROLE_REF)?),
        _ => return None,
    })
}

/// The RENAME that an ALTER command asks for, if it asks for one.
pub(super) fn rename(node: &SyntaxNode) -> Option<Action> {
    let words = called_by_grammar(node);
    let of = kind(words.strip_prefix("ALTER ")?);
    let asked = node.children().find(|child| called_by_grammar(child).contains("RENAME"))?;
    let on = child(node, K::ON_TABLE).or_else(|| child(node, K::ON_RELATION));
    let subject = node.children().find(|child| child.kind() != K::IF_EXISTS)?;
    let (what, from, to) = renamed(&asked, of)?;
    let (object, from) = match on {
        Some(on) => (relation(&on)?, word(&subject)),
        None => (name(&subject)?, from),
    };
    let if_exists = has(node, K::IF_EXISTS);
    Some(Action::Rename(Box::new(Rename { what, of, object, if_exists, from, to })))
}

/// What a RENAME renames, its old name where it is a part of the object, and its new name.
fn renamed(asked: &SyntaxNode, of: Kind) -> Option<(Kind, Option<String>, String)> {
    let last = asked.children().filter(|child| !matches!(child.kind(), K::CASCADE | K::RESTRICT)).last()?;
    let first = asked.first_child()?;
    Some(match asked.kind() {
        K::RENAME_ATTRIBUTE => (Kind::Attribute, word(&first), word(&last)?),
        K::RENAME_CONSTRAINT => (Kind::Constraint, word(&first), word(&last)?),
        K::RENAME_VALUE => (Kind::Value, literal(&first), literal(&last)?),
        _ => (of, None, name(&last)?.name),
    })
}

/// The relation of an `ON` clause.
pub(super) fn relation(on: &SyntaxNode) -> Option<Name> {
    name(&within(on, K::RELATION_NAME_REF).or_else(|| within(on, K::TABLE_NAME_REF))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    fn action(sql: &str) -> Action {
        read(sql).remove(0).action
    }

    #[test]
    fn an_enum_has_its_values_decoded_and_in_order() {
        let Action::CreateType(made) = action("CREATE TYPE s.mood AS ENUM ('it''s', E'a\\'b')") else { panic!() };
        assert_eq!(made.name.to_string(), "s.mood");
        assert_eq!(made.definition, TypeDefinition::Enum(vec!["it's".into(), "a'b".into()]));
    }

    #[test]
    fn a_composite_has_its_attributes() {
        let Action::CreateType(made) = action("CREATE TYPE c AS (a int, \"B\" text)") else { panic!() };
        let TypeDefinition::Composite(fields) = made.definition else { panic!() };
        let fields: Vec<String> = fields.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        assert_eq!(fields, ["a integer", "B text"]);
    }

    #[test]
    fn a_domain_has_its_base_and_its_checks() {
        let sql = "CREATE DOMAIN d AS int DEFAULT 1 NOT NULL CONSTRAINT positive CHECK (value > 0)";
        let Action::CreateType(made) = action(sql) else { panic!() };
        let TypeDefinition::Domain { base, not_null, default, constraints } = made.definition else { panic!() };
        assert_eq!((base.to_string(), not_null, default.unwrap().text), ("integer".into(), true, "1".into()));
        assert_eq!(constraints[0].name.as_deref(), Some("positive"));
    }

    #[test]
    fn a_value_is_added_beside_another() {
        let sql = "ALTER TYPE s.t ADD VALUE IF NOT EXISTS 'b' AFTER 'a'";
        let value =
            |value: &str, if_not_exists, beside| TypeChange::AddValue { value: value.into(), if_not_exists, beside };
        let Action::AlterType { changes, .. } = action(sql) else { panic!() };
        assert_eq!(changes, [value("b", true, Some((false, "a".into())))]);
        let Action::AlterType { changes, .. } = action("ALTER TYPE t ADD VALUE 'b'") else { panic!() };
        assert_eq!(changes, [value("b", false, None)]);
    }

    #[test]
    fn renames_name_the_object_the_old_and_the_new() {
        let cases = [
            ("ALTER TYPE s.t RENAME TO u", Kind::Type, Kind::Type, "s.t", None, "u"),
            ("ALTER TYPE t RENAME VALUE 'a' TO 'b'", Kind::Value, Kind::Type, "t", Some("a"), "b"),
            ("ALTER TYPE t RENAME ATTRIBUTE a TO b CASCADE", Kind::Attribute, Kind::Type, "t", Some("a"), "b"),
            ("ALTER DOMAIN d RENAME CONSTRAINT a TO b", Kind::Constraint, Kind::Domain, "d", Some("a"), "b"),
            ("ALTER SEQUENCE IF EXISTS s.q RENAME TO r", Kind::Sequence, Kind::Sequence, "s.q", None, "r"),
            ("ALTER SCHEMA a RENAME TO b", Kind::Schema, Kind::Schema, "a", None, "b"),
            ("ALTER TRIGGER a ON s.t RENAME TO b", Kind::Trigger, Kind::Trigger, "s.t", Some("a"), "b"),
            ("ALTER POLICY \"A\" ON t RENAME TO b", Kind::Policy, Kind::Policy, "t", Some("A"), "b"),
            ("ALTER ROLE a RENAME TO b", Kind::Role, Kind::Role, "a", None, "b"),
        ];
        for (sql, what, of, object, from, to) in cases {
            let Action::Rename(rename) = action(sql) else { panic!("{sql}: {:?}", action(sql)) };
            assert_eq!((rename.what, rename.of, rename.object.to_string().as_str()), (what, of, object), "{sql}");
            assert_eq!((rename.from.as_deref(), rename.to.as_str()), (from, to), "{sql}");
            assert_eq!(rename.if_exists, sql.contains("IF EXISTS"), "{sql}");
        }
    }

    #[test]
    fn domains_change_in_every_form() {
        let change = |sql: &str| match action(&format!("ALTER DOMAIN d {sql}")) {
            Action::AlterDomain { change, .. } => change,
            other => panic!("{sql}: {other:?}"),
        };
        assert_eq!(change("SET NOT NULL"), DomainChange::SetNotNull);
        assert_eq!(change("DROP DEFAULT"), DomainChange::Default(None));
        assert_eq!(change("VALIDATE CONSTRAINT c"), DomainChange::ValidateConstraint("c".into()));
        assert_eq!(change("OWNER TO \"Me\""), DomainChange::OwnerTo("Me".into()));
        let dropped = DomainChange::DropConstraint { name: "c".into(), if_exists: true };
        assert_eq!(change("DROP CONSTRAINT IF EXISTS c"), dropped);
        assert!(matches!(change("ADD CHECK (value > 0) NOT VALID"), DomainChange::AddConstraint(it) if it.not_valid));
    }
}
