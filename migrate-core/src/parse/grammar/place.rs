//! Keywords in the places of names, as PostgreSQL's grammar has them; the gate's grammar takes any word in most of them.
//!
//! From a node of a tree to the keyword that may not stand where it does. Invariant: only places whose rule is known are
//! judged.

use squawk_syntax::{SyntaxKind as K, SyntaxNode, SyntaxToken};

use super::Fault;
use super::keyword::{Class, class, is_bare_label, is_type, is_value};
use crate::text::Span;

/// What stands in a place, by PostgreSQL's names for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// `ColId`: a column, a table, most objects.
    Name,
    /// A table in `FROM`, or a function that SQL calls without parentheses.
    FromItem,
    /// `func_name`, without a schema.
    Function,
    /// `type_function_name`: a type, without a schema.
    Type,
    /// `param_name`.
    Parameter,
    /// `ColLabel`, behind `AS`.
    Label,
    /// `BareColLabel`, without it.
    BareLabel,
}

/// The message of a keyword in the place of a name.
pub(super) const UNEXPECTED: &str = "unexpected keyword";

/// The fault of a node that is a name, if a keyword stands there that may not.
pub(super) fn fault(node: &SyntaxNode) -> Option<Fault> {
    let place = place(node)?;
    let token = node.first_token().filter(|token| token.kind() != K::IDENT)?;
    let refused = class(token.text()).is_some_and(|class| !allowed(place, class, token.text()));
    refused.then(|| {
        let range = token.text_range();
        Fault { span: Span::new(range.start().into(), range.end().into()), message: UNEXPECTED.to_owned() }
    })
}

/// Whether the token that starts here is a name, whatever its word.
pub(super) fn is_name(tree: &SyntaxNode, start: u32) -> bool {
    let token = tree.token_at_offset(start.into()).right_biased();
    token.and_then(|token| token.parent()).is_some_and(|node| NAMES.contains(&node.kind()) || place(&node).is_some())
}

/// Nodes of names whose place is not judged.
const NAMES: &[K] =
    &[K::NAME_REF, K::PATH_SEGMENT, K::PATH_SEGMENT_REF, K::PARAM_NAME_REF, K::ROLE_NAME_REF, K::ROLE_REF, K::ROLE];

/// Whether this word may be the name that a token is in a tree; `None` where the place is not known.
pub(super) fn may_be(token: &SyntaxToken, word: &str) -> Option<bool> {
    let place = place(&token.parent()?)?;
    Some(match class(word) {
        Some(class) => allowed(place, class, word),
        None => place != Place::BareLabel || is_bare_label(word),
    })
}

fn allowed(place: Place, class: Class, word: &str) -> bool {
    match place {
        Place::Label => true,
        Place::BareLabel => is_bare_label(word),
        Place::Name => class == Class::ColumnName,
        Place::FromItem => class == Class::ColumnName || is_value(word),
        Place::Type => class == Class::TypeOrFunction || class == Class::ColumnName && is_type(word),
        Place::Function | Place::Parameter => class == Class::TypeOrFunction,
    }
}

fn place(node: &SyntaxNode) -> Option<Place> {
    let parent = || node.parent().map(|parent| parent.kind());
    match node.kind() {
        K::COLUMN_NAME => match parent()? {
            K::AS_NAME if starts_with_as(node) => Some(Place::Label),
            K::AS_NAME => Some(Place::BareLabel),
            K::EXPR_AS_COLUMN_NAME => Some(Place::Label),
            K::RETURN_TABLE_COLUMN => Some(Place::Parameter),
            _ => Some(Place::Name),
        },
        K::PARAM_NAME => Some(Place::Parameter),
        K::PATH_SEGMENT | K::PATH_SEGMENT_REF => segment(node),
        kind => holds_a_name(kind).then_some(Place::Name),
    }
}

fn starts_with_as(node: &SyntaxNode) -> bool {
    node.parent().and_then(|parent| parent.first_token()).is_some_and(|token| token.kind() == K::AS_KW)
}

/// Nodes that hold one name and no path.
fn holds_a_name(kind: K) -> bool {
    matches!(
        kind,
        K::ACCESS_METHOD
            | K::CHANNEL
            | K::COLUMN_NAME_REF
            | K::CONSTRAINT_NAME
            | K::CTE_NAME
            | K::DATABASE
            | K::EVENT_TRIGGER
            | K::EXTENSION
            | K::FOREIGN_DATA_WRAPPER
            | K::POLICY
            | K::PUBLICATION
            | K::RULE
            | K::SAVEPOINT
            | K::SCHEMA
            | K::SERVER
            | K::SUBSCRIPTION
            | K::TABLESPACE
            | K::TABLE_ALIAS
            | K::TRANSITION_RELATION_NAME
            | K::TRIGGER
            | K::WINDOW
            | K::WINDOW_REF
    )
}

/// The place of a path's first name; behind a `.` any word may stand.
fn segment(node: &SyntaxNode) -> Option<Place> {
    let path = node.parent()?;
    if path.first_token() != node.first_token() {
        return None;
    }
    let is_path = |node: &SyntaxNode| matches!(node.kind(), K::PATH | K::PATH_REF);
    let outermost = path.ancestors().take_while(is_path).last()?;
    let qualified = outermost != path;
    let owner = outermost.parent()?;
    // `FROM user` calls a function.
    if owner.parent().is_some_and(|item| item.kind() == K::RELATION_FROM_ITEM) {
        return Some(Place::FromItem);
    }
    match owner.kind() {
        K::FUNCTION_NAME | K::PROCEDURE_NAME | K::AGGREGATE_NAME if !qualified => Some(Place::Function),
        K::PATH_TYPE if !qualified => Some(Place::Type),
        kind => is_path_of_names(kind).then_some(Place::Name),
    }
}

fn is_path_of_names(kind: K) -> bool {
    matches!(
        kind,
        K::COLLATION
            | K::CONFIG_PARAMETER_REF
            | K::CONSTRAINT_NAME_REF
            | K::CONVERSION
            | K::DOMAIN
            | K::INDEX
            | K::INDEX_REF
            | K::OP_CLASS_NAME
            | K::OP_FAMILY_NAME
            | K::RELATION_NAME_REF
            | K::SEQUENCE
            | K::SEQUENCE_REF
            | K::STATISTICS
            | K::TABLE_NAME
            | K::TABLE_NAME_REF
            | K::TEXT_SEARCH_CONFIGURATION
            | K::TEXT_SEARCH_DICTIONARY
            | K::TEXT_SEARCH_PARSER
            | K::TEXT_SEARCH_TEMPLATE
            | K::TYPE_NAME
            | K::VIEW
            | K::VIEW_REF
    )
}

#[cfg(test)]
mod tests {
    use crate::parse::grammar::judge;

    #[test]
    fn a_reserved_word_is_no_name() {
        for (sql, word) in [
            ("ALTER TABLE t ADD COLUMN order int;", "order"),
            ("ALTER TABLE t RENAME a TO user;", "user"),
            ("ALTER TABLE t DROP COLUMN user;", "user"),
            ("CREATE TABLE t (a int, CONSTRAINT check UNIQUE (a));", "check"),
            ("CREATE SCHEMA order;", "order"),
            ("CREATE TRIGGER end AFTER INSERT ON t EXECUTE FUNCTION f();", "end"),
            ("WITH user AS (SELECT 1) SELECT 2;", "user"),
            ("CREATE EXTENSION all;", "all"),
            ("DROP TABLE left;", "left"),
            ("CREATE TYPE verbose AS ENUM ('a');", "verbose"),
            ("CREATE FUNCTION coalesce() RETURNS int LANGUAGE sql AS '';", "coalesce"),
            ("CREATE TABLE t (a row);", "row"),
        ] {
            let problem = judge(sql).unwrap_err();
            assert_eq!(problem.span.of(sql), word, "{sql}");
            assert_eq!(problem.message, format!("syntax error at or near `{word}`"), "{sql}");
            assert!(problem.help.contains("double quotes"), "{}", problem.help);
        }
    }

    #[test]
    fn a_keyword_is_the_name_that_it_may_be() {
        for sql in [
            "ALTER TABLE t ADD COLUMN \"order\" int, ADD values text, DROP COLUMN name;",
            "SELECT a AS order, b end, t.user FROM t;",
            "SELECT xmlforest(a AS order);",
            "CREATE FUNCTION left(a text) RETURNS int LANGUAGE sql AS '';",
            "CREATE TABLE a.order (position int, between text, setof char, float float);",
            "ALTER TABLE t RENAME CONSTRAINT values TO between;",
            "CREATE TABLE t (system_user int);",
            "CREATE SCHEMA AUTHORIZATION joe;",
            "SELECT 1 FROM t, user, current_date AS d;",
            "ALTER ROLE is LOGIN;",
        ] {
            assert!(judge(sql).is_ok(), "{sql}: {:?}", judge(sql));
        }
    }
}
