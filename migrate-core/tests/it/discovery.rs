//! Which files of a folder are migrations, and with which versions: goose's command, recorded.

use std::path::Path;

use migrate_core::diagnostic::{Code, Diagnostic, Severity};
use migrate_core::migration::Migration;
use migrate_core::parse::{self, NameError, Parsed};
use serde::Deserialize;

use crate::shared;

#[derive(Deserialize)]
struct Recording {
    numeric_component: Vec<Name>,
    directories: Vec<Directory>,
}

/// A file name, and the version that goose reads from it.
#[derive(Deserialize)]
struct Name {
    #[serde(rename = "name")]
    file: String,
    version: Option<i64>,
    #[serde(default)]
    error: String,
}

/// A folder, and what goose's command makes of it.
#[derive(Deserialize)]
struct Directory {
    name: String,
    /// `null` when the folder does not exist.
    files: Option<Vec<String>>,
    legacy_cli: Listing,
}

#[derive(Deserialize)]
struct Listing {
    /// `VERSION <DIR>/FILE`, in order.
    #[serde(default)]
    migrations: Vec<String>,
    #[serde(default)]
    error: String,
}

/// Folders that we refuse with another code than goose's error, or that goose accepts.
const DIFFERENT: &[(&str, Code, &str)] = &[
    ("sql and go same version", Code::GoMigration, "the Go file is refused first; without it there is no duplicate"),
    ("folder named as file", Code::Unreadable, "goose lists the folder and fails when it runs it; we fail before"),
    ("go unregistered", Code::GoMigration, "goose lists the file and fails when it runs it; we fail before"),
    ("only go", Code::GoMigration, "goose lists the file and fails when it runs it; we fail before"),
];

fn recording() -> Recording {
    serde_json::from_str(&shared::text(&shared::own("vectors/discovery.json"))).unwrap()
}

#[test]
fn file_names_have_the_versions_that_goose_reads() {
    let names = recording().numeric_component;
    assert_eq!(names.len(), 56);
    for Name { file, version, error } in names {
        let ours = parse::version(&file);
        assert_eq!(ours.as_ref().ok().map(|version| version.0), version, "{file:?}");
        assert_eq!(ours.as_ref().err().map_or("", words_of_goose), reason(&error), "{file:?}");
    }
}

fn words_of_goose(error: &NameError) -> &'static str {
    match error {
        NameError::Extension => "migration file does not have .sql or .go file extension",
        NameError::Separator => "no filename separator '_' found",
        NameError::Syntax(_) => "invalid syntax",
        NameError::Range(_) => "value out of range",
        NameError::NotPositive => "migration version must be greater than zero",
    }
}

/// The last part of a Go error, without the name it is about.
fn reason(error: &str) -> &str {
    error.rsplit(": ").next().unwrap_or_default()
}

#[test]
fn folders_list_as_goose_s_command_lists_them() {
    let directories = recording().directories;
    assert_eq!(directories.len(), 30);
    let mut different = Vec::new();
    for directory in &directories {
        let parsed = build_and_parse(directory);
        let errors: Vec<&Diagnostic> =
            parsed.diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error).collect();
        if let Some((_, code, reason)) = DIFFERENT.iter().find(|(name, ..)| *name == directory.name) {
            assert!(!errors.is_empty() && errors.iter().all(|error| error.code == *code), "{reason}: {errors:?}");
            assert_ne!(expected_code(directory), Some(*code), "{}: no difference", directory.name);
            different.push(&directory.name);
            continue;
        }
        let codes: Vec<Code> = errors.iter().map(|error| error.code).collect();
        assert_eq!(codes, Vec::from_iter(expected_code(directory)), "{}: {errors:?}", directory.name);
        if codes.is_empty() {
            assert_eq!(listing(&parsed), directory.legacy_cli.migrations, "{}", directory.name);
        }
    }
    assert_eq!(different.len(), DIFFERENT.len(), "a listed folder is not recorded: only {different:?} are");
}

/// The folder on disk, each file with a valid text.
fn build_and_parse(directory: &Directory) -> Parsed {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("migrations");
    if let Some(files) = &directory.files {
        std::fs::create_dir(&folder).unwrap();
        for file in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "-- +goose Up\nSELECT 1;\n").unwrap();
        }
    }
    parse::parse(parse::read_folder(&folder, "<DIR>"))
}

/// The code for goose's error, `None` where goose has none.
fn expected_code(directory: &Directory) -> Option<Code> {
    let error = directory.legacy_cli.error.as_str();
    match error {
        "" => None,
        "no migration files found" => Some(Code::NoMigrations),
        _ if error.contains("duplicate version") => Some(Code::DuplicateVersion),
        _ if error.contains("could not parse SQL migration file") => Some(Code::BadName),
        _ if error.ends_with("directory does not exist") => Some(Code::NoFolder),
        _ => panic!("an error without a code: {error}"),
    }
}

fn listing(parsed: &Parsed) -> Vec<String> {
    let line = |migration: &Migration| format!("{} {}", migration.version, parsed.set.path_of(migration));
    parsed.set.migrations.iter().map(line).collect()
}

/// goose takes the folder's name for a glob pattern and finds nothing in it (goose/spec.md 1.1).
#[test]
fn a_folder_may_have_glob_characters_in_its_name() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("x[1]*");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("1_a.sql"), "-- +goose Up\n").unwrap();
    let parsed = parse::parse(parse::read_folder(&folder, "x[1]*"));
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(listing(&parsed), ["1 x[1]*/1_a.sql"]);
}

#[test]
fn a_file_in_place_of_the_folder_is_said_to_be_one() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("00001_a.sql");
    std::fs::write(&file, "-- +goose Up\n").unwrap();
    assert_eq!(only(&file), (Code::NoFolder, "this is a file, not a folder of migrations".into()));
}

/// The file is sparse, so that the test costs nothing as long as nothing is read.
#[test]
fn a_file_of_more_than_a_gigabyte_is_refused_unread() {
    let root = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(root.path().join("00001_a.sql")).unwrap();
    file.set_len((1 << 30) + 1).unwrap();
    let (code, message) = only(root.path());
    assert_eq!(code, Code::Unreadable);
    assert!(message.contains("larger than"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_name_that_is_not_utf_8_is_refused_as_that() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"1_\xe9.sql")), "-- +goose Up\n").unwrap();
    let (code, message) = only(root.path());
    assert_eq!(code, Code::BadName);
    assert!(message.contains("UTF-8"), "{message}");
}

#[test]
fn a_broken_file_does_not_hide_that_its_version_is_taken() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("00001_a.sql"), "-- +goose Up\nSELECT 1\n").unwrap();
    std::fs::write(root.path().join("1_b.sql"), "-- +goose Up\nSELECT 1;\n").unwrap();
    let parsed = parse::parse(parse::read_folder(root.path(), "m"));
    let codes: Vec<Code> = parsed.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::MissingSemicolon, Code::DuplicateVersion]);
}

/// The one problem of a folder.
fn only(folder: &Path) -> (Code, String) {
    let parsed = parse::parse(parse::read_folder(folder, "m"));
    assert_eq!(parsed.diagnostics.len(), 1, "{:?}", parsed.diagnostics);
    (parsed.diagnostics[0].code, parsed.diagnostics[0].message.clone())
}
