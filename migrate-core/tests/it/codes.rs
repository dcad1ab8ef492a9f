//! Every code of the table, raised by its own example, in the words that a user reads.

use std::path::Path;

use migrate_core::check;
use migrate_core::config;
use migrate_core::diagnostic::{CODES, Code, Diagnostic, Entry};
use migrate_core::lock;
use migrate_core::migration::{Dialect, Direction};
use migrate_core::parse::{self, Environment, Folder, Parsed, Source, Substitution};
use migrate_core::review::{Base, Files, compare};

/// Codes that depend on values: raised when a file is filled in, not when it is parsed.
const RAISED_BY_VALUES: &[Code] = &[Code::VariableUnset, Code::VariableCut];

/// Codes of a whole file or folder: no line is at fault.
const WITHOUT_LINE: &[Code] = &[
    Code::BadName,
    Code::DuplicateVersion,
    Code::NotUtf8,
    Code::Unreadable,
    Code::NoFolder,
    Code::NoMigrations,
    Code::GoMigration,
    Code::LockedFileChanged,
    Code::VersionBelowLock,
    Code::BaseFileEdited,
    Code::BaseFileRemoved,
    Code::BaseFileRenumbered,
    Code::BaseFileReformatted,
    Code::BaseFileRenamed,
    Code::VersionTaken,
    Code::VersionBelowBase,
];

/// A migration that nothing is wrong with.
const SQL: &str = "-- +goose Up\nSELECT 1;\n";

#[test]
fn every_example_raises_its_code_and_no_other() {
    for entry in CODES {
        let codes: Vec<&str> = raised(entry).iter().map(|diagnostic| diagnostic.code.entry().id).collect();
        assert_eq!(codes, [entry.id], "{}", entry.name);
    }
}

#[test]
fn every_problem_says_where_it_is() {
    for entry in CODES {
        for diagnostic in raised(entry) {
            let file = if entry.bad_file.is_empty() { "migrations" } else { entry.bad_file };
            assert!(diagnostic.path.ends_with(file), "{}: {}", entry.id, diagnostic.path);
            let without_line = WITHOUT_LINE.contains(&entry.code);
            assert_eq!(diagnostic.position().is_none(), without_line, "{}: {diagnostic}", entry.id);
        }
    }
}

#[test]
fn problems_read_like_this() {
    let shown: Vec<String> = CODES.iter().flat_map(raised).map(|diagnostic| diagnostic.render(false)).collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn an_unfinished_statement_is_told_what_hid_its_semicolon() {
    let cases = [
        ("SELECT 1\n", "end the statement with `;`"),
        ("SELECT 1;\u{200b}\n", "an invisible character after the `;`"),
        ("SELECT 1;-- c\n", "put a blank before `--`"),
        ("SELECT 1; /* c */\n", "move the comment to a line of its own"),
        ("SELECT ' -- ';\n", "wrap the statement in StatementBegin/StatementEnd"),
        ("/* nothing */\n", "goose reads a `/* */` comment as SQL"),
        ("  \n-- nothing\n", "the line above them holds blanks"),
    ];
    for (rest, help) in cases {
        let text = format!("-- +goose Up\n{rest}-- +goose Down\n");
        let problem = parse::split(&text, Direction::Up, Substitution::Check).unwrap_err();
        assert_eq!(problem.code, Code::MissingSemicolon, "{rest:?}");
        assert!(problem.help.contains(help), "{rest:?}: {}", problem.help);
    }
}

/// A value, a file name and a comment may hold anything, and a log or an editor reads one line a problem.
#[test]
fn the_one_line_form_is_one_line_without_control_characters() {
    let texts = [("seed\n\u{1b}[31m.sql", "-- +goose Up\u{1b}[31m\n"), ("1_\n.sql", "-- +goose Up\nSELECT\u{1b}\r\n")];
    for (file, text) in texts {
        let sources = vec![Source { file: file.into(), text: Ok(text.into()) }];
        let folder = Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] };
        let diagnostics = parse::parse(folder).diagnostics;
        assert!(!diagnostics.is_empty());
        for diagnostic in diagnostics {
            let line = diagnostic.to_string();
            assert!(!line.contains(char::is_control), "{line:?}");
            let rendered = diagnostic.render(false);
            assert!(!rendered.contains(|c: char| c.is_control() && c != '\n'), "{rendered:?}");
        }
    }
}

/// The problems of a row's example.
fn raised(entry: &Entry) -> Vec<Diagnostic> {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("migrations");
    if entry.code != Code::NoFolder {
        std::fs::create_dir(&folder).unwrap();
    }
    if let Some(base) = base(entry.code) {
        return compare(&example_beside(entry, &base), &base);
    }
    write_example(entry, &folder);
    if entry.code == Code::BadConfig {
        let read = config::read(&folder.join(entry.bad_file), "migrations/migrate.toml");
        return read.err().map(|problem| *problem).into_iter().collect();
    }
    let problems = problems(&folder);
    if RAISED_BY_VALUES.contains(&entry.code) {
        assert_eq!(problems, [], "{}: without values nothing is wrong", entry.id);
        return filled(&folder, entry.code);
    }
    problems
}

/// The base revision that an example is compared with; `None` where the example is a folder alone.
fn base(code: Code) -> Option<Base> {
    let files = |names: &[&str]| -> Files { names.iter().map(|name| ((*name).into(), SQL.into())).collect() };
    let (fork, tip) = match code {
        Code::BaseFileEdited
        | Code::BaseFileRemoved
        | Code::BaseFileRenumbered
        | Code::BaseFileReformatted
        | Code::BaseFileRenamed => (files(&["00001_a.sql"]), files(&["00001_a.sql"])),
        Code::VersionTaken | Code::VersionBelowBase => (Files::new(), files(&["00002_a.sql"])),
        _ => return None,
    };
    Some(Base { revision: "origin/main".into(), fork, tip })
}

/// The example in place of the base's file; for the one that is about a removed file, without it.
fn example_beside(entry: &Entry, base: &Base) -> Folder {
    let is_removed = entry.code == Code::BaseFileRemoved;
    let file = if is_removed { "00002_b.sql" } else { entry.bad_file };
    assert!(!is_removed || base.fork.contains_key(entry.bad_file));
    let sources = vec![Source {
        file: file.into(),
        text: Ok(if is_removed { "-- +goose Up\nSELECT 2;\n" } else { entry.bad_text }.into()),
    }];
    Folder { path: "migrations".into(), shown: "migrations".into(), sources, diagnostics: vec![] }
}

fn write_example(entry: &Entry, folder: &Path) {
    let path = folder.join(entry.bad_file);
    match entry.code {
        Code::NoFolder | Code::NoMigrations => {}
        Code::Unreadable => std::fs::create_dir(path).unwrap(),
        // The table cannot hold bytes that are not UTF-8: its é is written as Latin-1 has it.
        Code::NotUtf8 => {
            let latin1 = entry.bad_text.chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<u8>>();
            std::fs::write(path, latin1).unwrap();
        }
        // Too long to stand in the table.
        Code::LineTooLong => {
            std::fs::write(path, format!("-- +goose Up\nSELECT '{}';\n", "x".repeat(5 << 20))).unwrap();
        }
        Code::VariableDepth => {
            let nested = format!("{}{}", "${A:-".repeat(1001), "}".repeat(1001));
            std::fs::write(path, format!("-- +goose ENVSUB ON\n-- +goose Up\nSELECT '{nested}';\n")).unwrap();
        }
        Code::NestedTooDeep => {
            std::fs::write(path, format!("-- +goose Up\nSELECT {}1{};\n", "(".repeat(501), ")".repeat(501))).unwrap();
        }
        Code::DuplicateVersion => {
            std::fs::write(folder.join("00001_a.sql"), entry.bad_text).unwrap();
            std::fs::write(path, entry.bad_text).unwrap();
        }
        // A lock of the file before it was edited, or of one that the file is below.
        Code::LockedFileChanged | Code::VersionBelowLock => {
            let locked = if entry.code == Code::VersionBelowLock { "00002_b.sql" } else { entry.bad_file };
            std::fs::write(folder.join(locked), SQL).unwrap();
            std::fs::write(folder.join(lock::FILE), lock::render(&parsed(folder).set)).unwrap();
            std::fs::write(path, entry.bad_text).unwrap();
        }
        Code::LockedFileMissing | Code::BadLock => {
            std::fs::write(folder.join("00002_b.sql"), SQL).unwrap();
            std::fs::write(path, entry.bad_text).unwrap();
        }
        _ => std::fs::write(path, entry.bad_text).unwrap(),
    }
}

fn parsed(folder: &Path) -> Parsed {
    let check::Read { set, diagnostics, .. } = check::folder(folder, "migrations", None);
    Parsed { set, diagnostics }
}

fn problems(folder: &Path) -> Vec<Diagnostic> {
    parsed(folder).diagnostics
}

/// The problems of filling in the values of the folder's migrations.
fn filled(folder: &Path, code: Code) -> Vec<Diagnostic> {
    let name = ("NAME", "alpha");
    let unset = code == Code::VariableUnset;
    let values = [("ACCENTED", "é")].into_iter().chain((!unset).then_some(name));
    let environment: Environment = values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    // Only the older language counts bytes.
    let dialect = (code == Code::VariableCut).then_some(Dialect::Goose327);
    let set = parsed(folder).set.speaking(dialect);
    let resolve = |migration| parse::resolve(migration, Direction::Up, &set.path_of(migration), &environment).err();
    set.migrations.iter().filter_map(resolve).map(|problem| *problem).collect()
}
