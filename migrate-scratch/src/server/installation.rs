//! Finding the PostgreSQL servers installed on this machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the environment variable with folders to look in first (a list, as `PATH` is).
const VARIABLE: &str = "MIGRATE_PG_BIN";

/// Where distributions put servers; `*` stands for any run of characters in one folder's name.
const KNOWN: [&str; 5] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
];

/// An installed PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The major version, as `postgres --version` tells it.
    pub major: u32,
    /// The folder that holds `initdb`, `postgres` and the other programs.
    pub bin: PathBuf,
}

impl Installation {
    /// The server in the folder `bin`; `None` when there is none that runs.
    fn probe(bin: &Path) -> Option<Self> {
        let bin = resolved(bin)?;
        let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
        let major = major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { major, bin })
    }
}

/// Every installed PostgreSQL server.
///
/// First those chosen by hand, in the order given: `extra`, then the folders of the environment
/// variable `MIGRATE_PG_BIN` (a list, as `PATH` is). Then those found, newest major version first:
/// `/usr/lib/postgresql/*/bin`, `/usr/pgsql-*/bin`, `/opt/homebrew/opt/postgresql@*/bin`,
/// `/usr/local/opt/postgresql@*/bin`, `/usr/local/pgsql/bin` and every folder of `PATH` that has
/// both `initdb` and `postgres`. A server reached by several ways is listed once.
#[must_use]
pub fn installations(extra: &[PathBuf]) -> Vec<Installation> {
    let chosen = extra.iter().cloned().chain(folders_of(VARIABLE));
    let mut all = Vec::new();
    gather(chosen, &mut all);
    let by_hand = all.len();
    let known = KNOWN.iter().flat_map(|pattern| matching(pattern));
    gather(known.chain(folders_of("PATH")), &mut all);
    // Stable: servers of one major version stay in the order they were found.
    all[by_hand..].sort_by_key(|one| std::cmp::Reverse(one.major));
    all
}

/// The places [`installations`] looks in, for an error message.
pub(super) fn looked() -> Vec<String> {
    std::iter::once(format!("${VARIABLE}"))
        .chain(KNOWN.iter().map(ToString::to_string))
        .chain(std::iter::once("$PATH".to_owned()))
        .collect()
}

fn gather(folders: impl Iterator<Item = PathBuf>, into: &mut Vec<Installation>) {
    for installation in folders.filter_map(|bin| Installation::probe(&bin)) {
        if !into.iter().any(|one| one.bin == installation.bin) {
            into.push(installation);
        }
    }
}

fn folders_of(variable: &str) -> Vec<PathBuf> {
    std::env::var_os(variable)
        .map(|list| std::env::split_paths(&list).filter(|folder| !folder.as_os_str().is_empty()).collect())
        .unwrap_or_default()
}

/// The folder where the programs really are. A folder on `PATH` often holds only links to a few
/// of them; behind the links `pg_dump` and `psql` of the same version are found too.
fn resolved(bin: &Path) -> Option<PathBuf> {
    if !has_server(bin) {
        return None;
    }
    let behind = fs::canonicalize(bin.join("postgres")).ok()?;
    match behind.parent() {
        Some(folder) if has_server(folder) => Some(folder.to_path_buf()),
        _ => fs::canonicalize(bin).ok(),
    }
}

fn has_server(bin: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| bin.join(program).is_file())
}

/// The major version in a text such as `postgres (PostgreSQL) 18.1 (Debian 18.1-1)` or
/// `postgres (PostgreSQL) 19beta1`.
fn major(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The existing folders that match `pattern`.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|folder| entries(folder, part)).collect();
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "a folder of programs is not a migration source")]
fn entries(folder: &Path, part: &str) -> Vec<PathBuf> {
    let Some((prefix, suffix)) = part.split_once('*') else {
        return vec![folder.join(part)];
    };
    let fits = |name: &OsStr| {
        name.to_str()
            .is_some_and(|name| name.len() >= part.len() - 1 && name.starts_with(prefix) && name.ends_with(suffix))
    };
    let Ok(listing) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> =
        listing.flatten().filter(|entry| fits(&entry.file_name())).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(major("postgres (PostgreSQL) 15.20 (Debian 15.20-0)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major("postgres (PostgreSQL) 18devel"), Some(18));
        assert_eq!(major("something else 3"), None);
    }
}
