//! What a base revision of git has: the migrations that are history for `lint --since`, and those that `review` compares
//! with.
//!
//! Invariant: git is only asked. What it cannot tell is a failure that says how to have it told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use migrate_core::report::{Exit, Failure};
use migrate_core::review::{Base, Files};

/// The files of a folder that are the same in the working tree as where this branch left `revision`.
pub(super) fn unchanged_since(revision: &str, folder: &Path) -> Result<BTreeSet<String>, Failure> {
    let base = base(revision, folder)?;
    let mut files = names(folder, &["ls-tree", "--name-only", "-z", &base])?;
    // Relative to the folder, like the names above; edits that are not committed count.
    for changed in names(folder, &["diff", "--name-only", "--no-renames", "--relative", "-z", &base, "--", "."])? {
        files.remove(&changed);
    }
    Ok(files)
}

/// The migrations of `folder` in a revision of git: as they are there, and as they were where this branch left it.
pub(super) fn read(revision: &str, folder: &Path) -> Result<Base, Failure> {
    let tip = commit(revision, folder)?;
    let fork = git(folder, &["merge-base", &tip, "HEAD"]).map_err(|why| unrelated(revision, folder, &why))?;
    let (tip, fork) = (blobs(folder, &tip)?, blobs(folder, fork.trim())?);
    let texts = texts(folder, tip.values().chain(fork.values()))?;
    let files = |blobs: BTreeMap<String, String>| -> Files {
        blobs.into_iter().filter_map(|(file, blob)| Some((file, texts.get(&blob)?.clone()))).collect()
    };
    Ok(Base { revision: revision.to_owned(), fork: files(fork), tip: files(tip) })
}

/// The objects of a folder's migrations in a commit, by file name; none where it has no such folder.
fn blobs(folder: &Path, commit: &str) -> Result<BTreeMap<String, String>, Failure> {
    let listed = git(folder, &["ls-tree", "-z", commit]).map_err(|why| failure(commit, &why))?;
    let file = |entry: &str| {
        let (object, name) = entry.split_once('\t')?;
        let [mode, "blob", blob] = object.split(' ').collect::<Vec<_>>()[..] else { return None };
        // A symbolic link is a blob that holds a path.
        let is_sql = Path::new(name).extension().is_some_and(|extension| extension == "sql");
        (mode != "120000" && is_sql).then(|| (name.to_owned(), blob.to_owned()))
    };
    Ok(listed.split('\0').filter_map(file).collect())
}

/// The texts of objects, by one process for all of them.
fn texts<'a>(folder: &Path, blobs: impl Iterator<Item = &'a String>) -> Result<BTreeMap<String, String>, Failure> {
    let wanted: BTreeSet<&str> = blobs.map(String::as_str).collect();
    let asked: Vec<String> = wanted.iter().map(|blob| format!("{blob}\n")).collect();
    let answer = ask(folder, &asked.concat()).map_err(|why| failure("the migrations", &why))?;
    let mut texts = BTreeMap::new();
    let mut rest = answer.as_slice();
    // `OBJECT blob SIZE`, a line break, as many bytes, a line break.
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let [blob, "blob", size] = head.split(' ').collect::<Vec<_>>()[..] else {
            return Err(failure("the migrations", &head));
        };
        let size: usize = size.parse().unwrap_or_default();
        let text = rest.get(end + 1..end + 1 + size).unwrap_or_default();
        texts.insert(blob.to_owned(), String::from_utf8_lossy(text).into_owned());
        rest = rest.get(end + size + 2..).unwrap_or_default();
    }
    Ok(texts)
}

/// Writes the question while the answer is read: with many files, either would fill its pipe.
fn ask(folder: &Path, question: &str) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["cat-file", "--batch"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("git cannot be started: {error}"))?;
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        // A git that ended early says why itself.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(question.as_bytes())));
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    })
}

/// Why two commits have no common one: a clone that is cut off, or histories that never met.
fn unrelated(revision: &str, folder: &Path, why: &str) -> Failure {
    let is_shallow = git(folder, &["rev-parse", "--is-shallow-repository"]).is_ok_and(|is| is.trim() == "true");
    let shown = revision.escape_debug();
    if is_shallow {
        let message = format!("this clone is shallow: it does not reach back to where this branch left `{shown}`");
        let help = "fetch the history: `git fetch --unshallow`; with actions/checkout, `fetch-depth: 0`";
        return Failure::new(Exit::Usage, message, help);
    }
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let message = format!("this branch and `{shown}` have no commit in common{why}");
    Failure::new(Exit::Usage, message, "name the revision that this branch was started from")
}

/// Where this branch left the revision, so that what others did there since is not taken for ours. In a shallow clone
/// that place may be missing: the revision itself is the next best.
fn base(revision: &str, folder: &Path) -> Result<String, Failure> {
    let commit = commit(revision, folder)?;
    Ok(git(folder, &["merge-base", &commit, "HEAD"]).map_or_else(|_| commit.clone(), |base| base.trim().to_owned()))
}

/// The commit that a revision names.
fn commit(revision: &str, folder: &Path) -> Result<String, Failure> {
    let commit = format!("{revision}^{{commit}}");
    let commit = git(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
    let commit = commit.map_err(|why| {
        let why = if why.is_empty() { "there is no such revision".to_owned() } else { why };
        failure(revision, &why)
    })?;
    Ok(commit.trim().to_owned())
}

fn names(folder: &Path, arguments: &[&str]) -> Result<BTreeSet<String>, Failure> {
    let listed = git(folder, arguments).map_err(|why| failure("the migrations", &why))?;
    Ok(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// What git answers, or why it does not.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output();
    let output = output.map_err(|error| format!("git cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

fn failure(what: &str, why: &str) -> Failure {
    let help = "name a revision that this checkout has: in continuous integration fetch it first, for example \
                `git fetch origin main`, and clone with its history";
    Failure::new(Exit::Usage, format!("git cannot tell what `{}` has: {why}", what.escape_debug()), help)
}
