//! Objects beside tables: from commands on sequences, policies, rules, schemas, extensions and statistics to their
//! actions.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::super::expression;
use super::super::parts::{
    called_by_grammar, child, has, name, name_and_column, name_in, persistence, within, word, word_in,
};
use super::{expr, relation, rename};
use crate::command::{Action, CreateSequence, Name};

/// The action of a command on such an object.
pub(super) fn lower(node: &SyntaxNode) -> Option<Action> {
    match node.kind() {
        K::CREATE_SEQUENCE => Some(Action::CreateSequence(Box::new(CreateSequence {
            name: name_in(node, K::SEQUENCE)?,
            if_not_exists: has(node, K::IF_NOT_EXISTS),
            persistence: persistence(node),
            owned_by: owned_by(node),
        }))),
        K::ALTER_SEQUENCE => rename(node).or_else(|| alter_sequence(node)),
        K::CREATE_POLICY => create_policy(node),
        K::ALTER_POLICY => rename(node).or_else(|| alter_policy(node)),
        K::CREATE_RULE => create_rule(node),
        K::CREATE_SCHEMA => create_schema(node),
        K::CREATE_EXTENSION => Some(Action::CreateExtension {
            name: name_in(node, K::EXTENSION)?,
            if_not_exists: has(node, K::IF_NOT_EXISTS),
            schema: child(node, K::EXTENSION_SCHEMA).and_then(|schema| word_in(&schema, K::SCHEMA_REF)),
        }),
        K::CREATE_STATISTICS => statistics(node),
        _ => None,
    }
}

fn owned_by(node: &SyntaxNode) -> Option<(Name, String)> {
    name_and_column(&within(node, K::OPTION_OWNED_BY)?)
}

fn alter_sequence(node: &SyntaxNode) -> Option<Action> {
    let actions = node.children().filter(|child| !matches!(child.kind(), K::SEQUENCE_REF | K::IF_EXISTS));
    Some(Action::AlterSequence {
        name: name_in(node, K::SEQUENCE_REF)?,
        if_exists: has(node, K::IF_EXISTS),
        options: actions.map(|action| option(&action)).collect(),
        owned_by: owned_by(node),
    })
}

fn option(node: &SyntaxNode) -> String {
    let words = called_by_grammar(node).to_ascii_lowercase();
    match words.strip_prefix("option ").unwrap_or(&words) {
        "as type" => "as".to_owned(),
        "max value" => "maxvalue".to_owned(),
        "min value" => "minvalue".to_owned(),
        "no max value" => "no maxvalue".to_owned(),
        "no min value" => "no minvalue".to_owned(),
        words => words.to_owned(),
    }
}

fn create_policy(node: &SyntaxNode) -> Option<Action> {
    let clauses = [K::USING_EXPR_CLAUSE, K::WITH_CHECK_EXPR_CLAUSE];
    let conditions = clauses.iter().filter_map(|clause| expr(&child(node, *clause)?));
    Some(Action::CreatePolicy {
        name: word_in(node, K::POLICY)?,
        table: relation(&child(node, K::ON_TABLE)?)?,
        expressions: conditions.map(|expr| expression::expression(&expr)).collect(),
    })
}

fn alter_policy(node: &SyntaxNode) -> Option<Action> {
    let table = relation(&child(node, K::ON_TABLE)?)?;
    Some(Action::AlterPolicy { name: word_in(node, K::POLICY_REF)?, table })
}

fn create_rule(node: &SyntaxNode) -> Option<Action> {
    Some(Action::CreateRule {
        name: word_in(node, K::RULE)?,
        table: name_in(&child(node, K::RULE_ON)?, K::RELATION_NAME_REF)?,
        or_replace: has(node, K::OR_REPLACE),
    })
}

/// Without a name, a schema is called as its owner.
fn create_schema(node: &SyntaxNode) -> Option<Action> {
    let target = node.children().find_map(ast::CreateSchemaTarget::cast)?;
    let named = match target {
        ast::CreateSchemaTarget::NamedSchema(named) => named.schema()?.syntax().clone(),
        ast::CreateSchemaTarget::AuthorizationSchema(owner) => owner.role()?.syntax().clone(),
    };
    Some(Action::CreateSchema { name: name(&named)?, if_not_exists: has(node, K::IF_NOT_EXISTS) })
}

fn statistics(node: &SyntaxNode) -> Option<Action> {
    let on = child(node, K::STATISTICS_ON_CLAUSE);
    let columns =
        on.map(|on| on.children().filter(|node| node.kind() == K::NAME_REF).filter_map(|it| word(&it)).collect());
    Some(Action::CreateStatistics {
        name: name_in(node, K::STATISTICS),
        table: name_in(&child(node, K::FROM_TABLE)?, K::TABLE_NAME_REF)?,
        columns: columns.unwrap_or_default(),
        if_not_exists: has(node, K::IF_NOT_EXISTS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Persistence, read};

    fn action(sql: &str) -> Action {
        read(sql).remove(0).action
    }

    #[test]
    fn a_sequence_is_owned_by_a_column() {
        let sql = "CREATE TEMP SEQUENCE IF NOT EXISTS a.s START 1 OWNED BY \"S\".t.c";
        let Action::CreateSequence(made) = action(sql) else { panic!() };
        let (table, column) = made.owned_by.unwrap();
        assert_eq!((table.to_string(), column.as_str()), ("S.t".into(), "c"));
        assert_eq!((made.name.to_string(), made.persistence), ("a.s".into(), Persistence::Temporary));
    }

    #[test]
    fn the_options_of_an_altered_sequence_are_its_first_words() {
        let sql = "ALTER SEQUENCE s AS bigint RESTART WITH 5 CACHE 2 NO CYCLE OWNED BY NONE";
        let Action::AlterSequence { options, owned_by, .. } = action(sql) else { panic!() };
        assert_eq!(options, ["as", "restart", "cache", "no cycle", "owned by"]);
        assert_eq!(owned_by, None);
        let Action::AlterSequence { options, .. } = action("ALTER SEQUENCE s SET SCHEMA x") else { panic!() };
        assert_eq!(options, ["set schema"]);
    }

    #[test]
    fn a_policy_has_both_its_conditions() {
        let sql = "CREATE POLICY p ON s.t FOR ALL TO public USING (a = 1) WITH CHECK (b = 2)";
        let Action::CreatePolicy { name, table, expressions } = action(sql) else { panic!() };
        assert_eq!((name.as_str(), table.to_string().as_str()), ("p", "s.t"));
        assert_eq!(expressions.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["a = 1", "b = 2"]);
        assert!(matches!(action("ALTER POLICY p ON t USING (true)"), Action::AlterPolicy { .. }));
    }

    #[test]
    fn a_schema_without_a_name_is_called_as_its_owner() {
        for (sql, expected) in [("CREATE SCHEMA \"A\" AUTHORIZATION b", "A"), ("CREATE SCHEMA AUTHORIZATION b", "b")] {
            let Action::CreateSchema { name, if_not_exists } = action(sql) else { panic!() };
            assert_eq!((name.name.as_str(), if_not_exists), (expected, false));
        }
    }

    #[test]
    fn rules_extensions_and_statistics_name_what_they_stand_on() {
        let rule = action("CREATE OR REPLACE RULE r AS ON UPDATE TO s.t DO INSTEAD NOTHING");
        assert!(matches!(rule, Action::CreateRule { table, or_replace: true, .. } if table.to_string() == "s.t"));
        let extension = action("CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA x");
        let Action::CreateExtension { name, if_not_exists, schema } = extension else { panic!() };
        assert_eq!((name.name.as_str(), if_not_exists, schema.as_deref()), ("uuid-ossp", true, Some("x")));
        let statistics = action("CREATE STATISTICS a.s (ndistinct) ON b, (c + 1) FROM t");
        assert!(matches!(statistics, Action::CreateStatistics { columns, .. } if columns == ["b"]));
    }
}
