//! Indexes: from `CREATE INDEX` to its action.

use squawk_syntax::SyntaxKind as K;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode as _};

use super::expression;
use super::parts::{child, has, name, name_in, within, word};
use super::table::{only_expression, plain, plain_columns};
use crate::command::{Action, CreateIndex, IndexColumn};

/// The action of `CREATE INDEX`.
pub(super) fn lower(stmt: &ast::Stmt) -> Option<Action> {
    let node = stmt.syntax();
    if node.kind() != K::CREATE_INDEX {
        return None;
    }
    let relation = child(node, K::TABLE_RELATION_NAME)?;
    let method = child(node, K::USING_METHOD).and_then(|using| word(&within(&using, K::ACCESS_METHOD_REF)?));
    Some(Action::CreateIndex(Box::new(CreateIndex {
        name: name_in(node, K::INDEX),
        table: name(&relation)?,
        only: has(&relation, K::ONLY_KW),
        unique: has(node, K::UNIQUE_KW),
        concurrently: has(node, K::CONCURRENTLY_KW),
        if_not_exists: has(node, K::IF_NOT_EXISTS),
        method: method.unwrap_or_else(|| "btree".to_owned()),
        columns: child(node, K::PARTITION_ITEM_LIST).map(|list| elements(&list)).unwrap_or_default(),
        include: child(node, K::INDEX_INCLUDE_CLAUSE).map(|include| plain_columns(&include)).unwrap_or_default(),
        predicate: child(node, K::WHERE_CLAUSE).and_then(|clause| only_expression(&clause)),
        nulls_not_distinct: within(node, K::NULLS_NOT_DISTINCT).is_some(),
    })))
}

fn elements(list: &SyntaxNode) -> Vec<IndexColumn> {
    let items = list.children().filter(|node| node.kind() == K::PARTITION_ITEM);
    items.filter_map(|item| item.children().find_map(ast::Expr::cast)).map(|expr| element(&expr)).collect()
}

fn element(expr: &ast::Expr) -> IndexColumn {
    match plain(expr) {
        Some(column) => IndexColumn::Column(column),
        None => IndexColumn::Expression(expression::expression(expr)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    #[test]
    fn an_index_says_what_it_covers() {
        let commands = read(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS app_i ON ONLY app.t USING gin (a DESC, lower(b), c COLLATE \"C\") \
             INCLUDE (d) NULLS NOT DISTINCT WHERE e IS NOT NULL;",
        );
        let Action::CreateIndex(index) = &commands[0].action else { panic!("{commands:?}") };
        assert!(index.unique && index.concurrently && index.if_not_exists && index.only && index.nulls_not_distinct);
        assert_eq!((index.method.as_str(), index.table.to_string().as_str()), ("gin", "app.t"));
        assert_eq!(index.columns.len(), 3);
        assert_eq!(index.columns[0], IndexColumn::Column("a".into()));
        assert!(matches!(&index.columns[1], IndexColumn::Expression(e) if e.calls[0].name == "lower"));
        assert_eq!(index.columns[2], IndexColumn::Column("c".into()));
        assert_eq!(index.include, ["d"]);
        assert_eq!(index.predicate.as_ref().unwrap().proves_not_null, ["e"]);
    }

    #[test]
    fn what_stands_behind_a_column_leaves_it_a_column() {
        let commands = read(
            "CREATE INDEX ON t (a text_pattern_ops DESC NULLS LAST, (b), (c || d), \"E\" s.ops (x = 1), f(g) DESC)",
        );
        let Action::CreateIndex(index) = &commands[0].action else { panic!("{commands:?}") };
        let written = index.columns.iter().map(|column| match column {
            IndexColumn::Column(name) => name.clone(),
            IndexColumn::Expression(expression) => format!("={}", expression.text),
        });
        assert_eq!(written.collect::<Vec<_>>(), ["a", "b", "=(c || d)", "E", "=f(g)"]);
        assert_eq!((index.name.as_ref(), index.method.as_str()), (None, "btree"));
    }
}
