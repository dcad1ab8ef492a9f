//! Where test data lies, and what a test does when data that this repository does not hold is absent.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A path inside this crate's `tests` folder.
pub(crate) fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// A folder of the data shared by the developers: beside the workspace, or where `MIGRATE_SHARED` says. `None` tells
/// the test to return: goose's own files and other projects' migrations are not ours to copy.
pub(crate) fn folder(test: &str, path: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("MIGRATE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = root.join(path);
    if folder.is_dir() {
        return Some(folder);
    }
    skip(test, &format!("{} is absent", folder.display()), "MIGRATE_REQUIRE_SHARED");
    None
}

/// The real goose: `$GOOSE`, or `goose` on the PATH, or where `go install` puts it.
pub(crate) fn goose(test: &str) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let installed = set("HOME").map(|home| home.join("go/bin/goose"));
    let candidates =
        set("GOOSE").map_or_else(|| ["goose".into()].into_iter().chain(installed).collect(), |it| vec![it]);
    let runs = |path: &PathBuf| {
        let status = Command::new(path).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let found = candidates.into_iter().find(runs);
    if found.is_none() {
        skip(test, "goose is absent", "MIGRATE_REQUIRE_GOOSE");
    }
    found
}

/// Says that a test is skipped, past the capture of the test harness: a skip that nobody sees looks like a pass.
fn skip(test: &str, why: &str, required_by: &str) {
    let required = std::env::var_os(required_by).is_some_and(|value| value == "1");
    assert!(!required, "{test}: {why}, and {required_by}=1");
    writeln!(std::io::stdout(), "skipped: {test}: {why}").unwrap();
}

/// The text of a file of test data.
#[expect(clippy::disallowed_methods, reason = "test data does not come through the parser's reader")]
pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bytes of a file of test data.
#[expect(clippy::disallowed_methods, reason = "test data does not come through the parser's reader")]
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder with this extension, sorted.
#[expect(clippy::disallowed_methods, reason = "test data does not come through the parser's reader")]
pub(crate) fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
