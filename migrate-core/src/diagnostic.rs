//! A problem in the user's files, in words: what, where, and the way out.
//!
//! Floor 1, the only place that words a problem of a file. Made from a [`Problem`] by adding the file it is in; the
//! build, the command and the review print the same text. Invariant: a [`Diagnostic`] holds all it needs to be shown,
//! never a reference to the file.

mod code;
mod render;

use std::borrow::Cow;

pub use code::{CODES, Code, Entry};

use crate::text::{Position, Span, ceil_boundary, floor_boundary, line_at, position, saturate};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth reading; nothing is refused.
    Warning,
    /// The set of migrations is refused.
    Error,
}

impl Severity {
    /// The lower-case word used in text and JSON output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A problem at a place of one text, before it is known which file the text came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which rule was broken.
    pub code: Code,
    /// Where in the text.
    pub span: Span,
    /// What is wrong, in one sentence that names the text at fault.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// The line of a source that an excerpt shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub(crate) position: Position,
    line_text: String,
    /// Byte range of the fault within `line_text`.
    fault: Span,
}

impl Excerpt {
    /// The first line of a span, cut where it is endless. A span that a server's number or a guess made may cut a
    /// character; the one that is shown does not.
    pub(crate) fn new(text: &str, span: Span) -> Self {
        let span = Span::new(floor_boundary(text, span.start), ceil_boundary(text, span.end.max(span.start)));
        let (_, line) = line_at(text, span.start);
        let shown = Span::new(line.start, floor_boundary(text, line.end.min(line.start.saturating_add(EXCERPT_LIMIT))));
        let line_text = shown.of(text).trim_end_matches('\r');
        let end = shown.start + saturate(line_text.len());
        let fault =
            Span::new(span.start.clamp(shown.start, end) - shown.start, span.end.clamp(shown.start, end) - shown.start);
        Self { position: position(text, span.start), line_text: line_text.to_owned(), fault }
    }
}

/// A problem in a file: code, place, message and help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which rule was broken.
    pub code: Code,
    /// The file or folder, as the user would write it.
    pub path: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
    excerpt: Option<Excerpt>,
}

/// The longest piece of a line that an excerpt shows, in bytes; a five-megabyte line must not flood a terminal.
const EXCERPT_LIMIT: u32 = 160;

impl Diagnostic {
    /// A problem of a whole file or folder, without a line.
    #[must_use]
    pub fn of_path(code: Code, path: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, path: path.into(), message: message.into(), help: help.into(), excerpt: None }
    }

    /// A problem at a place of the file `path`, whose text is `text`.
    #[must_use]
    pub fn in_file(path: impl Into<String>, text: &str, problem: Problem) -> Self {
        let excerpt = Excerpt::new(text, problem.span);
        Self {
            code: problem.code,
            path: path.into(),
            message: problem.message,
            help: problem.help,
            excerpt: Some(excerpt),
        }
    }

    /// How bad it is; a property of the code.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.entry().severity
    }

    /// The line and column, when the problem has a place in its file.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.excerpt.as_ref().map(|excerpt| excerpt.position)
    }

    /// The excerpt, for a failure that is shown in its place.
    pub(crate) fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }

    /// The rustc-like form with an excerpt and a caret; `color` adds ANSI styles.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let entry = self.code.entry();
        let id = format!("{} {}", entry.id, entry.name);
        let page = Page {
            id: &id,
            message: &self.message,
            path: Some(&self.path),
            excerpt: self.excerpt.as_ref(),
            label: "",
            notes: Vec::new(),
            help: &self.help,
        };
        render::render(entry.severity, &page, color)
    }
}

/// The one-line form: `path:line:col: error: message [CODE]`.
impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", printable(&self.path))?;
        if let Some(at) = self.position() {
            write!(f, ":{}:{}", at.line, at.column)?;
        }
        write!(f, ": {}: {} [{}]", self.severity().word(), printable(&self.message), self.code.entry().id)
    }
}

/// What a rendered message is made of, whoever words it.
pub(crate) struct Page<'a> {
    pub(crate) id: &'a str,
    pub(crate) message: &'a str,
    pub(crate) path: Option<&'a str>,
    pub(crate) excerpt: Option<&'a Excerpt>,
    /// What stands beside the caret; empty for nothing.
    pub(crate) label: &'a str,
    /// Labelled lines below the excerpt, such as `state: …`.
    pub(crate) notes: Vec<(&'a str, &'a str)>,
    /// The last line; empty for none.
    pub(crate) help: &'a str,
}

/// Draws a failed command like an error of a file.
pub(crate) fn render_failure(page: &Page<'_>, color: bool) -> String {
    render_page(Severity::Error, page, color)
}

/// Draws a message that another floor worded.
pub(crate) fn render_page(severity: Severity, page: &Page<'_>, color: bool) -> String {
    render::render(severity, page, color)
}

/// Puts problems in the order of their places: by file, then by position. Those of one place stay as they are.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| (&a.path, a.position()).cmp(&(&b.path, b.position())));
}

/// Whether any of the problems refuses the set.
#[must_use]
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
}

/// The text with its control characters spelled out: file names, comments and values may hold any, and a terminal or
/// a reader of lines must not be told what to do by them.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let spell = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(spell).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Diagnostic {
        let problem = Problem {
            code: Code::MissingSemicolon,
            span: Span::new(14, 22),
            message: "the last statement of Up is not finished".into(),
            help: "end it with `;`".into(),
        };
        Diagnostic::in_file("migrations/00002_b.sql", "-- +goose Up\n\nSELECT 1\n", problem)
    }

    #[test]
    fn the_one_line_form_starts_with_path_line_and_column() {
        assert_eq!(
            sample().to_string(),
            "migrations/00002_b.sql:3:1: error: the last statement of Up is not finished [P12]"
        );
    }

    #[test]
    fn the_long_form_shows_the_line_with_a_caret() {
        let text = sample().render(false);
        assert!(text.contains("error[P12 missing-semicolon]"), "{text}");
        assert!(text.contains("--> migrations/00002_b.sql:3:1"), "{text}");
        assert!(text.contains("3 | SELECT 1"), "{text}");
        assert!(text.contains("^^^^^^^^"), "{text}");
        assert!(text.contains("help: end it with `;`"), "{text}");
    }

    #[test]
    fn a_span_that_cuts_a_character_or_lies_behind_the_text_is_drawn_all_the_same() {
        let text = "INSERT INTO faq VALUES (“How?”);\r\n-- é\n";
        for start in 0..60 {
            for end in [0, start, start + 1, start + 2, 99] {
                let problem = Problem {
                    code: Code::MissingSemicolon,
                    span: Span::new(start, end),
                    message: "m".into(),
                    help: "h".into(),
                };
                let shown = Diagnostic::in_file("a.sql", text, problem).render(false);
                assert!(shown.contains("--> a.sql:"), "{start} {end}: {shown}");
            }
        }
    }

    #[test]
    fn an_endless_line_is_cut_in_the_excerpt() {
        let text = "x".repeat(5_000_000);
        let problem =
            Problem { code: Code::LineTooLong, span: Span::new(0, 5_000_000), message: "m".into(), help: "h".into() };
        let shown = Diagnostic::in_file("a.sql", &text, problem).render(false);
        assert!(shown.len() < 1_000, "{} bytes", shown.len());
    }
}
