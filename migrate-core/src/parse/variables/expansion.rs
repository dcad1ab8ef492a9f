//! The two grammars of a line under ENVSUB ON (goose/spec.md 3.1 and 3.2; goose/spec-3.30.md 2): text and expansions.
//!
//! Invariant: nesting is a list and not a stack of calls, so no line can exhaust the stack of the compiler that runs
//! `embed!`.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::ExpandError;
use crate::diagnostic::Code;
use crate::migration::Dialect;
use crate::parse::name::{IntegerError, integer};

/// A stretch of a line. The word of an expansion are the pieces behind it, up to its `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Variable { name: String, does: Expansion, end: usize, at: usize },
}

/// What an expansion does with its variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expansion {
    /// `$NAME`, `${NAME}`
    Plain,
    /// `${NAME:-WORD}`
    IfEmpty,
    /// `${NAME-WORD}`
    IfUnset,
    /// `${NAME:+WORD}`
    IfFilled,
    /// `${NAME+WORD}`
    IfSet,
    /// `${NAME?WORD}`
    Required,
    /// `${NAME:?WORD}`
    RequiredFilled,
    /// `${#NAME}`
    Length,
    /// `${NAME:OFFSET:LENGTH}`
    Substring { offset: i64, length: Option<i64> },
}

/// How deep expansions may be inside each other: goose's own limit from 3.30.1 on, and before that none.
pub(super) const DEEPEST: usize = 1000;

/// Up to 3.30.0, goose adds offset and length of a substring, and a sum above the largest 64-bit number ends its process.
/// Offsets are at most as large as a value.
const LONGEST: i64 = i64::MAX - (1 << 40);

/// The pieces of a line.
pub(super) fn read(line: &str, dialect: Dialect) -> Result<Vec<Piece>, ExpandError> {
    let mut reader = Reader { line, at: 0, dialect, pieces: Vec::new(), open: Vec::new(), text: String::new() };
    while let Some(next) = reader.peek() {
        reader.step(next)?;
    }
    if !reader.open.is_empty() {
        return Err(reader.not_closed());
    }
    reader.end_text();
    Ok(reader.pieces)
}

/// Where the reader stands in the line.
struct Reader<'a> {
    line: &'a str,
    at: usize,
    dialect: Dialect,
    pieces: Vec<Piece>,
    /// The expansions whose words are being read, by their places in `pieces`.
    open: Vec<usize>,
    text: String,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn is_newer(&self) -> bool {
        self.dialect == Dialect::Goose330
    }

    /// The next character or expansion.
    fn step(&mut self, next: char) -> Result<(), ExpandError> {
        let in_a_word = !self.open.is_empty();
        if in_a_word && self.take("}") {
            self.close();
        } else if self.take(r"\\") {
            self.text.push_str(r"\\");
        } else if in_a_word && self.is_newer() && self.take(r"\}") {
            self.text.push('}');
        } else if self.take(r"\$") || self.take("$$") {
            self.text.push('$');
        } else if next == '$' && self.expands() {
            self.end_text();
            self.variable()?;
        } else {
            self.text.push(next);
            self.at += next.len_utf8();
        }
        Ok(())
    }

    /// Whether the `$` here starts an expansion.
    fn expands(&self) -> bool {
        let behind = self.rest().chars().nth(1);
        match self.dialect {
            Dialect::Goose327 => behind.is_some_and(|c| c != '('),
            Dialect::Goose330 => behind.is_some_and(|c| c == '{' || c == '_' || c.is_ascii_alphabetic()),
        }
    }

    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            self.pieces.push(Piece::Text(text));
        }
    }

    /// The end of a word, and with it of its expansion.
    fn close(&mut self) {
        self.end_text();
        let behind = self.pieces.len();
        if let Some(Piece::Variable { end, .. }) = self.open.pop().and_then(|at| self.pieces.get_mut(at)) {
            *end = behind;
        }
    }

    /// An expansion, or its beginning up to its word; the reader stands on its `$`.
    fn variable(&mut self) -> Result<(), ExpandError> {
        let at = self.at;
        self.at += 1;
        if !self.take("{") {
            let name = self.name()?;
            self.push(name, Expansion::Plain, at);
            return Ok(());
        }
        if self.open.len() == DEEPEST {
            return Err(self.error(Code::VariableDepth, format!("more than {DEEPEST} expansions inside each other")));
        }
        if self.is_newer() && self.take("#") {
            let name = self.name()?;
            self.push(name, Expansion::Length, at);
            return self.closed();
        }
        let name = self.name()?;
        if self.take("}") {
            self.push(name, Expansion::Plain, at);
            return Ok(());
        }
        let does = self.operator()?;
        self.push(name, does, at);
        if matches!(does, Expansion::Substring { .. }) {
            return self.closed();
        }
        self.open.push(self.pieces.len() - 1);
        Ok(())
    }

    fn push(&mut self, name: String, does: Expansion, at: usize) {
        let end = self.pieces.len() + 1;
        self.pieces.push(Piece::Variable { name, does, end, at });
    }

    fn closed(&mut self) -> Result<(), ExpandError> {
        if self.take("}") { Ok(()) } else { Err(self.not_closed()) }
    }

    fn not_closed(&self) -> ExpandError {
        self.error(Code::VariableOpen, format!("`${{` is not closed: expected `}}`, found {}", self.found()))
    }

    fn name(&mut self) -> Result<String, ExpandError> {
        let newer = self.is_newer();
        let starts = |c: char| if newer { c == '_' || c.is_ascii_alphabetic() } else { is_letter(c) };
        let goes_on = |c: char| {
            if newer { c == '_' || c.is_ascii_alphanumeric() } else { c == '_' || c.is_numeric() || is_letter(c) }
        };
        if !self.peek().is_some_and(starts) {
            let how = if newer { "an ASCII letter or `_`" } else { "a letter" };
            let cause = format!("a variable's name starts with {how}, found {}", self.found());
            return Err(self.error(Code::VariableName, cause));
        }
        let rest = self.rest();
        let length = rest.find(|c: char| !goes_on(c)).unwrap_or(rest.len());
        let name = rest[..length].to_owned();
        self.at += length;
        Ok(name)
    }

    fn operator(&mut self) -> Result<Expansion, ExpandError> {
        const OLD: &[(&str, Expansion)] =
            &[(":-", Expansion::IfEmpty), ("-", Expansion::IfUnset), ("?", Expansion::Required)];
        const NEW: &[(&str, Expansion)] = &[
            (":-", Expansion::IfEmpty),
            (":?", Expansion::RequiredFilled),
            (":+", Expansion::IfFilled),
            ("-", Expansion::IfUnset),
            ("?", Expansion::Required),
            ("+", Expansion::IfSet),
        ];
        let (operators, known) = if self.is_newer() {
            (NEW, "`:-`, `-`, `:?`, `?`, `:+`, `+` or `:`")
        } else {
            (OLD, "`:-`, `-`, `?` or `:`")
        };
        if let Some((_, does)) = operators.iter().find(|(text, _)| self.take(text)) {
            return Ok(*does);
        }
        if self.take(":") {
            return if self.is_newer() { self.characters() } else { self.bytes() };
        }
        let cause = format!("expected `}}`, {known} after the name, found {}", self.found());
        Err(self.error(Code::VariableOperator, cause))
    }

    /// A substring in bytes, up to 3.30.0.
    fn bytes(&mut self) -> Result<Expansion, ExpandError> {
        let offset = self.number(&[':', '}'], Code::VariableOffset, "offset")?;
        if self.peek() == Some('}') {
            return Ok(Expansion::Substring { offset, length: None });
        }
        self.take(":");
        let length = self.number(&['}'], Code::VariableLength, "length")?;
        if length > LONGEST {
            return Err(self.error(Code::VariableLength, "the length is larger than any value can be".to_owned()));
        }
        Ok(Expansion::Substring { offset, length: Some(length) })
    }

    /// A substring in characters, from 3.30.1 on: a blank number is 0.
    fn characters(&mut self) -> Result<Expansion, ExpandError> {
        if matches!(self.peek(), None | Some('}')) {
            let cause = format!("a substring begins with its offset, found {}", self.found());
            return Err(self.error(Code::VariableOffset, cause));
        }
        let offset = self.number(&[':', '}'], Code::VariableOffset, "offset")?;
        let length = if self.take(":") { Some(self.number(&['}'], Code::VariableLength, "length")?) } else { None };
        Ok(Expansion::Substring { offset, length })
    }

    fn number(&mut self, ends: &[char], code: Code, what: &str) -> Result<i64, ExpandError> {
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        let text = self.rest()[..length].trim().to_owned();
        let blank_is_zero = self.is_newer() && text.is_empty();
        let number = if blank_is_zero { Ok(0) } else { integer(&text) };
        let number = number.map_err(|error| {
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
