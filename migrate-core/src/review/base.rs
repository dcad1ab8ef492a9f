//! What a branch did to the migrations that its base revision has, and where its new ones sort.
//!
//! Two states of the base count: where the branch left it says what this branch changed, and the base as it is now says
//! what is in databases by the time the branch is merged. Invariant: what both states of the base agree to is no change
//! of this branch.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic};
use crate::migration::{Digest, Version};
use crate::parse::{Folder, version};
use crate::step::token_digest;

/// The texts of migrations by file name.
pub type Files = BTreeMap<String, String>;

/// The migrations of a base revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base {
    /// How the user named the revision.
    pub revision: String,
    /// Its files where this branch left it.
    pub fork: Files,
    /// Its files now.
    pub tip: Files,
}

/// Whether a file was added by this branch: neither state of the base has it with this text.
#[must_use]
pub fn is_new(file: &str, text: Option<&str>, base: &Base) -> bool {
    let landed = base.tip.get(file).is_some_and(|other| text.is_some_and(|text| same(text, other)));
    !landed && !base.fork.contains_key(file)
}

/// What this branch may not do to the base's migrations, and new ones that cannot come behind them.
#[must_use]
pub fn compare(files: &Folder, base: &Base) -> Vec<Diagnostic> {
    let now: BTreeMap<&str, Option<&str>> =
        files.sources.iter().map(|source| (source.file.as_str(), source.text.as_deref().ok())).collect();
    let comparison = Comparison { files, base, now };
    let mut problems = comparison.of_known_files();
    problems.extend(comparison.of_new_files());
    problems.sort_by(|a, b| (&a.path, a.code).cmp(&(&b.path, b.code)));
    problems
}

fn same(text: &str, other: &str) -> bool {
    Digest::of_text(text) == Digest::of_text(other)
}

fn same_tokens(text: &str, other: &str) -> bool {
    token_digest(text) == token_digest(other)
}

/// How alike two texts are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Same,
    SameTokens,
    Other,
}

fn likeness(text: Option<&str>, other: &str) -> Likeness {
    match text {
        Some(text) if same(text, other) => Likeness::Same,
        Some(text) if same_tokens(text, other) => Likeness::SameTokens,
        _ => Likeness::Other,
    }
}

struct Comparison<'a> {
    files: &'a Folder,
    base: &'a Base,
    now: BTreeMap<&'a str, Option<&'a str>>,
}

impl<'a> Comparison<'a> {
    /// The files that the branch found and the base still has.
    fn of_known_files(&self) -> Vec<Diagnostic> {
        let kept = self.base.fork.iter().filter_map(|(file, text)| Some((file, text, self.base.tip.get(file)?)));
        kept.filter_map(|(file, text, tip)| match self.now.get(file.as_str()) {
            Some(now) if now.is_some_and(|now| same(now, tip)) => None,
            Some(now) => self.edited(file, likeness(*now, text)),
            None => Some(self.gone(file, text)),
        })
        .collect()
    }

    fn edited(&self, file: &str, likeness: Likeness) -> Option<Diagnostic> {
        let revision = &self.base.revision;
        match likeness {
            Likeness::Same => None,
            Likeness::SameTokens => Some(self.problem(
                Code::BaseFileReformatted,
                file,
                format!("white space or comments of this migration differ from `{revision}`; its SQL is the same"),
                "a database that has it warns at every run; restore the file if the edit is not worth that",
            )),
            Likeness::Other => Some(self.problem(
                Code::BaseFileEdited,
                file,
                format!(
                    "`{revision}` has this migration with other SQL: a database that applied it never sees the edit"
                ),
                format!("`git checkout {revision} -- {}`, and write the change as a new migration", self.path(file)),
            )),
        }
    }

    /// A file that is not there under its name any more.
    fn gone(&self, file: &str, text: &str) -> Diagnostic {
        let revision = &self.base.revision;
        match self.successor(file, text) {
            Some((name, same_version, likeness)) if same_version && likeness != Likeness::Other => self.problem(
                Code::BaseFileRenamed,
                name,
                format!("`{revision}` has this migration as `{file}`; the version is the same"),
                format!("databases go by the version, people and `migrate.lock` by the name: call it `{file}` again"),
            ),
            Some((name, true, _)) => self.problem(
                Code::BaseFileEdited,
                name,
                format!("`{revision}` has this version as `{file}`, with other SQL: a database that applied it never sees this"),
                format!("restore `{file}` and write the change as a new migration"),
            ),
            Some((name, ..)) => self.problem(
                Code::BaseFileRenumbered,
                name,
                format!("`{revision}` has this migration as `{file}`: a database that applied it would run it again"),
                format!("call it `{file}` again; a new migration may undo it or build on it"),
            ),
            None => self.problem(
                Code::BaseFileRemoved,
                file,
                format!("`{revision}` has this migration, and here it is gone: a database that applied it keeps its version"),
                format!("`git checkout {revision} -- {}`; to undo what it did, write a new migration", self.path(file)),
            ),
        }
    }

    /// The file that took the place of one: another that the base does not have, with its version or its SQL.
    fn successor(&self, file: &str, text: &str) -> Option<(&'a str, bool, Likeness)> {
        let number = version(file).ok();
        let new = self.now.iter().filter(|(name, _)| !self.is_known(name));
        let candidates = new.filter_map(|(name, now)| {
            let same_version = number.is_some() && version(name).ok() == number;
            let likeness = likeness(*now, text);
            (same_version || likeness != Likeness::Other).then_some((*name, same_version, likeness))
        });
        // Where its SQL went tells more than what has its number now.
        candidates.max_by_key(|(_, same_version, likeness)| {
            (*likeness != Likeness::Other, *same_version, *likeness == Likeness::Same)
        })
    }

    fn is_known(&self, name: &str) -> bool {
        self.base.fork.contains_key(name)
    }

    /// Whether a new file is only a known one under another name or number: that is told of already.
    fn replaces_a_known_file(&self, name: &str) -> bool {
        let gone = self.base.fork.iter().filter(|(file, _)| !self.now.contains_key(file.as_str()));
        let mut gone = gone.filter(|(file, _)| self.base.tip.contains_key(*file));
        gone.any(|(file, text)| self.successor(file, text).is_some_and(|(found, ..)| found == name))
    }

    /// The files that this branch adds.
    fn of_new_files(&self) -> Vec<Diagnostic> {
        let new = self.now.iter().filter(|(name, text)| is_new(name, **text, self.base));
        new.filter(|(name, _)| !self.replaces_a_known_file(name)).filter_map(|(name, _)| self.misplaced(name)).collect()
    }

    fn misplaced(&self, name: &str) -> Option<Diagnostic> {
        let number = version(name).ok()?;
        let revision = &self.base.revision;
        let versions = self.base.tip.keys().filter_map(|file| Some((version(file).ok()?, file)));
        let (highest, last) = versions.clone().max()?;
        let taken = versions.clone().find(|(other, _)| *other == number).map(|(_, file)| file);
        let next = self.free_version(highest);
        let rest = name.split_once('_').map_or("", |(_, rest)| rest);
        let help = format!("merge `{revision}` into this branch and rename the file to `{next:05}_{rest}`");
        match taken {
            Some(file) => Some(self.problem(
                Code::VersionTaken,
                name,
                format!("`{revision}` has version {number} already, in `{file}`: another branch was faster"),
                help,
            )),
            None if number < highest => Some(self.problem(
                Code::VersionBelowBase,
                name,
                format!("this migration is new, and its version {number} is below {highest}, that of `{last}` in `{revision}`"),
                help,
            )),
            None => None,
        }
    }

    /// The number behind the highest on either side; for names by time, the next second is as good as any.
    fn free_version(&self, highest: Version) -> i64 {
        let ours = self.now.keys().filter_map(|name| version(name).ok()).max();
        ours.max(Some(highest)).map_or(1, |version| version.0.saturating_add(1))
    }

    fn problem(&self, code: Code, file: &str, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::of_path(code, self.path(file), message, help)
    }

    fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.files.shown.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests;
