//! What a rule is, and where it puts what it found. The table of rules is the `rules!` in `lint.rs`: one file and one row a rule.

use super::subject::in_file;
use super::{File, Finding, Settings, Subject, fact, names};
use crate::catalog::Lookup;
use crate::diagnostic::{Excerpt, Severity};
use crate::migration::{Direction, Migration, Set};
use crate::text::Span;

/// A rule: what it looks for, why, and an example that breaks it.
#[derive(Debug)]
pub struct Rule {
    /// Short stable id, such as `L09`.
    pub id: &'static str,
    /// Stable name, such as `set-not-null-scan`.
    pub name: &'static str,
    /// What it is unless the configuration says otherwise; `None` is off.
    pub level: Option<Severity>,
    /// One sentence: what is reported.
    pub summary: &'static str,
    /// Why, with the measured fact.
    pub why: &'static str,
    /// The safe alternative.
    pub instead: &'static str,
    /// Files (name, text) that break the rule once, in the last of them.
    pub bad: &'static [(&'static str, &'static str)],
    /// Files that do the same safely.
    pub good: &'static [(&'static str, &'static str)],
    /// What it looks at.
    pub check: Check,
    /// Whether it also judges Down sections.
    pub down: bool,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Each command of a judged migration; Down is looked at only where [`Rule::down`] is set.
    Command(fn(&Subject<'_>, &mut Findings<'_>)),
    /// Each judged migration as a whole, both sections at once, whatever [`Rule::down`] says.
    File(fn(&File<'_>, &mut Findings<'_>)),
    /// Nothing: the engine reports it.
    Engine,
}

impl Settings {
    /// The level of a rule, `None` when it is off.
    #[must_use]
    pub fn level(&self, rule: &Rule) -> Option<Severity> {
        let told = self.levels.get(rule.id).or_else(|| self.levels.get(rule.name));
        told.copied().unwrap_or(rule.level)
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

/// Declares the modules of the rules and the table of them, in the order given.
macro_rules! rules {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// Every rule, by id.
        pub static RULES: &[&Rule] = &[$(&$name::RULE),*];
    };
}
pub(super) use rules;
