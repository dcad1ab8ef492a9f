//! Every recorded parse of goose, and our differences from it, which are listed exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use migrate_core::diagnostic::{Code, Severity};
use migrate_core::migration::Dialect;
use migrate_core::migration::Direction::{self, Down, Up};
use migrate_core::parse::{self, Folder, Source, Substitution};

use crate::shared;
use crate::vector::{self, Vector};

/// A deliberate difference from goose: it accepts the file, and we refuse it.
struct Difference {
    id: &'static str,
    directions: &'static [Direction],
    code: Code,
    reason: &'static str,
}

const fn differs(id: &'static str, directions: &'static [Direction], code: Code, reason: &'static str) -> Difference {
    Difference { id, directions, code, reason }
}

const BOTH: &[Direction] = &[Up, Down];
const NOT_UTF8: &str = "a migration is UTF-8; PostgreSQL refuses other bytes in a UTF-8 database";
const DROPPED: &str = "goose drops the line after an empty block and reports success (Q1): silent loss of SQL";

/// What `split` makes of an input otherwise than goose.
const SPLIT: &[Difference] = &[
    differs("tricky/env_invalid_utf8", BOTH, Code::NotUtf8, NOT_UTF8),
    differs("tricky/env_off_invalid_utf8", BOTH, Code::NotUtf8, NOT_UTF8),
    differs("tricky/latin1_bytes", BOTH, Code::NotUtf8, NOT_UTF8),
    differs("tricky/latin1_nbsp_byte", BOTH, Code::NotUtf8, NOT_UTF8),
    differs(
        "tricky/env_substr_utf8",
        BOTH,
        Code::VariableCut,
        "the substring counts bytes and cuts a character in two: not UTF-8, which PostgreSQL refuses",
    ),
];

/// What `split` leaves as it is, and a set with such a file refuses: direction by direction, as the rule says.
const SET: &[Difference] = &[
    differs("tricky/block_comment_only_then_sql", &[Up], Code::BlockDropsSql, DROPPED),
    differs("tricky/block_blank_only_then_sql", &[Up], Code::BlockDropsSql, DROPPED),
    differs("tricky/block_empty_then_multiline", &[Up], Code::BlockDropsSql, DROPPED),
    differs("tricky/block_empty_then_comment_then_sql", &[Up], Code::BlockDropsSql, DROPPED),
    differs("tricky/block_empty_down_then_sql", &[Down], Code::BlockDropsSql, DROPPED),
    differs("tricky/block_empty_then_unfinished", &[Up], Code::BlockDropsSql, DROPPED),
];

fn tricky() -> (Vec<Vector>, PathBuf) {
    let root = shared::own("vectors");
    let vectors = vector::read(&root.join("tricky/expectations.json"));
    assert_eq!(vectors.len(), 213);
    (vectors, root)
}

fn goose_s_own(test: &str) -> Option<(Vec<Vector>, PathBuf)> {
    let root = shared::folder(test, "goose/vectors")?;
    let vectors = vector::read(&root.join("expectations.json"));
    assert_eq!(vectors.len(), 77);
    Some((vectors, root))
}

#[test]
fn tricky_files_split_as_goose_splits_them() {
    let (vectors, root) = tricky();
    assert_eq!(split_differences(&vectors, &root), listed(SPLIT));
}

#[test]
fn files_of_goose_split_as_goose_splits_them() {
    let Some((vectors, root)) = goose_s_own("files_of_goose_split_as_goose_splits_them") else { return };
    assert_eq!(split_differences(&vectors, &root), BTreeMap::new());
}

#[test]
fn a_set_of_one_tricky_file_is_accepted_where_goose_accepts_it() {
    let (vectors, root) = tricky();
    let expected: BTreeMap<_, _> = SPLIT
        .iter()
        .chain(SET)
        .map(|difference| (difference.id.to_owned(), difference.code.entry().id.to_owned()))
        .collect();
    assert_eq!(set_differences(&vectors, &root), expected);
}

#[test]
fn a_set_of_one_file_of_goose_is_accepted_where_goose_accepts_it() {
    let test = "a_set_of_one_file_of_goose_is_accepted_where_goose_accepts_it";
    let Some((vectors, root)) = goose_s_own(test) else { return };
    assert_eq!(set_differences(&vectors, &root), BTreeMap::new());
}

#[test]
fn dropped_sql_is_reported_in_the_direction_it_is_in() {
    let (vectors, root) = tricky();
    for difference in SET {
        let vector = vectors.iter().find(|vector| vector.id == difference.id).expect(difference.reason);
        let text = String::from_utf8(vector.input(&root)).unwrap();
        for direction in BOTH {
            let section = parse::split(&text, *direction, Substitution::Check).unwrap();
            let reported = section.problems.iter().any(|problem| problem.code == difference.code);
            assert_eq!(reported, difference.directions.contains(direction), "{} {direction:?}", difference.id);
        }
    }
}

#[test]
fn golden_statements_of_goose_are_ours() {
    let Some((vectors, root)) = goose_s_own("golden_statements_of_goose_are_ours") else { return };
    let mut checked = 0;
    for vector in &vectors {
        let input = root.join(vector.file.as_ref().unwrap());
        let text = shared::text(&input);
        let folder = input.parent().unwrap();
        for direction in BOTH {
            let golden = format!("01.{}.golden.sql", direction.word());
            if !folder.join(golden).is_file() {
                continue;
            }
            let environment = vector.environment();
            let section =
                parse::split(&text, *direction, Substitution::Fill(&environment, Some(Dialect::Goose327))).unwrap();
            for (index, statement) in section.statements.iter().enumerate() {
                let golden = folder.join(format!("{:02}.{}.golden.sql", index + 1, direction.word()));
                assert_eq!(statement.sql(&text), shared::text(&golden), "{}", golden.display());
                checked += 1;
            }
        }
    }
    assert_eq!(checked, shared::files_below(&root, "sql").iter().filter(|path| is_golden(path)).count());
    assert_eq!(checked, 32);
}

fn is_golden(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".golden.sql")
}

/// Our code, or what differs, by id and direction.
fn split_differences(vectors: &[Vector], root: &Path) -> BTreeMap<(String, &'static str), String> {
    let mut found = BTreeMap::new();
    for vector in vectors {
        for direction in BOTH {
            if let Some(difference) = split_difference(vector, *direction, root) {
                found.insert((vector.id.clone(), direction.word()), difference);
            }
        }
    }
    found
}

fn split_difference(vector: &Vector, direction: Direction, root: &Path) -> Option<String> {
    let outcome = vector.outcome(direction);
    let Ok(text) = String::from_utf8(vector.input(root)) else {
        return outcome.differs_from_refusal(Code::NotUtf8);
    };
    let environment = vector.environment();
    match parse::split(&text, direction, Substitution::Fill(&environment, Some(Dialect::Goose327))) {
        Ok(section) => outcome.differs_from(section.mode, &section.statements, &text),
        Err(problem) => outcome.differs_from_refusal(problem.code),
    }
}

fn listed(differences: &[Difference]) -> BTreeMap<(String, &'static str), String> {
    let each = |difference: &Difference| {
        let (id, code) = (difference.id.to_owned(), difference.code.entry().id.to_owned());
        difference.directions.iter().map(move |direction| ((id.clone(), direction.word()), code.clone()))
    };
    differences.iter().flat_map(each).collect()
}

/// Our codes, or what differs, where a set of that one file is not accepted as goose accepts it.
fn set_differences(vectors: &[Vector], root: &Path) -> BTreeMap<String, String> {
    let difference = |vector: &Vector| Some((vector.id.clone(), set_difference(vector, root)?));
    vectors.iter().filter_map(difference).collect()
}

/// The way of the product: the file is read, parsed without values, and filled in when it runs.
fn set_difference(vector: &Vector, root: &Path) -> Option<String> {
    let text = match &vector.file {
        Some(file) => parse::read_file(&root.join(file), "m/00001_a.sql").text,
        None => Ok(String::from_utf8(vector.input(root)).unwrap()),
    };
    let sources = vec![Source { file: "00001_a.sql".into(), text }];
    let mut parsed = parse::parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] });
    parsed.set = parsed.set.speaking(Some(Dialect::Goose327));
    let errors = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error);
    let mut refused: BTreeSet<&str> = errors.map(|diagnostic| diagnostic.code.entry().id).collect();
    let environment = vector.environment();
    for (migration, direction) in parsed.set.migrations.iter().flat_map(|m| BOTH.iter().map(move |d| (m, *d))) {
        match parse::resolve(migration, direction, "m/00001_a.sql", &environment) {
            Err(diagnostic) => _ = refused.insert(diagnostic.code.entry().id),
            Ok(statements) if vector.both_ok => {
                let outcome = vector.outcome(direction);
                if let Some(difference) = outcome.differs_from(migration.mode, &statements, &migration.text) {
                    return Some(difference);
                }
            }
            Ok(_) => {}
        }
    }
    let refused = refused.into_iter().collect::<Vec<_>>().join(" ");
    (vector.both_ok != refused.is_empty()).then(|| if refused.is_empty() { "accepted".into() } else { refused })
}
