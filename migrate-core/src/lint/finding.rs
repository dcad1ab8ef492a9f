//! What a rule found, and how it is shown.

use super::subject::in_file;
use super::{Rule, Subject, fact, names, unused_allow};
use crate::catalog::Lookup;
use crate::diagnostic::{Excerpt, Page, Severity, render_page};
use crate::migration::{Direction, Migration, Set, Version};
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
        if self.rule != unused_allow::RULE.id {
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

/// Where a rule puts what it found.
pub struct Findings<'a> {
    pub(super) rule: &'static Rule,
    pub(super) severity: Severity,
    pub(super) set: &'a Set,
    pub(super) migration: &'a Migration,
    pub(super) subject: Option<&'a Subject<'a>>,
    pub(super) found: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    /// Reports a place of the command's statement. Facts are those of the command, the help is the rule's.
    pub fn report(
        &mut self,
        span: Span,
        object: impl Into<String>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Report<'_> {
        let Some(subject) = self.subject else {
            let draft = Draft { span, direction: Direction::Up, statement: None, facts: Vec::new() };
            return self.push(draft, object.into(), message.into(), label.into());
        };
        let draft = Draft {
            span: in_file(subject.statement, &self.migration.text, span),
            direction: subject.direction,
            statement: Some(subject.index),
            facts: fact::facts(subject.effect, subject.majors),
        };
        // A rule about locks has to take a table to be in use that it knows nothing about.
        let unknown = if self.rule.id.starts_with('L') { unknown_tables(subject) } else { Vec::new() };
        let report = self.push(draft, object.into(), message.into(), label.into());
        unknown.into_iter().fold(report, Report::history)
    }

    /// Reports a place of the file itself, for [`Check::File`](super::Check::File): no facts are added.
    pub fn report_in_file(
        &mut self,
        (direction, span): (Direction, Span),
        object: impl Into<String>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Report<'_> {
        let here = |statement: &crate::migration::Statement| {
            statement.span().start <= span.start && span.start < statement.span().end.max(1)
        };
        let statement = super::subject::statements(self.migration, direction).iter().position(here);
        let draft = Draft { span, direction, statement, facts: Vec::new() };
        self.push(draft, object.into(), message.into(), label.into())
    }

    fn push(&mut self, draft: Draft, object: String, message: String, label: String) -> Report<'_> {
        let at = self.found.len();
        self.found.push(Finding {
            rule: self.rule.id,
            name: self.rule.name,
            severity: self.severity,
            version: self.migration.version,
            path: self.set.path_of(self.migration),
            direction: draft.direction,
            statement: draft.statement,
            span: draft.span,
            message,
            label,
            object,
            facts: draft.facts,
            history: Vec::new(),
            help: self.rule.instead.to_owned(),
            excerpt: Excerpt::new(&self.migration.text, draft.span),
        });
        Report { finding: self.found.get_mut(at) }
    }
}

/// A line for each relation of the command that no migration made.
fn unknown_tables(subject: &Subject<'_>) -> Vec<String> {
    let named = names::changed(&subject.command.action).into_iter();
    let unknown = named.filter(|name| matches!(subject.before.relation(name), Lookup::Unknown));
    unknown.map(|name| format!("no migration makes {name}: it is taken to be in use")).collect()
}

struct Draft {
    span: Span,
    direction: Direction,
    statement: Option<usize>,
    facts: Vec<String>,
}

/// A finding that was just reported, to add to.
pub struct Report<'a> {
    finding: Option<&'a mut Finding>,
}

#[allow(clippy::return_self_not_must_use, clippy::must_use_candidate, reason = "the finding is already reported")]
impl Report<'_> {
    fn change(mut self, change: impl FnOnce(&mut Finding)) -> Self {
        if let Some(finding) = self.finding.as_deref_mut() {
            change(finding);
        }
        self
    }

    /// Adds a `fact:` line.
    pub fn fact(self, fact: impl Into<String>) -> Self {
        self.change(|finding| finding.facts.push(fact.into()))
    }

    /// Removes the facts of the command, which say nothing about what is wrong.
    pub fn without_facts(self) -> Self {
        self.change(|finding| finding.facts.clear())
    }

    /// Adds a `history:` line.
    pub fn history(self, line: impl Into<String>) -> Self {
        self.change(|finding| finding.history.push(line.into()))
    }

    /// Replaces the help, which is the rule's unless told.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.change(|finding| finding.help = help.into())
    }

    /// Makes it no worse than this.
    pub fn at_most(self, severity: Severity) -> Self {
        self.change(|finding| finding.severity = finding.severity.min(severity))
    }
}
