//! From the syntax tree of a statement to its commands.
//!
//! The tree is `squawk-syntax`'s, and nothing of it leaves this module. Invariant: every statement of the tree becomes
//! a command, if only an opaque one.

mod alter;
mod data;
mod expression;
mod index;
mod name;
mod other;
mod parts;
mod routine;
mod schema;
mod table;
mod types;

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode, SyntaxToken};

use super::{Action, Command};
use crate::diagnostic::Problem;
use crate::parse::grammar::{judge_and_read, with_tree};
use crate::text::{Span, saturate};

/// The commands of a statement, in order; one opaque command where the text is not SQL or too deep to be read.
pub(super) fn read(sql: &str) -> Vec<Command> {
    with_tree(sql, commands).flatten().unwrap_or_else(|| opaque(sql))
}

fn opaque(sql: &str) -> Vec<Command> {
    vec![Command { span: Span::new(0, saturate(sql.len())), action: Action::Opaque }]
}

/// The same, with the first fault of the text: both from one tree.
pub(super) fn read_judged(sql: &str) -> (Result<(), Problem>, Vec<Command>) {
    let (judgement, read) = judge_and_read(sql, commands);
    (judgement, read.flatten().unwrap_or_else(|| opaque(sql)))
}

/// The commands of a tree; none where the text is broken and nothing in it looks like a command.
fn commands(tree: &SourceFile, broken: bool) -> Option<Vec<Command>> {
    let statements = tree.stmts().filter(|stmt| stmt.syntax().kind() != SyntaxKind::EMPTY_STMT);
    // What a broken text asks for is not known: the server refuses it, or reads it in another way.
    let action = |stmt: &ast::Stmt| if broken { Action::Opaque } else { action(stmt) };
    let mut commands: Vec<Command> = Vec::new();
    for stmt in statements {
        let action = action(&stmt);
        let elements = schema::elements(stmt.syntax(), &action);
        let own = span(stmt.syntax());
        let end = elements.first().map_or(own.end, |(first, _)| end_before(first));
        commands.push(Command { span: Span::new(own.start, end), action });
        commands.extend(elements.into_iter().map(|(node, action)| Command { span: span(&node), action }));
    }
    (!broken || !commands.is_empty()).then_some(commands)
}

fn action(stmt: &ast::Stmt) -> Action {
    table::lower(stmt)
        .or_else(|| alter::lower(stmt))
        .or_else(|| index::lower(stmt))
        .or_else(|| types::lower(stmt))
        .or_else(|| routine::lower(stmt))
        .or_else(|| data::lower(stmt))
        .or_else(|| other::lower(stmt))
        .unwrap_or(Action::Opaque)
}

/// Where the last word in front of a node ends.
fn end_before(node: &SyntaxNode) -> u32 {
    let before = node.first_token().and_then(|token| token.prev_token());
    let mut backward = std::iter::successors(before, SyntaxToken::prev_token);
    backward.find(|token| !token.kind().is_trivia()).map_or(0, |token| token.text_range().end().into())
}

/// Where a command stands, without the `;` behind it and without the space and comments around it.
fn span(node: &SyntaxNode) -> Span {
    let range = node.text_range();
    let says_something = |token: &SyntaxToken| !token.kind().is_trivia() && token.kind() != SyntaxKind::SEMICOLON;
    let within = |token: &SyntaxToken| range.contains_range(token.text_range());
    let mut forward = std::iter::successors(node.first_token(), SyntaxToken::next_token).take_while(within);
    let mut backward = std::iter::successors(node.last_token(), SyntaxToken::prev_token).take_while(within);
    let first = forward.find(says_something).map_or(range.start(), |token| token.text_range().start());
    let last = backward.find(says_something).map_or(range.end(), |token| token.text_range().end());
    Span::new(first.into(), last.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<(&str, bool)> {
        let commands = read(sql);
        commands.iter().map(|command| (command.span.of(sql), command.action == Action::Opaque)).collect()
    }

    #[test]
    fn commands_stand_in_order_without_their_semicolons() {
        let sql = "/* a */ SELECT 1 ; -- b\n;; DROP TABLE t -- c\n;";
        assert_eq!(texts(sql), [("SELECT 1", false), ("DROP TABLE t", false)]);
        assert_eq!(texts("-- nothing\n ; "), []);
        assert_eq!(texts(""), []);
    }

    #[test]
    fn what_is_broken_is_opaque_and_never_nothing() {
        assert_eq!(texts("CREATE TABLE t (a int,,)"), [("CREATE TABLE t (a int,,)", true)]);
        for sql in ["nonsense", ")", "'", "/*", "SELEC 1; DROP TABLE t", "\u{0}"] {
            let commands = read(sql);
            assert!(!commands.is_empty(), "{sql}");
            assert!(commands.iter().all(|command| command.action == Action::Opaque), "{sql}: {commands:?}");
        }
    }

    /// The grammar reads none of these as it stands.
    #[test]
    fn what_is_read_in_another_way_is_typed_with_its_own_words() {
        for sql in [
            "CREATE TABLE t (Exclude bool);",
            "ALTER ROLE x SET TIME ZONE 'UTC';",
            "SET LOCAL TRANSACTION READ ONLY;",
            "WITH recursive AS (SELECT 1) SELECT 2;",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $a$ SELECT a is, b FROM t $a$;",
            "ALTER TABLE t ALTER 2 SET STATISTICS 5;",
        ] {
            let commands = read(sql);
            assert_eq!(commands.len(), 1, "{sql}");
            assert_ne!(commands[0].action, Action::Opaque, "{sql}");
            assert!(!format!("{commands:?}").contains("zz"), "{sql}: {commands:?}");
        }
        let Action::CreateTable(table) = &read("CREATE TABLE t (Exclude bool);")[0].action else { panic!("no table") };
        assert_eq!(table.columns[0].name, "exclude");
    }

    #[test]
    fn depth_exhausts_no_stack() {
        let nested = |open: &str, inner: &str, close: &str| {
            format!("SELECT {}{inner}{}", open.repeat(100_000), close.repeat(100_000))
        };
        for sql in [
            nested("(", "1", ")"),
            nested("ARRAY[", "1", "]"),
            nested("- ", "1", ""),
            nested("CASE WHEN ", "1", " END"),
        ] {
            assert_eq!(read(&sql), [Command { span: Span::new(0, saturate(sql.len())), action: Action::Opaque }]);
        }
        assert!(!read(&format!("SELECT {}1", "1 AND ".repeat(100_000))).is_empty());
        assert_ne!(read(&format!("SELECT {}1{}", "(".repeat(400), ")".repeat(400)))[0].action, Action::Opaque);
    }
}
