//! Views: from CREATE VIEW, CREATE MATERIALIZED VIEW and REFRESH to their actions.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::super::expression;
use super::super::parts::{all_words, child, has, name_in, persistence};
use crate::command::{Action, CreateView, Persistence};

/// The action of a command on views.
pub(super) fn lower(node: &SyntaxNode) -> Option<Action> {
    match node.kind() {
        K::CREATE_VIEW => create(node, false),
        K::CREATE_MATERIALIZED_VIEW => create(node, true),
        K::REFRESH => Some(Action::Refresh {
            name: name_in(node, K::VIEW_REF)?,
            concurrently: has(node, K::CONCURRENTLY_KW),
            with_data: !has(node, K::WITH_NO_DATA),
        }),
        _ => None,
    }
}

fn create(node: &SyntaxNode, materialized: bool) -> Option<Action> {
    let query = node.children().find_map(ast::SelectVariant::cast)?;
    let columns = child(node, K::COLUMN_LIST).map(|list| all_words(&list, K::COLUMN_NAME));
    Some(Action::CreateView(Box::new(CreateView {
        name: name_in(node, K::VIEW)?,
        materialized,
        or_replace: has(node, K::OR_REPLACE),
        if_not_exists: has(node, K::IF_NOT_EXISTS),
        temporary: persistence(node) == Persistence::Temporary,
        columns: columns.unwrap_or_default(),
        query: expression::query(query.syntax()),
        with_data: !has(node, K::WITH_NO_DATA),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::read;

    #[test]
    fn a_view_has_its_columns_and_its_query() {
        let sql = "CREATE OR REPLACE TEMP VIEW s.v (a, \"B\") AS SELECT x, y FROM t";
        let Action::CreateView(view) = read(sql).remove(0).action else { panic!() };
        assert_eq!((view.name.to_string(), view.columns), ("s.v".into(), vec!["a".into(), "B".into()]));
        assert!(view.or_replace && view.temporary && !view.materialized && view.with_data);
        assert_eq!(view.query.reads[0].name, "t");
    }

    #[test]
    fn a_materialized_view_may_stay_empty() {
        let sql = "CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1 WITH NO DATA";
        let Action::CreateView(view) = read(sql).remove(0).action else { panic!() };
        assert!(view.materialized && view.if_not_exists && !view.with_data);
        let refresh = read("REFRESH MATERIALIZED VIEW CONCURRENTLY s.v").remove(0).action;
        assert!(matches!(refresh, Action::Refresh { concurrently: true, with_data: true, .. }));
    }
}
