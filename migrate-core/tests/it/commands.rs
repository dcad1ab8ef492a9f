//! Other projects' migrations, which nobody here wrote: their commands are understood, not only split.

use std::path::Path;

use migrate_core::command::{self, Action, Command};
use migrate_core::migration::Direction;
use migrate_core::parse::{self, Environment, Substitution};

use crate::shared;

/// The statements of both directions of a file.
fn statements(path: &Path) -> Vec<String> {
    let (text, environment) = (shared::text(path), Environment::default());
    let split = |direction| parse::split(&text, direction, Substitution::Fill(&environment, None)).unwrap();
    let both = [Direction::Up, Direction::Down].map(|direction| split(direction).statements);
    both.into_iter().flatten().map(|statement| statement.sql(&text).to_owned()).collect()
}

/// The commands of a statement with their texts; DO blocks, whose code is another language, left out.
fn commands(sql: &str) -> Vec<(Command, String)> {
    let commands = command::read(sql).into_iter().map(|command| {
        let text = command.span.of(sql).to_owned();
        (command, text)
    });
    commands.filter(|(command, _)| !matches!(command.action, Action::Do { .. })).collect()
}

fn is_opaque(command: &Command) -> bool {
    command.action == Action::Opaque
}

#[test]
fn nearly_every_command_of_the_corpus_is_understood() {
    let Some(root) = shared::folder("nearly_every_command_of_the_corpus_is_understood", "corpus") else { return };
    let (mut all, mut opaque) = (0_usize, Vec::new());
    for path in shared::files_below(&root, "sql") {
        for (command, text) in statements(&path).iter().flat_map(|sql| commands(sql)) {
            all += 1;
            if is_opaque(&command) {
                opaque.push(format!("{}: {text}", path.display()));
            }
        }
    }
    println!("{} of {all} commands are opaque", opaque.len());
    for command in opaque.iter().take(10) {
        println!("{command}");
    }
    assert!(all > 5000, "the corpus has {all} commands");
    assert!(opaque.len() * 100 <= all, "{} of {all} commands are opaque: {:#?}", opaque.len(), opaque.first());
}

/// Statements that PostgreSQL accepts and another parser of its dialect refused.
#[test]
fn statements_that_another_parser_refused_are_understood() {
    let test = "statements_that_another_parser_refused_are_understood";
    let Some(root) = shared::folder(test, "corpus") else { return };
    let mut read = 0;
    for line in shared::text(&root.join("SQLPARSER_FALSE_REJECTIONS.jsonl")).lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let sql = case["t"].as_str().unwrap();
        let understood = command::read(sql).iter().any(|command| !is_opaque(command));
        assert!(understood, "{}: {sql}", case["file"]);
        read += 1;
    }
    assert!(read > 700, "{read} statements");
}

/// A span is where the command stands, whatever the command.
#[test]
fn every_command_of_the_corpus_stands_in_its_statement() {
    let Some(root) = shared::folder("every_command_of_the_corpus_stands_in_its_statement", "corpus") else { return };
    for path in shared::files_below(&root, "sql") {
        for (command, text) in statements(&path).iter().flat_map(|sql| commands(sql)) {
            assert!(!text.trim().is_empty(), "{}: {:?}", path.display(), command.action);
        }
    }
}
