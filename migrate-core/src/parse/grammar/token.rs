//! PostgreSQL's tokens of a text, with their places.

use squawk_lexer::{LiteralKind, TokenKind};

use crate::text::{Span, saturate};

/// A token with its place and its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
    pub(crate) text: &'a str,
}

/// What a text that ends too early is still inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::parse) enum Unclosed {
    Dollar,
    String,
    Name,
    Comment,
}

impl Token<'_> {
    /// Whether it is this keyword, name or punctuation; quoted names are never keywords.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }

    pub(in crate::parse) fn is_any(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.is(text))
    }

    /// Whether it is a name, in quotes or not; keywords are names of this kind.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::Ident | TokenKind::QuotedIdent { .. })
    }

    /// Whether SQL takes no notice of it.
    pub(in crate::parse) fn is_trivia(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } | TokenKind::Eof
        )
    }

    /// Whether it is a string in quotes or dollars, whatever its prefix.
    pub(in crate::parse) fn is_string(&self) -> bool {
        use LiteralKind::{DollarQuotedString, EscStr, NationalStr, Str, UnicodeEscStr};
        let TokenKind::Literal { kind } = self.kind else { return false };
        matches!(
            kind,
            DollarQuotedString { .. } | EscStr { .. } | NationalStr { .. } | Str { .. } | UnicodeEscStr { .. }
        )
    }

    pub(in crate::parse) fn unclosed(&self) -> Option<Unclosed> {
        use LiteralKind::{BitStr, ByteStr, DollarQuotedString, EscStr, NationalStr, Str, UnicodeEscStr};
        match self.kind {
            TokenKind::BlockComment { terminated: false } => Some(Unclosed::Comment),
            TokenKind::QuotedIdent { terminated: false, .. } => Some(Unclosed::Name),
            TokenKind::Literal { kind: DollarQuotedString { terminated: false } } => Some(Unclosed::Dollar),
            TokenKind::Literal {
                kind:
                    Str { terminated: false }
                    | EscStr { terminated: false }
                    | NationalStr { terminated: false }
                    | UnicodeEscStr { terminated: false }
                    | BitStr { terminated: false }
                    | ByteStr { terminated: false },
            } => Some(Unclosed::String),
            _ => None,
        }
    }
}

/// Every token of a text, white space and comments too.
pub(in crate::parse) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut start = 0;
    squawk_lexer::tokenize(text).filter_map(move |token| {
        let end = start + token.len as usize;
        let piece = text.get(start..end)?;
        let span = Span::new(saturate(start), saturate(end));
        start = end;
        Some(Token { kind: token.kind, span, text: piece })
    })
}

/// The tokens that SQL takes notice of.
pub(crate) fn significant(text: &str) -> Vec<Token<'_>> {
    tokens(text).filter(|token| !token.is_trivia()).collect()
}
