//! The ends of commands as psql finds them: a `;` outside literals, brackets and BEGIN ATOMIC bodies.

use squawk_lexer::TokenKind;

use crate::parse::grammar::token::{Token, Unclosed, tokens};
use crate::text::saturate;

/// What would close what a text ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    Dollar,
    String,
    Name,
    Comment,
    Atomic,
    Parenthesis,
}

/// What a text ends inside of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside {
    pub(super) closing: Closing,
    /// Where it opens.
    pub(super) opening: u32,
    /// Where the command starts that it belongs to.
    pub(super) command: u32,
    /// Whether it is the body of a function or of DO.
    pub(super) body: bool,
}

/// A text read to its end.
#[derive(Debug)]
pub(super) struct Scan {
    /// Behind each `;` that ends a command, and the text's end when a last command has none.
    pub(super) ends: Vec<u32>,
    /// What the text ends inside of.
    pub(super) open: Option<Inside>,
}

/// Reads a text to its end.
pub(super) fn scan(text: &str) -> Scan {
    let mut reader = Reader::default();
    let mut ends = Vec::new();
    let mut unclosed = None;
    for token in tokens(text) {
        unclosed = token.unclosed().map(|unclosed| reader.inside(unclosed, token));
        ends.extend(reader.read(token));
    }
    ends.extend(reader.command.map(|_| saturate(text.len())));
    Scan { ends, open: unclosed.or_else(|| reader.open()) }
}

/// Behind the first `;` of a text that ends a command.
pub(super) fn next_end(text: &str) -> Option<u32> {
    let mut reader = Reader::default();
    tokens(text).find_map(|token| reader.read(token))
}

/// Reads token after token, as psql does.
#[derive(Debug, Default)]
struct Reader {
    /// Where the command starts.
    command: Option<u32>,
    /// Its first words: whether it is a CREATE FUNCTION.
    words: Vec<String>,
    /// Where the brackets that are open were opened.
    brackets: Vec<u32>,
    /// Where the BEGIN ATOMIC and CASE that are open were opened.
    blocks: Vec<u32>,
    last_begin: Option<u32>,
    /// Whether the last token introduces a body: AS or DO.
    introduces: bool,
}

impl Reader {
    /// Takes one token; the offset behind it when it ends a command.
    fn read(&mut self, token: Token<'_>) -> Option<u32> {
        // A comment belongs to the command before which it stands, should it be cut.
        if token.is_trivia() {
            return None;
        }
        self.command.get_or_insert(token.span.start);
        if self.words.len() < 4 {
            self.words.push(token.text.get(..token.text.len().min(9)).unwrap_or_default().to_ascii_lowercase());
        }
        self.introduces = token.is_any(&["AS", "DO"]);
        let begin = self.last_begin.take();
        match token.kind {
            TokenKind::OpenParen => self.brackets.push(token.span.start),
            TokenKind::CloseParen => drop(self.brackets.pop()),
            TokenKind::Semi if self.brackets.is_empty() && self.blocks.is_empty() => {
                *self = Self::default();
                return Some(token.span.end);
            }
            TokenKind::Ident if self.is_routine() && self.brackets.is_empty() => self.word(token, begin),
            _ => {}
        }
        None
    }

    fn word(&mut self, token: Token<'_>, begin: Option<u32>) {
        if token.is("BEGIN") {
            self.last_begin = Some(token.span.start);
        } else if token.is("ATOMIC") {
            self.blocks.extend(begin);
        } else if token.is("CASE") && !self.blocks.is_empty() {
            self.blocks.push(token.span.start);
        } else if token.is("END") {
            self.blocks.pop();
        }
    }

    fn is_routine(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let kind = match words.as_slice() {
            ["create", "or", "replace", kind] | ["create", kind, ..] => *kind,
            _ => return false,
        };
        matches!(kind, "function" | "procedure")
    }

    fn inside(&self, unclosed: Unclosed, token: Token<'_>) -> Inside {
        let closing = match unclosed {
            Unclosed::Dollar => Closing::Dollar,
            Unclosed::String => Closing::String,
            Unclosed::Name => Closing::Name,
            Unclosed::Comment => Closing::Comment,
        };
        let opening = token.span.start;
        Inside { closing, opening, command: self.command.unwrap_or(opening), body: self.introduces }
    }

    fn open(&self) -> Option<Inside> {
        let (closing, opening) = match (self.blocks.first(), self.brackets.first()) {
            (Some(block), _) => (Closing::Atomic, *block),
            (None, Some(bracket)) => (Closing::Parenthesis, *bracket),
            (None, None) => return None,
        };
        Some(Inside { closing, opening, command: self.command.unwrap_or(opening), body: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_ends_a_command_outside_of_everything() {
        assert_eq!(scan("SELECT ';' -- ;\n; SELECT 2;").ends, [17, 27]);
        assert_eq!(scan("SELECT 1; SELECT 2").ends.len(), 2);
        assert!(scan("SELECT 1; -- c").open.is_none());
    }

    #[test]
    fn the_body_of_a_procedure_ends_with_its_end() {
        let sql =
            "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END; SELECT 3;";
        assert_eq!(scan(sql).ends.len(), 2);
        assert_eq!(scan(&sql[..80]).open.map(|inside| inside.closing), Some(Closing::Atomic));
    }

    #[test]
    fn an_unclosed_string_after_as_is_a_body() {
        let open = scan("CREATE FUNCTION f() RETURNS int AS ' SELECT 1;").open.unwrap();
        assert_eq!((open.closing, open.body), (Closing::String, true));
    }
}
