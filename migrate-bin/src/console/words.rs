//! The words and the JSON fields of events, diagnostics and failures.

use std::time::Duration;

use migrate_core::diagnostic::{Diagnostic, Severity};
use migrate_core::plan::{Edit, Warning};
use migrate_core::report::{Event, Failure, Ran};
use serde_json::{Value, json};

/// An event in words.
pub(super) struct Told {
    pub(super) level: &'static str,
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) fields: Value,
}

fn told(level: &'static str, name: &'static str, text: String, fields: Value) -> Told {
    Told { level, name, text, fields }
}

pub(super) fn of_event(event: &Event) -> Told {
    match event {
        Event::Planned { files } => told("info", "planned", format!("{files} to run"), json!({ "migrations": files })),
        Event::Warned(warning) => {
            let (text, fields) = of_warning(warning);
            told("warning", "warning", text, fields)
        }
        Event::Prepared => told("info", "prepared", "created the version table".into(), json!({})),
        Event::Started(ran) => {
            told("info", "migration_start", format!("{:<5} {} …", ran.direction.word(), ran.file), of_ran(ran))
        }
        Event::Finished(ran, duration) => {
            let mut fields = of_ran(ran);
            fields["duration_ms"] = json!(milliseconds(*duration));
            let empty = if ran.statements == 0 { ", no statement" } else { "" };
            let text = format!("{:<5} {} ({}{empty})", ran.direction.word(), ran.file, spent(*duration));
            told("info", "migration_done", text, fields)
        }
        Event::Waiting { holder } => {
            let text = if holder.is_empty() {
                "waiting for another runner's migration lock".to_owned()
            } else {
                format!("waiting for the migration lock, held by {holder}")
            };
            told("info", "waiting_for_lock", text, json!({ "holder": holder }))
        }
        Event::Notice { severity, message } => {
            let level = if severity == "WARNING" { "warning" } else { "info" };
            // A migration can make a notice say anything, a line that looks like ours included.
            let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            told(level, "notice", format!("server {severity}: {message}"), json!({ "severity": severity }))
        }
    }
}

fn of_ran(ran: &Ran) -> Value {
    json!({
        "version": ran.version.0, "file": ran.file, "direction": ran.direction.word(), "statements": ran.statements,
    })
}

/// A warning of the plan, in words and fields.
pub(crate) fn of_warning(warning: &Warning) -> (String, Value) {
    let edited = |edit: &Edit| {
        json!({
            "version": edit.version.0, "file": edit.path,
            "applied_sha256": edit.applied.to_string(), "sha256": edit.now.to_string(),
        })
    };
    match warning {
        Warning::Ahead { count, highest } => (
            format!(
                "the database is ahead: it holds {count} version{} above this set's latest, up to {highest}",
                if *count == 1 { "" } else { "s" }
            ),
            json!({ "ahead": count, "highest": highest.0 }),
        ),
        Warning::Reformatted(edit) => {
            (format!("{}: white space or comments were changed after it was applied", edit.path), edited(edit))
        }
        Warning::UndoesEdited(edit) => (
            format!(
                "{} was changed after it was applied (applied {}, now {}): its Down may not fit what is there",
                edit.path, edit.applied, edit.now
            ),
            edited(edit),
        ),
        Warning::InsertionOrder => (
            "versions were not applied in ascending order, and down-to stops at the first one that is not above its \
             target in the order of application"
                .into(),
            json!({}),
        ),
    }
}

pub(super) fn of_diagnostic(diagnostic: &Diagnostic) -> Value {
    let entry = diagnostic.code.entry();
    let at = diagnostic.position();
    json!({
        "code": entry.id, "name": entry.name, "severity": entry.severity.word(), "file": diagnostic.path,
        "line": at.map(|at| at.line), "column": at.map(|at| at.column), "help": diagnostic.help,
    })
}

pub(super) fn sum_of_diagnostics(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error).count();
    let plural = if errors == 1 { "" } else { "s" };
    format!("{errors} error{plural} in the migrations; nothing was changed")
}

pub(super) fn of_failure(failure: &Failure) -> Value {
    let exit = failure.exit.row();
    let server = failure.server.as_ref();
    let at = failure.place.as_ref().map(migrate_core::report::Place::position);
    json!({
        "code": exit.name, "exit": exit.code, "state": failure.state, "next": failure.next,
        "file": failure.place.as_ref().map(|place| &place.path),
        "line": at.map(|at| at.line), "column": at.map(|at| at.column),
        "sqlstate": server.map(|server| &server.sqlstate),
        "detail": server.and_then(|server| server.detail.as_ref()),
        "hint": server.and_then(|server| server.hint.as_ref()),
        "current": failure.report.current,
    })
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A duration as a person reads it.
pub(crate) fn spent(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
