//! Which comments of a file may hold a directive, and which statement each belongs to.

use squawk_lexer::TokenKind;

use super::directive::MARK;
use crate::lint::subject::statements;
use crate::migration::{Direction, Migration};
use crate::text::{Span, saturate};

/// What a comment stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Before `-- +goose Up`.
    File,
    /// Above a statement of a section, or at its end.
    Statement(Direction, usize),
    /// At neither.
    Nowhere,
}

impl Target {
    pub(super) fn direction(self) -> Option<Direction> {
        match self {
            Self::Statement(direction, _) => Some(direction),
            Self::File | Self::Nowhere => None,
        }
    }
}

/// A statement's place in the file.
type Placed = (Span, Direction, usize);

/// Every comment that holds the mark, with what it stands at.
pub(super) fn comments(migration: &Migration) -> Vec<(Span, Target)> {
    let mut placed: Vec<Placed> = [Direction::Up, Direction::Down]
        .into_iter()
        .flat_map(|direction| {
            let each = statements(migration, direction).iter().enumerate();
            each.map(move |(index, statement)| (statement.span(), direction, index))
        })
        .collect();
    placed.sort_by_key(|(span, ..)| span.start);
    let mut found: Vec<(Span, Target)> = outside(&migration.text, &placed);
    found.extend(placed.iter().flat_map(|placed| within(&migration.text, *placed)));
    found.sort_by_key(|(span, _)| span.start);
    found
}

/// Comment lines outside of statements.
fn outside(text: &str, placed: &[Placed]) -> Vec<(Span, Target)> {
    let mut found = Vec::new();
    // Comments directly above what comes next.
    let mut waiting: Vec<Span> = Vec::new();
    let mut before_up = true;
    let mut next = placed.iter().peekable();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let span = Span::new(saturate(start), saturate(start + line.trim_end().len()));
        start += line.len();
        while next.peek().is_some_and(|(inner, ..)| inner.end <= span.start) {
            next.next();
        }
        if let Some((inner, direction, index)) = next.peek().filter(|(inner, ..)| inner.start <= span.end) {
            let first = inner.start >= span.start;
            let target = Target::Statement(*direction, *index);
            found.extend(waiting.drain(..).map(|span| (span, if first { target } else { Target::Nowhere })));
            continue;
        }
        let trimmed = line.trim();
        if trimmed.contains("+goose") {
            before_up &= !is_up(trimmed);
        }
        if !trimmed.starts_with("--") || (trimmed.contains("+goose") && !trimmed.contains("StatementBegin")) {
            found.extend(waiting.drain(..).map(|span| (span, Target::Nowhere)));
        } else if trimmed.contains(MARK) {
            let start = span.end - saturate(trimmed.len());
            let span = Span::new(start, span.end);
            if before_up { found.push((span, Target::File)) } else { waiting.push(span) }
        }
    }
    found.extend(waiting.into_iter().map(|span| (span, Target::Nowhere)));
    found
}

fn is_up(line: &str) -> bool {
    line.split_whitespace().last().is_some_and(|word| word.eq_ignore_ascii_case("up"))
}

/// Comments in a statement's own text: above its first word or on its last line they count.
fn within(text: &str, (span, direction, index): Placed) -> Vec<(Span, Target)> {
    let sql = span.of(text);
    if !sql.contains(MARK) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut start = 0;
    let mut began = false;
    for token in squawk_lexer::tokenize(sql) {
        let end = start + token.len as usize;
        let comment = sql.get(start..end).unwrap_or_default().trim_end();
        let in_file = span.start + saturate(start);
        let rest = sql.get(end..).unwrap_or_default();
        match token.kind {
            TokenKind::LineComment if comment.contains(MARK) => {
                let counts = !began || (rest.trim().is_empty() && blank_before(sql, start));
                let target = if counts { Target::Statement(direction, index) } else { Target::Nowhere };
                found.push((Span::new(in_file, in_file + saturate(comment.len())), target));
            }
            TokenKind::LineComment | TokenKind::BlockComment { .. } | TokenKind::Whitespace => {}
            _ => began = true,
        }
        start = end;
    }
    found
}

/// Whether a blank stands before an offset: goose does not see the end of a statement in `;--`.
fn blank_before(sql: &str, offset: usize) -> bool {
    sql.get(..offset).and_then(|before| before.chars().next_back()).is_none_or(char::is_whitespace)
}
