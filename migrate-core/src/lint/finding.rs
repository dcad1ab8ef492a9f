//! What a rule found, and how it is shown.

use super::UNUSED_ALLOW;
use crate::diagnostic::{Excerpt, Page, Severity, render_page};
use crate::migration::{Direction, Version};
use crate::text::{Position, Span};

/// What a rule found, at a place of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id, such as `L09`.
    pub rule: &'static str,
    /// The rule's name, such as `set-not-null-scan`.
    pub name: &'static str,
    /// What the configuration makes of it.
    pub severity: Severity,
    /// The migration.
    pub version: Version,
    /// Its file, as the user would write it.
    pub path: String,
    /// Up or Down.
    pub direction: Direction,
    /// The goose statement, counted from 0 in its section; `None` for a finding about the whole file.
    pub statement: Option<usize>,
    /// Where in the file's text.
    pub span: Span,
    /// What is wrong, in one sentence that names the object.
    pub message: String,
    /// What the caret says.
    pub label: String,
    /// The object that an `allow(…)` names: `clients.fax`.
    pub object: String,
    /// `fact:` lines, with evidence.
    pub facts: Vec<String>,
    /// `history:` lines, with file and line.
    pub history: Vec<String>,
    /// The way out, may have several lines.
    pub help: String,
    pub(super) excerpt: Excerpt,
}

impl Finding {
    /// Line and column in the file.
    #[must_use]
    pub fn position(&self) -> Position {
        self.excerpt.position
    }

    /// The rustc-like form with an excerpt and a caret; `color` adds ANSI styles.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let id = format!("{} {}", self.rule, self.name);
        let allow = match self.statement {
            Some(_) => format!("-- migrate:allow {} reason=\"…\"", self.name),
            None => format!("-- migrate:allow-file {} reason=\"…\"", self.name),
        };
        let explain = format!("migrate explain {}", self.rule);
        let facts = self.facts.iter().map(|fact| ("fact", fact.as_str()));
        let history = self.history.iter().map(|line| ("history", line.as_str()));
        let mut notes: Vec<(&str, &str)> = facts.chain(history).collect();
        notes.push(("help", &self.help));
        // The comment that allows nothing is not to be allowed by another one.
        if self.rule != UNUSED_ALLOW {
            notes.push(("allow", &allow));
        }
        notes.push(("explain", &explain));
        let page = Page {
            id: &id,
            message: &self.message,
            path: Some(&self.path),
            excerpt: Some(&self.excerpt),
            label: &self.label,
            notes,
            help: "",
        };
        render_page(self.severity, &page, color)
    }
}

/// The one-line form: `path:line:col: error: message [L09]`.
impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Position { line, column } = self.position();
        let severity = self.severity.word();
        let message = crate::diagnostic::printable(&self.message);
        write!(f, "{}:{line}:{column}: {severity}: {message} [{}]", crate::diagnostic::printable(&self.path), self.rule)
    }
}
