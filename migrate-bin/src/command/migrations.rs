//! Which migrations a command is about: those built in, a folder's, or one file's.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use migrate_core::check::Read;
use migrate_core::diagnostic::{Code, Diagnostic, Severity, any_error};
use migrate_core::lint::Finding;
use migrate_core::migration::{Dialect, Migration, Set, Version};
use migrate_core::parse::{Folder, read_file, version};
use migrate_core::report::{Exit, Failure};
use migrate_core::{build, check};
use serde_json::{Value, json};

use crate::arguments::Shared;
use crate::console::Console;
use crate::trouble::Trouble;

/// The migrations of the command: of `--dir`, or those built in. Every problem is printed; an error ends the command. A
/// lock is not asked: the database knows better what it has.
pub(super) fn load<'a>(shared: &Shared, embedded: &'a Set, console: &mut Console) -> Result<Cow<'a, Set>, Trouble> {
    let Some(dir) = &shared.dir else {
        fresh(embedded)?;
        return Ok(match shared.envsub {
            None => Cow::Borrowed(embedded),
            named => Cow::Owned(embedded.clone().speaking(named)),
        });
    };
    let parsed = check::runnable_folder(dir, &dir.display().to_string());
    if any_error(&parsed.diagnostics) {
        return Err(Trouble::Diagnostics(parsed.diagnostics));
    }
    console.diagnostics(&parsed.diagnostics);
    Ok(Cow::Owned(parsed.set.speaking(shared.envsub)))
}

/// Migrations, and what could not be read of them.
pub(super) struct Readable<'a> {
    pub(super) set: Cow<'a, Set>,
    /// Versions whose files are there and cannot be read, each with the first reason.
    pub(super) unreadable: Vec<(Version, Diagnostic)>,
}

/// The same for what goes by the database more than by the files: a file that cannot be read is told and left out, so that
/// one which is not applied keeps nobody from looking at what is, or undoing it.
pub(super) fn load_readable<'a>(
    shared: &Shared,
    embedded: &'a Set,
    console: &mut Console,
) -> Result<Readable<'a>, Trouble> {
    let Some(dir) = &shared.dir else {
        return Ok(Readable { set: load(shared, embedded, console)?, unreadable: Vec::new() });
    };
    let parsed = check::runnable_folder(dir, &dir.display().to_string());
    let is_of_a_file = |problem: &&Diagnostic| {
        problem.position().is_some() || matches!(problem.code, Code::NotUtf8 | Code::Unreadable | Code::LineTooLong)
    };
    let errors = || parsed.diagnostics.iter().filter(|problem| is_error(problem));
    if errors().any(|problem| !is_of_a_file(&problem)) {
        return Err(Trouble::Diagnostics(parsed.diagnostics));
    }
    console.diagnostics(&parsed.diagnostics);
    if errors().next().is_some() {
        let text = "the files named above cannot be read; `up` refuses all until they are mended";
        console.warn("warning", text);
    }
    // The problems of a file stand together.
    let mut unreadable: Vec<(Version, Diagnostic)> =
        errors().filter_map(|problem| Some((version(&problem.path).ok()?, problem.clone()))).collect();
    unreadable.dedup_by_key(|(version, _)| *version);
    // What is wrong with a file may keep its other direction from being split: it is left out as a whole.
    let mut set = parsed.set.speaking(shared.envsub);
    let is_read = |migration: &Migration| unreadable.iter().all(|(version, _)| *version != migration.version);
    set.migrations = set.migrations.iter().filter(|migration| is_read(migration)).cloned().collect();
    Ok(Readable { set: Cow::Owned(set), unreadable })
}

/// In a development build, whether the embedded migrations are still those of their folder.
pub(super) fn fresh(set: &Set) -> Result<(), Failure> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    match build::stale(set) {
        Some(stale) => Err(Failure::new(Exit::InvalidMigrations, stale.message(), stale.help())),
        None => Ok(()),
    }
}

/// The folder that `create`, `fix` and `lock` work on, and that the settings and the lock are looked for in.
pub(super) fn folder(shared: &Shared, embedded: &Set) -> PathBuf {
    if let Some(dir) = &shared.dir {
        return dir.clone();
    }
    let origin = Path::new(embedded.origin.folder.as_ref());
    if origin.is_dir() { origin.to_owned() } else { PathBuf::from("migrations") }
}

/// The folder of `--dir`, or the embedded set, which was checked when it was built.
pub(super) fn read_all(shared: &Shared, embedded: &Set) -> Read {
    match &shared.dir {
        Some(dir) if dir.is_file() => parse_file(dir, shared.envsub).0,
        Some(dir) => check::folder(Path::new(dir), &dir.display().to_string(), shared.envsub),
        None => {
            let set = embedded.clone().speaking(shared.envsub);
            let (diagnostics, commands) = check::read_set(&set);
            Read { set, diagnostics, commands }
        }
    }
}

/// One file as a set of one, with its text; no text when it cannot be read.
pub(super) fn parse_file(path: &Path, dialect: Option<Dialect>) -> (Read, Option<String>) {
    let shown = path.display().to_string();
    let folder = path.parent().map(|parent| parent.display().to_string()).filter(|parent| !parent.is_empty());
    let source = read_file(path, &shown);
    let text = source.text.as_ref().ok().cloned();
    let folder = folder.unwrap_or_else(|| ".".to_owned());
    let files = Folder { path: folder.clone(), shown: folder, sources: vec![source], diagnostics: vec![] };
    (check::read_files(files, dialect), text)
}

/// A diagnostic as the JSON form of `validate` and `inspect` writes it.
pub(super) fn diagnostic_json(diagnostic: &Diagnostic) -> Value {
    let entry = diagnostic.code.entry();
    let at = diagnostic.position();
    json!({
        "code": entry.id, "severity": diagnostic.severity().word(), "file": diagnostic.path,
        "line": at.map(|at| at.line), "column": at.map(|at| at.column), "message": diagnostic.message,
    })
}

/// What a rule found, as the same.
pub(super) fn finding_json(finding: &Finding) -> Value {
    let at = finding.position();
    json!({
        "code": finding.rule, "severity": finding.severity.word(), "file": finding.path, "line": at.line,
        "column": at.column, "message": finding.message,
    })
}

/// Whether a diagnostic refuses the file.
pub(super) fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity() == Severity::Error
}
