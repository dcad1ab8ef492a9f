//! What keeps an embedded set and its folder together: watching while building, comparing while running.
//!
//! Floor 5. From a folder to what cargo must know about it, and from an embedded [`Set`] to what changed in its folder
//! since. Cargo compares times and not contents, and `include_str!` cannot see a new file: the build script watches,
//! the macro reads, and [`stale`] finds what both missed. Invariant: nothing here refuses a folder; what is wrong with
//! one is the macro's to say, so that each error is shown once.

mod revision;

use std::path::Path;

use crate::config;
use crate::diagnostic::Code;
use crate::lock;
pub use crate::migration::Change;
use crate::migration::{self, Digest, Set};
use crate::parse::{Folder, read_folder};

/// Makes cargo build the calling package again when `folder` changes, and hands on the revision of git, where there is
/// one; the one line of a `build.rs`.
///
/// `folder` is relative to the folder of the package's `Cargo.toml`. One call a folder.
///
/// ```no_run
/// // build.rs
/// fn main() {
///     migrate_core::build::watch("../migrations");
/// }
/// ```
pub fn watch(folder: impl AsRef<Path>) {
    #[expect(clippy::print_stdout, reason = "a build script speaks to cargo by printing")]
    for line in instructions(folder.as_ref()).into_iter().chain(revision::instructions(Path::new("."))) {
        println!("{line}");
    }
}

/// What the build script says to cargo, the lock and the settings included. A folder that is missing is watched too: `embed!` reports it, and is run again
/// when it appears.
fn instructions(folder: &Path) -> Vec<String> {
    let read = read_folder(folder, &folder.display().to_string());
    let files = read.sources.iter().map(|source| folder.join(&source.file));
    // A path that is not there would run the build script every time; where the lock appears, the folder changes.
    let lock = Some(folder.join(lock::FILE)).filter(|lock| lock.is_file());
    let mut lines: Vec<String> = std::iter::once(folder.to_path_buf())
        .chain(files)
        .chain(lock)
        .chain(config::find(folder))
        .map(|path| format!("cargo:rerun-if-changed={}", path.display()))
        .collect();
    lines.extend(watch_variable(folder).map(|name| format!("cargo:rustc-env={name}={}", read.digest())));
    // A line break in a file name would be an instruction of its own.
    lines.retain(|line| !line.contains(['\n', '\r']));
    lines
}

/// The environment variable in which [`watch`] hands the folder's digest to `embed!`; none when there is no folder.
/// Its name holds a digest of the path, so that a package can watch several folders.
#[must_use]
pub fn watch_variable(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    Some(format!("{WATCHED}{}", Digest::of_parts([folder.to_str()?.as_bytes()])))
}

/// What the names of these variables begin with.
pub const WATCHED: &str = "MIGRATE_WATCHED_";

/// An embedded set that its folder has left behind: the program was not built again. Its text is the whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The folder, absolute.
    pub folder: String,
    /// What differs, by file name; never empty.
    pub changes: Vec<Change>,
}

/// Compares an embedded set with the folder it came from. Nothing is said where that folder cannot be read, as on any
/// machine but the one that built the program.
#[must_use]
pub fn stale(set: &Set) -> Option<Stale> {
    let path = Path::new(set.origin.folder.as_ref());
    if !path.is_absolute() {
        return None;
    }
    let folder = read_folder(path, &set.origin.shown);
    if folder.diagnostics.iter().any(|problem| matches!(problem.code, Code::NoFolder | Code::Unreadable)) {
        return None;
    }
    let changes = changes(set, &folder);
    (!changes.is_empty()).then(|| Stale { folder: set.origin.folder.clone().into_owned(), changes })
}

fn changes(set: &Set, folder: &Folder) -> Vec<Change> {
    migration::changes(
        set.migrations.iter().map(|migration| (migration.file.as_ref(), migration.digest)),
        folder.sources.iter().map(|source| (source.file.as_str(), source.text.as_deref().ok().map(Digest::of_text))),
    )
}

/// How many changes the message names.
const NAMED: usize = 5;

impl Stale {
    /// What is wrong, without the way out.
    #[must_use]
    pub fn message(&self) -> String {
        let mut named: Vec<String> = self.changes.iter().take(NAMED).map(Change::to_string).collect();
        if self.changes.len() > NAMED {
            named.push(format!("and {} more", self.changes.len() - NAMED));
        }
        let folder = &self.folder;
        format!("this build is stale: its embedded migrations are not those of {folder}\n  {}", named.join(", "))
    }

    /// The way out.
    #[must_use]
    pub fn help(&self) -> String {
        let mut help = format!("run `{}` (or `cargo clean`) and build again", touch(&self.folder));
        if self.changes.iter().any(|change| matches!(change, Change::Added(_))) {
            help.push_str("; cargo sees new files when build.rs calls `migrate_core::build::watch`");
        }
        help
    }
}

impl std::fmt::Display for Stale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\nhelp: {}", self.message(), self.help())
    }
}

impl std::error::Error for Stale {}

/// The command after which cargo builds everything again that embeds `folder`, whatever the times of its files were.
/// Not `touch FOLDER`, which only a build script notices, and not `cargo clean -p`, which cleans one profile: a touched
/// file is noticed with a build script and without, and the macro then reads the new files too.
#[must_use]
pub fn touch(folder: &str) -> String {
    let plain = folder.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
    if plain { format!("touch {folder}/*.sql") } else { format!("touch '{}'/*.sql", folder.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use std::fs;

    const SQL: &str = "-- +goose Up\nSELECT 1;\n";

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(folder.path().join(file), SQL).unwrap();
        }
        folder
    }

    fn embedded(path: &Path) -> Set {
        parse(read_folder(path, "migrations")).set
    }

    #[test]
    fn the_folder_and_each_file_are_watched_and_the_digest_is_handed_on() {
        let folder = folder(&["1_a.sql", "2_b.sql", "3_c\nd.sql"]);
        let path = folder.path();
        let shown = path.display();
        let variable = watch_variable(path).unwrap();
        let digest = read_folder(path, "").digest();
        assert_eq!(
            instructions(path),
            [
                format!("cargo:rerun-if-changed={shown}"),
                format!("cargo:rerun-if-changed={shown}/1_a.sql"),
                format!("cargo:rerun-if-changed={shown}/2_b.sql"),
                format!("cargo:rustc-env={variable}={digest}"),
            ]
        );
    }

    #[test]
    fn the_lock_and_the_settings_are_watched_where_they_are() {
        let folder = folder(&["1_a.sql"]);
        fs::write(folder.path().join(config::FILE), "").unwrap();
        fs::write(folder.path().join(lock::FILE), "").unwrap();
        let path = folder.path().canonicalize().unwrap();
        let lines = instructions(&path);
        for file in ["migrate.lock", "migrate.toml"] {
            assert!(lines.contains(&format!("cargo:rerun-if-changed={}/{file}", path.display())), "{lines:?}");
        }
    }

    #[test]
    fn a_missing_folder_is_watched_without_a_digest() {
        assert_eq!(instructions(Path::new("no/such")), ["cargo:rerun-if-changed=no/such"]);
    }

    #[test]
    fn two_ways_to_write_a_folder_name_one_variable() {
        let folder = folder(&[]);
        fs::create_dir(folder.path().join("x")).unwrap();
        assert_eq!(watch_variable(&folder.path().join("x/..")), watch_variable(folder.path()));
    }

    #[test]
    fn a_set_that_is_its_folder_is_not_stale() {
        let folder = folder(&["1_a.sql"]);
        let set = embedded(folder.path());
        assert_eq!(stale(&set), None);
        fs::write(folder.path().join("1_a.sql"), SQL.replace('\n', "\r\n")).unwrap();
        assert_eq!(stale(&set), None, "a checkout with other line ends is no change");
    }

    #[test]
    fn every_kind_of_change_is_named_with_the_way_out() {
        let folder = folder(&["1_a.sql", "2_b.sql", "3_c.sql"]);
        let set = embedded(folder.path());
        fs::write(folder.path().join("1_a.sql"), "-- +goose Up\nSELECT 2;\n").unwrap();
        fs::remove_file(folder.path().join("2_b.sql")).unwrap();
        fs::write(folder.path().join("2_c.sql"), SQL).unwrap();
        let expected = format!(
            "this build is stale: its embedded migrations are not those of {path}\n  \
             1_a.sql was changed, 2_b.sql was removed, 2_c.sql was added\n\
             help: run `touch {path}/*.sql` (or `cargo clean`) and build again; \
             cargo sees new files when build.rs calls `migrate_core::build::watch`",
            path = folder.path().display()
        );
        assert_eq!(stale(&set).unwrap().to_string(), expected);
    }

    #[test]
    fn the_command_is_quoted_for_a_shell() {
        assert_eq!(touch("/src/m"), "touch /src/m/*.sql");
        assert_eq!(touch("/it's mine"), r"touch '/it'\''s mine'/*.sql");
    }

    #[test]
    fn a_program_far_from_its_folder_is_not_called_stale() {
        let folder = folder(&["1_a.sql"]);
        let mut set = embedded(folder.path());
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(stale(&set), None);
        set.origin.folder = "src".into();
        assert_eq!(stale(&set), None, "a relative folder is that of a set read at run time");
    }

    #[test]
    fn an_emptied_folder_makes_the_set_stale() {
        let folder = folder(&["1_a.sql"]);
        let set = embedded(folder.path());
        fs::remove_file(folder.path().join("1_a.sql")).unwrap();
        assert_eq!(stale(&set).unwrap().changes, [Change::Removed("1_a.sql".into())]);
    }
}
