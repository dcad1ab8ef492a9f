//! One failure, told whole: what, where, what state the database is in, and what to do next.

use super::{Exit, Report, Setting, State};
use crate::diagnostic::Excerpt;
use crate::plan::PlanError;
use crate::text::Span;

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerError {
    /// Five characters, such as `42703` (PostgreSQL manual, appendix A).
    pub sqlstate: String,
    /// The primary message.
    pub message: String,
    /// More about the cause.
    pub detail: Option<String>,
    /// The server's own advice.
    pub hint: Option<String>,
    /// Where in nested code it happened.
    pub context: Option<String>,
    /// Character offset in the statement, counted from 1.
    pub position: Option<u32>,
}

/// Where in a migration something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as messages write it.
    pub path: String,
    /// The line, with an excerpt.
    pub(crate) excerpt: Excerpt,
}

impl Place {
    /// The place of a byte span in a file's text.
    #[must_use]
    pub fn new(path: impl Into<String>, text: &str, span: Span) -> Self {
        Self { path: path.into(), excerpt: Excerpt::new(text, span) }
    }

    /// The place of a diagnostic, when it has one.
    pub(crate) fn of_diagnostic(diagnostic: &crate::diagnostic::Diagnostic) -> Option<Self> {
        let excerpt = diagnostic.excerpt()?.clone();
        Some(Self { path: diagnostic.path.clone(), excerpt })
    }

    /// Line and column.
    #[must_use]
    pub fn position(&self) -> crate::text::Position {
        self.excerpt.position
    }
}

/// A command that did not reach its goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the command ends.
    pub exit: Exit,
    /// What went wrong, in one sentence.
    pub message: String,
    /// Where in a migration, when it was one's fault.
    pub place: Option<Place>,
    /// The line at fault as it was sent, where variables were filled in: with `…` for their values.
    pub sent: Option<String>,
    /// What the server said.
    pub server: Option<ServerError>,
    /// What state the database is in now.
    pub state: State,
    /// What to do next.
    pub next: String,
    /// What a caller can set for it to end otherwise.
    pub settings: Vec<Setting>,
    /// What was done before it.
    pub report: Report,
}

impl Failure {
    /// A failure before anything was done.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            place: None,
            sent: None,
            server: None,
            state: State::Untouched,
            next: next.into(),
            settings: Vec::new(),
            report: Report::default(),
        }
    }

    /// The same with what the server said.
    #[must_use]
    pub fn with_server(mut self, server: ServerError) -> Self {
        self.server = Some(server);
        self
    }

    /// The same with what a caller can set for it to end otherwise.
    #[must_use]
    pub fn with_setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }

    /// The rustc-like form, with settings as a program names them; `color` adds ANSI styles.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.render_with(color, |setting| ("setting", format!("`{}`", setting.field())))
    }

    /// The same with settings as `shown` names them: a label, and text behind it.
    #[must_use]
    pub fn render_with(&self, color: bool, shown: impl Fn(&Setting) -> (&'static str, String)) -> String {
        let state = self.state.to_string();
        let settings: Vec<(&'static str, String)> = self.settings.iter().map(shown).collect();
        let mut page = self.page(&state);
        page.notes.extend(settings.iter().map(|(label, text)| (*label, text.as_str())));
        crate::diagnostic::render_failure(&page, color)
    }

    fn page<'a>(&'a self, state: &'a str) -> crate::diagnostic::Page<'a> {
        let mut notes: Vec<(&str, &str)> = self.sent.iter().map(|line| ("sent", line.as_str())).collect();
        if let Some(server) = &self.server {
            notes.push(("sqlstate", server.sqlstate.as_str()));
            let more = [("detail", &server.detail), ("hint", &server.hint), ("context", &server.context)];
            notes.extend(more.into_iter().filter_map(|(label, text)| Some((label, text.as_deref()?))));
        }
        notes.push(("state", state));
        crate::diagnostic::Page {
            id: self.exit.row().name,
            message: &self.message,
            path: self.place.as_ref().map(|place| place.path.as_str()),
            excerpt: self.place.as_ref().map(|place| &place.excerpt),
            label: "",
            notes,
            help: &self.next,
        }
    }
}

/// There is no plan: nothing has run.
impl From<&PlanError> for Failure {
    fn from(error: &PlanError) -> Self {
        let diagnostic = match error {
            PlanError::Statements(diagnostic) => diagnostic,
            PlanError::Missing { .. } => {
                return Self::new(Exit::History, error.to_string(), error.help()).with_setting(Setting::Late);
            }
            PlanError::EndsTransaction { path, excerpt, .. } => {
                let failure = Self::new(Exit::InvalidMigrations, error.to_string(), error.help())
                    .with_setting(Setting::OwnTransactions);
                let place = Place { path: path.clone(), excerpt: excerpt.clone() };
                return Self { place: Some(place), ..failure };
            }
            PlanError::LeavesTransactionOpen { path, excerpt } => {
                let place = Place { path: path.clone(), excerpt: excerpt.clone() };
                let failure = Self::new(Exit::InvalidMigrations, error.to_string(), error.help());
                return Self { place: Some(place), ..failure };
            }
            PlanError::NowhereKnown { .. } => return Self::new(Exit::Usage, error.to_string(), error.help()),
            PlanError::Unfinished { .. } | PlanError::BegunWithoutTransaction { .. } => {
                return Self::new(Exit::Dirty, error.to_string(), error.help());
            }
            _ => return Self::new(Exit::History, error.to_string(), error.help()),
        };
        let failure = Self::new(Exit::InvalidMigrations, diagnostic.message.clone(), diagnostic.help.clone());
        Self { place: Place::of_diagnostic(diagnostic), ..failure }
    }
}

/// The one-line form: place, message and the name of the exit code.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(place) = &self.place {
            let at = place.position();
            write!(f, "{}:{}:{}: ", place.path, at.line, at.column)?;
        }
        write!(f, "error: {} [{}]", self.message, self.exit.row().name)
    }
}

impl std::error::Error for Failure {}
