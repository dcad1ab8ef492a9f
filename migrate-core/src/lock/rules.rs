//! What a lock refuses in a folder of migrations.

use std::collections::BTreeMap;

use super::{FILE, Lock, spelled};
use crate::diagnostic::{Code, Diagnostic, Problem};
use crate::migration::{Digest, Version};
use crate::parse::{Folder, version};

/// A file of the folder.
struct File<'a> {
    name: &'a str,
    version: Version,
    /// None when it cannot be read: that is a problem of its own.
    digest: Option<Digest>,
}

/// The problems of the files that `lock` names, and of new files that do not come after them. It goes by the files and
/// not by the parsed set: a file that does not parse is there all the same.
#[must_use]
pub fn check(files: &Folder, lock: &Lock) -> Vec<Diagnostic> {
    let mut found: BTreeMap<String, File<'_>> = files
        .sources
        .iter()
        .filter_map(|source| {
            let digest = source.text.as_deref().ok().map(Digest::of_text);
            Some((spelled(&source.file), File { name: &source.file, version: version(&source.file).ok()?, digest }))
        })
        .collect();
    let highest = found.values().map(|file| file.version).max().max(Some(lock.latest())).unwrap_or(Version::ZERO);
    let locked: Vec<_> = lock.entries.iter().map(|entry| (entry, found.remove(&entry.file))).collect();
    let mut problems = Vec::new();
    for (entry, file) in locked {
        if let Some(file) = file {
            problems.extend(changed(entry.digest, &file, files));
            continue;
        }
        let renamed = found.iter().find(|(_, file)| file.digest == Some(entry.digest)).map(|(name, _)| name.clone());
        let renamed = renamed.and_then(|name| found.remove(&name));
        problems.push(missing(entry, renamed.as_ref().map(|file| file.name), lock));
    }
    let mut below: Vec<_> = found.values().filter(|file| file.version <= lock.latest()).collect();
    below.sort_by_key(|file| (file.version, file.name));
    problems.extend((1..).zip(below).map(|(nth, file)| too_low(file, lock, highest.0.checked_add(nth), files)));
    problems
}

fn path(file: &File<'_>, files: &Folder) -> String {
    format!("{}/{}", files.shown.trim_end_matches('/'), file.name)
}

fn changed(locked: Digest, file: &File<'_>, files: &Folder) -> Option<Diagnostic> {
    let now = file.digest.filter(|now| *now != locked)?;
    Some(Diagnostic::of_path(
        Code::LockedFileChanged,
        path(file, files),
        format!("this migration was changed since it was locked: {FILE} holds SHA-256 {locked}, it is {now} now"),
        "restore the file and write a new migration; if no database has applied it, accept the change with `migrate lock`",
    ))
}

fn missing(entry: &super::Entry, renamed: Option<&str>, lock: &Lock) -> Diagnostic {
    let (message, help) = match renamed {
        Some(name) => (
            format!("`{}` is locked, and its name is `{name}` now", entry.file),
            "give it back its name; if no database has applied it, accept the new one with `migrate lock`",
        ),
        None => (
            format!("`{}` is locked, and there is no such file", entry.file),
            "restore the file; if no database has applied it, take it out of the lock with `migrate lock`",
        ),
    };
    let problem = Problem { code: Code::LockedFileMissing, span: entry.span, message, help: help.into() };
    Diagnostic::in_file(&lock.path, &lock.text, problem)
}

fn too_low(file: &File<'_>, lock: &Lock, next: Option<i64>, files: &Folder) -> Diagnostic {
    let rest = file.name.split_once('_').map_or("", |(_, rest)| rest);
    let mut help = match next {
        Some(next) => format!("rename it to `{next:05}_{rest}`"),
        None => "give it a version above every other".to_owned(),
    };
    // Fourteen digits are a time; `migrate fix` numbers such files after all others, and the locked ones first.
    if file.version.0.to_string().len() == 14 {
        help.push_str(", or number it with `migrate fix`");
    }
    help.push_str("; if no database is past it, accept it where it is with `migrate lock`");
    let message = format!(
        "this migration is new, and its version {} is not above {}, the highest in {FILE}",
        file.version,
        lock.latest()
    );
    Diagnostic::of_path(Code::VersionBelowLock, path(file, files), message, help)
}
