//! What is wrong with a project's migrations, for everybody who judges them: `embed!`, `lint`, `lock` and `validate`.
//!
//! Floor 8. From a folder or an embedded set, the project's settings and the folder's lock to a [`Verdict`]. Invariants:
//! history gives facts and no findings; nothing is judged by a schema that is not known; one cause is told once.

use std::collections::BTreeSet;
use std::path::Path;

use crate::check::{self, Read};
use crate::config::Config;
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::lint::{self, ActiveAllow, Finding, RULES, Review, Rule, Settings, review_commands};
use crate::lock::{self, Lock};
use crate::migration::{Dialect, Migration, Set, Version};
use crate::parse::{Environment, read_folder, version};
use crate::text::nearest;

/// What is wrong with a set of migrations.
#[derive(Debug)]
pub struct Verdict {
    /// The migrations that could be read.
    pub set: Set,
    /// What is wrong with the files, the lock and the settings, by path and line.
    pub diagnostics: Vec<Diagnostic>,
    /// What the rules found in the migrations that were judged, by version and place.
    pub findings: Vec<Finding>,
    /// What the files allow, judged or not.
    pub allows: Vec<ActiveAllow>,
    /// How many migrations the rules looked at; the others are history, or cannot be judged yet.
    pub judged: usize,
    /// Their versions.
    pub versions: Vec<Version>,
}

impl Verdict {
    /// Whether the migrations are refused.
    #[must_use]
    pub fn refuses(&self) -> bool {
        let found = self.findings.iter().map(|finding| finding.severity);
        self.diagnostics.iter().map(Diagnostic::severity).chain(found).any(|severity| severity == Severity::Error)
    }
}

/// What a judgement rests on besides the migrations.
#[derive(Debug)]
pub struct Request {
    /// The project's settings, or why they cannot be read.
    pub config: Result<Config, Box<Diagnostic>>,
    /// Which migrations are judged.
    pub scope: Scope,
    /// The date that `until=` is compared with, as `2027-03-01`. Without it no date expires: a build asks for none,
    /// because it would fail one day without any change.
    pub today: Option<String>,
    /// The language of the files' variables, where one is named.
    pub dialect: Option<Dialect>,
    /// The values that the files' variables have. A build knows none: it would fail one day without any change.
    pub values: Environment,
}

/// Which migrations are judged. The default: those that neither `judge-from` nor the lock calls history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// This version and those above it, instead of what `judge-from` and the lock say.
    pub first: Option<Version>,
    /// All files but these, whatever the lock says: what a base revision has, and has the same.
    pub base: Option<BTreeSet<String>>,
    /// This file alone.
    pub only: Option<String>,
}

impl Scope {
    /// Whether the lock is asked. Whoever names a version or a revision wants to see what comes after that.
    const fn follows_lock(&self) -> bool {
        self.first.is_none() && self.base.is_none() && self.only.is_none()
    }

    fn excludes(&self, file: &str) -> bool {
        self.base.as_ref().is_some_and(|base| base.contains(file))
            || self.only.as_ref().is_some_and(|only| only != file)
    }
}

/// Judges a folder of migrations; `shown` is how messages write it.
#[must_use]
pub fn of_folder(path: &Path, shown: &str, request: Request) -> Verdict {
    let files = read_folder(path, shown);
    let lock = lock::read(path, shown);
    let refused = match &lock {
        Ok(Some(lock)) => lock::check(&files, lock),
        Ok(None) | Err(_) => Vec::new(),
    };
    judge(check::read_files(files, request.dialect), (lock, refused), request)
}

/// Judges a set that was embedded, whose files were read when it was built.
#[must_use]
pub fn of_set(set: Set, lock: Option<Lock>, request: Request) -> Verdict {
    let set = set.speaking(request.dialect);
    let (diagnostics, commands) = check::read_set(&set);
    judge(Read { set, diagnostics, commands }, (Ok(lock), Vec::new()), request)
}

/// The commands that no server runs where they stand, whatever schema it has (rule T01): what `validate` says besides a
/// file's diagnostics. What the settings call history, and files that cannot be read, are left out.
#[must_use]
pub fn unrunnable(read: &Read, config: &Config) -> Vec<Finding> {
    let mut settings = Settings::from_config(config);
    settings.unjudged = unjudged(&read.set, &read.diagnostics);
    lint::unrunnable(&read.set, &read.commands, &settings)
}

/// A folder's lock, or why it cannot be read, and what it refuses.
type Locked = (Result<Option<Lock>, Box<Diagnostic>>, Vec<Diagnostic>);

fn judge(read: Read, (lock, refused): Locked, request: Request) -> Verdict {
    let Read { set, mut diagnostics, commands } = read;
    diagnostics.extend(check::with_values(&set, &request.values));
    let mut unjudged = unjudged(&set, &diagnostics);
    diagnostics.extend(refused);
    let lock = lock.map_err(|problem| diagnostics.push(*problem));
    let config = request.config.map_err(|problem| diagnostics.push(*problem));
    let config = config.inspect(|config| diagnostics.extend(unknown_rules(config)));
    diagnostic::sort(&mut diagnostics);
    // What is history, and what a rule's finding counts, is not known.
    let (Ok(lock), Ok(config)) = (lock, config) else {
        let (findings, allows, versions) = (Vec::new(), Vec::new(), Vec::new());
        return Verdict { set, diagnostics, findings, allows, judged: 0, versions };
    };
    let lock = lock.filter(|_| request.scope.follows_lock());
    let is_history = |migration: &&Migration| {
        lock.as_ref().is_some_and(|lock| lock.holds(&migration.file)) || request.scope.excludes(&migration.file)
    };
    unjudged.extend(set.migrations.iter().filter(is_history).map(|migration| migration.version));
    let mut settings = Settings::from_config(&config);
    settings.today = request.today;
    settings.judge_from = request.scope.first.or(settings.judge_from);
    settings.known =
        request.scope.base.as_ref().map(|base| base.iter().filter_map(|file| version(file).ok()).collect());
    settings.unjudged = unjudged;
    let judged = set.migrations.iter().filter(|migration| settings.judges(migration));
    let versions: Vec<Version> = judged.map(|migration| migration.version).collect();
    let Review { findings, allows } = review_commands(&set, &commands, &settings);
    Verdict { set, diagnostics, findings, allows, judged: versions.len(), versions }
}

/// The versions that cannot be judged: a file that has errors, and, where such a file is not among the migrations at
/// all, everything behind it. Without its statements the schema is not known, and would be found wrong.
fn unjudged(set: &Set, diagnostics: &[Diagnostic]) -> BTreeSet<Version> {
    let wrong: BTreeSet<&str> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity() == Severity::Error)
        .map(|diagnostic| diagnostic.path.as_str())
        .collect();
    let paths: Vec<(String, Version)> =
        set.migrations.iter().map(|entry| (set.path_of(entry), entry.version)).collect();
    let missing = wrong.iter().filter(|path| paths.iter().all(|(known, _)| known != *path));
    // Without a version a file may belong anywhere.
    let first_missing = missing.map(|path| version(path).unwrap_or(Version::ZERO)).min();
    let is_unjudged =
        |path: &str, version: Version| wrong.contains(path) || first_missing.is_some_and(|missing| missing <= version);
    paths.iter().filter(|(path, version)| is_unjudged(path, *version)).map(|(_, version)| *version).collect()
}

/// The rules of `[lint.rules]` that do not exist.
#[must_use]
pub fn unknown_rules(config: &Config) -> Vec<Diagnostic> {
    let exists = |name: &str| RULES.iter().any(|rule| rule.id == name || rule.name == name);
    let unknown = config.rule_levels.keys().filter(|name| !exists(name));
    unknown.map(|name| config.refuse_rule(name, like(name))).collect()
}

fn like(name: &str) -> String {
    let list = "`migrate explain` lists the rules, by id and name";
    let alike = |rule: &&&Rule| rule.name.starts_with(name) || name.starts_with(rule.name);
    let begins = RULES.iter().find(alike).map(|rule| rule.name);
    let near = begins.or_else(|| nearest(name, RULES.iter().flat_map(|rule| [rule.name, rule.id])));
    near.map_or_else(|| list.to_owned(), |near| format!("is `{near}` meant? {list}"))
}

#[cfg(test)]
mod tests;
