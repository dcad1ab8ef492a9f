//! Commands on rows: from INSERT, UPDATE, DELETE, MERGE and queries, and from upkeep, settings and transactions, to their
//! actions.

mod session;
mod upkeep;

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::expression;
use super::parts::{child, name_in, persistence};
use crate::command::Action;

/// The action of a command on rows, on settings or on transactions.
pub(super) fn lower(stmt: &ast::Stmt) -> Option<Action> {
    let node = stmt.syntax();
    match node.kind() {
        K::INSERT | K::UPDATE | K::DELETE | K::MERGE => {
            expression::write(node).map(|write| Action::Write(Box::new(write)))
        }
        K::SELECT_INTO => select_into(node),
        K::SELECT | K::VALUES | K::TABLE | K::COMPOUND_SELECT | K::PAREN_SELECT => {
            Some(Action::Select(Box::new(expression::query(node))))
        }
        _ => upkeep::lower(node).or_else(|| session::lower(node)),
    }
}

/// `SELECT … INTO` makes a table, as `CREATE TABLE … AS` does.
fn select_into(node: &SyntaxNode) -> Option<Action> {
    let into = child(node, K::INTO_CLAUSE)?;
    Some(Action::CreateTableAs {
        name: name_in(&into, K::TABLE_NAME)?,
        if_not_exists: false,
        persistence: persistence(&into),
        columns: Vec::new(),
        query: Box::new(expression::query(node)),
        with_data: true,
    })
}

#[cfg(test)]
mod tests {
    use crate::command::{Action, Write, read};

    fn written(sql: &str) -> Write {
        match read(sql).remove(0).action {
            Action::Write(write) => *write,
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn an_insert_has_its_columns_and_those_of_its_conflict() {
        let sql = "INSERT INTO s.t AS q (a, b[1]) SELECT 1, 2 FROM z ON CONFLICT (a) DO UPDATE SET b = 3, (c, \"D\") = (1, 2)";
        let write = written(sql);
        assert_eq!((write.verb, write.table.to_string().as_str()), ("insert", "s.t"));
        assert_eq!(write.columns, ["a", "b", "c", "D"]);
        assert!(write.lists_columns && write.from_query && write.on_conflict);
        let reads: Vec<&str> = write.query.reads.iter().map(|name| name.name.as_str()).collect();
        assert_eq!(reads, ["z"]);
    }

    #[test]
    fn rows_that_stand_in_the_command_come_from_no_query() {
        let write = written("INSERT INTO t VALUES (1)");
        assert!(!write.lists_columns && !write.from_query && !write.on_conflict);
        assert!(!written("INSERT INTO t DEFAULT VALUES").from_query);
    }

    #[test]
    fn a_condition_that_is_always_true_is_none() {
        assert_eq!(written("UPDATE ONLY (a) SET x = 1 WHERE (TRUE)").condition, None);
        assert_eq!(written("DELETE FROM a").condition, None);
        let condition = written("DELETE FROM a USING b WHERE a.x = b.y").condition.unwrap();
        assert_eq!(condition.text, "a.x = b.y");
        assert!(written("DELETE FROM a WHERE CURRENT OF c").condition.is_some());
    }

    #[test]
    fn a_merge_has_the_columns_of_all_its_actions() {
        let sql = "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN UPDATE SET c = 1 \
                   WHEN NOT MATCHED THEN INSERT (d) VALUES (1)";
        let write = written(sql);
        assert_eq!((write.verb, write.columns), ("merge", vec!["c".to_owned(), "d".to_owned()]));
    }

    #[test]
    fn a_command_in_a_with_clause_is_not_the_command_itself() {
        let write = written("WITH gone AS (DELETE FROM a RETURNING x) INSERT INTO b (y) SELECT x FROM gone");
        assert_eq!((write.table.name.as_str(), write.columns), ("b", vec!["y".to_owned()]));
        assert_eq!(write.query.writes[0].table.name, "a");
    }

    #[test]
    fn select_into_makes_a_table() {
        let made = read("SELECT 1 AS a INTO TEMP x FROM y").remove(0).action;
        assert!(matches!(made, Action::CreateTableAs { name, .. } if name.name == "x"));
        assert!(matches!(read("(VALUES (1)) LIMIT 1").remove(0).action, Action::Select(_)));
        assert!(matches!(read("TABLE s.t").remove(0).action, Action::Select(_)));
    }
}
