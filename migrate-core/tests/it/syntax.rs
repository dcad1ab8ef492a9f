//! The syntax gate and the two splitters over migrations that nobody here wrote, and over those that were broken on
//! purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use migrate_core::check;
use migrate_core::diagnostic::{Code, Diagnostic, Severity};
use migrate_core::migration::{Direction, Set};
use migrate_core::parse::{self, Folder, Source, Substitution};

use crate::shared;

/// A statement of `POSTGRES_REJECTS.jsonl`: the file, its side and the line on which it starts.
type Rejected = (String, String, u32);

fn rejected(root: &Path) -> BTreeSet<Rejected> {
    let row = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let word = |key: &str| row[key].as_str().unwrap().to_owned();
        let line = u32::try_from(row["line"].as_u64().unwrap()).unwrap();
        (format!("{}/{}/{}", word("repo"), word("dir"), word("file")), word("side"), line)
    };
    shared::text(&root.join("POSTGRES_REJECTS.jsonl")).lines().map(row).collect()
}

/// One file as a set, with all problems of it that a build tells.
fn checked(file: &str, text: &str) -> (Set, Vec<Diagnostic>) {
    let sources = vec![Source { file: file.to_owned(), text: Ok(text.to_owned()) }];
    let parsed = parse::parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] });
    let diagnostics = check::check(&parsed.set);
    (parsed.set, diagnostics)
}

/// Side and line of the statement that a line of a file belongs to.
fn statement_of(text: &str, line: u32) -> Option<(String, u32)> {
    [Direction::Up, Direction::Down].into_iter().find_map(|direction| {
        let section = parse::split(text, direction, Substitution::Check).ok()?;
        let lines = |span: migrate_core::text::Span| u32::try_from(span.of(text).matches('\n').count()).unwrap();
        let within = section.statements.iter().find(|it| (it.line()..=it.line() + lines(it.span())).contains(&line))?;
        Some((direction.word().to_owned(), within.line()))
    })
}

#[test]
fn of_the_corpus_the_gate_refuses_what_postgresql_refuses_and_nothing_else() {
    let name = "of_the_corpus_the_gate_refuses_what_postgresql_refuses_and_nothing_else";
    let Some(root) = shared::folder(name, "corpus") else { return };
    let (mut refused, mut warnings) = (BTreeSet::new(), BTreeMap::new());
    for path in shared::files_below(&root, "sql") {
        let text = shared::text(&path);
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let (_, diagnostics) = checked(path.file_name().unwrap().to_str().unwrap(), &text);
        for diagnostic in diagnostics {
            if diagnostic.severity() == Severity::Warning {
                *warnings.entry(diagnostic.code).or_insert(0) += 1;
                continue;
            }
            let (side, line) = statement_of(&text, diagnostic.position().unwrap().line).unwrap();
            assert!(refused.insert((file.to_owned(), side, line)), "{file}: two findings of one cause: {diagnostic}");
        }
    }
    assert_eq!(refused, rejected(&root));
    assert_eq!(warnings, BTreeMap::new());
}

fn codes(sql: &str) -> Vec<(Code, u32)> {
    let (_, diagnostics) = checked("1_a.sql", &format!("-- +goose Up\n{sql}"));
    diagnostics.iter().map(|it| (it.code, it.position().unwrap().line)).collect()
}

#[test]
fn a_down_is_judged_like_an_up() {
    assert_eq!(codes("SELECT 1;\n-- +goose Down\nDROP TABEL t;\n"), [(Code::SyntaxError, 4)]);
}

#[test]
fn the_place_is_that_of_the_file_in_statements_that_were_put_together() {
    assert_eq!(codes("SELECT 1;\r\nSELECT\r\n  1 +\r\n  ;\r\n"), [(Code::SyntaxError, 5)]);
    assert_eq!(
        codes("SELECT\n-- +goose StatementBegin\n  FROM WHERE;\n-- +goose StatementEnd\n"),
        [(Code::SyntaxError, 4)]
    );
}

#[test]
fn a_cut_is_told_once_and_its_pieces_are_not_judged() {
    let sql = "DO $$\nBEGIN\n  nonsense;\n  NULL;\nEND $$;\nSELEC 1;\n";
    assert_eq!(codes(sql), [(Code::BodyCut, 4), (Code::SyntaxError, 7)]);
}

#[test]
fn rows_behind_a_copy_are_part_of_its_finding() {
    assert_eq!(codes("COPY t FROM stdin;\n1\ta\n\\.\nSELECT 1;\n"), [(Code::CopyData, 2)]);
}

#[test]
fn where_backslashes_escape_quotes_nothing_is_judged() {
    assert_eq!(codes("SET standard_conforming_strings = off;\nSELECT 'it\\'s;';\n"), []);
}

#[test]
fn a_file_with_variables_is_not_judged() {
    assert_eq!(codes("-- +goose ENVSUB ON\nSELEC ${A};\n"), []);
}

/// Text that nobody wrote: many statements that never end, and very long ones.
#[test]
fn hostile_files_are_judged_in_good_time() {
    let started = std::time::Instant::now();
    let _ = codes(&"SELECT ( ';\n".repeat(4_000));
    let _ = codes(&"CREATE TABLE t (a int;\n".repeat(1_500));
    assert_eq!(codes(&format!("INSERT INTO t VALUES (1){};\n", ",\n(1)".repeat(20_000))), []);
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
