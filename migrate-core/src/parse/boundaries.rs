//! Where goose ends a statement and PostgreSQL does not, or the other way round.
//!
//! goose ends a statement where a line ends with `;`, without reading SQL (goose/spec.md 2.6, Q3, Q4). Here the same text
//! is read with PostgreSQL's tokens. From goose's statements to [`Cut`]s and [`Problem`]s. Invariant: one cause is
//! one finding, and what goose sends in one piece is never called an error.

mod scan;

use std::ops::Range;

use self::scan::{Closing, Inside, Scan, next_end, scan};
use super::annotation;
use super::grammar::judge;
use super::grammar::token::{Token, tokens};
use super::machine::ends_statement;
use crate::diagnostic::{Code, Problem};
use crate::migration::{Mode, Statement};
use crate::text::{Span, line_at, saturate};

/// A statement that goose cuts in pieces.
#[derive(Debug)]
pub(crate) struct Cut {
    /// What is wrong.
    pub(crate) problem: Problem,
    /// The pieces, by their place among goose's statements: none of them is a statement to judge.
    pub(crate) pieces: Range<usize>,
    /// The lines, from 1, above and below which the annotations belong that keep it whole.
    pub(crate) lines: (u32, u32),
}

/// How often the end of a statement is looked for in vain: text that nobody wrote must not take forever.
const TRIES: usize = 32;

/// The statements of one direction that goose cuts in pieces.
pub(crate) fn cuts(text: &str, statements: &[Statement]) -> Vec<Cut> {
    let mut found: Vec<Cut> = Vec::new();
    let (mut at, mut tries) = (0, 0);
    while let Some(statement) = statements.get(at) {
        let piece = statement.span().of(text);
        let Scan { open: Some(inside), .. } = scan(piece) else {
            at += 1;
            continue;
        };
        tries += 1;
        let cut = (tries <= TRIES).then(|| cut(text, statements, at, inside)).flatten();
        at = cut.as_ref().map_or(at + 1, |cut| cut.pieces.end);
        found.extend(cut);
    }
    found
}

/// The cut that leaves the piece at `first` inside of something, when what it is inside of ends in a later piece.
fn cut(text: &str, statements: &[Statement], first: usize, inside: Inside) -> Option<Cut> {
    let piece = statements.get(first)?.span();
    let limit = statements.last()?.span().end;
    let start = piece.start + inside.command;
    let rest = Span::new(start, limit).of(text);
    let end = start + next_end(rest)?;
    if end <= piece.end {
        return None;
    }
    // A forgotten quote or bracket finds one that closes it, too: only a text that can be read was cut.
    let surely = matches!(inside.closing, Closing::Dollar | Closing::Comment | Closing::Atomic);
    if !surely && judge(Span::new(start, end).of(text)).is_err() {
        return None;
    }
    let last = statements.partition_point(|statement| statement.span().start < end);
    let lines = (line_at(text, piece.start).0, line_at(text, end.saturating_sub(1)).0);
    let problem = cut_problem(text, piece, inside, (end, lines));
    Some(Cut { problem, pieces: first..last.max(first + 1), lines })
}

fn cut_problem(text: &str, piece: Span, inside: Inside, (end, (above, below)): (u32, (u32, u32))) -> Problem {
    let semicolon = piece.of(text).rfind(';').map_or(piece.start, |at| piece.start + saturate(at));
    let opened = piece.start + inside.opening;
    let (code, what) = match (inside.closing, inside.body) {
        (Closing::String, false) => (Code::SplitInLiteral, "the string"),
        (Closing::Name, _) => (Code::SplitInLiteral, "the quoted name"),
        (Closing::Comment, _) => (Code::SplitInLiteral, "the comment"),
        (Closing::Parenthesis, _) => (Code::BodyCut, "the parentheses"),
        (Closing::Dollar | Closing::Atomic | Closing::String, _) => (Code::BodyCut, "the body"),
    };
    let mut help =
        format!("put `-- +goose StatementBegin` above line {above} and `-- +goose StatementEnd` below line {below}");
    if has_annotation(Span::new(piece.start, end).of(text)) {
        help.push_str(", and delete the annotations between them");
    }
    help.push_str("; `migrate fix --wrap` does it");
    Problem {
        code,
        span: Span::new(semicolon, semicolon + 1),
        message: format!(
            "goose ends the statement at this `;`, inside {what} that starts on line {}",
            line_at(text, opened).0
        ),
        help,
    }
}

fn has_annotation(text: &str) -> bool {
    text.lines().any(|line| annotation::read(line).is_some())
}

/// Behind each `;` that ends a command, and the text's end when a last command has none.
pub(super) fn ends(sql: &str) -> Vec<u32> {
    scan(sql).ends
}

/// The ends of commands in a statement that goose does not see: it sends what follows in the same piece.
pub(crate) fn hidden(text: &str, statement: &Statement, mode: Mode) -> Vec<Problem> {
    let piece = statement.span().of(text);
    // A block is one piece on purpose.
    if in_block(text, statement.span()) {
        return Vec::new();
    }
    let Scan { ends, .. } = scan(piece);
    let ends = ends.split_last().map_or(&[][..], |(_, before)| before);
    let end = |end: &u32| hidden_end(text, statement.span().start + end, mode);
    ends.iter().filter_map(end).collect()
}

/// Whether the `;` before `offset` is the last of its line and goose does not see it.
fn hidden_end(text: &str, offset: u32, mode: Mode) -> Option<Problem> {
    let (_, line) = line_at(text, offset);
    let rest = Span::new(offset, line.end).of(text);
    let after: Vec<Token<'_>> = tokens(rest).collect();
    if ends_statement(line.of(text)) || !after.iter().all(Token::is_trivia) {
        return None;
    }
    let (cause, help) = match rest.trim_start() {
        comment if comment.starts_with("--") => ("the comment behind it is glued to it", "put a blank before `--`"),
        comment if comment.starts_with("/*") => {
            ("a `/* */` comment follows it", "move the comment to a line of its own, above the statement")
        }
        _ => ("goose takes the ` --` before it for a comment", "wrap the statement in StatementBegin/StatementEnd"),
    };
    let effect = match mode {
        Mode::Transaction => "goose sends the next statement together with this one",
        Mode::NoTransaction => {
            "goose sends the next statement together with this one, in one transaction of the two: CONCURRENTLY and VACUUM fail there"
        }
    };
    Some(Problem {
        code: Code::HiddenSemicolon,
        span: Span::new(offset.saturating_sub(1), line.end),
        message: format!("goose does not see this `;`, because {cause}: {effect}"),
        help: help.into(),
    })
}

/// Whether a statement stands in a StatementBegin block: nothing but comments is between the annotation and it.
fn in_block(text: &str, span: Span) -> bool {
    let begins = |line: &str| match annotation::read(line) {
        Some(Ok(annotation::Annotation::StatementBegin)) => Some(true),
        Some(_) => Some(false),
        None => (!line.trim().is_empty() && !annotation::is_comment(line)).then_some(false),
    };
    let before = text.get(..span.start as usize).unwrap_or_default();
    // A block may also begin in the middle of its statement.
    before.lines().rev().find_map(begins).unwrap_or(false) || has_annotation(span.of(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Direction;
    use crate::parse::{Substitution, split};

    fn up(text: &str) -> Vec<Statement> {
        split(text, Direction::Up, Substitution::Check).unwrap().statements
    }

    fn found(sql: &str) -> Vec<(Code, Range<usize>, String)> {
        let text = format!("-- +goose Up\n{sql}");
        let tell = |cut: Cut| (cut.problem.code, cut.pieces, cut.problem.help);
        cuts(&text, &up(&text)).into_iter().map(tell).collect()
    }

    fn wrap(above: u32, below: u32) -> String {
        wrap_and(above, below, "")
    }

    fn wrap_and(above: u32, below: u32, more: &str) -> String {
        let lines = format!("above line {above} and `-- +goose StatementEnd` below line {below}");
        format!("put `-- +goose StatementBegin` {lines}{more}; `migrate fix --wrap` does it")
    }

    #[test]
    fn a_body_that_goose_cuts_is_one_finding_with_the_lines_to_wrap() {
        let sql = "SELECT 1;\n\nDO $$\nBEGIN\n  NULL;\n  NULL;\nEND $$;\nSELECT 2;\n";
        assert_eq!(found(sql), [(Code::BodyCut, 1..4, wrap(4, 8))]);
        let atomic = "CREATE FUNCTION f() RETURNS int\nBEGIN ATOMIC\n  SELECT CASE WHEN true THEN 1 END;\n  SELECT 2;\nEND;\nSELECT 3;\n";
        assert_eq!(found(atomic), [(Code::BodyCut, 0..3, wrap(2, 6))]);
        let quoted = "CREATE FUNCTION f() RETURNS int AS '\nSELECT 1;\n' LANGUAGE sql;\n";
        assert_eq!(found(quoted), [(Code::BodyCut, 0..2, wrap(2, 4))]);
        let rule = "CREATE RULE r AS ON INSERT TO t DO (\nDELETE FROM a;\nDELETE FROM b\n);\n";
        assert_eq!(found(rule), [(Code::BodyCut, 0..2, wrap(2, 5))]);
    }

    #[test]
    fn a_statement_cut_inside_a_literal_a_name_or_a_comment_is_one_finding() {
        assert_eq!(found("INSERT INTO t VALUES ('a;\nb');\n"), [(Code::SplitInLiteral, 0..2, wrap(2, 3))]);
        assert_eq!(found("SELECT 1 AS \"a;\nb\";\n"), [(Code::SplitInLiteral, 0..2, wrap(2, 3))]);
        assert_eq!(found("/* a;\nb */ SELECT 1;\nSELECT 2;\n"), [(Code::SplitInLiteral, 0..2, wrap(2, 3))]);
    }

    #[test]
    fn what_goose_sends_whole_is_no_finding() {
        let whole = [
            "DO $$ BEGIN NULL; END $$;\n",
            "-- +goose StatementBegin\nDO $$\nBEGIN\nNULL;\nEND $$;\n-- +goose StatementEnd\n",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;\n",
            "SELECT 1; SELECT 2;\n",
            "BEGIN;\nSELECT CASE WHEN true THEN 1 END;\nEND;\n",
        ];
        for sql in whole {
            assert_eq!(found(sql), [], "{sql}");
        }
    }

    #[test]
    fn a_forgotten_quote_or_bracket_is_no_cut() {
        assert_eq!(found("SELECT 'it;\nSELECT 'b', 1;\nSELECT 'c';\n"), []);
        assert_eq!(found("CREATE TABLE t (a int;\nSELECT (1);\n"), []);
        assert_eq!(found("DO $$ BEGIN;\nSELECT 1;\n"), []);
    }

    #[test]
    fn a_block_inside_a_cut_body_has_to_go() {
        let sql = "CREATE FUNCTION f() RETURNS int AS $$\nSELECT 1;\n-- +goose StatementBegin\nSELECT 2;\n$$ LANGUAGE sql;\n-- +goose StatementEnd\n";
        let more = ", and delete the annotations between them";
        assert_eq!(found(sql), [(Code::BodyCut, 0..2, wrap_and(2, 6, more))]);
    }

    fn hides(sql: &str) -> Vec<String> {
        let text = format!("-- +goose Up\n{sql}");
        let statements = up(&text);
        statements.iter().flat_map(|it| hidden(&text, it, Mode::Transaction)).map(|it| it.help).collect()
    }

    #[test]
    fn a_semicolon_that_goose_does_not_see_is_told_with_its_cause() {
        assert_eq!(hides("SELECT 1;-- one\nSELECT 2;\n"), ["put a blank before `--`"]);
        assert_eq!(
            hides("SELECT 1; /* one */\nSELECT 2;\n"),
            ["move the comment to a line of its own, above the statement"]
        );
        assert_eq!(hides("SELECT ' -- ';\nSELECT 2;\n"), ["wrap the statement in StatementBegin/StatementEnd"]);
    }

    #[test]
    fn commands_that_share_a_line_or_a_block_do_so_on_purpose() {
        assert_eq!(hides("SELECT 1; SELECT 2;\n"), [""; 0]);
        assert_eq!(
            hides("-- +goose StatementBegin\n-- two\nSELECT 1;-- one\nSELECT 2;\n-- +goose StatementEnd\n"),
            [""; 0]
        );
        assert_eq!(hides("SELECT 1; -- one\nSELECT 2;\n"), [""; 0]);
    }
}
