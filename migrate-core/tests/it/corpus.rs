//! Other projects' migrations, which nobody here wrote: read as their projects meant, which is as goose reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use migrate_core::diagnostic::{Code, any_error};
use migrate_core::migration::{Direction, Mode};
use migrate_core::parse::{self, Environment, Substitution};

use crate::shared;

/// A folder of migrations of one project.
struct Project {
    folder: PathBuf,
    /// How many migrations its project says it holds.
    migrations: usize,
}

/// The projects that `APPLICABLE.tsv` lists, below `root`.
fn projects(root: &Path) -> Vec<Project> {
    let table = shared::text(&root.join("APPLICABLE.tsv"));
    let project = |row: &str| {
        let fields: Vec<&str> = row.split('\t').collect();
        Project { folder: root.join(fields[0]).join(fields[1]), migrations: fields[2].parse().unwrap() }
    };
    table.lines().skip(1).map(project).collect()
}

#[test]
fn every_set_of_the_corpus_is_accepted_whole() {
    let Some(root) = shared::folder("every_set_of_the_corpus_is_accepted_whole", "corpus") else { return };
    let (mut read, mut codes) = (0, BTreeMap::new());
    for project in projects(&root) {
        let parsed = parse::parse(parse::read_folder(&project.folder, "migrations"));
        assert!(!any_error(&parsed.diagnostics), "{}: {:?}", project.folder.display(), parsed.diagnostics);
        assert_eq!(parsed.set.migrations.len(), project.migrations, "{}", project.folder.display());
        read += parsed.set.migrations.len();
        for diagnostic in parsed.diagnostics {
            *codes.entry(diagnostic.code).or_insert(0) += 1;
        }
    }
    assert_eq!(read, 1178);
    assert_eq!(read, shared::files_below(&root, "sql").len(), "a file is in no set");
    // goose's template for a Down that does nothing; harmless where the section ends after it, as it does in all 42.
    assert_eq!(codes, BTreeMap::from([(Code::EmptyBlock, 42)]));
}

/// What a file comes to, as `goose validate -v` prints it.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    transaction: bool,
    up: usize,
    down: usize,
}

#[test]
fn every_file_of_the_corpus_holds_as_many_statements_as_goose_finds() {
    let test = "every_file_of_the_corpus_holds_as_many_statements_as_goose_finds";
    let (Some(root), Some(goose)) = (shared::folder(test, "corpus"), shared::goose(test)) else { return };
    let mut compared = 0;
    for project in projects(&root) {
        let theirs = validate(&goose, &project.folder).unwrap();
        for (file, counts) in theirs {
            assert_eq!(ours(&shared::text(&project.folder.join(&file))).as_ref(), Some(&counts), "{file}");
            compared += 1;
        }
    }
    assert_eq!(compared, 1178);
}

/// All whole files are accepted; cut ones show that both refuse the same.
#[test]
fn files_of_the_corpus_cut_in_half_are_refused_where_goose_refuses_them() {
    let test = "files_of_the_corpus_cut_in_half_are_refused_where_goose_refuses_them";
    let (Some(root), Some(goose)) = (shared::folder(test, "corpus"), shared::goose(test)) else { return };
    let files = shared::files_below(&root, "sql");
    let cut_files = |files: &[PathBuf]| -> Vec<bool> { files.iter().map(|file| cut_agrees(&goose, file)).collect() };
    let (first, second) = files.split_at(files.len() / 2);
    // A process a file: two at a time halve the time.
    let refused = std::thread::scope(|scope| {
        let other = scope.spawn(|| cut_files(second));
        [cut_files(first), other.join().unwrap()].concat()
    });
    let (refused, accepted): (Vec<bool>, Vec<bool>) = refused.into_iter().partition(|refused| *refused);
    assert!(refused.len() > 300 && accepted.len() > 100, "{} refused, {} accepted", refused.len(), accepted.len());
}

/// Whether both refuse the first half of a file; panics where only one does.
fn cut_agrees(goose: &Path, file: &Path) -> bool {
    let text = shared::text(file);
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1_cut.sql"), &text[..middle]).unwrap();
    let theirs = validate(goose, folder.path());
    let ours = ours(&text[..middle]);
    let counts = theirs.as_ref().ok().and_then(|files| files.get("1_cut.sql"));
    assert_eq!(ours.as_ref(), counts, "{} cut at byte {middle}: goose: {theirs:?}", file.display());
    ours.is_none()
}

/// What `goose validate -v` prints of each file, or why it refuses the folder.
fn validate(goose: &Path, folder: &Path) -> Result<BTreeMap<String, Counts>, String> {
    let mut command = Command::new(goose);
    command.arg("-dir").arg(folder).args(["validate", "-v"]);
    // No values for ENVSUB, and no `.env` file of the working directory.
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.current_dir(folder).stdin(Stdio::null());
    let output = command.output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let table = String::from_utf8(output.stdout).unwrap();
    Ok(table.lines().filter(|line| line.starts_with("sql ")).map(row).collect())
}

/// A row such as `sql  ✔  1  0  00001_a.sql`.
fn row(line: &str) -> (String, Counts) {
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert!(["✔", "✘"].contains(&cells[1]), "{line}");
    let counts =
        Counts { transaction: cells[1] == "✔", up: cells[2].parse().unwrap(), down: cells[3].parse().unwrap() };
    (cells[4..].join(" "), counts)
}

/// The same of ours; `None` where a direction is refused.
fn ours(text: &str) -> Option<Counts> {
    let environment = Environment::default();
    let split = |direction| parse::split(text, direction, Substitution::Fill(&environment, None)).ok();
    let (up, down) = (split(Direction::Up)?, split(Direction::Down)?);
    let modes = BTreeSet::from([up.mode.word(), down.mode.word()]);
    assert_eq!(modes.len(), 1, "a file has one mode");
    Some(Counts { transaction: up.mode == Mode::Transaction, up: up.statements.len(), down: down.statements.len() })
}
