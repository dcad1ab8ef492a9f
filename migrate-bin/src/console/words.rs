//! The words and the JSON fields of events, diagnostics and failures.

mod setting;
mod waits;

pub(super) use setting::of_setting;
pub(crate) use waits::of_holder;

use std::time::Duration;

use migrate_core::diagnostic::{Diagnostic, Severity};
use migrate_core::lint::Finding;
use migrate_core::plan::{Edit, Warning};
use migrate_core::report::{At, Event, Exit, Failure, Opened, Ran};
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
        Event::Connected { server, address, database, user, security } => {
            let text = format!("connected to {server} ({address}), database {database}, user {user}, {security}");
            let fields = json!({
                "server": server, "address": address, "database": database, "user": user, "security": security,
            });
            told("info", "connected", text, fields)
        }
        Event::Unreachable { why, tries, left } => waits::unreachable(why, *tries, *left),
        Event::Distrusted { why } => told("warning", "warning", format!("{why}; it is not used"), json!({})),
        Event::Noted { what } => told("info", "note", what.clone(), json!({})),
        Event::Opened(opened) => of_opened(opened),
        Event::Planned { files } => told("info", "planned", format!("{files} to run"), json!({ "migrations": files })),
        Event::Warned(warning) => {
            let (text, fields) = of_warning(warning);
            told("warning", "warning", text, fields)
        }
        Event::Prepared => told("info", "prepared", "created the version table".into(), json!({})),
        Event::Started(ran) => {
            told("info", "migration_start", format!("{:<5} {} …", ran.direction.word(), ran.file), of_ran(ran))
        }
        Event::Statement(at) => told("info", "statement_start", place(at), of_at(at)),
        Event::Finished(ran, duration) => of_finished(ran, *duration),
        Event::Resumed { ran, done } => {
            let mut fields = of_ran(ran);
            fields["done"] = json!(done);
            let text = match done {
                0 => format!("{} begins with its first statement again, where an earlier run ended", ran.file),
                done => format!("{} goes on behind statement {done}, where an earlier run ended", ran.file),
            };
            told("info", "resumed", text, fields)
        }
        Event::Waiting { holder, waited } => waits::waiting(holder.as_ref(), *waited),
        Event::Progress(progress) => waits::progress(progress),
        Event::Reading { elapsed, blockers } => waits::reading(*elapsed, blockers),
        Event::Blocked { at, elapsed, blockers } => waits::blocked(at, *elapsed, blockers),
        Event::Retry(retry) => waits::retry(retry),
        Event::Ambiguous(ran) => waits::ambiguous(ran),
        Event::Resolved { ran, landed } => waits::resolved(ran, *landed),
        Event::Stopping { cause } => {
            let text = format!("asked to end by the {cause}: cancelling what is under way");
            told("warning", "stopping", text, json!({ "cause": cause }))
        }
        Event::Notice { severity, message, at } => waits::notice(severity, message, at.as_ref()),
        Event::NoticesLeftOut { count } => {
            told("info", "notices_left_out", format!("{count} more notices are not shown"), json!({ "count": count }))
        }
    }
}

fn of_finished(ran: &Ran, duration: Duration) -> Told {
    let mut fields = of_ran(ran);
    fields["duration_ms"] = json!(milliseconds(duration));
    let empty = if ran.statements == 0 { ", no statement" } else { "" };
    let text = format!("{:<5} {} ({}{empty})", ran.direction.word(), ran.file, spent(duration));
    told("info", "migration_done", text, fields)
}

fn of_opened(opened: &Opened) -> Told {
    let Opened { server, address, database, user, between, release, digest } = opened;
    let at = if address.is_empty() { String::new() } else { format!(" at {address}") };
    let behind =
        between.as_ref().map(|sign| format!("; perhaps behind a pooler or a proxy: {sign}")).unwrap_or_default();
    let text = format!("PostgreSQL {server}{at}, database {database}, user {user}{behind}");
    let fields = json!({
        "server": server, "address": address, "database": database, "user": user, "between": between,
        "release": release, "set_sha256": digest,
    });
    told("info", "start", text, fields)
}

/// A statement in words.
fn place(at: &At) -> String {
    match at.statement {
        0 => at.ran.file.clone(),
        number => format!("{}:{} (statement {number} of {})", at.ran.file, at.line, at.ran.statements),
    }
}

fn of_at(at: &At) -> Value {
    let mut fields = of_ran(&at.ran);
    let (statement, line) = (Some(at.statement), Some(at.line));
    fields["statement"] = json!(statement.filter(|number| *number > 0));
    fields["line"] = json!(line.filter(|number| *number > 0));
    fields
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
        Warning::Reformatted(edit) => (
            format!(
                "{}: white space or comments were changed after it was applied; told until a run has written it down",
                edit.path
            ),
            edited(edit),
        ),
        Warning::DownEdited(edit) => (
            format!("the Down of {} was changed after it was applied; its Up is what was applied", edit.path),
            edited(edit),
        ),
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

pub(crate) fn of_diagnostic(diagnostic: &Diagnostic) -> Value {
    let entry = diagnostic.code.entry();
    let at = diagnostic.position();
    json!({
        "code": entry.id, "name": entry.name, "severity": entry.severity.word(), "file": diagnostic.path,
        "line": at.map(|at| at.line), "column": at.map(|at| at.column), "help": diagnostic.help,
    })
}

pub(super) fn of_finding(finding: &Finding) -> Value {
    let at = finding.position();
    json!({
        "rule": finding.rule, "name": finding.name, "severity": finding.severity.word(), "file": finding.path,
        "line": at.line, "column": at.column, "section": finding.direction.word(), "help": finding.help,
    })
}

pub(crate) fn sum_of_diagnostics(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error).count();
    let plural = if errors == 1 { "" } else { "s" };
    format!("{errors} error{plural} in the migrations; nothing was changed")
}

pub(crate) fn of_failure(failure: &Failure) -> Value {
    let exit = failure.exit.row();
    let server = failure.server.as_ref();
    let at = failure.place.as_ref().map(migrate_core::report::Place::position);
    json!({
        "code": exit.name, "exit": exit.code, "state": failure.state.to_string(), "database": failure.state.word(), "next": failure.next,
        "file": failure.place.as_ref().map(|place| &place.path),
        "line": at.map(|at| at.line), "column": at.map(|at| at.column),
        "sent": failure.sent, "sqlstate": server.map(|server| &server.sqlstate),
        "detail": server.and_then(|server| server.detail.as_ref()),
        "hint": server.and_then(|server| server.hint.as_ref()),
        "options": failure.settings.iter().map(of_setting).collect::<Vec<_>>(),
        "current": failure.report.current, "runbook": runbook(failure.exit),
    })
}

/// Where the deployment book says what to do about an ending: a heading for each code that a Job can end with.
pub(crate) fn runbook(exit: Exit) -> Option<String> {
    let row = exit.row();
    let has_one = row.code != 0 && row.job() != "none";
    has_one.then(|| format!("docs/book/failures.md#{}-{}", row.code, row.name))
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
