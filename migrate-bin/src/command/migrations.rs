//! Which migrations a command is about: those built in, a folder's, or one file's.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use futures_util::future::{Either, select};
use migrate_core::check::Read;
use migrate_core::diagnostic::{Code, Diagnostic, Severity, any_error};
use migrate_core::lint::Finding;
use migrate_core::migration::{Dialect, Migration, Set, Version};
use migrate_core::parse::{Folder, Parsed, read_file, version};
use migrate_core::report::{Exit, Failure};
use migrate_core::{build, check};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::arguments::Shared;
use crate::console::Console;
use crate::trouble::Trouble;

/// A folder that is read while the command does something else; nothing where the migrations are built in.
pub(super) struct Reading(Option<(PathBuf, JoinHandle<Parsed>)>);

impl Reading {
    /// Begins on a thread of its own.
    pub(super) fn begin(shared: &Shared) -> Self {
        let begun = |dir: &PathBuf| {
            let folder = dir.clone();
            (dir.clone(), tokio::task::spawn_blocking(move || read(&folder)))
        };
        Self(shared.dir.as_ref().map(begun))
    }

    /// What was read, and what came of the work beside it, for which nobody waits where what was read is refused.
    pub(super) async fn beside<T>(
        self,
        is_refused: impl Fn(&Parsed) -> bool,
        work: impl Future<Output = T>,
    ) -> Result<(Option<Parsed>, T), Trouble> {
        let (reading, work) = (std::pin::pin!(self.ended()), std::pin::pin!(work));
        match select(reading, work).await {
            Either::Left((Some(parsed), _)) if is_refused(&parsed) => Err(Trouble::Diagnostics(parsed.diagnostics)),
            Either::Left((parsed, work)) => Ok((parsed, work.await)),
            Either::Right((done, reading)) => Ok((reading.await, done)),
        }
    }

    /// A thread that could not do it leaves it to this one.
    async fn ended(self) -> Option<Parsed> {
        let (dir, reading) = self.0?;
        Some(reading.await.unwrap_or_else(|_| read(&dir)))
    }
}

fn read(dir: &Path) -> Parsed {
    check::runnable_folder(dir, &dir.display().to_string())
}

/// The migrations of the command: of `--dir`, or those built in. Every problem is printed; an error ends the command. A
/// lock is not asked: the database knows better what it has.
pub(super) fn load<'a>(shared: &Shared, embedded: &'a Set, console: &mut Console) -> Result<Cow<'a, Set>, Trouble> {
    of_read(shared.dir.as_deref().map(read), shared, embedded, console)
}

fn of_read<'a>(
    parsed: Option<Parsed>,
    shared: &Shared,
    embedded: &'a Set,
    console: &mut Console,
) -> Result<Cow<'a, Set>, Trouble> {
    let Some(parsed) = parsed else {
        fresh(embedded)?;
        return Ok(match shared.envsub {
            None => Cow::Borrowed(embedded),
            named => Cow::Owned(embedded.clone().speaking(named)),
        });
    };
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

/// All of what was read, or nothing.
pub(super) fn whole<'a>(
    parsed: Option<Parsed>,
    shared: &Shared,
    embedded: &'a Set,
    console: &mut Console,
) -> Result<Readable<'a>, Trouble> {
    Ok(Readable { set: of_read(parsed, shared, embedded, console)?, unreadable: Vec::new() })
}

/// The same for what goes by the database more than by the files: a file that cannot be read is told and left out, so that
/// one which is not applied keeps nobody from looking at what is, or undoing it.
pub(super) fn readable<'a>(
    parsed: Option<Parsed>,
    shared: &Shared,
    embedded: &'a Set,
    console: &mut Console,
) -> Result<Readable<'a>, Trouble> {
    let Some(parsed) = parsed else { return whole(None, shared, embedded, console) };
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
