//! The words for what makes goose refuse a file, each with the way out.

use super::State;
use super::line::Line;
use crate::diagnostic::{Code, Problem};
use crate::migration::Direction;
use crate::parse::annotation::{self, BadAnnotation, is_comment};
use crate::parse::variables::{ExpandError, Reading, only_older};
use crate::text::{Span, line_at, saturate};

pub(super) fn line_too_long(line: Line<'_>) -> Problem {
    line.problem(
        Code::LineTooLong,
        "this line is longer than 4 MiB",
        "break the line: goose reads lines of at most 4,194,304 bytes",
    )
}

pub(super) fn dropped_line(line: Line<'_>, block_line: u32) -> Problem {
    line.problem(
        Code::BlockDropsSql,
        format!("goose would silently drop this line, because the block that starts on line {block_line} is empty"),
        "delete the empty StatementBegin/StatementEnd pair, or move the statement into it",
    )
}

pub(super) fn empty_block(block: Span) -> Problem {
    Problem {
        code: Code::EmptyBlock,
        span: block,
        message: "this block is empty: goose would silently drop a line of SQL written after it".into(),
        help: "delete the StatementBegin/StatementEnd pair".into(),
    }
}

pub(super) fn bad_annotation(line: Line<'_>, bad: &BadAnnotation) -> Problem {
    match bad.code {
        Code::AnnotationIndented => line.problem(
            bad.code,
            "an annotation must start in the first column, and this line starts with a blank",
            format!("start the line with `{}`", line.text.trim()),
        ),
        Code::AnnotationTwice => line.problem(
            bad.code,
            "this line holds `+goose` more than once",
            "write each annotation on a line of its own",
        ),
        Code::AnnotationEmpty => line.problem(
            bad.code,
            "`+goose` is not followed by the name of an annotation",
            "write `-- +goose Up`, `-- +goose Down`, `-- +goose StatementBegin`, … or remove `+goose` from the comment",
        ),
        code => {
            let help = match annotation::suggest(&bad.name) {
                Some(name) => format!("write `-- +goose {name}` and nothing else on the line"),
                None => "goose reads every comment with `+goose` in it as an annotation: write it without the plus sign, or use one of Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, ENVSUB OFF".to_owned(),
            };
            let name = shorten(&bad.name);
            line.problem(code, format!("goose knows no annotation `{name}`"), help)
        }
    }
}

/// What both languages of variables read alike, and what to do where that does not suffice.
pub(in crate::parse) const PORTABLE: &str = "write it as both read it: `${NAME}` with an ASCII name that starts with a letter, `:-`, `-` and \
     `?`, substrings inside ASCII values, `$$` for a dollar sign, no `\\}`; or say which of them is meant, goose-3.27 or goose-3.30";

/// A value that is a word of four megabytes: whether a statement ends behind it depends on the version of goose.
pub(super) fn long_value(line: Line<'_>) -> Problem {
    line.problem(
        Code::VariableDialects,
        "a value on this line is so long that goose up to 3.29 does not see the `;` behind it, and later ones do",
        "put the `;` on a line of its own, or say which of them is meant, goose-3.27 or goose-3.30",
    )
}

pub(in crate::parse) fn bad_expansion(line: Span, error: &ExpandError) -> Problem {
    let at = line.start + saturate(error.at);
    let help = match error.code {
        Code::VariableUnset => "set the variable in the environment of this command",
        Code::VariableOffset | Code::VariableLength => {
            "goose reads a number after `:`, as in `${NAME:OFFSET:LENGTH}`; for a default write `${NAME:-default}`, for a required variable `${NAME?message}`"
        }
        Code::VariableCut => "choose offset and length so that no character is cut: goose up to 3.30.0 counts bytes",
        Code::VariableDialects => PORTABLE,
        Code::VariableOperator | Code::VariableOpen => {
            "goose knows `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME?message}` and `${NAME:OFFSET:LENGTH}`, each on one line; for a dollar sign write `\\$`"
        }
        _ => "write `\\$` for a dollar sign, `$$$$` for `$$`, or put `-- +goose ENVSUB OFF` before the line",
    };
    Problem {
        code: error.code,
        span: Span::new(at.min(line.end), line.end),
        message: format!("variable substitution: {}", error.cause),
        help: help.into(),
    }
}

/// What is to be said of a line that is filled in, by its grammar.
pub(in crate::parse) fn of_reading(line: Span, reading: Reading) -> Option<Problem> {
    let problem = |code, at, message: &str, help: &str| Problem {
        code,
        span: Span::new((line.start + saturate(at)).min(line.end), line.end),
        message: message.into(),
        help: help.into(),
    };
    match reading {
        Reading::Plain => None,
        Reading::NeedsNewer => Some(problem(
            Code::VariableNeedsNewer,
            0,
            "variable substitution: goose up to 3.30.0 refuses this line; it needs goose 3.30.1",
            PORTABLE,
        )),
        Reading::Differs { at } => Some(problem(
            Code::VariableDialects,
            at,
            "variable substitution: goose up to 3.30.0 makes other text of this line than goose from 3.30.1 on",
            PORTABLE,
        )),
        Reading::NeedsOlder(error) => {
            Some(Problem { help: PORTABLE.into(), ..bad_expansion(line, &only_older(&error)) })
        }
        Reading::Refused(error) => Some(bad_expansion(line, &error)),
    }
}

pub(super) fn sql_before_up(line: Line<'_>) -> Problem {
    if line.text.starts_with('\u{feff}') {
        return line.problem(
            Code::SqlBeforeUp,
            "the file starts with a byte order mark, which goose reads as SQL before `-- +goose Up`",
            "save the file as UTF-8 without a byte order mark",
        );
    }
    let help = if line.text.trim_start().starts_with("/*") {
        "goose reads a `/* */` comment as SQL: write `--` comments above `-- +goose Up`"
    } else {
        "put a line `-- +goose Up` above it"
    };
    line.problem(Code::SqlBeforeUp, "this line stands before `-- +goose Up`, so it belongs to no section", help)
}

pub(super) fn duplicate_up(line: Line<'_>) -> Problem {
    line.problem(
        Code::DuplicateUp,
        "this is a second `-- +goose Up`, and a file has only one Up section",
        "merge the two sections, or move this part to a migration of its own",
    )
}

pub(super) fn down_out_of_place(line: Line<'_>, state: State) -> Problem {
    let (message, help) = match state {
        State::Start => {
            ("`-- +goose Down` stands before `-- +goose Up`", "write the Up section first, even if it is empty")
        }
        State::Block(Direction::Up) => {
            ("`-- +goose Down` stands inside a block", "close the block with `-- +goose StatementEnd` before it")
        }
        _ => ("this is a second `-- +goose Down`, and a file has at most one Down section", "merge the two sections"),
    };
    line.problem(Code::DownOutOfPlace, message, help)
}

pub(super) fn block_out_of_place(line: Line<'_>, state: State) -> Problem {
    let (message, help) = if state == State::Start {
        ("`-- +goose StatementBegin` stands before `-- +goose Up`", "put a line `-- +goose Up` above it")
    } else {
        (
            "`-- +goose StatementBegin` stands inside another block",
            "close that block with `-- +goose StatementEnd` first",
        )
    };
    line.problem(Code::BlockOutOfPlace, message, help)
}

pub(super) fn block_not_open(line: Line<'_>) -> Problem {
    line.problem(
        Code::BlockNotOpen,
        "`-- +goose StatementEnd` closes a block that was never opened",
        "delete it, or put `-- +goose StatementBegin` on a line above the statement",
    )
}

pub(super) fn block_not_closed(block: Span) -> Problem {
    Problem {
        code: Code::BlockNotClosed,
        span: block,
        message: "the block that starts here is never closed".into(),
        help: "put `-- +goose StatementEnd` on a line below the statement".into(),
    }
}

pub(super) fn no_up(text: &str) -> Problem {
    Problem {
        code: Code::NoUp,
        span: Span::new(0, line_at(text, 0).1.end),
        message: "the file has no `-- +goose Up`".into(),
        help: "start the file with a line `-- +goose Up`".into(),
    }
}

/// The cause differs from what the reader sees, so each is named: goose/spec.md Q2, Q3 and Q5.
pub(super) fn missing_semicolon(text: &str, collected: Span, direction: Direction) -> Problem {
    let source = collected.of(text);
    let start = collected.start + saturate(source.len() - source.trim_start().len());
    let section = match direction {
        Direction::Up => "Up",
        Direction::Down => "Down",
    };
    let (_, line) = line_at(text, start);
    Problem {
        code: Code::MissingSemicolon,
        span: Span::new(start, line.end.max(start)),
        message: format!(
            "the last statement of the {section} section is not finished: goose finds no `;` that ends it"
        ),
        help: match psql_command(source) {
            Some(command) => {
                let command: String = command.chars().take(40).collect();
                format!("`{command}` is a command of psql, which neither goose nor PostgreSQL knows: delete the line")
            }
            None => finish(source.trim()).into(),
        },
    }
}

/// The first word of a line that only psql understands, such as those that `pg_dump` ends its dumps with.
fn psql_command(rest: &str) -> Option<&str> {
    let word = rest.lines().find_map(|line| line.trim_start().strip_prefix('\\').map(|_| line.trim_start()))?;
    word.split_whitespace().next().filter(|word| word[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '!'))
}

/// How to finish a statement in which goose saw no semicolon.
fn finish(rest: &str) -> &'static str {
    let last = rest.lines().next_back().unwrap_or_default();
    let visible = last.trim_end_matches(is_invisible);
    if rest.lines().all(is_comment) {
        "goose took these comments for SQL because the line above them holds blanks: delete the blanks"
    } else if rest.starts_with("/*") && rest.ends_with("*/") {
        "goose reads a `/* */` comment as SQL: write `--` comments"
    } else if visible.len() < last.len() && visible.ends_with(';') {
        "an invisible character after the `;` hides it from goose: delete the rest of the line"
    } else if last.contains(";--") || last.contains("; /*") || last.contains(";/*") {
        "goose does not see this `;`: put a blank before `--`, or move the comment to a line of its own"
    } else if last.contains(';') && last.contains("--") {
        "goose stops looking for `;` at a word that starts with `--`, even inside a string: wrap the statement in StatementBegin/StatementEnd"
    } else {
        "end the statement with `;` at the end of a line"
    }
}

/// What neither shows nor counts as white space: zero-width characters, marks of direction, a byte order mark.
fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{180e}')
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(40).chain(['…']).collect() }
}
