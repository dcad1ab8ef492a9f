//! `lock`: writes down which migrations nobody may change any more, and accepts what was changed since.

use std::collections::BTreeSet;
use std::path::Path;

use migrate_core::check;
use migrate_core::diagnostic::{Code, Severity, any_error};
use migrate_core::lock::{self, FILE, Lock, read, render};
use migrate_core::migration::{Change, Migration, Set};
use migrate_core::parse::read_folder;
use migrate_core::report::{Exit, Failure};
use migrate_core::verdict::{Request, Scope, of_folder};
use serde_json::json;

use super::Ended;
use super::migrations::is_error;
use super::settings::settings;
use crate::arguments::{Form, Shared};
use crate::console::Console;
use crate::environment;
use crate::trouble::Trouble;

/// Locks every migration of the folder as it is now.
pub(super) fn write(shared: &Shared, embedded: &Set, console: &mut Console) -> Ended {
    let folder = &super::folder(shared, embedded);
    let set = readable(folder)?;
    let path = folder.join(FILE);
    let before = match read(folder, &folder.display().to_string()) {
        Ok(before) => before,
        Err(problem) => {
            console.say("relocked", &format!("the lock could not be read and is written anew: {}", problem.message));
            None
        }
    };
    match &before {
        Some(before) => judge_new(shared, embedded, (&set, before), console)?,
        None => judge_first(folder, shared)?,
    }
    let changes = before.as_ref().map_or_else(|| Lock::default().changes(&set), |before| before.changes(&set));
    if before.is_none() || !changes.is_empty() {
        save(folder, &render(&set))?;
    }
    show(&path, &changes, console);
    let count = set.migrations.len();
    console.say("locked", &format!("{count} migration{} locked", if count == 1 { " is" } else { "s are" }));
    Ok(Exit::Ok)
}

/// Whether the lock is the one that [`write`] would write. Stricter than `validate`: a new migration has to be in it.
pub(super) fn check(folder: &Path, console: &mut Console) -> Ended {
    let shown = folder.display().to_string();
    let set = readable(folder)?;
    let Some(locked) = read(folder, &shown).map_err(|problem| Trouble::Diagnostics(vec![*problem]))? else {
        let message = format!("{shown} has no {FILE}");
        return Err(
            Failure::new(Exit::InvalidMigrations, message, "write it with `migrate lock`, and commit it").into()
        );
    };
    let changes = locked.changes(&set);
    show(&folder.join(FILE), &changes, console);
    let problems = lock::check(&read_folder(folder, &shown), &locked);
    if !problems.is_empty() {
        return Err(Trouble::Diagnostics(problems));
    }
    if !changes.is_empty() {
        let new: Vec<&str> = changes.iter().map(Change::file).collect();
        let message = format!("not locked yet: {}", new.join(", "));
        return Err(Failure::new(Exit::InvalidMigrations, message, "run `migrate lock`, and commit the lock").into());
    }
    console.say("locked", "the lock is that of these migrations");
    Ok(Exit::Ok)
}

/// Refuses what cannot be built: once it is locked, nobody may mend it. The first lock of a folder is made over its
/// history, and asks no rules.
fn judge_first(folder: &Path, shared: &Shared) -> Result<(), Trouble> {
    let shown = folder.display().to_string();
    let mut refused = check::read_files(read_folder(folder, &shown), shared.envsub).diagnostics;
    refused.retain(is_error);
    if refused.is_empty() { Ok(()) } else { Err(Trouble::Diagnostics(refused)) }
}

/// Refuses what is new and would not pass the rules: locked, they would never look at it.
fn judge_new(
    shared: &Shared,
    embedded: &Set,
    (set, before): (&Set, &Lock),
    console: &mut Console,
) -> Result<(), Trouble> {
    let folder = super::folder(shared, embedded);
    let locked = |entry: &&Migration| {
        // Under another name it is the same text.
        before.holds(&entry.file) || before.entries().iter().any(|locked| locked.digest == entry.digest)
    };
    let base: BTreeSet<String> = set.migrations.iter().filter(locked).map(|entry| entry.file.to_string()).collect();
    let is_new = |path: &str| {
        set.migrations.iter().any(|entry| !base.contains(entry.file.as_ref()) && set.path_of(entry) == path)
    };
    let config = settings(shared, embedded)?;
    let scope = Scope { base: Some(base.clone()), ..Scope::default() };
    let verdict = of_folder(
        &folder,
        &folder.display().to_string(),
        Request {
            config,
            scope,
            today: Some(environment::today()),
            dialect: shared.envsub,
            values: environment::variables(),
        },
    );
    let mut refused = verdict.diagnostics;
    refused.retain(|problem| problem.code == Code::BadConfig || (is_error(problem) && is_new(&problem.path)));
    if !refused.is_empty() {
        return Err(Trouble::Diagnostics(refused));
    }
    let mut errors = verdict.findings;
    errors.retain(|finding| finding.severity == Severity::Error);
    if errors.is_empty() {
        return Ok(());
    }
    console.findings(&errors);
    let count = errors.len();
    let message = format!("{count} error{} of the rules in what is not locked yet", if count == 1 { "" } else { "s" });
    let help = "correct the migrations, or answer for each finding with `-- migrate:allow`; the lock is as it was";
    Err(Failure::new(Exit::InvalidMigrations, message, help).into())
}

/// The set of a folder without errors, whatever its lock says.
fn readable(folder: &Path) -> Result<Set, Trouble> {
    let parsed = check::runnable_folder(folder, &folder.display().to_string());
    if any_error(&parsed.diagnostics) { Err(Trouble::Diagnostics(parsed.diagnostics)) } else { Ok(parsed.set) }
}

/// Writes the lock of a folder.
pub(super) fn save(folder: &Path, text: &str) -> Result<(), Failure> {
    let path = folder.join(FILE);
    std::fs::write(&path, text).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Config, message, "check the folder's permissions, then run `migrate lock`")
    })
}

fn show(path: &Path, changes: &[Change], console: &mut Console) {
    match console.output {
        Form::Text => changes.iter().for_each(|change| console.data(&format!("{} {}\n", change.word(), change.file()))),
        Form::Json => {
            let changes: Vec<_> =
                changes.iter().map(|change| json!({ "file": change.file(), "change": change.word() })).collect();
            console.json(&json!({ "path": path, "changes": changes }));
        }
    }
}
