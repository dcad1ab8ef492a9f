//! Everything this program says: data on stdout, events and errors on stderr, as text or as one JSON object a line.

mod progress;
mod stream;
pub(crate) mod words;

use std::io::{IsTerminal as _, Write as _};

use clap::ColorChoice;
use migrate_core::diagnostic::Diagnostic;
use migrate_core::lint::Finding;
use migrate_core::report::{Event, Exit, Failure, State};
use migrate_core::verify::Step;
use serde::Serialize;
use serde_json::{Value, json};

use self::progress::Progress;
use self::stream::Stream;
use crate::arguments::{Form, Shared};
use crate::farewell::Farewell;
use crate::spelling::Spelling;
use crate::trouble::Trouble;

/// The two streams, and how they are written.
pub(crate) struct Console {
    pub(crate) output: Form,
    log: Form,
    color: bool,
    verbose: bool,
    progress: Progress,
    farewell: Farewell,
    /// How a command that is advised has to be typed.
    pub(crate) spelling: Spelling,
    stderr: Stream,
    unwritten: Option<std::io::Error>,
    last_said: String,
    outcome: Value,
}

impl Console {
    pub(crate) fn new(shared: &Shared, farewell: Farewell, spelling: Spelling) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = match shared.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && crate::environment::variable("NO_COLOR").is_none(),
        };
        let progress = Progress::new(terminal && shared.log_format() == Form::Text && !shared.verbose);
        Self {
            output: shared.output.plain().unwrap_or_default(),
            log: shared.log_format(),
            color,
            verbose: shared.verbose,
            progress,
            farewell,
            spelling,
            stderr: Stream::new(terminal),
            unwritten: None,
            last_said: String::new(),
            outcome: Value::Null,
        }
    }

    /// Writes data to stdout. A reader that has gone away is no error of ours; a full disk is.
    pub(crate) fn data(&mut self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        if let Err(error) = written
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            self.unwritten = Some(error);
        }
    }

    /// Why stdout does not hold all data, when it does not.
    pub(crate) fn unwritten(&mut self) -> Option<Failure> {
        let error = self.unwritten.take()?;
        let mut failure = Failure::new(Exit::Internal, format!("cannot write to stdout: {error}"), "run again");
        failure.state = State::Elsewhere("the command itself is done".into());
        Some(failure)
    }

    /// Whether text on stdout has colours: findings are data, and are read where they are printed.
    pub(crate) fn colors_data(&self) -> bool {
        self.color && std::io::stdout().is_terminal()
    }

    /// Writes a value to stdout as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.data(&format!("{text}\n"));
    }

    /// Says something about the command as a whole.
    pub(crate) fn say(&mut self, event: &str, text: &str) {
        text.clone_into(&mut self.last_said);
        self.line("info", event, text, json!({}));
    }

    /// Says something that a person should look at, although the command goes on.
    pub(crate) fn warn(&mut self, event: &str, text: &str) {
        self.line("warning", event, text, json!({}));
    }

    /// What was said last of the command as a whole.
    pub(crate) fn last_said(&self) -> &str {
        &self.last_said
    }

    /// Remembers what a command has done, as fields for the message that the process leaves behind.
    pub(crate) fn conclude(&mut self, outcome: Value) {
        self.outcome = outcome;
    }

    pub(crate) fn outcome(&self) -> Value {
        self.outcome.clone()
    }

    /// Tells an event of a run.
    pub(crate) fn event(&mut self, event: &Event) {
        self.progress.follow(event);
        self.farewell.follow(event);
        let quiet = matches!(
            event,
            Event::Connected { .. }
                | Event::Opened(_)
                | Event::Planned { .. }
                | Event::Prepared
                | Event::Started(_)
                | Event::Statement(_)
        );
        if quiet && !self.verbose && self.log == Form::Text {
            return;
        }
        if matches!(event, Event::Notice { severity, .. } if severity != "WARNING") && !self.verbose {
            return;
        }
        if self.progress.shows(event) {
            return;
        }
        let told = words::of_event(event);
        self.line(told.level, told.name, &told.text, told.fields);
    }

    /// Tells how far a verification is.
    pub(crate) fn step(&mut self, step: &Step<'_>) {
        self.progress.step(step);
    }

    /// Writes every problem of the migrations to stderr.
    pub(crate) fn diagnostics(&mut self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            match self.log {
                Form::Text => self.text(&diagnostic.render(self.color)),
                Form::Json => {
                    let fields = words::of_diagnostic(diagnostic);
                    self.line(diagnostic.severity().word(), "diagnostic", &diagnostic.message, fields);
                }
            }
        }
    }

    /// Writes what rules found to stderr, for a command whose data it is not.
    pub(crate) fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            match self.log {
                Form::Text => self.text(&finding.render(self.color)),
                Form::Json => {
                    let fields = words::of_finding(finding);
                    self.line(finding.severity.word(), "finding", &finding.message, fields);
                }
            }
        }
    }

    /// Tells why the command did not reach its goal.
    pub(crate) fn trouble(&mut self, trouble: &Trouble) {
        self.progress.clear();
        match trouble {
            Trouble::Diagnostics(diagnostics) => {
                self.diagnostics(diagnostics);
                let (text, exit) = (words::sum_of_diagnostics(diagnostics), Exit::InvalidMigrations);
                let runbook = words::runbook(exit);
                let fields = json!({ "exit": exit.row().code, "runbook": runbook });
                self.line("error", "failed", &text, fields);
                if let (Form::Text, Some(place)) = (self.log, runbook) {
                    self.text(&format!("runbook: {place}"));
                }
            }
            Trouble::Failure(failure) => match self.log {
                Form::Text => {
                    let exit = failure.exit.row();
                    let runbook = words::runbook(failure.exit).map(|place| format!("\nrunbook: {place}"));
                    let error = failure.render_with(self.color, |setting| ("option", words::of_setting(setting)));
                    let runbook = runbook.unwrap_or_default();
                    self.text(&format!("{error}\nexit {}: {}{runbook}", exit.code, exit.meaning));
                }
                Form::Json => self.line("error", "failed", &failure.message, words::of_failure(failure)),
            },
        }
    }

    /// Writes a text to stderr before it is known how this command line wants to be answered.
    pub(crate) fn complain(text: &str) {
        let _gone = std::io::stderr().lock().write_all(text.as_bytes());
    }

    pub(crate) fn clear_progress(&mut self) {
        self.progress.clear();
    }

    fn line(&mut self, level: &str, event: &str, text: &str, fields: Value) {
        match self.log {
            Form::Text => {
                let prefix = if matches!(level, "warning" | "error") { format!("{level}: ") } else { String::new() };
                self.text(&format!("{prefix}{text}"));
            }
            Form::Json => {
                let mut line = json!({
                    "ts": jiff::Timestamp::now().to_string(), "level": level, "event": event, "message": text,
                    "run_id": crate::environment::run_id(),
                });
                if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
                    line.extend(fields);
                }
                self.text(&line.to_string());
            }
        }
    }

    /// A line on stderr, above a progress bar when there is one.
    fn text(&mut self, text: &str) {
        let Self { progress, stderr, .. } = self;
        progress.suspend(|| stderr.line(text));
    }
}
