//! The termination message of a Pod: how a run ended, as one JSON object that Kubernetes keeps in the container's
//! status, after the log has gone.
//!
//! Made from the end of a command and what was said on the way. Invariant: what is written is valid JSON of at most
//! 4,096 bytes in one write, and a place that cannot be written changes nothing of how the process ends.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use migrate_core::diagnostic::{Diagnostic, Severity};
use migrate_core::migration::Set;
use migrate_core::report::Exit;
use serde_json::{Map, Value, json};

use crate::console::words;
use crate::trouble::Trouble;

/// Where Kubernetes mounts the file, unless the Pod names another place.
const USUAL: &str = "/dev/termination-log";

/// What the kubelet keeps of it.
const MOST: usize = 4096;

const FLAG: &str = "--termination-log";

/// The file that the message goes to.
#[derive(Debug, Clone, Default)]
pub(crate) struct TerminationLog {
    /// The place that was asked for; otherwise the usual one, if there is such a file.
    asked: Option<PathBuf>,
}

impl TerminationLog {
    pub(crate) fn at(asked: Option<PathBuf>) -> Self {
        Self { asked }
    }

    /// The place that a command line asks for which clap does not understand.
    pub(crate) fn of_refused(arguments: impl Iterator<Item = OsString>) -> Self {
        Self::at(asked_for(FLAG, arguments))
    }

    /// Writes the message, where there is a place for it. Why it could not be written, when one was asked for.
    pub(crate) fn write(&self, message: &Message) -> Option<String> {
        let (path, found) = match &self.asked {
            Some(path) => (path.as_path(), place(path)),
            None if Path::new(USUAL).is_file() => (Path::new(USUAL), Ok(())),
            None => return None,
        };
        let open = || std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(path);
        let written = found.and_then(|()| open()).and_then(|mut file| file.write_all(message.fitted().as_bytes()));
        let error = written.err().filter(|_| self.asked.is_some())?;
        Some(format!("the termination message cannot be written to {}: {error}", path.display()))
    }
}

/// The value of a flag in a command line that clap does not understand.
pub(crate) fn asked_for(flag: &str, arguments: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let behind = arguments.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].as_str());
    let within = || arguments.iter().find_map(|argument| argument.strip_prefix(flag)?.strip_prefix('='));
    behind.or_else(within).map(PathBuf::from)
}

/// A file, or a name that none has yet. Opening anything else could wait for ever, as a named pipe does.
pub(crate) fn place(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(std::io::Error::other("it is no file")),
        _ => Ok(()),
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Message {
    fields: Map<String, Value>,
}

impl Message {
    /// An end of which nothing is known but its code.
    pub(crate) fn of_exit(exit: Exit, message: &str) -> Self {
        let row = exit.row();
        let mut fields = Map::new();
        fields.insert("exit".into(), row.code.into());
        fields.insert("code".into(), row.name.into());
        fields.insert("message".into(), message.into());
        fields.insert("run_id".into(), crate::environment::run_id().into());
        if let Some(runbook) = words::runbook(exit) {
            fields.insert("runbook".into(), runbook.into());
        }
        Self { fields }
    }

    /// The end of a command: what it said last, in words and in those of JSON.
    pub(crate) fn of(ended: &Result<Exit, Trouble>, (last_said, outcome): (&str, &Value)) -> Self {
        match ended {
            Ok(exit) => Self::of_exit(*exit, last_said).with(outcome.clone()),
            Err(Trouble::Failure(failure)) => {
                Self::of_exit(failure.exit, &failure.message).with(words::of_failure(failure))
            }
            Err(Trouble::Diagnostics(diagnostics)) => of_diagnostics(diagnostics),
        }
    }

    /// The same with the set that was built into the program.
    pub(crate) fn with_set(self, set: &Set) -> Self {
        let revision = Some(&set.revision).filter(|revision| !revision.is_empty());
        self.with(json!({
            "latest": set.latest().0, "set_sha256": set.digest.to_string(), "release": set.release, "revision": revision,
        }))
    }

    fn with(mut self, more: Value) -> Self {
        if let Value::Object(more) = more {
            self.fields.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self
    }

    /// The JSON, with its texts cut so far that it is kept whole.
    fn fitted(&self) -> String {
        let (mut fits, mut too_long) = (0, MOST + 1);
        while too_long - fits > 1 {
            let middle = usize::midpoint(fits, too_long);
            if self.cut(middle).len() <= MOST {
                fits = middle;
            } else {
                too_long = middle;
            }
        }
        self.cut(fits)
    }

    /// The JSON with no text longer than so many bytes.
    fn cut(&self, most: usize) -> String {
        let cut = |value: &Value| match value {
            Value::String(text) if text.len() > most => {
                let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
                Value::String(format!("{}…", &text[..end]))
            }
            value => value.clone(),
        };
        let fields: Map<String, Value> = self.fields.iter().map(|(name, value)| (name.clone(), cut(value))).collect();
        format!("{}\n", Value::Object(fields))
    }
}

fn of_diagnostics(diagnostics: &[Diagnostic]) -> Message {
    let message = Message::of_exit(Exit::InvalidMigrations, &words::sum_of_diagnostics(diagnostics));
    let Some(first) = diagnostics.iter().find(|diagnostic| diagnostic.severity() == Severity::Error) else {
        return message;
    };
    let mut more = words::of_diagnostic(first);
    if let Some(fields) = more.as_object_mut() {
        // `code` is the name of the exit code here.
        let id = fields.remove("code");
        fields.insert("diagnostic".into(), id.unwrap_or_default());
        fields.insert("detail".into(), first.message.as_str().into());
    }
    message.with(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(message: &Message) -> Value {
        let text = message.fitted();
        assert!(text.len() <= MOST, "{} bytes", text.len());
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn a_text_of_any_kind_is_cut_to_what_the_kubelet_keeps() {
        for filler in ["x", "ö", "\u{1}", "\"", "🐘", "\\\n"] {
            let message = Message::of_exit(Exit::MigrationFailed, &filler.repeat(70_000));
            let told = parsed(&message.with(json!({ "detail": filler.repeat(5_000), "hint": "short", "line": 7 })));
            assert_eq!((&told["exit"], &told["hint"], &told["line"]), (&json!(25), &json!("short"), &json!(7)));
            assert!(told["message"].as_str().expect("a text").starts_with(filler), "{told}");
        }
    }

    #[test]
    fn what_fits_is_not_cut_and_the_space_is_used() {
        let whole = parsed(&Message::of_exit(Exit::Ok, &"y".repeat(3_000)));
        assert_eq!(whole["message"].as_str().map(str::len), Some(3_000));
        let long = Message::of_exit(Exit::Ok, &"y".repeat(9_000)).fitted();
        assert!(long.len() > MOST - 8, "{} bytes", long.len());
    }

    #[test]
    fn a_refused_command_line_names_its_place_in_both_forms() {
        let asked = |arguments: &[&str]| TerminationLog::of_refused(arguments.iter().map(OsString::from)).asked;
        assert_eq!(asked(&["up", "--termination-log", "/t/log", "--bad"]), Some(PathBuf::from("/t/log")));
        assert_eq!(asked(&["--termination-log=/t/log"]), Some(PathBuf::from("/t/log")));
        assert_eq!(asked(&["up", "--termination-log"]), None);
        assert_eq!(asked(&["up", "--termination-logs=x"]), None);
    }
}
