//! `create`: a new, empty migration, named as goose would name it (goose/spec.md 6), or what other tools left behind, as
//! goose files.

mod conversion;
mod dump;

use std::path::{Path, PathBuf};

use migrate_core::check::{Read, read_files};
use migrate_core::diagnostic::any_error;
use migrate_core::lint::{Settings, unrunnable};
use migrate_core::migration::Version;
use migrate_core::parse::{Folder, Source, read_file, read_folder, version};
use migrate_core::report::{Exit, Failure};
use serde_json::json;

use self::conversion::Draft;
use super::Ended;
use crate::arguments::{CreateArguments, Form};
use crate::console::Console;
use crate::trouble::Trouble;

/// goose's template, byte for byte.
const TEMPLATE: &str = "-- +goose Up\nSELECT 'up SQL query';\n\n-- +goose Down\nSELECT 'down SQL query';\n";

pub(super) fn run(folder: &Path, asked: &CreateArguments, console: &mut Console) -> Ended {
    if !folder.is_dir() {
        let message = format!("the folder {} does not exist", folder.display());
        return Err(Failure::new(Exit::Config, message, "create it, or name another with `--dir`").into());
    }
    if !asked.from.is_empty() {
        let drafts = conversion::drafts(&asked.from, after(last_sequential(folder))?)?;
        return write_drafts(folder, drafts, console);
    }
    let stem = stem(folder, asked.name.as_deref().unwrap_or_default(), asked.sequential)?;
    if let Some(path) = &asked.from_dump {
        return write_drafts(folder, vec![of_dump(path, stem)?], console);
    }
    let path = folder.join(format!("{stem}.sql"));
    write_new(&path, TEMPLATE)?;
    match console.output {
        Form::Text => console.data(&format!("{}\n", path.display())),
        Form::Json => console.json(&json!({ "path": path })),
    }
    Ok(Exit::Ok)
}

/// The name of a new file, without `.sql`.
fn stem(folder: &Path, name: &str, sequential: bool) -> Result<String, Failure> {
    let stamp = if sequential {
        format!("{:05}", after(last_sequential(folder))?)
    } else {
        free_stamp(folder, jiff::Timestamp::now())
    };
    Ok(format!("{stamp}_{}", snake(name)))
}

/// The time as a version, or the next second that no file of the folder has: two files that are made at once get two.
fn free_stamp(folder: &Path, mut time: jiff::Timestamp) -> String {
    let taken: Vec<Version> =
        read_folder(folder, "").sources.iter().filter_map(|source| version(&source.file).ok()).collect();
    loop {
        // `2026-11-30T20:56:33Z` without what is no digit.
        let stamp: String = format!("{time:.0}").chars().filter(char::is_ascii_digit).collect();
        let is_taken = stamp.parse().is_ok_and(|number| taken.contains(&Version(number)));
        match time.checked_add(jiff::SignedDuration::from_secs(1)) {
            Ok(next) if is_taken => time = next,
            _ => return stamp,
        }
    }
}

fn of_dump(path: &Path, stem: String) -> Result<Draft, Trouble> {
    let shown = path.display().to_string();
    let dump = read_file(path, &shown).text.map_err(|problem| Trouble::Diagnostics(vec![problem]))?;
    dump::schema(stem, &dump).map_err(|data| {
        let message =
            format!("{shown}:{}: {} writes rows, and a migration made from a dump holds none", data.line, data.by);
        Failure::new(Exit::Usage, message, "dump the schema alone, with `pg_dump --schema-only`").into()
    })
}

/// Writes all of them, or none: what goose could not read is not written, and no file that is there is written over.
fn write_drafts(folder: &Path, mut drafts: Vec<Draft>, console: &mut Console) -> Ended {
    let shown = folder.display().to_string();
    let read = |drafts: &[Draft]| {
        let source = |draft: &Draft| Source { file: format!("{}.sql", draft.stem), text: Ok(draft.text()) };
        let sources = drafts.iter().map(source).collect();
        read_files(Folder { path: shown.clone(), shown: shown.clone(), sources, diagnostics: Vec::new() }, None)
    };
    let Read { set, commands, .. } = read(&drafts);
    // Other tools open no transaction around a file that holds one command.
    let alone = unrunnable(&set, &commands, &Settings::default());
    for draft in &mut drafts {
        let file = format!("{}.sql", draft.stem);
        draft.alone |= alone.iter().any(|finding| set.find(finding.version).is_some_and(|found| found.file == file));
    }
    let diagnostics = read(&drafts).diagnostics;
    if any_error(&diagnostics) {
        return Err(Trouble::Diagnostics(diagnostics));
    }
    console.diagnostics(&diagnostics);
    let paths = write_all(folder, &drafts)?;
    match console.output {
        Form::Text => paths.iter().for_each(|path| console.data(&format!("{}\n", path.display()))),
        Form::Json => console.json(&json!({ "paths": paths })),
    }
    Ok(Exit::Ok)
}

fn write_all(folder: &Path, drafts: &[Draft]) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    for draft in drafts {
        let path = folder.join(format!("{}.sql", draft.stem));
        if let Err(failure) = write_new(&path, &draft.text()) {
            for path in &written {
                let _still_there = std::fs::remove_file(path);
            }
            return Err(failure);
        }
        written.push(path);
    }
    Ok(written)
}

/// The version after one; the highest that goose can read has none.
pub(super) fn after(version: i64) -> Result<i64, Failure> {
    version.checked_add(1).ok_or_else(|| {
        let message = format!("version {version} is the highest there can be, so no file can be numbered after it");
        Failure::new(Exit::Config, message, "give that file a lower version")
    })
}

/// Never over a file that is there.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Config, message, "check the folder's permissions, or choose another name")
    })
}

/// The highest version of a folder that is not a calendar time.
pub(super) fn last_sequential(folder: &Path) -> i64 {
    versions(folder)
        .into_iter()
        .filter(|(version, _)| !is_time(*version))
        .map(|(version, _)| version.0)
        .max()
        .unwrap_or(0)
}

/// The versions of a folder with their files, ascending.
pub(super) fn versions(folder: &Path) -> Vec<(Version, String)> {
    let sources = read_folder(folder, &folder.display().to_string()).sources;
    let mut versions: Vec<_> =
        sources.into_iter().filter_map(|source| Some((version(&source.file).ok()?, source.file))).collect();
    versions.sort();
    versions
}

/// Whether goose takes a version for a time: 14 digits, a calendar time after 1970-01-01 00:00:00.
pub(super) fn is_time(version: Version) -> bool {
    let text = version.to_string();
    if text.len() != 14 {
        return false;
    }
    let (date, time) = text.split_at(8);
    let parsed = format!("{date}T{time}").parse::<jiff::civil::DateTime>();
    parsed.is_ok_and(|time| time > jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0))
}

/// goose's snake case: letters and digits in lower case, each run of others one `_`; a leading run is dropped, a
/// trailing one only when it is longer than one character.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut skipped = 0;
    for c in name.chars() {
        if c.is_alphanumeric() {
            if skipped > 0 && !snake.is_empty() {
                snake.push('_');
            }
            skipped = 0;
            snake.extend(c.to_lowercase());
        } else {
            skipped += 1;
        }
    }
    if skipped == 1 && !snake.is_empty() {
        snake.push('_');
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_goose_s_snake_case() {
        assert_eq!(snake("Add users Table!"), "add_users_table_");
        assert_eq!(snake("fetchUserData"), "fetchuserdata");
        assert_eq!(snake("été 42"), "été_42");
        assert_eq!(snake("  a--b  "), "a_b");
        assert_eq!(snake(""), "");
    }

    #[test]
    fn a_time_is_fourteen_digits_that_are_a_calendar_time() {
        assert!(is_time(Version(20_230_826_163_141)));
        assert!(!is_time(Version(20_231_301_000_000)));
        assert!(!is_time(Version(19_690_101_000_000)));
        assert!(!is_time(Version(12)));
    }
}
