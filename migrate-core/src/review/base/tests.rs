use super::*;
use crate::parse::Source;

const ONE: &str = "-- +goose Up\nSELECT 1;\n";
const TWO: &str = "-- +goose Up\nSELECT 2;\n";

fn files(entries: &[(&str, &str)]) -> Files {
    entries.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
}

fn verdicts(now: &[(&str, &str)], fork: &[(&str, &str)], tip: &[(&str, &str)]) -> Vec<String> {
    let source = |(file, text): &(&str, &str)| Source { file: (*file).to_owned(), text: Ok((*text).to_owned()) };
    let folder =
        Folder { path: "m".into(), shown: "m".into(), sources: now.iter().map(source).collect(), diagnostics: vec![] };
    let base = Base { revision: "main".into(), fork: files(fork), tip: files(tip) };
    compare(&folder, &base).iter().map(|problem| format!("{} {}", problem.path, problem.code.entry().id)).collect()
}

const A: (&str, &str) = ("00001_a.sql", ONE);
const B: (&str, &str) = ("00002_b.sql", TWO);
const NOTHING: [&str; 0] = [];

#[test]
fn nothing_is_said_of_files_that_are_the_same_or_new_behind_all() {
    assert_eq!(verdicts(&[A, B], &[A], &[A]), NOTHING);
    assert_eq!(verdicts(&[("00001_a.sql", "-- +goose Up\r\nSELECT 1;\r\n")], &[A], &[A]), NOTHING, "line ends");
    assert_eq!(verdicts(&[A], &[], &[]), NOTHING, "a base without migrations");
}

#[test]
fn an_edit_of_the_sql_is_an_error_and_one_of_comments_a_warning() {
    assert_eq!(verdicts(&[("00001_a.sql", TWO)], &[A], &[A]), ["m/00001_a.sql H01"]);
    assert_eq!(verdicts(&[("00001_a.sql", "-- +goose Up\n-- c\nSELECT  1;\n")], &[A], &[A]), ["m/00001_a.sql H04"]);
    assert_eq!(verdicts(&[("00001_b.sql", TWO)], &[A], &[A]), ["m/00001_b.sql H01"], "renamed and edited");
}

#[test]
fn a_file_that_is_gone_is_removed_renamed_or_renumbered() {
    assert_eq!(verdicts(&[B], &[A, B], &[A, B]), ["m/00001_a.sql H02"]);
    assert_eq!(verdicts(&[("00001_c.sql", ONE)], &[A], &[A]), ["m/00001_c.sql H05"]);
    assert_eq!(verdicts(&[("00003_a.sql", ONE)], &[A], &[A]), ["m/00003_a.sql H03"]);
    assert_eq!(verdicts(&[("00003_a.sql", "-- +goose Up\n\nSELECT 1;\n")], &[A], &[A]), ["m/00003_a.sql H03"]);
    let taken = [("00001_n.sql", TWO), ("00003_a.sql", ONE)];
    assert_eq!(
        verdicts(&taken, &[A], &[A]),
        ["m/00001_n.sql H06", "m/00003_a.sql H03"],
        "and its number went to another"
    );
}

#[test]
fn what_the_base_did_meanwhile_is_no_change_of_this_branch() {
    let edited = ("00001_a.sql", TWO);
    assert_eq!(verdicts(&[A], &[A], &[edited]), NOTHING, "the base edited it");
    assert_eq!(verdicts(&[], &[A], &[]), NOTHING, "both removed it");
    assert_eq!(verdicts(&[edited], &[A], &[edited]), NOTHING, "both made the same edit");
    assert_eq!(verdicts(&[A], &[A], &[A, B]), NOTHING, "the base got another one");
    assert_eq!(verdicts(&[A, B], &[A], &[A, B]), NOTHING, "it has landed already");
}

#[test]
fn a_new_one_sorts_behind_the_base_as_it_is_now() {
    let theirs = ("00002_theirs.sql", ONE);
    assert_eq!(verdicts(&[A, B], &[A], &[A, theirs]), ["m/00002_b.sql H06"]);
    assert_eq!(verdicts(&[A, B, theirs], &[A], &[A, theirs]), ["m/00002_b.sql H06"], "and with both in the folder");
    assert_eq!(verdicts(&[A, B], &[A], &[A, ("00003_c.sql", ONE)]), ["m/00002_b.sql H07"]);
}

#[test]
fn the_help_names_a_free_number() {
    let folder = Folder {
        path: "m".into(),
        shown: "m".into(),
        sources: vec![Source { file: "00002_b.sql".into(), text: Ok(TWO.into()) }],
        diagnostics: vec![],
    };
    let base = Base { revision: "main".into(), fork: Files::new(), tip: files(&[("00002_c.sql", ONE)]) };
    let help = compare(&folder, &base).remove(0).help;
    assert!(help.ends_with("rename the file to `00003_b.sql`"), "{help}");
}
