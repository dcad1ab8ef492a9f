//! Statements of other projects, broken on purpose: what a server's parser refuses, the gate refuses too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migrate_core::check;
use migrate_core::diagnostic::{Code, any_error};
use migrate_core::migration::Body;
use migrate_core::parse::{Folder, Source, parse, read_folder};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::stage::{Database, shared};

/// Mutants of each kind.
const EACH: usize = 500;

/// What is done to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Injury {
    DropToken,
    MisspellKeyword,
    DropParenthesis,
    DropComma,
}

/// A generator with a fixed seed: every run breaks the same statements in the same way.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap_or_default()
    }
}

/// Asked by preparing, which parses and never runs: a statement that parses fails on a name or not at all.
#[test]
fn what_the_servers_parser_refuses_the_gate_refuses() {
    let Some(root) = shared("what_the_servers_parser_refuses_the_gate_refuses", "corpus") else { return };
    let statements = statements(&root);
    assert!(statements.len() > 2_000, "{}", statements.len());
    let database = Database::create();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut tally, mut missed, mut wrong) = (BTreeMap::new(), Vec::new(), Vec::new());
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        for (injury, mutant) in mutants(&statements) {
            let (refused, found) = (refuses(&client, &mutant).await, judged(&mutant));
            let (rejected, seen) = tally.entry(injury).or_insert((0_usize, 0_usize));
            *rejected += usize::from(refused);
            *seen += usize::from(refused && found);
            if refused && !found {
                missed.push(format!("{injury:?}: {mutant}"));
            }
            if found && !refused && !is_impossible(&mutant) {
                wrong.push(format!("{injury:?}: {mutant}"));
            }
        }
        drop(client);
        let _ended = driver.await;
    });
    let (rejected, found) = tally.values().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    println!("{found} of {rejected} refused mutants found, by injury (refused, found): {tally:?}");
    println!("missed:\n{}\nrefused by the gate alone:\n{}", missed.join("\n"), wrong.join("\n"));
    assert!(rejected > 1_000, "{rejected}");
    assert!(found * 100 >= rejected * 99, "{found} of {rejected}; missed:\n{}", missed.join("\n"));
    assert!(wrong.is_empty(), "refused by the gate alone:\n{}", wrong.join("\n"));
}

/// What the server's grammar reads and the server refuses later, whatever its tables: `f(a) 'b'`, a string of the
/// unknown type `f(a)`; `text (a::b)`, a type with a modifier that is no constant; a value made of no column.
fn is_impossible(sql: &str) -> bool {
    let after = |sign: &str, starts: char| sql.split(sign).skip(1).any(|rest| rest.trim_start().starts_with(starts));
    after(")", '\'') || after("::text", '(') || sql.contains("(SELECT  FROM")
}

/// The statements of the corpus that the gate accepts, each one command without a body.
#[expect(clippy::disallowed_methods, reason = "the table is no migration source")]
fn statements(root: &Path) -> Vec<String> {
    let table = std::fs::read_to_string(root.join("APPLICABLE.tsv")).unwrap();
    let folder = |row: &str| {
        let mut fields = row.split('\t');
        Some(root.join(fields.next()?).join(fields.next()?))
    };
    let folders: Vec<PathBuf> = table.lines().skip(1).filter_map(folder).collect();
    let mut found = Vec::new();
    for folder in folders {
        let set = parse(read_folder(&folder, "m")).set;
        for migration in set.migrations.iter() {
            let Body::Split { up, down } = &migration.body else { continue };
            let statements = up.iter().chain(down.iter()).map(|it| it.sql(&migration.text));
            found.extend(statements.filter(|sql| is_plain(sql)).map(str::to_owned));
        }
    }
    found.sort();
    found.dedup();
    found.retain(|sql| !judged(sql));
    found
}

fn is_plain(sql: &str) -> bool {
    sql.len() < 2_000 && sql.matches(';').count() == 1 && !sql.contains('$') && !sql.contains("--")
}

fn mutants(statements: &[String]) -> Vec<(Injury, String)> {
    let mut dice = Dice(0x5eed);
    let mut mutants = Vec::new();
    for injury in [Injury::DropToken, Injury::MisspellKeyword, Injury::DropParenthesis, Injury::DropComma] {
        let mut made = 0;
        while made < EACH {
            let statement = &statements[dice.below(statements.len())];
            if let Some(mutant) = injured(statement, injury, &mut dice) {
                mutants.push((injury, mutant));
                made += 1;
            }
        }
    }
    mutants
}

/// The statement with one injury; `None` where it holds nothing of the kind.
fn injured(statement: &str, injury: Injury, dice: &mut Dice) -> Option<String> {
    let tokens = tokens(statement);
    let fits = |(_, token): &&(usize, &str)| match injury {
        Injury::DropToken => *token != ";",
        Injury::MisspellKeyword => token.len() > 2 && token.chars().all(|c| c.is_ascii_uppercase()),
        Injury::DropParenthesis => ["(", ")"].contains(token),
        Injury::DropComma => *token == ",",
    };
    let candidates: Vec<_> = tokens.iter().filter(fits).collect();
    let (at, token) = **candidates.get(dice.below(candidates.len().max(1)))?;
    let after = &statement[at + token.len()..];
    let instead = match injury {
        Injury::MisspellKeyword => {
            let letter = dice.below(token.len());
            format!("{}{}", &token[..letter], &token[letter + 1..])
        }
        _ => String::new(),
    };
    Some(format!("{}{instead}{after}", &statement[..at]))
}

/// Words, strings and signs, with their places.
fn tokens(sql: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        if !first.is_whitespace() {
            found.push((at, &rest[..length]));
        }
        at += length;
    }
    found
}

/// Whether the server's parser refuses it.
pub(crate) async fn refuses(client: &Client, sql: &str) -> bool {
    match client.prepare(sql).await {
        Ok(_) => false,
        Err(error) => error.code() == Some(&SqlState::SYNTAX_ERROR),
    }
}

/// Whether the gate refuses it.
pub(crate) fn judged(sql: &str) -> bool {
    let text = format!("-- +goose Up\n-- +goose StatementBegin\n{sql}\n-- +goose StatementEnd\n");
    let sources = vec![Source { file: "1_a.sql".into(), text: Ok(text) }];
    let set = parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] }).set;
    let diagnostics = check::check(&set);
    assert!(diagnostics.iter().all(|it| it.code != Code::BodyCut), "a block is never cut");
    any_error(&diagnostics)
}
