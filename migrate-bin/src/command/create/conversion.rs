//! `create --from`: the files of another tool, as goose files.
//!
//! From texts to [`Draft`]s. Invariant: the SQL stays as it was written, but for the transaction that the file itself began
//! and ended, and goose's annotations around what goose would cut.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migrate_core::command::{Action, Transaction, read};
use migrate_core::migration::Direction;
use migrate_core::parse::{Half, Shape, commands, dbmate_section, read_file, shape, version, wrap};
use migrate_core::report::{Exit, Failure};

use crate::trouble::Trouble;

/// A migration on its way into goose's form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    /// The file name without `.sql`.
    pub(super) stem: String,
    pub(super) up: String,
    pub(super) down: Option<String>,
    /// It runs outside a transaction.
    pub(super) alone: bool,
}

impl Draft {
    /// The goose file.
    pub(super) fn text(&self) -> String {
        let first = if self.alone { "-- +goose NO TRANSACTION\n" } else { "" };
        let down = self.down.as_deref().map(|down| format!("\n-- +goose Down\n{}", wrap(down)));
        format!("{first}-- +goose Up\n{}{}", wrap(&self.up), down.unwrap_or_default())
    }

    fn take(&mut self, direction: Direction, text: &str) {
        let (text, alone) = without_sqlx_header(text.trim_start_matches('\u{feff}'));
        self.alone |= alone;
        let text = without_own_transaction(text);
        match direction {
            Direction::Up => self.up = text,
            Direction::Down => self.down = Some(text),
        }
    }
}

/// A file of Flyway's.
struct Versioned {
    direction: Direction,
    version: Vec<u64>,
    name: String,
    text: String,
}

/// What the files become, in the order of their names; `next` is the first number that is free in the folder.
///
/// # Errors
/// A file that cannot be read, or that is none of another tool's.
pub(super) fn drafts(files: &[PathBuf], next: i64) -> Result<Vec<Draft>, Trouble> {
    let mut drafts: BTreeMap<String, Draft> = BTreeMap::new();
    let mut versioned = Vec::new();
    for path in with_other_halves(files) {
        let source = read_file(&path, &path.display().to_string());
        let text = source.text.map_err(|problem| Trouble::Diagnostics(vec![problem]))?;
        let stem = source.file.strip_suffix(".sql").unwrap_or(&source.file);
        let mut draft = |stem: &str, direction| {
            let new = || Draft { stem: stem.to_owned(), ..Draft::default() };
            drafts.entry(stem.to_owned()).or_insert_with(new).take(direction, &text);
        };
        match shape(&source.file, &text) {
            Some(Shape::Half(Half { stem, direction })) => draft(stem, direction),
            Some(Shape::Flyway { direction, version, name }) => {
                versioned.push(Versioned { direction, version, name, text });
            }
            Some(Shape::Dbmate) => drop(drafts.insert(stem.to_owned(), of_dbmate(stem, &text))),
            None if version(&source.file).is_ok() && !text.contains("-- +goose") => draft(stem, Direction::Up),
            None => return Err(none_of_theirs(&path, &text).into()),
        }
    }
    for draft in of_flyway(versioned, next) {
        drafts.insert(draft.stem.clone(), draft);
    }
    Ok(drafts.into_values().collect())
}

/// The files, and the other half of each that is named by one of its halves.
fn with_other_halves(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = Vec::new();
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let other = match shape(&name, "") {
            Some(Shape::Half(Half { stem, direction: Direction::Up })) => Some(format!("{stem}.down.sql")),
            Some(Shape::Half(Half { stem, direction: Direction::Down })) => Some(format!("{stem}.up.sql")),
            _ => None,
        };
        let other = other.map(|other| path.with_file_name(other)).filter(|other| other.is_file());
        for path in [Some(path.clone()), other].into_iter().flatten() {
            if !all.contains(&path) {
                all.push(path);
            }
        }
    }
    all
}

fn none_of_theirs(path: &Path, text: &str) -> Failure {
    let shown = path.display();
    if text.contains("-- +goose") {
        return Failure::new(Exit::Usage, format!("{shown} is a goose file already"), "copy it into the folder");
    }
    Failure::new(
        Exit::Usage,
        format!("{shown} is no file of golang-migrate, dbmate, Flyway or sqlx"),
        "name the files as those tools do, with the version first, or write `-- +goose Up` above the SQL",
    )
}

/// sqlx's first line for a file that runs outside a transaction.
fn without_sqlx_header(text: &str) -> (&str, bool) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    if first.trim_start().starts_with("-- no-transaction") { (rest, true) } else { (text, false) }
}

/// A text without the BEGIN that it starts with and the COMMIT that ends it: goose opens a transaction itself. What BEGIN
/// asked of it is the first statement.
fn without_own_transaction(text: &str) -> String {
    let pieces = commands(text);
    let control = |piece: Option<&&str>| match piece.map(|piece| read(piece)).as_deref() {
        Some([command]) => match command.action {
            Action::Transaction(control) => Some((control, command.span)),
            _ => None,
        },
        _ => None,
    };
    let (Some((Transaction::Begin, begin)), Some((Transaction::Commit, commit))) =
        (control(pieces.first()), control(pieces.last()))
    else {
        return text.to_owned();
    };
    let without = |piece: &str, start: u32, end: u32| {
        let rest = piece.get(end as usize..).unwrap_or_default();
        let rest = rest.trim_start().strip_prefix(';').unwrap_or(rest);
        format!("{}{}", piece.get(..start as usize).unwrap_or_default(), rest.trim_start_matches(['\n', '\r']))
    };
    let (Some((first, rest)), last) = (pieces.split_first(), pieces.last().copied().unwrap_or_default()) else {
        return text.to_owned();
    };
    let between = rest.get(..rest.len().saturating_sub(1)).unwrap_or_default().concat();
    let body = format!("{between}{}", without(last, commit.start, commit.end));
    let asked = asked_of(first.get(begin.start as usize..begin.end as usize).unwrap_or_default());
    format!("{}{asked}{}", without(first, begin.start, begin.end), body.trim_start_matches(['\n', '\r']))
}

/// `BEGIN ISOLATION LEVEL SERIALIZABLE` as goose can send it.
fn asked_of(begin: &str) -> String {
    let is_begin =
        |word: &&str| ["BEGIN", "START", "TRANSACTION", "WORK"].iter().any(|own| word.eq_ignore_ascii_case(own));
    let modes: Vec<&str> = begin.split_whitespace().skip_while(is_begin).collect();
    if modes.is_empty() { String::new() } else { format!("SET TRANSACTION {};\n", modes.join(" ")) }
}

fn of_dbmate(stem: &str, text: &str) -> Draft {
    let mut draft = Draft { stem: stem.to_owned(), ..Draft::default() };
    let mut section = None;
    let mut sections: [String; 2] = [String::new(), String::new()];
    for line in text.split_inclusive('\n') {
        if let Some((direction, options)) = dbmate_section(line.trim_end()) {
            draft.alone |= options.split_whitespace().any(|option| option == "transaction:false");
            section = Some(direction);
            continue;
        }
        match section {
            Some(Direction::Up) => sections[0].push_str(line),
            Some(Direction::Down) => sections[1].push_str(line),
            None => {}
        }
    }
    let [up, down] = sections;
    draft.take(Direction::Up, &up);
    draft.take(Direction::Down, &down);
    draft
}

/// In Flyway's order. Versions that are whole numbers stay; where one has parts, all are numbered anew, and what is
/// repeated comes behind them.
fn of_flyway(mut files: Vec<Versioned>, next: i64) -> Vec<Draft> {
    files.sort_by(|a, b| (a.version.is_empty(), &a.version, &a.name).cmp(&(b.version.is_empty(), &b.version, &b.name)));
    let is_whole = |file: &Versioned| matches!(file.version.as_slice(), [number] if i64::try_from(*number).is_ok());
    let stay = files.iter().filter(|file| !file.version.is_empty()).all(is_whole);
    let highest = files.iter().filter_map(|file| i64::try_from(*file.version.first()?).ok()).max().unwrap_or(0);
    let mut number = if stay { next.max(highest + 1) } else { next };
    let mut drafts: Vec<(Vec<u64>, Draft)> = Vec::new();
    for file in files {
        let known = drafts.iter_mut().find(|(version, _)| !version.is_empty() && *version == file.version);
        if let Some((_, draft)) = known {
            draft.take(file.direction, &file.text);
            continue;
        }
        let version = match file.version.first() {
            Some(version) if stay => i64::try_from(*version).unwrap_or(i64::MAX),
            _ => {
                number += 1;
                number - 1
            }
        };
        let mut draft = Draft { stem: format!("{version:05}_{}", file.name), ..Draft::default() };
        draft.take(file.direction, &file.text);
        drafts.push((file.version, draft));
    }
    drafts.into_iter().map(|(_, draft)| draft).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_of_the_file_s_own_is_left_to_goose() {
        for (text, expected) in [
            ("BEGIN;\nSELECT 1;\nCOMMIT;\n", "SELECT 1;\n"),
            ("-- why\nBEGIN;\n\nSELECT 1;\n\nEND;", "-- why\nSELECT 1;\n\n"),
            ("START TRANSACTION; SELECT 1; COMMIT", " SELECT 1; "),
            (
                "BEGIN WORK ISOLATION LEVEL SERIALIZABLE;\nSELECT 1;\nCOMMIT;\n",
                "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nSELECT 1;\n",
            ),
            ("SELECT 1;\nCOMMIT;\n", "SELECT 1;\nCOMMIT;\n"),
            ("BEGIN;\nSELECT 1;\nROLLBACK;\n", "BEGIN;\nSELECT 1;\nROLLBACK;\n"),
            ("SELECT 1;", "SELECT 1;"),
            ("", ""),
        ] {
            assert_eq!(without_own_transaction(text), expected, "{text}");
        }
    }

    #[test]
    fn dbmate_s_sections_and_options_become_goose_s() {
        let text = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (a);\n\n-- migrate:down\nDROP INDEX i;\n";
        assert_eq!(
            of_dbmate("1_a", text).text(),
            "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (a);\n\n-- +goose Down\nDROP INDEX i;\n"
        );
    }

    #[test]
    fn flyway_s_versions_keep_their_order() {
        let file = |direction, version: &[u64], name: &str| Versioned {
            direction,
            version: version.to_vec(),
            name: name.to_owned(),
            text: format!("SELECT '{name}';\n"),
        };
        let stems = |files| of_flyway(files, 1).into_iter().map(|draft| draft.stem).collect::<Vec<_>>();
        let (up, down) = (Direction::Up, Direction::Down);
        let whole = vec![file(up, &[10], "b"), file(up, &[], "views"), file(up, &[2], "a"), file(down, &[2], "a")];
        assert_eq!(stems(whole), ["00002_a", "00010_b", "00011_views"]);
        let parts = vec![file(up, &[1, 10], "c"), file(up, &[1, 2], "b"), file(up, &[1], "a")];
        assert_eq!(stems(parts), ["00001_a", "00002_b", "00003_c"]);
        let undone = of_flyway(vec![file(up, &[3], "a"), file(down, &[3], "undo")], 1);
        assert_eq!(undone[0].text(), "-- +goose Up\nSELECT 'a';\n\n-- +goose Down\nSELECT 'undo';\n");
    }
}
