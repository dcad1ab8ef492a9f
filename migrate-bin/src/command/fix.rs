//! `fix`: gives migrations that are named by time the next sequential numbers (goose/spec.md 6), or keeps whole what goose
//! would cut in pieces.

use std::path::Path;

use migrate_core::lock::{self, Lock};
use migrate_core::parse::{read_folder, wrap_cuts};
use migrate_core::report::{Exit, Failure, State};
use serde_json::json;

use super::Ended;
use super::create::{after, is_time, last_sequential, versions};
use super::lock::save;
use crate::arguments::Form;
use crate::console::Console;
use crate::trouble::Trouble;

pub(super) fn run(folder: &Path, console: &mut Console) -> Ended {
    let shown = folder.display().to_string();
    // Not what the lock refuses: a version below it is one thing that this mends.
    let parsed = migrate_core::check::runnable_folder(folder, &shown);
    if migrate_core::diagnostic::any_error(&parsed.diagnostics) {
        return Err(Trouble::Diagnostics(parsed.diagnostics));
    }
    let lock = lock::read(folder, &shown).map_err(|problem| Trouble::Diagnostics(vec![*problem]))?;
    let mut renamed = Vec::new();
    let ended = renumber(folder, lock.as_ref(), &mut renamed);
    // The names that the lock holds follow, even when a later file could not be renamed.
    if let Some(mut lock) = lock.filter(|_| !renamed.is_empty()) {
        for (from, to) in &renamed {
            lock.rename(from, to);
        }
        save(folder, &lock.render())?;
    }
    ended?;
    match console.output {
        Form::Text => renamed.iter().for_each(|(from, to)| console.data(&format!("{from} => {to}\n"))),
        Form::Json => {
            let pairs: Vec<_> = renamed.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
            console.json(&json!({ "renamed": pairs }));
        }
    }
    if renamed.is_empty() {
        console.say("fixed", "no migration is named by time");
    }
    Ok(Exit::Ok)
}

/// `--wrap`. A file that the lock names is nobody's to change.
pub(super) fn wrap(folder: &Path, console: &mut Console) -> Ended {
    let shown = folder.display().to_string();
    let files = read_folder(folder, &shown);
    if migrate_core::diagnostic::any_error(&files.diagnostics) {
        return Err(Trouble::Diagnostics(files.diagnostics));
    }
    let lock = lock::read(folder, &shown).map_err(|problem| Trouble::Diagnostics(vec![*problem]))?;
    let wrapped =
        files.sources.iter().filter_map(|source| Some((&source.file, wrap_cuts(source.text.as_ref().ok()?)?)));
    let wrapped: Vec<_> = wrapped.collect();
    if let Some((file, _)) = wrapped.iter().find(|(file, _)| lock.as_ref().is_some_and(|lock| lock.holds(file))) {
        let message = format!("{shown}/{file} is named by the lock, so it is not changed");
        let next = "if no database has applied it, wrap it by hand and accept the change with `migrate lock`";
        return Err(Failure::new(Exit::InvalidMigrations, message, next).into());
    }
    let mut paths = Vec::new();
    for (file, text) in wrapped {
        let path = folder.join(file);
        std::fs::write(&path, text).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            let mut failure = Failure::new(Exit::Config, message, "check the folder's permissions, then run it again");
            failure.state = State::Elsewhere(format!("{} files were mended before it", paths.len()));
            failure
        })?;
        paths.push(path);
    }
    match console.output {
        Form::Text => paths.iter().for_each(|path| console.data(&format!("{}\n", path.display()))),
        Form::Json => console.json(&json!({ "wrapped": paths })),
    }
    if paths.is_empty() {
        console.say("fixed", "goose cuts no statement of these migrations");
    }
    Ok(Exit::Ok)
}

/// Renames what is named by time, in the order of the times; what is locked comes first, so that nothing new is below it.
fn renumber(folder: &Path, lock: Option<&Lock>, renamed: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let mut timed: Vec<_> = versions(folder).into_iter().filter(|(version, _)| is_time(*version)).collect();
    timed.sort_by_key(|(_, file)| lock.is_some_and(|lock| !lock.holds(file)));
    let mut next = last_sequential(folder);
    for (_, file) in timed {
        next = after(next)?;
        let name = file.split_once('_').map_or("", |(_, name)| name);
        let target = format!("{next:05}_{name}");
        std::fs::rename(folder.join(&file), folder.join(&target)).map_err(|error| {
            let message = format!("cannot rename {file} to {target}: {error}");
            let done = format!("{} files were renamed before it", renamed.len());
            let mut failure = Failure::new(Exit::Config, message, "check the folder's permissions, then run it again");
            failure.state = State::Elsewhere(done);
            failure
        })?;
        renamed.push((file, target));
    }
    Ok(())
}
