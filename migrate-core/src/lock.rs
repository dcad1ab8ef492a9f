//! The migrations that nobody may change any more: what `migrate.lock` says of them.
//!
//! Floor 4. From the lock's text to a [`Lock`], and from a lock and a folder to what was changed since. Invariant: the
//! last line of a lock is the digest of all others, so that two branches which each add a migration conflict in git.

mod rules;
mod text;

use std::path::Path;

pub use rules::check;

use crate::diagnostic::Diagnostic;
use crate::migration::{Change, Digest, Set, Version, changes};
use crate::parse::{Folder, read_file, version};
use crate::text::Span;

/// The name of the file, in the folder of the migrations.
pub const FILE: &str = "migrate.lock";

/// A lock: the migrations that it names, ascending by version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    entries: Vec<Entry>,
    /// The file as messages write it, and its text; both empty for a lock that was not read.
    path: String,
    text: String,
}

/// A line of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file's name, with control characters spelled out.
    pub file: String,
    /// The version that the name begins with.
    pub version: Version,
    /// SHA-256 of the file's text, CRLF read as LF.
    pub digest: Digest,
    span: Span,
}

impl Lock {
    /// The lock of a whole set.
    #[must_use]
    pub fn of(set: &Set) -> Self {
        let entry = |(file, version, digest)| Entry { file, version, digest, span: Span::default() };
        let files =
            set.migrations.iter().map(|migration| (spelled(&migration.file), migration.version, migration.digest));
        Self { entries: files.map(entry).collect(), path: String::new(), text: String::new() }
    }

    /// What it names.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether it names this file.
    #[must_use]
    pub fn holds(&self, file: &str) -> bool {
        let file = spelled(file);
        self.entries.iter().any(|entry| entry.file == file)
    }

    /// The highest version that it names, 0 when it names none.
    #[must_use]
    pub fn latest(&self) -> Version {
        self.entries.last().map_or(Version::ZERO, |entry| entry.version)
    }

    /// What a lock of `set` would say otherwise.
    #[must_use]
    pub fn changes(&self, set: &Set) -> Vec<Change> {
        let now = Self::of(set);
        let known = self.entries.iter().map(|entry| (entry.file.as_str(), entry.digest));
        changes(known, now.entries.iter().map(|entry| (entry.file.as_str(), Some(entry.digest))))
    }

    /// Follows a file that was given another name; its text stays the one that was locked.
    pub fn rename(&mut self, from: &str, to: &str) {
        let (from, Ok(version)) = (spelled(from), version(to)) else { return };
        for entry in self.entries.iter_mut().filter(|entry| entry.file == from) {
            entry.file = spelled(to);
            entry.version = version;
        }
        self.entries.sort_unstable_by_key(|entry| entry.version);
    }

    /// Names the text that a file has now, where it names the file with another one; whether it did.
    pub fn follow(&mut self, file: &str, digest: Digest) -> bool {
        let file = spelled(file);
        let other = self.entries.iter_mut().find(|entry| entry.file == file && entry.digest != digest);
        other.map(|entry| entry.digest = digest).is_some()
    }

    /// The text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        text::render(&self.entries)
    }
}

/// The text of a set's lock.
#[must_use]
pub fn render(set: &Set) -> String {
    Lock::of(set).render()
}

/// Reads the text of a lock; `path` is how messages write the file.
///
/// # Errors
/// The first line that is wrong.
pub fn parse(text: &str, path: &str) -> Result<Lock, Box<Diagnostic>> {
    match text::entries(text) {
        Ok(entries) => Ok(Lock { entries, path: path.to_owned(), text: text.to_owned() }),
        Err(problem) => Err(Box::new(Diagnostic::in_file(path, text, problem))),
    }
}

/// Reads the lock of a folder; `shown` is how messages write the folder. `None` where it has none.
///
/// # Errors
/// Why it cannot be read, or the first line that is wrong.
pub fn read(folder: &Path, shown: &str) -> Result<Option<Lock>, Box<Diagnostic>> {
    let path = folder.join(FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let shown = format!("{}/{FILE}", shown.trim_end_matches('/'));
    parse(&read_file(&path, &shown).text?, &shown).map(Some)
}

/// Everything that the lock of a folder, if it has one, refuses in the folder's files.
#[must_use]
pub fn problems(path: &Path, files: &Folder) -> Vec<Diagnostic> {
    match read(path, &files.shown) {
        Ok(Some(lock)) => check(files, &lock),
        Ok(None) => vec![],
        Err(problem) => vec![*problem],
    }
}

/// A file's name as a lock writes it: on one line, whatever the file system allows.
fn spelled(file: &str) -> String {
    let spell = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    file.chars().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::parse::{Source, parse as parse_files};

    const SQL: &str = "-- +goose Up\nSELECT 1;\n";

    /// A folder whose files hold different texts: each its name without the version.
    fn files(names: &[&str]) -> Folder {
        let source = |name: &&str| {
            let text = name.split_once('_').map_or("", |(_, rest)| rest);
            Source { file: (*name).to_owned(), text: Ok(format!("{SQL}-- {}\n", text.escape_debug())) }
        };
        let sources = names.iter().map(source).collect();
        Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] }
    }

    fn set(names: &[&str]) -> Set {
        parse_files(files(names)).set
    }

    fn lock(names: &[&str]) -> Lock {
        parse(&render(&set(names)), "m/migrate.lock").unwrap()
    }

    fn told(names: &[&str], locked: &[&str]) -> Vec<String> {
        check(&files(names), &lock(locked)).iter().map(Diagnostic::to_string).collect()
    }

    #[test]
    fn a_lock_is_a_line_a_migration_and_the_digest_of_the_set() {
        let set = set(&["1_é x.sql", "00002_b.sql"]);
        let text = render(&set);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let digest = |at: usize| set.migrations[at].digest;
        assert_eq!(
            lines,
            [
                format!("1_é x.sql {}", digest(0)),
                format!("00002_b.sql {}", digest(1)),
                format!("set {}", Set::digest_of(&set.migrations)),
            ]
        );
        let lock = parse(&text.replace('\n', "\r\n"), "migrate.lock").unwrap();
        assert_eq!((lock.render(), lock.latest()), (text, Version(2)));
        assert!(lock.holds("1_é x.sql") && !lock.holds("3_c.sql"));
        assert_eq!(lock.changes(&set), []);
    }

    #[test]
    fn a_lock_of_nothing_is_read_back() {
        assert_eq!(lock(&[]).entries(), []);
        assert_eq!(told(&["1_a.sql"], &[]), NOTHING);
    }

    const NOTHING: [&str; 0] = [];

    #[test]
    fn new_files_above_the_lock_are_no_problem() {
        assert_eq!(told(&["1_a.sql", "2_b.sql", "3_c.sql"], &["1_a.sql", "2_b.sql"]), NOTHING);
    }

    #[test]
    fn an_edited_file_is_refused_but_not_for_its_line_ends() {
        let lock = lock(&["1_a.sql"]);
        let mut folder = files(&["1_a.sql"]);
        folder.sources[0].text = Ok(format!("{SQL}-- a.sql\n").replace('\n', "\r\n"));
        assert_eq!(check(&folder, &lock), []);
        folder.sources[0].text = Ok("-- +goose Up\nSELECT 2;\n".into());
        let problem = check(&folder, &lock).remove(0);
        assert_eq!((problem.code, problem.path.as_str()), (Code::LockedFileChanged, "m/1_a.sql"));
        assert!(problem.message.contains(&lock.entries()[0].digest.to_string()), "{problem}");
        assert!(problem.help.contains("`migrate lock`"), "{}", problem.help);
    }

    #[test]
    fn a_file_that_does_not_parse_or_cannot_be_read_is_not_missing() {
        let lock = lock(&["1_a.sql", "2_b.sql"]);
        let mut folder = files(&["1_a.sql", "2_b.sql"]);
        folder.sources[0].text = Ok("garbage".into());
        folder.sources[1].text = Err(Diagnostic::of_path(Code::NotUtf8, "m/2_b.sql", "", ""));
        let codes: Vec<Code> = check(&folder, &lock).iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [Code::LockedFileChanged]);
    }

    #[test]
    fn a_missing_file_is_named_at_its_line_of_the_lock() {
        assert_eq!(
            told(&["1_a.sql"], &["1_a.sql", "2_b.sql"]),
            ["m/migrate.lock:3:1: error: `2_b.sql` is locked, and there is no such file [K02]"]
        );
    }

    #[test]
    fn a_renamed_or_renumbered_file_is_one_problem() {
        for name in ["2_a.sql", "5_a.sql"] {
            assert_eq!(
                told(&[name, "3_c.sql"], &["1_a.sql", "3_c.sql"]),
                [format!("m/migrate.lock:2:1: error: `1_a.sql` is locked, and its name is `{name}` now [K02]")]
            );
        }
    }

    #[test]
    fn files_below_the_lock_are_told_the_next_free_numbers() {
        let found = ["00001_a.sql", "00002_b.sql", "00003_c.sql", "00004_d.sql", "00007_x.sql"];
        let problems = check(&files(&found), &lock(&["00001_a.sql", "00004_d.sql"]));
        let helps: Vec<&str> = problems.iter().map(|problem| problem.help.split(';').next().unwrap()).collect();
        assert_eq!(helps, ["rename it to `00008_b.sql`", "rename it to `00009_c.sql`"]);
        assert!(problems.iter().all(|problem| problem.code == Code::VersionBelowLock));
        assert_eq!(
            problems[0].message,
            "this migration is new, and its version 2 is not above 4, the highest in migrate.lock"
        );
    }

    #[test]
    fn a_time_below_the_lock_may_be_numbered_by_fix() {
        let problems =
            check(&files(&["20240101000000_a.sql", "20240202000000_b.sql"]), &lock(&["20240202000000_b.sql"]));
        assert!(problems[0].help.contains("`migrate fix`"), "{}", problems[0].help);
    }

    #[test]
    fn another_file_of_a_locked_version_is_missing_and_too_low() {
        assert_eq!(
            told(&["1_x.sql"], &["1_a.sql"]),
            [
                "m/migrate.lock:2:1: error: `1_a.sql` is locked, and there is no such file [K02]",
                "m/1_x.sql: error: this migration is new, and its version 1 is not above 1, the highest in \
                 migrate.lock [K03]",
            ]
        );
    }

    #[test]
    fn no_number_is_above_the_highest() {
        let highest = "9223372036854775807_z.sql";
        let problems = check(&files(&["1_a.sql", highest]), &lock(&[highest]));
        assert!(problems[0].help.starts_with("give it a version above"), "{}", problems[0].help);
    }

    #[test]
    fn a_renamed_file_keeps_its_digest_and_its_place() {
        let mut lock = lock(&["1_a.sql", "20240101000000_b.sql"]);
        lock.rename("1_a.sql", "20250101000000_a.sql");
        lock.rename("20240101000000_b.sql", "00002_b.sql");
        assert_eq!(check(&files(&["00002_b.sql", "20250101000000_a.sql"]), &lock), []);
        assert_eq!(parse(&lock.render(), "").unwrap().latest(), Version(20_250_101_000_000));
    }

    #[test]
    fn what_a_new_lock_would_change_is_listed_by_file() {
        let mut lock = lock(&["1_a.sql", "2_b.sql", "3_c.sql"]);
        lock.entries[2].digest = Digest::of_text("edited");
        assert_eq!(
            lock.changes(&set(&["1_a.sql", "3_c.sql", "4_d.sql"])),
            [Change::Removed("2_b.sql".into()), Change::Changed("3_c.sql".into()), Change::Added("4_d.sql".into())]
        );
    }

    #[test]
    fn a_name_with_a_line_break_stays_on_its_line() {
        let names = ["1_a\nb.sql"];
        assert_eq!(told(&names, &names), NOTHING);
        assert!(render(&set(&names)).contains("\n1_a\\nb.sql "), "{}", render(&set(&names)));
    }
}
