//! Any text, both directions, with and without values: never a panic, and statements that lie in the file. And what puts
//! annotations around SQL loses none of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migrate_core::migration::{Dialect, Direction, Statement};
use migrate_core::parse::{Environment, Section, Substitution, commands, psql_lines, split, wrap, wrap_cuts};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let environment: Environment =
        [("A", "alpha"), ("E", ""), ("S", "x;"), ("U", "é"), ("N", "a\nb;\n-- c")].map(pair).into_iter().collect();
    let languages = [None, Some(Dialect::Goose327), Some(Dialect::Goose330)];
    let filled = languages.map(|language| Substitution::Fill(&environment, language));
    for substitution in filled.into_iter().chain([Substitution::Check]) {
        let up = split(text, Direction::Up, substitution);
        let down = split(text, Direction::Down, substitution);
        for section in [&up, &down].into_iter().flatten() {
            check(text, section);
        }
        if let (Ok(up), Ok(down)) = (&up, &down) {
            assert_eq!((up.mode, up.substitutes), (down.mode, down.substitutes), "both directions read the whole file");
            apart(&up.statements, &down.statements);
        }
    }
    rewritten(text);
});

/// SQL of anywhere, and a file that goose cuts: nothing of either is lost.
fn rewritten(text: &str) {
    assert_eq!(commands(text).concat(), text);
    assert!(psql_lines(text).iter().all(|span| text.get(span.start as usize..span.end as usize).is_some()));
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    assert!(letters(&wrap(text)) >= letters(text), "{text:?}");
    let _ = wrap_cuts(text);
}

fn pair((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Statements ascend, lie in the text, are trimmed, and say which line they start on.
fn check(text: &str, section: &Section) {
    for pair in section.statements.windows(2) {
        assert!(pair[0].span().end <= pair[1].span().start, "statements overlap: {pair:?}");
        assert!(pair[0].line() <= pair[1].line(), "lines go back: {pair:?}");
    }
    for statement in &section.statements {
        let span = statement.span();
        let source = text.get(span.start as usize..span.end as usize).expect("a span lies on character boundaries");
        let sql = statement.sql(text);
        assert_eq!(sql, sql.trim(), "goose trims what it sends");
        assert!(statement.rewritten_sql().is_none_or(|sql| sql != source), "a slice was copied: {sql:?}");
        let line = text[..span.start as usize].matches('\n').count() + 1;
        assert_eq!(statement.line() as usize, line, "{statement:?}");
        if !section.substitutes {
            assert!(words_of(source).ends_with(&words_of(sql)), "{sql:?} is not made of {source:?}");
        }
    }
    for problem in &section.problems {
        assert!(problem.span.end as usize <= text.len() && problem.span.start <= problem.span.end, "{problem:?}");
    }
}

/// No byte of the file is run in both directions.
fn apart(up: &[Statement], down: &[Statement]) {
    if let (Some(up), Some(down)) = (up.last(), down.first()) {
        assert!(up.span().end <= down.span().start, "{up:?} {down:?}");
    }
}

/// Without annotations and line ends, which are what a statement may lack of its source.
fn words_of(text: &str) -> Vec<&str> {
    let annotation = |line: &&str| line.trim_start().starts_with("--") && line.contains("+goose");
    text.lines().filter(|line| !annotation(line)).flat_map(str::split_whitespace).collect()
}
