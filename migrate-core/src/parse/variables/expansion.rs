//! The grammar of one line under ENVSUB ON (goose/spec.md 3.1 and 3.2): text and expansions.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::ExpandError;
use crate::diagnostic::Code;
use crate::parse::name::{IntegerError, integer};

/// A stretch of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Variable { name: String, expansion: Expansion, at: usize },
}

/// What an expansion does with its variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expansion {
    /// `$NAME`, `${NAME}`
    Plain,
    /// `${NAME:-WORD}`
    IfEmpty(Vec<Piece>),
    /// `${NAME-WORD}`
    IfUnset(Vec<Piece>),
    /// `${NAME?WORD}`
    Required(Vec<Piece>),
    /// `${NAME:OFFSET:LENGTH}`
    Substring { offset: i64, length: Option<i64> },
}

/// The pieces of a line.
pub(super) fn read(line: &str) -> Result<Vec<Piece>, ExpandError> {
    Reader { line, at: 0, depth: 0 }.pieces(false)
}

/// Where the reader stands in the line.
struct Reader<'a> {
    line: &'a str,
    at: usize,
    /// How many expansions the reader is inside of.
    depth: u32,
}

/// goose has no limit; without one a line of 60 KB could overflow the stack of the compiler that runs `embed!`.
const DEEPEST: u32 = 500;

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn pieces(&mut self, in_braces: bool) -> Result<Vec<Piece>, ExpandError> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        while let Some(next) = self.peek() {
            if in_braces && next == '}' {
                break;
            } else if self.take(r"\\") {
                text.push_str(r"\\");
            } else if self.take(r"\$") || self.take("$$") {
                text.push('$');
            } else if self.take("$(") {
                text.push_str("$(");
            } else if next == '$' && self.rest().len() > 1 {
                pieces.extend(piece_of(std::mem::take(&mut text)));
                pieces.push(self.variable()?);
            } else {
                text.push(next);
                self.at += next.len_utf8();
            }
        }
        pieces.extend(piece_of(text));
        Ok(pieces)
    }

    /// An expansion; the reader stands on its `$`.
    fn variable(&mut self) -> Result<Piece, ExpandError> {
        let at = self.at;
        if self.depth == DEEPEST {
            return Err(self.error(Code::VariableDepth, format!("more than {DEEPEST} expansions inside each other")));
        }
        self.depth += 1;
        let variable = self.expansion(at);
        self.depth -= 1;
        variable
    }

    fn expansion(&mut self, at: usize) -> Result<Piece, ExpandError> {
        self.at += 1;
        if !self.take("{") {
            let name = self.name()?;
            return Ok(Piece::Variable { name, expansion: Expansion::Plain, at });
        }
        let name = self.name()?;
        if self.take("}") {
            return Ok(Piece::Variable { name, expansion: Expansion::Plain, at });
        }
        let expansion = self.operator()?;
        if self.take("}") {
            return Ok(Piece::Variable { name, expansion, at });
        }
        Err(self.error(Code::VariableOpen, format!("`${{` is not closed: expected `}}`, found {}", self.found())))
    }

    fn name(&mut self) -> Result<String, ExpandError> {
        if !self.peek().is_some_and(is_letter) {
            let cause = format!("a variable's name starts with a letter, found {}", self.found());
            return Err(self.error(Code::VariableName, cause));
        }
        let rest = self.rest();
        let length = rest.find(|c: char| !(is_letter(c) || c.is_numeric() || c == '_')).unwrap_or(rest.len());
        let name = rest[..length].to_owned();
        self.at += length;
        Ok(name)
    }

    fn operator(&mut self) -> Result<Expansion, ExpandError> {
        if self.take(":-") {
            Ok(Expansion::IfEmpty(self.pieces(true)?))
        } else if self.take("-") {
            Ok(Expansion::IfUnset(self.pieces(true)?))
        } else if self.take("?") {
            Ok(Expansion::Required(self.pieces(true)?))
        } else if self.take(":") {
            self.substring()
        } else {
            let cause = format!("expected `}}`, `:-`, `-`, `?` or `:` after the name, found {}", self.found());
            Err(self.error(Code::VariableOperator, cause))
        }
    }

    fn substring(&mut self) -> Result<Expansion, ExpandError> {
        let offset = self.number(&[':', '}'], Code::VariableOffset, "offset")?;
        if self.peek() == Some('}') {
            return Ok(Expansion::Substring { offset, length: None });
        }
        self.next();
        let length = self.number(&['}'], Code::VariableLength, "length")?;
        Ok(Expansion::Substring { offset, length: Some(length) })
    }

    fn number(&mut self, ends: &[char], code: Code, what: &str) -> Result<i64, ExpandError> {
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        let text = self.rest()[..length].trim().to_owned();
        let number = integer(&text).map_err(|error| {
            let why = match error {
                IntegerError::Syntax => "is not a whole number",
                IntegerError::Range => "does not fit in 64 bits",
            };
            self.error(code, format!("the {what} `{text}` {why}"))
        })?;
        self.at += length;
        Ok(number)
    }

    /// What stands where something else was expected.
    fn found(&self) -> String {
        self.peek().map_or_else(|| "the end of the line".to_owned(), |c| format!("`{}`", c.escape_debug()))
    }

    fn error(&self, code: Code, cause: String) -> ExpandError {
        ExpandError { code, at: self.at, cause }
    }
}

fn piece_of(text: String) -> Option<Piece> {
    (!text.is_empty()).then_some(Piece::Text(text))
}

/// Go's `unicode.IsLetter`: the categories L*, which is less than Rust's `char::is_alphabetic`.
fn is_letter(c: char) -> bool {
    use GeneralCategory::{LowercaseLetter, ModifierLetter, OtherLetter, TitlecaseLetter, UppercaseLetter};
    c.is_ascii_alphabetic()
        || (!c.is_ascii()
            && matches!(
                get_general_category(c),
                UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter
            ))
}
