//! Queries, and the commands on rows that hold them and stand in them: from their trees to what they read, lock, write and
//! put out.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::column_name::ColumnName;
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::super::parts::{child, has, name, place, text, within, word};
use super::{calls, columns, expression, strings, types, unique};
use crate::command::{Expression, Name, Query, Write};

/// A query, or what a command that changes rows refers to.
pub(in crate::command::lower) fn query(node: &SyntaxNode) -> Query {
    Query {
        text: text(node),
        span: place(node),
        reads: reads(node),
        locks: locks(node),
        calls: calls(node),
        types: types(node),
        columns: columns(node),
        strings: strings(node),
        output: output(node),
        into: child(node, K::INTO_CLAUSE).and_then(|into| name(&into)),
        writes: node.descendants().skip(1).filter(in_with_clause).filter_map(|node| write(&node)).collect(),
        restricted: operands(node).any(|part| restricts(&part)),
    }
}

fn in_with_clause(node: &SyntaxNode) -> bool {
    node.parent().is_some_and(|parent| parent.kind() == K::WITH_TABLE)
}

/// The relations in FROM, JOIN, USING and TABLE; names of CTEs that are in scope there are left out.
pub(super) fn reads(node: &SyntaxNode) -> Vec<Name> {
    unique(read_items(node).filter_map(|item| relation(&item)))
}

fn read_items(node: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    node.descendants().filter(|node| match node.kind() {
        K::RELATION_FROM_ITEM => true,
        K::RELATION_NAME => node.parent().is_some_and(|parent| parent.kind() == K::TABLE),
        _ => false,
    })
}

fn relation(item: &SyntaxNode) -> Option<Name> {
    let path = within(item, K::RELATION_NAME_REF).unwrap_or_else(|| item.clone());
    let name = name(&path)?;
    (name.schema.is_some() || !is_cte(item, &name.name)).then_some(name)
}

/// Whether a name means a CTE where it stands: a CTE sees those before it, itself only with RECURSIVE.
fn is_cte(item: &SyntaxNode, name: &str) -> bool {
    let start = item.text_range().start();
    item.ancestors().filter_map(|above| with_clause(&above)).any(|clause| {
        let inside = clause.text_range().contains(start) && !has(&clause, K::RECURSIVE_KW);
        let visible = clause.children().filter(|table| !inside || table.text_range().end() <= start);
        visible.filter_map(|table| word(&child(&table, K::CTE_NAME)?)).any(|cte| cte == name)
    })
}

/// The WITH of a command. The tree has that of `WITH … SELECT … UNION SELECT …` in the first SELECT, where it is not in
/// brackets; it is about all of them.
fn with_clause(node: &SyntaxNode) -> Option<SyntaxNode> {
    let first = |node: &SyntaxNode| {
        let is_query = |node: &SyntaxNode| ast::SelectVariant::can_cast(node.kind());
        let first = (node.kind() == K::COMPOUND_SELECT).then(|| node.children().find(is_query)).flatten();
        first.filter(|first| first.kind() != K::PAREN_SELECT)
    };
    std::iter::successors(Some(node.clone()), first).find_map(|node| child(&node, K::WITH_CLAUSE))
}

/// The relations of each SELECT that has a locking clause; those of its `OF`, or all in its FROM.
fn locks(node: &SyntaxNode) -> Vec<Name> {
    let clauses = node.descendants().filter(|node| node.kind() == K::LOCKING_CLAUSE);
    unique(clauses.flat_map(|clause| locked(&clause)))
}

fn locked(clause: &SyntaxNode) -> Vec<Name> {
    let Some(select) = clause.parent() else { return Vec::new() };
    let from = child(&select, K::FROM_CLAUSE).unwrap_or(select);
    let of = child(clause, K::LOCKING_OF);
    let of: Vec<String> = of.iter().flat_map(SyntaxNode::children).filter_map(|name| word(&name)).collect();
    let meant = |item: &SyntaxNode| of.is_empty() || visible_name(item).is_some_and(|name| of.contains(&name));
    read_items(&from).filter(meant).filter_map(|item| relation(&item)).collect()
}

/// What the rest of a query calls a relation: its alias, or its name.
fn visible_name(item: &SyntaxNode) -> Option<String> {
    let alias = within(item, K::TABLE_ALIAS).and_then(|alias| word(&alias));
    alias.or_else(|| Some(name(item)?.name))
}

/// The command itself and, below it, the query whose rows it takes: the first one of a UNION, the one in brackets.
fn operands(node: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    std::iter::successors(Some(node.clone()), |node| {
        let below = [K::COMPOUND_SELECT, K::PAREN_SELECT, K::PAREN_EXPR, K::INSERT];
        let is_query = |node: &SyntaxNode| ast::SelectVariant::can_cast(node.kind()) || node.kind() == K::PAREN_EXPR;
        below.contains(&node.kind()).then(|| node.children().find(is_query)).flatten()
    })
}

/// Whether a command does not take all rows of one relation.
fn restricts(node: &SyntaxNode) -> bool {
    node.children().any(|part| match part.kind() {
        K::WHERE_CLAUSE | K::WHERE_CURRENT_OF | K::LIMIT_CLAUSE | K::FETCH_CLAUSE | K::USING_ON_CLAUSE => true,
        K::FROM_CLAUSE | K::USING_CLAUSE => part.children().count() > 1 || joins(&part),
        _ => false,
    })
}

fn joins(from: &SyntaxNode) -> bool {
    let inner = |node: &SyntaxNode| node.kind() == K::PAREN_FROM_ITEM || node.kind() == K::PAREN_EXPR;
    let mut items = std::iter::successors(from.first_child(), |item| item.first_child().filter(|_| inner(item)));
    items.any(|item| item.kind() == K::JOIN_EXPR)
}

/// The names of the output columns, where every one is known.
fn output(node: &SyntaxNode) -> Option<Vec<String>> {
    let query = operands(node).last()?;
    match query.kind() {
        K::SELECT | K::SELECT_INTO => {
            let targets = child(&child(&query, K::SELECT_CLAUSE)?, K::TARGET_LIST)?;
            targets.children().filter_map(ast::Target::cast).map(target_name).collect()
        }
        K::VALUES => {
            let values = within(&query, K::ROW)?.children().count();
            Some((1..=values).map(|number| format!("column{number}")).collect())
        }
        _ => None,
    }
}

/// The name that PostgreSQL gives to an output column; none for `*` and for what it calls `?column?`.
fn target_name(target: ast::Target) -> Option<String> {
    let (name, _) = ColumnName::from_target(target)?;
    name.to_string().filter(|name| name != "?column?")
}

/// A command that changes rows; also for those in a WITH clause.
pub(in crate::command::lower) fn write(node: &SyntaxNode) -> Option<Write> {
    let verb = match node.kind() {
        K::INSERT => "insert",
        K::UPDATE => "update",
        K::DELETE => "delete",
        K::MERGE => "merge",
        _ => return None,
    };
    let targets = [K::RELATION_NAME_REF, K::RELATION_NAME, K::TABLE_RELATION_NAME];
    let target = node.children().find(|child| targets.contains(&child.kind()))?;
    let list = child(node, K::COLUMN_TARGET_LIST);
    let source = node.children().find_map(ast::SelectVariant::cast);
    Some(Write {
        verb,
        deletes: verb == "delete" || verb == "merge" && within(node, K::MERGE_DELETE).is_some(),
        updates: verb == "update"
            || [K::MERGE_UPDATE, K::CONFLICT_DO_UPDATE_SET].into_iter().any(|kind| changes_by(node, kind)),
        table: name(&target)?,
        columns: written(node),
        lists_columns: list.is_some(),
        from_query: source.is_some_and(|source| !matches!(source, ast::SelectVariant::Values(_))),
        sources: sources(node),
        condition: condition(node),
        on_conflict: child(node, K::ON_CONFLICT_CLAUSE).is_some(),
        query: query(node),
    })
}

/// What an UPDATE, DELETE or MERGE is joined with.
fn sources(node: &SyntaxNode) -> Vec<Name> {
    let is_clause = |part: &SyntaxNode| [K::FROM_CLAUSE, K::USING_CLAUSE, K::USING_ON_CLAUSE].contains(&part.kind());
    let clauses = node.children().filter(is_clause);
    unique(clauses.flat_map(|clause| read_items(&clause).filter_map(|item| relation(&item)).collect::<Vec<_>>()))
}

/// Whether a clause of the command itself, and not of one inside it, is of this kind.
fn changes_by(node: &SyntaxNode, kind: K) -> bool {
    let clauses = node
        .children()
        .filter(|part| part.kind() == K::ON_CONFLICT_CLAUSE || ast::MergeWhenClause::can_cast(part.kind()));
    clauses.into_iter().any(|clause| clause.kind() == kind || within(&clause, kind).is_some())
}

/// The columns that the command itself writes, each once; not those of a command inside it.
fn written(node: &SyntaxNode) -> Vec<String> {
    let parts = node.children().filter(|part| {
        let holds = [K::COLUMN_TARGET_LIST, K::SET_CLAUSE, K::ON_CONFLICT_CLAUSE];
        holds.contains(&part.kind()) || ast::MergeWhenClause::can_cast(part.kind())
    });
    let mut columns: Vec<String> = Vec::new();
    for column in parts.flat_map(|part| targets(&part)) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

fn targets(part: &SyntaxNode) -> Vec<String> {
    let targets = part.descendants().filter(|node| node.kind() == K::COLUMN_TARGET);
    targets.filter_map(|target| word(&child(&target, K::COLUMN_NAME_REF)?)).collect()
}

/// What selects the rows: `WHERE`, or the `ON` of MERGE. `WHERE true` selects nothing.
fn condition(node: &SyntaxNode) -> Option<Expression> {
    if let Some(current) = child(node, K::WHERE_CURRENT_OF) {
        return Some(Expression { text: text(&current), span: place(&current), ..Expression::default() });
    }
    let merged = || within(&child(node, K::USING_ON_CLAUSE)?, K::ON_CLAUSE);
    let clause = child(node, K::WHERE_CLAUSE).or_else(merged)?;
    let expr = clause.children().find_map(ast::Expr::cast)?;
    let is_true = text(expr.syntax()).trim_matches(['(', ')', ' ']).eq_ignore_ascii_case("true");
    (!is_true).then(|| expression(&expr))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Action, read};

    fn of(sql: &str) -> Query {
        match read(sql).remove(0).action {
            Action::Select(query) | Action::CreateTableAs { query, .. } => *query,
            Action::Write(write) => write.query,
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn words(names: &[Name]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_cte_hides_a_relation_only_where_it_is_in_scope() {
        for (sql, reads) in [
            ("WITH users AS (SELECT * FROM users) SELECT * FROM users", &["users"][..]),
            ("WITH RECURSIVE r AS (SELECT * FROM r) SELECT * FROM r", &[]),
            ("WITH a AS (SELECT 1), b AS (SELECT * FROM a, c) SELECT * FROM b", &["c"]),
            ("WITH a AS (SELECT 1) SELECT * FROM s.a", &["s.a"]),
            ("WITH a AS (SELECT 1) SELECT * FROM b UNION SELECT * FROM a UNION ALL SELECT * FROM a", &["b"]),
            ("(WITH a AS (SELECT 1) SELECT * FROM a) UNION SELECT * FROM a", &["a"]),
            ("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) x, a", &["a"]),
            ("SELECT * FROM (x JOIN y ON true), LATERAL (SELECT * FROM z) q UNION TABLE w", &["x", "y", "z", "w"]),
            ("DELETE FROM t USING u WHERE EXISTS (SELECT FROM v)", &["u", "v"]),
        ] {
            assert_eq!(words(&of(sql).reads), reads, "{sql}");
        }
    }

    #[test]
    fn a_lock_is_on_what_it_names() {
        for (sql, locks) in [
            ("SELECT * FROM a JOIN b ON true WHERE x IN (SELECT 1 FROM c) FOR UPDATE", &["a", "b"][..]),
            ("SELECT * FROM a q, b FOR SHARE OF q", &["a"]),
            ("SELECT * FROM a", &[]),
        ] {
            assert_eq!(words(&of(sql).locks), locks, "{sql}");
        }
    }

    #[test]
    fn output_is_known_only_when_every_name_is() {
        let names = |sql: &str| of(sql).output.map(|names| names.join(","));
        for (sql, output) in [
            ("SELECT a, t.b AS \"C\", lower(d), e::int, f g, CASE WHEN h THEN 1 END", Some("a,C,lower,e,g,case")),
            ("SELECT a, * FROM t", None),
            ("SELECT 1", None),
            ("(SELECT a FROM t UNION SELECT b FROM u) LIMIT 1", Some("a")),
            ("VALUES (1, 'x')", Some("column1,column2")),
            ("SELECT a INTO x FROM t", Some("a")),
            ("TABLE t", None),
            ("UPDATE t SET a = (SELECT b FROM u)", None),
        ] {
            assert_eq!(names(sql).as_deref(), output, "{sql}");
        }
    }

    #[test]
    fn a_restriction_is_one_of_the_top_level() {
        for sql in [
            "SELECT a FROM t WHERE b",
            "SELECT a FROM t LIMIT 1",
            "SELECT a FROM t JOIN u ON c",
            "SELECT a FROM t, u",
            "SELECT a FROM t FETCH FIRST ROW ONLY",
            "INSERT INTO t SELECT a FROM u WHERE b",
            "DELETE FROM t WHERE a",
        ] {
            assert!(of(sql).restricted, "{sql}");
        }
        for sql in [
            "SELECT a FROM t",
            "SELECT (SELECT 1 FROM u JOIN v ON c LIMIT 1) FROM t",
            "UPDATE t SET a = (SELECT b FROM u WHERE c)",
        ] {
            assert!(!of(sql).restricted, "{sql}");
        }
    }
}
