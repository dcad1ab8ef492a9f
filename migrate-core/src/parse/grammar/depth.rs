//! How deep a statement nests, before anything recurses into it.

use squawk_lexer::TokenKind;

use super::token::{Token, significant};
use crate::text::Span;

/// Brackets nested deeper than this are refused.
pub(super) const LIMIT: usize = 500;

/// The first token that is nested too deep: brackets, `CASE` and runs of prefix operators.
pub(super) fn too_deep(tokens: &[Token<'_>]) -> Option<Span> {
    let (mut open, mut prefixes) = (0_usize, 0_usize);
    for token in tokens {
        match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => open += 1,
            TokenKind::CloseParen | TokenKind::CloseBracket => open = open.saturating_sub(1),
            TokenKind::Semi => open = 0,
            TokenKind::Ident if token.is("CASE") => open += 1,
            TokenKind::Ident if token.is("END") => open = open.saturating_sub(1),
            _ => {}
        }
        prefixes = if is_prefix(token) { prefixes + 1 } else { 0 };
        if open > LIMIT || prefixes > LIMIT {
            return Some(token.span);
        }
    }
    None
}

fn is_prefix(token: &Token<'_>) -> bool {
    use TokenKind::{And, At, Bang, Caret, Gt, Lt, Minus, Or, Percent, Plus, Pound, Question, Slash, Tilde};
    token.is("NOT")
        || matches!(
            token.kind,
            And | At | Bang | Caret | Gt | Lt | Minus | Or | Percent | Plus | Pound | Question | Slash | Tilde
        )
}

/// An upper bound of the recursion that a statement can cause, in tokens: those since the last comma, summed over the
/// brackets that are open. Nothing recurses across a comma or a semicolon of its own level.
pub(super) fn reach(tokens: &[Token<'_>]) -> usize {
    let own = bracketed_reach(tokens);
    // The grammar looks into the bodies of SQL functions.
    let inner = |token: &Token<'_>| {
        let body = significant(token.text.trim_matches(|c: char| c == '\'' || c == '$' || c.is_alphanumeric()));
        bracketed_reach(&body)
    };
    let routine = tokens.iter().take(6).any(|token| token.is_any(&["FUNCTION", "PROCEDURE"]));
    let bodies = tokens.iter().filter(|token| routine && token.is_string());
    own + bodies.map(inner).max().unwrap_or(0)
}

fn bracketed_reach(tokens: &[Token<'_>]) -> usize {
    let (mut levels, mut current, mut reach) = (Vec::new(), 0_usize, 0_usize);
    let mut outer = 0_usize;
    for token in tokens {
        current += 1;
        match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => {
                levels.push(current);
                outer += std::mem::take(&mut current);
            }
            TokenKind::CloseParen | TokenKind::CloseBracket => {
                let before = levels.pop().unwrap_or(0);
                outer = outer.saturating_sub(before);
                current = before + 1;
            }
            TokenKind::Comma | TokenKind::Semi => current = 0,
            _ => {}
        }
        reach = reach.max(outer + current);
    }
    reach
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_does_not_reach_far() {
        let sql = format!("INSERT INTO t VALUES (1, 2){};", ", (1, 2)".repeat(1_000));
        assert!(reach(&significant(&sql)) < 20);
        assert!(too_deep(&significant(&sql)).is_none());
    }

    #[test]
    fn a_long_chain_of_operators_reaches_as_far_as_it_is_long() {
        let sql = format!("SELECT 1{};", " + 1".repeat(1_000));
        assert!(reach(&significant(&sql)) >= 2_000);
    }

    #[test]
    fn brackets_cases_and_prefixes_nest() {
        let nested = [
            format!("SELECT {}1", "(".repeat(501)),
            format!("SELECT {}1", "a[".repeat(501)),
            format!("SELECT {}1", "CASE WHEN a THEN ".repeat(501)),
            format!("SELECT {}1", "- ".repeat(501)),
            format!("SELECT {}a", "NOT ".repeat(501)),
        ];
        for sql in &nested {
            assert!(too_deep(&significant(sql)).is_some(), "{}", &sql[..40]);
        }
        let text = format!("SELECT '{}'", "(".repeat(501));
        assert!(too_deep(&significant(&text)).is_none());
    }
}
