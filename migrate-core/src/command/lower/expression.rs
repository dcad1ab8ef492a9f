//! What expressions and queries refer to, found by walking their trees.

mod query;

use std::collections::HashSet;
use std::hash::Hash;

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

pub(super) use self::query::{query, write};
use super::name::column_type;
use super::parts::{called, literal, place, text, tokens, word};
use crate::command::{Expression, Name};

/// An expression.
pub(super) fn expression(expr: &ast::Expr) -> Expression {
    let node = expr.syntax();
    Expression {
        text: text(node),
        span: place(node),
        columns: columns(node),
        calls: calls(node),
        types: types(node),
        reads: query::reads(node),
        strings: strings(node),
        proves_not_null: proves_not_null(expr),
        is_null: is_null(expr),
    }
}

/// Each item once, in the order of their first mention. Commands that fill tables hold thousands of literals.
fn unique<T: Clone + Eq + Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    items.filter(|item| seen.insert(item.clone())).collect()
}

fn columns(node: &SyntaxNode) -> Vec<String> {
    let named = node.descendants().filter(|node| match node.kind() {
        K::NAME_REF => is_column(node),
        K::COLUMN_NAME_REF => true,
        _ => false,
    });
    unique(named.filter_map(|node| word(&node)))
}

/// Whether a name in an expression is a column's: not a function's, a qualifier's, a value's such as `CURRENT_DATE`,
/// a locked table's, or a modifier's of a type.
fn is_column(node: &SyntaxNode) -> bool {
    let Some(parent) = node.parent() else { return true };
    match parent.kind() {
        K::CALL_EXPR | K::LOCKING_OF => false,
        K::FIELD_EXPR => is_field_of_names(node, &parent),
        _ => !is_value(node) && !node.ancestors().skip(1).take(3).any(|above| ast::Type::can_cast(above.kind())),
    }
}

/// Of `a.b` and `s.a.b` the column is `b`; `a.*`, `(a).b` and `s.f(…)` name none with their fields.
fn is_field_of_names(node: &SyntaxNode, field: &SyntaxNode) -> bool {
    let is_last = field.children().count() > 1 && field.children().last().as_ref() == Some(node);
    let above = field.parent().map(|above| above.kind());
    is_last && only_names(field) && !matches!(above, Some(K::FIELD_EXPR | K::CALL_EXPR))
}

fn only_names(field: &SyntaxNode) -> bool {
    field.descendants().all(|node| matches!(node.kind(), K::NAME_REF | K::FIELD_EXPR))
}

/// Names that SQL gives to values, not to columns or functions.
fn is_value(name: &SyntaxNode) -> bool {
    tokens(name).next().is_some_and(|token| {
        matches!(
            token.kind(),
            K::CURRENT_CATALOG_KW
                | K::CURRENT_DATE_KW
                | K::CURRENT_ROLE_KW
                | K::CURRENT_SCHEMA_KW
                | K::CURRENT_TIME_KW
                | K::CURRENT_TIMESTAMP_KW
                | K::CURRENT_USER_KW
                | K::LOCALTIME_KW
                | K::LOCALTIMESTAMP_KW
                | K::SESSION_USER_KW
                | K::SYSTEM_USER_KW
                | K::USER_KW
        )
    })
}

fn calls(node: &SyntaxNode) -> Vec<Name> {
    let calls = node.descendants().filter(|node| node.kind() == K::CALL_EXPR);
    let functions = calls.filter(|call| !call.first_child().is_some_and(|function| is_value(&function)));
    unique(functions.filter_map(|call| called(&call)))
}

fn types(node: &SyntaxNode) -> Vec<Name> {
    let types = node.descendants().filter_map(ast::Type::cast).filter(|kind| !inside_array(kind));
    unique(types.map(|kind| column_type(&kind).name))
}

fn inside_array(kind: &ast::Type) -> bool {
    kind.syntax().parent().is_some_and(|parent| parent.kind() == K::ARRAY_TYPE)
}

fn strings(node: &SyntaxNode) -> Vec<String> {
    use ast::LitKind::{DollarQuotedString, EscString, NationalString, String, UnicodeEscString};
    let literals = node.descendants().filter_map(ast::Literal::cast);
    let quoted = literals.filter(|literal| {
        let kind = literal.kind();
        matches!(kind, Some(String(_) | DollarQuotedString(_) | EscString(_) | NationalString(_) | UnicodeEscString(_)))
    });
    unique(quoted.filter_map(|quoted| literal(quoted.syntax())))
}

fn inner(node: &SyntaxNode) -> Option<ast::Expr> {
    node.children().find_map(ast::Expr::cast)
}

/// `c` of `c IS NOT NULL`, alone or AND-ed with others.
fn proves_not_null(expr: &ast::Expr) -> Vec<String> {
    let mut proven = Vec::new();
    let mut open = vec![expr.clone()];
    while let Some(expr) = open.pop() {
        match &expr {
            ast::Expr::ParenExpr(paren) => open.extend(inner(paren.syntax())),
            ast::Expr::BinExpr(both) if matches!(both.op(), Some(ast::BinOp::And(_))) => {
                open.extend([both.rhs(), both.lhs()].into_iter().flatten());
            }
            _ => proven.extend(not_null(&expr).and_then(|subject| column(&subject))),
        }
    }
    proven
}

/// What is said not to be NULL.
fn not_null(expr: &ast::Expr) -> Option<ast::Expr> {
    match expr {
        ast::Expr::BinExpr(is) => {
            matches!(is.op()?, ast::BinOp::IsNot(_)).then_some(())?;
            is_null(&is.rhs()?).then(|| is.lhs()).flatten()
        }
        ast::Expr::PostfixExpr(is) => {
            matches!(is.op()?, ast::PostfixOp::NotNull(_)).then(|| inner(is.syntax())).flatten()
        }
        _ => None,
    }
}

/// The column that an expression is, in whatever brackets.
fn column(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::NameRef(name) => (!is_value(name.syntax())).then(|| word(name.syntax())).flatten(),
        ast::Expr::FieldExpr(field) if only_names(field.syntax()) => word(field.field()?.syntax()),
        ast::Expr::ParenExpr(paren) => column(&inner(paren.syntax())?),
        _ => None,
    }
}

fn is_null(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::CastExpr(_) | ast::Expr::ParenExpr(_) => inner(expr.syntax()).is_some_and(|inner| is_null(&inner)),
        ast::Expr::Literal(literal) => matches!(literal.kind(), Some(ast::LitKind::Null(_))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::command::{Action, Expression, read};

    fn of(check: &str) -> Expression {
        let commands = read(&format!("UPDATE t SET x = 1 WHERE {check}"));
        let Action::Write(write) = &commands[0].action else { panic!("{commands:?}") };
        write.condition.clone().unwrap()
    }

    #[test]
    fn columns_are_told_from_all_other_names() {
        for (sql, columns) in [
            ("a > b", &["a", "b"][..]),
            ("t.a = s.t.b", &["a", "b"]),
            ("(c).f = 1", &["c"]),
            ("count(t.*) > 0", &[]),
            ("s.f(a, x => b) IS NULL", &["a", "b"]),
            ("at < CURRENT_TIMESTAMP AND u = CURRENT_USER", &["at", "u"]),
            ("at < CURRENT_TIMESTAMP(3)", &["at"]),
            ("\"A\"::geometry(Point, 4326) IS NULL", &["A"]),
            ("EXTRACT(year FROM d) = 1", &["d"]),
            ("a IN (SELECT b FROM o WHERE o.c = 1)", &["a", "b", "c"]),
        ] {
            assert_eq!(of(sql).columns, columns, "{sql}");
        }
    }

    #[test]
    fn only_what_must_hold_is_proven() {
        for (sql, proven) in [
            ("a IS NOT NULL", &["a"][..]),
            ("(a IS NOT NULL) AND (t.b NOTNULL AND c > 0)", &["a", "b"]),
            ("a OR b IS NOT NULL", &[]),
            ("NOT a IS NOT NULL", &[]),
            ("NOT (a IS NOT NULL)", &[]),
            ("a IS NOT TRUE", &[]),
            ("lower(a) IS NOT NULL", &[]),
            ("((a)) IS NOT NULL", &["a"]),
        ] {
            assert_eq!(of(sql).proves_not_null, proven, "{sql}");
        }
    }

    #[test]
    fn calls_types_and_strings_are_found_wherever_they_stand() {
        let found = of(
            "nextval('s') > 0 AND a = 'x'::app.mood AND b = $1 AND c = B'1' AND d[lower(e)] = E'\\n' AND CURRENT_TIMESTAMP(3) > at",
        );
        let names = |names: &[crate::command::Name]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&found.calls), ["nextval", "lower"]);
        assert_eq!(names(&found.types), ["app.mood"]);
        assert_eq!(found.strings, ["s", "x", "\n"]);
    }

    #[test]
    fn null_stays_null_in_brackets_and_casts() {
        let is_null = |default: &str| {
            let commands = read(&format!("ALTER TABLE t ALTER c SET DEFAULT {default}"));
            format!("{commands:?}").contains("is_null: true")
        };
        assert!(["NULL", "(null)", "NULL::text", "CAST(NULL AS int)"].into_iter().all(is_null));
        assert!(!["'null'", "coalesce(NULL, 1)", "0"].into_iter().any(is_null));
    }
}
