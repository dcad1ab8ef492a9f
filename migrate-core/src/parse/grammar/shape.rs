//! What PostgreSQL refuses and only the tree shows; each rule found by a statement that a server refused.

use squawk_syntax::{SyntaxElement, SyntaxKind as K, SyntaxNode, SyntaxToken};

use super::Fault;
use crate::text::Span;

/// The fault of a node, its children's aside.
pub(super) fn fault(node: &SyntaxNode) -> Option<Fault> {
    match node.kind() {
        K::PARTITION_ITEM => bare_expression(node),
        K::DEFAULT_CONSTRAINT => negated_default(node),
        K::ROLE_OPTION_GENERIC => unknown_role_option(node),
        _ => None,
    }
}

fn span(token: &SyntaxToken) -> Span {
    Span::new(token.text_range().start().into(), token.text_range().end().into())
}

fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    let all = node.descendants_with_tokens().filter_map(SyntaxElement::into_token);
    all.filter(|token| !token.kind().is_trivia())
}

/// `CREATE INDEX i ON t (a || b)`: an index takes a column, a call, or an expression in parentheses.
fn bare_expression(node: &SyntaxNode) -> Option<Fault> {
    let expression = node.children().next()?;
    let token = match expression.kind() {
        K::LITERAL | K::PREFIX_EXPR => tokens(&expression).next()?,
        K::CAST_EXPR => tokens(&expression).find(|token| matches!(token.kind(), K::COLON_COLON | K::COLON))?,
        K::BIN_EXPR => behind(&expression)?,
        _ => return None,
    };
    Some(Fault { span: span(&token), message: "expected parentheses around the expression".into() })
}

/// The token behind what stands left of an operator, unless it says how to sort.
fn behind(operation: &SyntaxNode) -> Option<SyntaxToken> {
    let left = operation.children().next()?.text_range().end();
    let token = tokens(operation).find(|token| token.text_range().start() >= left)?;
    (token.kind() != K::COLLATE_KW).then_some(token)
}

/// `DEFAULT NOT true`: the default of a column ends before `NOT NULL`.
fn negated_default(node: &SyntaxNode) -> Option<Fault> {
    let mut tokens = tokens(node).skip_while(|token| token.kind() != K::DEFAULT_KW).skip(1);
    let first = tokens.next().filter(|token| token.kind() == K::NOT_KW)?;
    Some(Fault { span: span(&first), message: "expected parentheses around the expression".into() })
}

/// The options of a role that are no keywords.
const ROLE_OPTIONS: &[&str] = &[
    "superuser",
    "nosuperuser",
    "createrole",
    "nocreaterole",
    "replication",
    "noreplication",
    "createdb",
    "nocreatedb",
    "login",
    "nologin",
    "bypassrls",
    "nobypassrls",
    "noinherit",
];

/// `CREATE ROLE a CREATEROLE b`
fn unknown_role_option(node: &SyntaxNode) -> Option<Fault> {
    let option = tokens(node).next()?;
    let name = option.text().trim_matches('"').to_ascii_lowercase();
    let message = || format!("unrecognized role option `{}`", option.text());
    (!ROLE_OPTIONS.contains(&name.as_str())).then(|| Fault { span: span(&option), message: message() })
}

#[cfg(test)]
mod tests {
    use crate::parse::grammar::judge;

    fn refused_at(sql: &str) -> String {
        judge(sql).expect_err(sql).span.of(sql).to_owned()
    }

    #[test]
    fn an_expression_of_an_index_stands_in_parentheses() {
        assert_eq!(refused_at("CREATE INDEX i ON t (a || b);"), "|");
        assert_eq!(refused_at("CREATE INDEX i ON t (a, b::text);"), ":");
        assert_eq!(refused_at("CREATE INDEX i ON t (true);"), "true");
        assert_eq!(refused_at("CREATE INDEX i ON t (-a);"), "-");
        for sql in [
            "CREATE INDEX i ON t (a);",
            "CREATE INDEX i ON t ((a || b), (c::text) DESC NULLS LAST);",
            "CREATE INDEX i ON t (lower(a) text_pattern_ops, s.f(b), CAST(a AS text), coalesce(a, b));",
            "CREATE INDEX i ON t (a COLLATE \"C\", b COLLATE \"C\" text_pattern_ops DESC);",
            "CREATE INDEX i ON t (current_date, a x.ops (n = 1));",
            "CREATE TABLE t (a int) PARTITION BY RANGE (a, (b + 1), lower(c));",
        ] {
            assert!(judge(sql).is_ok(), "{sql}: {:?}", judge(sql));
        }
    }

    #[test]
    fn a_default_is_not_negated_without_parentheses() {
        assert_eq!(refused_at("CREATE TABLE t (a bool DEFAULT NOT true);"), "NOT");
        assert_eq!(refused_at("ALTER TABLE t ADD a bool DEFAULT NOT true;"), "NOT");
        for sql in [
            "CREATE TABLE t (a bool DEFAULT (NOT true) NOT NULL);",
            "CREATE TABLE t (a bool DEFAULT true NOT NULL);",
            "ALTER TABLE t ALTER a SET DEFAULT NOT true;",
            "CREATE FUNCTION f(a bool DEFAULT NOT true) RETURNS int LANGUAGE sql AS '';",
        ] {
            assert!(judge(sql).is_ok(), "{sql}: {:?}", judge(sql));
        }
    }

    #[test]
    fn a_role_has_the_options_that_postgresql_knows() {
        assert_eq!(refused_at("CREATE ROLE a CREATEROLE b;"), "b");
        assert!(judge("CREATE ROLE a WITH LOGIN NoInherit CREATEDB IN ROLE b PASSWORD 'x';").is_ok());
        assert!(judge("ALTER USER a NOSUPERUSER BYPASSRLS;").is_ok());
    }
}
