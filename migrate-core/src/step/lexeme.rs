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
        self.is_plain_string() && self.text.contains("\\'")
    }

    fn is_plain_string(&self) -> bool {
        use squawk_lexer::LiteralKind::{NationalStr, Str};
        matches!(self.kind, TokenKind::Literal { kind: Str { .. } | NationalStr { .. } })
    }

    fn is_significant(&self) -> bool {
        !matches!(
            self.kind,
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } | TokenKind::Eof
        )
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
    significant.extend(lexemes(sql).filter(Lexeme::is_significant));
    significant
}

/// The same where a backslash escapes in every string: without `standard_conforming_strings`, and in the later parts of
/// an escape string. Only the strings end elsewhere, and what follows from that.
pub(super) fn with_escapes(sql: &str) -> Vec<Lexeme<'_>> {
    let (mut significant, mut start) = (Vec::new(), 0);
    while let Some(rest) = sql.get(start..).filter(|rest| !rest.is_empty()) {
        let Some(lexeme) = lexemes(rest).next() else { break };
        let length = if lexeme.is_plain_string() { escaped_length(rest) } else { lexeme.text.len() };
        let lexeme = Lexeme { text: rest.get(..length).unwrap_or(rest), ..lexeme };
        if lexeme.is_significant() {
            significant.push(lexeme);
        }
        start += lexeme.text.len().max(1);
    }
    significant
}

/// The length of the string that a text begins with, where a backslash takes the next character along.
fn escaped_length(text: &str) -> usize {
    let open = text.find('\'').map_or(text.len(), |at| at + 1);
    let mut characters = text[open..].char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            '\'' if characters.peek().is_some_and(|(_, next)| *next == '\'') => drop(characters.next()),
            '\'' => return open + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The commands of a string, without the `;` that ends each, as psql and the server tell them apart: a `;` in
/// parentheses, or in the body of a routine between `BEGIN ATOMIC` and its `END`, ends none.
pub(super) fn commands<'l, 'a>(lexemes: &'l [Lexeme<'a>]) -> Vec<&'l [Lexeme<'a>]> {
    let (mut commands, mut first, mut parentheses, mut blocks) = (Vec::new(), 0, 0_usize, 0_usize);
    for (at, lexeme) in lexemes.iter().enumerate() {
        match lexeme.text {
            "(" => parentheses += 1,
            ")" => parentheses = parentheses.saturating_sub(1),
            ";" if parentheses == 0 && blocks == 0 => {
                commands.push(&lexemes[first..at]);
                first = at + 1;
            }
            _ if blocks > 0 && lexeme.is("case") => blocks += 1,
            _ if blocks > 0 && lexeme.is("end") => blocks -= 1,
            _ if lexeme.is("begin") && makes_a_routine(&lexemes[first..at]) => blocks += 1,
            _ => {}
        }
    }
    commands.push(&lexemes[first..]);
    commands.retain(|command| !command.is_empty());
    commands
}

fn makes_a_routine(command: &[Lexeme<'_>]) -> bool {
    let [create, rest @ ..] = command else { return false };
    let rest = match rest {
        [or, replace, rest @ ..] if or.is("or") && replace.is("replace") => rest,
        rest => rest,
    };
    create.is("create") && rest.first().is_some_and(|kind| kind.is_any(&["function", "procedure"]))
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
