//! Where in a source text: byte spans, and the line and column a person reads.
//!
//! Floor 0. Invariant: a [`Span`] holds byte offsets of one text and nothing else; no file name, no copy of the text.

/// A half-open range of byte offsets in one source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` up to, not including, `end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The text under this span; empty when the span does not lie in `text`.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The largest offset not above `offset` at which no character is cut.
#[must_use]
pub fn floor_boundary(text: &str, offset: u32) -> u32 {
    saturate(text.floor_char_boundary(offset as usize))
}

/// The smallest offset not below `offset`, nor behind the end, at which no character is cut.
#[must_use]
pub fn ceil_boundary(text: &str, offset: u32) -> u32 {
    saturate(text.ceil_char_boundary((offset as usize).min(text.len())))
}

/// The word at a character of a text, counted from 1 as PostgreSQL counts in its messages; the character alone where no
/// word begins, nothing of it behind the end. `None` for 0, which is no position.
#[must_use]
pub fn word_at(text: &str, character: u32) -> Option<Span> {
    let start = text.char_indices().nth(character.checked_sub(1)? as usize).map_or(text.len(), |(at, _)| at);
    let rest = text.get(start..).unwrap_or_default();
    let word: usize = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    Some(Span::new(saturate(start), saturate(start + length)))
}

/// A place as editors and compilers write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

/// The line of `offset` in `text`, counted from 1, and the byte span of that line without its line end.
#[must_use]
pub fn line_at(text: &str, offset: u32) -> (u32, Span) {
    let offset = (offset as usize).min(text.len());
    let before = &text.as_bytes()[..offset];
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.split(|byte| *byte == b'\n').count();
    let rest = &text.as_bytes()[start..];
    let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    (saturate(line), Span::new(saturate(start), saturate(start + length)))
}

/// The line and column of a byte offset; of the character that it is inside of.
#[must_use]
pub fn position(text: &str, offset: u32) -> Position {
    let offset = floor_boundary(text, offset);
    let (line, span) = line_at(text, offset);
    let column = text.get(span.start as usize..offset as usize).map_or(1, |before| before.chars().count() + 1);
    Position { line, column: saturate(column) }
}

/// A length or offset as the `u32` that spans hold. Sources are refused far below 4 GiB (`parse::source`).
#[must_use]
pub fn saturate(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The known name that a slip of the hand made this one of.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let lower = name.to_ascii_lowercase();
    let spelled = |known: &str| known.replace('_', "") == lower.replace(['_', '-'], "");
    let near = known.map(|known| {
        let known_lower = known.to_ascii_lowercase();
        (if spelled(&known_lower) { 0 } else { distance(&lower, &known_lower) }, known)
    });
    let allowed = if name.len() < 4 { 1 } else { 2 };
    near.min_by_key(|(distance, _)| *distance).filter(|(distance, _)| *distance <= allowed).map(|(_, name)| name)
}

/// How many characters have to be put in, left out or replaced, or change places with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let swapped = i > 0 && j > 0 && one[i - 1] == *b && other[j - 1] == *a;
            let by_swap = if swapped { above[j - 1] + 1 } else { usize::MAX };
            let least = (row[j] + usize::from(a != b)).min(row[j + 1] + 1).min(next[j] + 1).min(by_swap);
            next.push(least);
        }
        above = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "one\nü x";
        assert_eq!(position(text, 7), Position { line: 2, column: 3 });
    }

    #[test]
    fn the_word_at_a_character_is_whole_characters() {
        for (text, character, word) in
            [("SELECT “How?”;", 8, "“"), ("SELECT “How?”;", 9, "How"), ("é nope", 3, "nope"), ("a", 2, ""), ("", 1, "")]
        {
            assert_eq!(word_at(text, character).map(|span| span.of(text)), Some(word), "{text} {character}");
        }
        assert_eq!(word_at("a", 0), None);
        assert_eq!(word_at("a", u32::MAX), Some(Span::new(1, 1)));
    }

    #[test]
    fn an_offset_inside_a_character_is_the_place_of_the_character() {
        let text = "a\nb“c";
        for offset in 3..6 {
            assert_eq!(position(text, offset), Position { line: 2, column: 2 });
            assert_eq!(
                (floor_boundary(text, offset), ceil_boundary(text, offset)),
                (3, if offset == 3 { 3 } else { 6 })
            );
        }
        assert_eq!((floor_boundary(text, 99), ceil_boundary(text, 99)), (7, 7));
    }

    #[test]
    fn an_offset_past_the_end_is_the_last_line() {
        assert_eq!(line_at("a\nb", 99), (2, Span::new(2, 3)));
    }

    #[test]
    fn a_span_outside_the_text_is_empty() {
        assert_eq!(Span::new(5, 9).of("abc"), "");
    }

    #[test]
    fn the_distance_counts_edits() {
        for (one, other, edits) in
            [("", "abc", 3), ("abc", "abc", 0), ("abd", "abc", 1), ("mni", "min", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(one, other), edits);
        }
    }
}
