//! The revision of the sources, for `migrate version`: what git says, where there is git and a repository.
//!
//! Elsewhere, as in an image that is built without `.git`, the variable `MIGRATE_REVISION` of the build is what counts:
//! `embed!` reads it, and cargo builds again when it changes.

use std::path::Path;
use std::process::{Command, Stdio};

/// What the build script says to cargo; nothing where git does not answer.
pub(super) fn instructions(package: &Path) -> Vec<String> {
    let Some(answer) = git(package) else { return Vec::new() };
    let mut lines = answer.lines();
    let Some(revision) = lines.next().filter(|text| text.len() >= 40 && text.bytes().all(|b| b.is_ascii_hexdigit()))
    else {
        return Vec::new();
    };
    // A commit writes a line into the log of HEAD. A path that is not there would run the build script every time.
    let watched =
        lines.filter(|path| package.join(path).is_file()).map(|path| format!("cargo:rerun-if-changed={path}"));
    watched.chain([format!("cargo:rustc-env=MIGRATE_REVISION={revision}")]).collect()
}

fn git(package: &Path) -> Option<String> {
    let mut git = Command::new("git");
    git.current_dir(package).args(["rev-parse", "HEAD", "--git-path", "HEAD", "--git-path", "logs/HEAD"]);
    let output = git.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_handed_on_and_watched_and_without_one_nothing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.current_dir(folder.path()).args(["-c", "user.name=x", "-c", "user.email=x@example.org"]);
            git.args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        if !run(&["init"]) {
            return;
        }
        assert_eq!(instructions(folder.path()), [""; 0], "there is no commit");
        assert!(run(&["commit", "--allow-empty", "-m", "x"]));
        let lines = instructions(folder.path());
        assert_eq!(lines[..2], ["cargo:rerun-if-changed=.git/HEAD", "cargo:rerun-if-changed=.git/logs/HEAD"]);
        assert!(lines[2].starts_with("cargo:rustc-env=MIGRATE_REVISION="), "{lines:?}");
        assert!(run(&["commit", "--allow-empty", "-m", "y"]));
        assert_ne!(instructions(folder.path())[2], lines[2]);
    }
}
