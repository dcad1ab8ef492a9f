//! The lines of a file as goose reads them (goose/spec.md 2.1).

use crate::diagnostic::{Code, Problem};
use crate::text::{Span, saturate};

/// goose's limit for a line with its line end, in bytes.
const LIMIT: usize = 4_194_304;

/// One line without its line end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
    /// Counted from 1.
    pub(super) number: u32,
    pub(super) too_long: bool,
}

impl Line<'_> {
    pub(super) fn problem(&self, code: Code, message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem { code, span: self.span, message: message.into(), help: help.into() }
    }
}

/// Splits at LF and drops one CR before it; there is no empty line after the last LF.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    let mut number = 0;
    text.split_inclusive('\n').map(move |whole| {
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        let ended = line.len() < whole.len();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let span = Span::new(saturate(start), saturate(start + line.len()));
        start += whole.len();
        number += 1;
        let limit = if ended { LIMIT } else { LIMIT - 1 };
        Line { text: line, span, number, too_long: whole.len() > limit }
    })
}
