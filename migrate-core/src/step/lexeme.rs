//! The tokens of a SQL text without white space and comments.

use squawk_lexer::TokenKind;

/// A token with its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexeme<'a> {
    kind: TokenKind,
    text: &'a str,
}

impl Lexeme<'_> {
    /// Whether it is this keyword, name or punctuation; quoted names are never keywords.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }

    pub(super) fn is_any(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.is(text))
    }

    /// Whether it is a plain string with a backslash before a quote, which ends elsewhere where backslashes escape.
    pub(super) fn may_end_later(&self) -> bool {
        use squawk_lexer::LiteralKind::{NationalStr, Str};
        matches!(self.kind, TokenKind::Literal { kind: Str { .. } | NationalStr { .. } }) && self.text.contains("\\'")
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::Ident | TokenKind::QuotedIdent { .. })
    }
}

fn lexemes(sql: &str) -> impl Iterator<Item = Lexeme<'_>> {
    let mut start = 0;
    squawk_lexer::tokenize(sql).filter_map(move |token| {
        let end = start + token.len as usize;
        let text = sql.get(start..end)?;
        start = end;
        Some(Lexeme { kind: token.kind, text })
    })
}

/// The tokens that SQL takes notice of.
pub(super) fn significant(sql: &str) -> Vec<Lexeme<'_>> {
    // Room for a usual statement: there are files with fifty thousand of them.
    let mut significant = Vec::with_capacity(32);
    significant.extend(lexemes(sql).filter(|lexeme| {
        !matches!(
            lexeme.kind,
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } | TokenKind::Eof
        )
    }));
    significant
}

/// The tokens that SQL or goose takes notice of: comments count when they hold an annotation.
pub(super) fn meaningful(text: &str) -> impl Iterator<Item = &str> {
    lexemes(text).filter_map(|lexeme| match lexeme.kind {
        TokenKind::Whitespace | TokenKind::Eof => None,
        TokenKind::LineComment | TokenKind::BlockComment { .. } => {
            lexeme.text.contains("+goose").then(|| lexeme.text.trim_end())
        }
        _ => Some(lexeme.text),
    })
}
