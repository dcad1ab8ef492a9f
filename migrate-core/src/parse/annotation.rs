//! The comment lines that goose reads as annotations (goose/spec.md 2.3).

use crate::diagnostic::Code;

/// One of goose's seven annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Annotation {
    Up,
    Down,
    StatementBegin,
    StatementEnd,
    NoTransaction,
    EnvsubOn,
    EnvsubOff,
}

const NAMES: [(&str, Annotation); 7] = [
    ("Up", Annotation::Up),
    ("Down", Annotation::Down),
    ("StatementBegin", Annotation::StatementBegin),
    ("StatementEnd", Annotation::StatementEnd),
    ("NO TRANSACTION", Annotation::NoTransaction),
    ("ENVSUB ON", Annotation::EnvsubOn),
    ("ENVSUB OFF", Annotation::EnvsubOff),
];

/// A line that goose takes for an annotation but cannot read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadAnnotation {
    pub(super) code: Code,
    /// What stands where the name should.
    pub(super) name: String,
}

/// Whether the trimmed line starts a SQL line comment.
pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("--")
}

/// The annotation of a line; `None` for a line that is none.
pub(super) fn read(line: &str) -> Option<Result<Annotation, BadAnnotation>> {
    // As it is nearly always written: nothing of it is to be taken away or folded.
    let usual = line.strip_prefix("-- +goose ").and_then(|name| NAMES.iter().find(|(known, _)| name == *known));
    if let Some((_, annotation)) = usual {
        return Some(Ok(*annotation));
    }
    (is_comment(line) && line.contains("+goose")).then(|| decode(line))
}

fn decode(line: &str) -> Result<Annotation, BadAnnotation> {
    let bad = |code, name: &str| BadAnnotation { code, name: name.to_owned() };
    if line.starts_with([' ', '\t']) {
        return Err(bad(Code::AnnotationIndented, line.trim()));
    }
    let rest = line.replace("--", "").replacen("+goose", "", 1);
    if rest.contains("+goose") {
        return Err(bad(Code::AnnotationTwice, rest.trim()));
    }
    let name = rest.trim();
    if name.is_empty() {
        return Err(bad(Code::AnnotationEmpty, name));
    }
    let known = NAMES.iter().find(|(known, _)| folds_to(name, known));
    known.map(|(_, annotation)| *annotation).ok_or_else(|| bad(Code::AnnotationUnknown, name))
}

/// Unicode simple case folding, as Go's `strings.EqualFold` does it; of the non-ASCII characters only U+017F folds
/// into a letter that occurs in the seven names.
fn folds_to(text: &str, name: &str) -> bool {
    text.replace('\u{17f}', "s").eq_ignore_ascii_case(name)
}

/// The known name that was most likely meant, for the help text.
pub(super) fn suggest(name: &str) -> Option<&'static str> {
    let letters =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect() };
    let meant = letters(name);
    let starts = |(known, _): &&(&'static str, Annotation)| {
        let known = letters(known);
        meant == known || (meant.starts_with(&known) && !name.contains("goose"))
    };
    NAMES.iter().filter(starts).max_by_key(|(known, _)| known.len()).map(|(known, _)| *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dash_pairs_are_removed_anywhere() {
        assert_eq!(read("-- +goose U--p --"), Some(Ok(Annotation::Up)));
    }

    #[test]
    fn a_comment_that_mentions_goose_is_an_unknown_annotation() {
        let bad = read("-- see +goose docs");
        assert!(matches!(bad, Some(Err(BadAnnotation { code: Code::AnnotationUnknown, .. }))));
    }

    #[test]
    fn a_name_with_trailing_text_suggests_the_name() {
        assert_eq!(suggest("Up;"), Some("Up"));
        assert_eq!(suggest("NO  TRANSACTION"), Some("NO TRANSACTION"));
        assert_eq!(suggest("StatementBegin here"), Some("StatementBegin"));
        assert_eq!(suggest("sideways"), None);
    }
}
