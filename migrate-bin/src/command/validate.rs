//! `validate`: every problem of the migrations, without a database.

use std::path::Path;

use migrate_core::check;
use migrate_core::diagnostic::{Diagnostic, Severity, any_error};
use migrate_core::migration::Set;
use migrate_core::parse::Parsed;
use migrate_core::report::Exit;
use serde_json::{Value, json};

use super::Ended;
use crate::arguments::{Form, Shared};
use crate::console::{Console, Trouble};

pub(super) fn run(shared: &Shared, embedded: &Set, console: &mut Console) -> Ended {
    let Parsed { set, diagnostics } = read(shared, embedded);
    if console.output == Form::Json {
        console.json(&json!({
            "migrations": set.migrations.len(),
            "diagnostics": diagnostics.iter().map(as_json).collect::<Vec<_>>(),
        }));
    }
    if any_error(&diagnostics) {
        return Err(Trouble::Diagnostics(diagnostics));
    }
    console.diagnostics(&diagnostics);
    let count = set.migrations.len();
    console.say("validated", &format!("{count} migration{} can be read", if count == 1 { "" } else { "s" }));
    Ok(Exit::Ok)
}

/// The folder of `--dir`, or the embedded set, which was checked when it was built.
fn read(shared: &Shared, embedded: &Set) -> Parsed {
    match &shared.dir {
        Some(dir) if dir.is_file() => super::inspect::parse_file(dir).0,
        Some(dir) => check::folder(Path::new(dir), &dir.display().to_string()),
        None => Parsed { set: embedded.clone(), diagnostics: check::check(embedded) },
    }
}

/// A diagnostic as the JSON form of `validate` and `inspect` writes it.
pub(super) fn as_json(diagnostic: &Diagnostic) -> Value {
    let entry = diagnostic.code.entry();
    let at = diagnostic.position();
    json!({
        "code": entry.id, "severity": diagnostic.severity().word(), "file": diagnostic.path,
        "line": at.map(|at| at.line), "column": at.map(|at| at.column), "message": diagnostic.message,
    })
}

/// Whether a diagnostic refuses the file.
pub(super) fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity() == Severity::Error
}
