//! When a line ends a statement (goose/spec.md 2.6): a matter of words, not of SQL.

/// goose's word scanner gives up at a word of this many bytes.
const LONGEST_WORD: usize = 4_194_304;

/// Whether the last word before a word that starts with `--` ends with a semicolon.
pub(super) fn end_statement(line: &str) -> bool {
    let mut ends = false;
    for word in line.split_whitespace() {
        if word.starts_with("--") || word.len() >= LONGEST_WORD {
            break;
        }
        ends = word.ends_with(';');
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::end_statement;

    #[test]
    fn a_comment_after_a_blank_does_not_hide_the_semicolon() {
        assert!(end_statement("SELECT 1; -- c"));
    }

    #[test]
    fn a_glued_comment_hides_the_semicolon() {
        assert!(!end_statement("SELECT 1;-- c"));
        assert!(!end_statement("SELECT 1; /* c */"));
    }

    #[test]
    fn dashes_in_a_string_hide_what_follows_them() {
        assert!(!end_statement("VALUES ('a -- b');"));
        assert!(end_statement("VALUES ('a--b');"));
    }
}
