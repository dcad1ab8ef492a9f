//! When a line ends a statement (goose/spec.md 2.6): a matter of words, not of SQL.

/// goose's word scanner gives up at a word of this many bytes.
const LONGEST_WORD: usize = 4_194_304;

/// Whether the last word before a word that starts with `--` ends with a semicolon.
pub(in crate::parse) fn end_statement(line: &str) -> bool {
    ends_within(line, LONGEST_WORD)
}

/// The same for goose from 3.30.0 on, whose words have no limit.
pub(super) fn ends_in_newer(line: &str) -> bool {
    ends_within(line, usize::MAX)
}

fn ends_within(line: &str, longest: usize) -> bool {
    // Nearly every line: no word of it needs to be looked at but the last.
    if line.len() < longest && !line.contains("--") {
        return line.trim_end().ends_with(';');
    }
    let counts = |word: &&str| !word.starts_with("--") && word.len() < longest;
    line.split_whitespace().take_while(counts).last().is_some_and(|word| word.ends_with(';'))
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
