//! SQL that was not written for goose, as goose needs it: each command ends where goose ends it.

use squawk_lexer::TokenKind;

use super::annotation::{self, Annotation};
use super::boundaries::{cuts, ends};
use super::grammar::token::{Token, tokens};
use super::machine::{ends_in_every_version, ends_in_some_version, split};
use super::variables::Substitution;
use crate::migration::Direction;
use crate::text::{Span, saturate};

/// The commands of a text, each with the white space and comments before it; what stands behind the last one goes with it,
/// and is all there is where a text holds none.
///
/// A command ends as psql ends it: with a `;` outside literals, brackets and bodies.
#[must_use]
pub fn commands(sql: &str) -> Vec<&str> {
    let mut start = 0;
    let ends = ends(sql);
    if ends.is_empty() {
        return if sql.is_empty() { Vec::new() } else { vec![sql] };
    }
    let count = ends.len();
    let piece = |(number, end): (usize, u32)| {
        let end = if number + 1 == count { saturate(sql.len()) } else { end };
        let piece = Span::new(start, end).of(sql);
        start = end;
        piece
    };
    ends.into_iter().enumerate().map(piece).collect()
}

/// The text with `-- +goose StatementBegin` and `-- +goose StatementEnd` around each command in which goose would find an
/// end before it is over, every other command on lines of its own, and the last one ended.
///
/// # Examples
/// ```
/// let function = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN\n  RETURN 1;\nEND $$;\n";
/// let wrapped = migrate_core::parse::wrap(&format!("{function}SELECT f()"));
/// assert_eq!(wrapped, format!("-- +goose StatementBegin\n{function}-- +goose StatementEnd\nSELECT f();\n"));
/// ```
#[must_use]
pub fn wrap(sql: &str) -> String {
    let mut wrapped = String::new();
    for piece in commands(sql) {
        let (before, command, behind) = parts(piece);
        if begins_line(&wrapped) {
            wrapped.push_str(before.trim_start_matches([' ', '\t']));
        } else if is_end_of_line(before) {
            // goose sees the end only where white space stands between `;` and a comment.
            wrapped.push_str(if before.starts_with("--") { " " } else { "" });
            wrapped.push_str(before);
        } else {
            wrapped.push('\n');
            wrapped.push_str(before.trim_start_matches([' ', '\t']));
        }
        push_command(&mut wrapped, command);
        wrapped.push_str(if behind.starts_with("--") { " " } else { "" });
        wrapped.push_str(behind);
    }
    let length = wrapped.trim_end().len();
    wrapped.truncate(length);
    if !wrapped.is_empty() {
        wrapped.push('\n');
    }
    wrapped
}

fn push_command(wrapped: &mut String, command: &str) {
    if command.is_empty() {
        return;
    }
    let missing = if command.ends_with(';') { "" } else { ";" };
    let command = format!("{command}{missing}");
    if !is_cut(&command) {
        wrapped.push_str(&command);
        return;
    }
    if !begins_line(wrapped) {
        wrapped.push('\n');
    }
    wrapped.push_str(&format!("-- +goose StatementBegin\n{command}\n-- +goose StatementEnd"));
}

fn begins_line(text: &str) -> bool {
    text.is_empty() || text.ends_with('\n')
}

/// Whether the rest of a line holds nothing but a comment that ends with it.
fn is_end_of_line(before: &str) -> bool {
    let line = before.lines().next().unwrap_or_default().trim_start();
    before.contains('\n') && (line.is_empty() || line.starts_with("--"))
}

/// What stands before a command, the command with its `;`, and what stands behind it.
fn parts(piece: &str) -> (&str, &str, &str) {
    // A block comment may hold a line that goose takes for an end.
    let is_before = |token: &Token<'_>| matches!(token.kind, TokenKind::Whitespace | TokenKind::LineComment);
    let all: Vec<Token<'_>> = tokens(piece).collect();
    let is_code = |token: &Token<'_>| !token.is_trivia();
    let Some(last) = all.iter().rev().find(|token| is_code(token)) else { return (piece, "", "") };
    let first = all.iter().find(|token| !is_before(token)).map_or(last.span.start, |token| token.span.start);
    let (first, last) = (first as usize, last.span.end as usize);
    (&piece[..first], &piece[first..last], &piece[last..])
}

/// Whether a goose ends the command on another line than its last.
fn is_cut(command: &str) -> bool {
    let mut lines = command.lines().rev();
    !lines.next().is_some_and(ends_in_every_version) || lines.any(ends_in_some_version)
}

/// A file that nobody wrote must not be mended for ever.
const MOST: usize = 1_000;

/// The text of a goose file with annotations around each statement that goose cuts in pieces, and without those that stand
/// inside of it; nothing where goose cuts none, or where the file cannot be read.
#[must_use]
pub fn wrap_cuts(text: &str) -> Option<String> {
    let mut wrapped = None;
    for _ in 0..MOST {
        let now = wrapped.as_deref().unwrap_or(text);
        let Some(lines) = first_cut(now) else { break };
        wrapped = Some(annotated(now, lines));
    }
    wrapped
}

/// The lines of the first statement that is cut, in either direction.
fn first_cut(text: &str) -> Option<(u32, u32)> {
    [Direction::Up, Direction::Down].into_iter().find_map(|direction| {
        let section = split(text, direction, Substitution::Check).ok()?;
        cuts(text, &section.statements).first().map(|cut| cut.lines)
    })
}

fn annotated(text: &str, (above, below): (u32, u32)) -> String {
    let mut annotated = String::new();
    // Of what stands inside, how many blocks end behind it.
    let mut open = 0_i32;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
        if number == above {
            annotated.push_str(&format!("-- +goose StatementBegin{end}"));
        }
        let block = match annotation::read(line.trim_end_matches(['\n', '\r'])) {
            Some(Ok(Annotation::StatementBegin)) => 1,
            Some(Ok(Annotation::StatementEnd)) => -1,
            _ => 0,
        };
        let goes = (above <= number && number <= below && block != 0) || (number > below && open > 0 && block < 0);
        if goes {
            open += block;
        } else {
            annotated.push_str(line);
        }
        if number == below {
            annotated.push_str(if line.ends_with('\n') { "" } else { "\n" });
            annotated.push_str(&format!("-- +goose StatementEnd{end}"));
        }
    }
    annotated
}

/// The lines that are commands of psql, such as `\restrict`, outside literals; each without its line end.
#[must_use]
pub fn psql_lines(sql: &str) -> Vec<Span> {
    let starts_line = |token: &Token<'_>| {
        let before = sql.get(..token.span.start as usize).unwrap_or_default();
        before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
    };
    let line = |token: Token<'_>| {
        let rest = sql.get(token.span.start as usize..).unwrap_or_default();
        Span::new(token.span.start, token.span.start + saturate(rest.lines().next().unwrap_or_default().len()))
    };
    tokens(sql).filter(|token| token.text.starts_with('\\')).filter(starts_line).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_wrapped_and_nothing_else_is() {
        let body = "CREATE FUNCTION f() RETURNS int AS $$\nSELECT 1;\n$$ LANGUAGE sql;";
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1;\n".to_owned()),
            ("-- one\nSELECT 1; -- two\nSELECT\n2;\n\n", "-- one\nSELECT 1; -- two\nSELECT\n2;\n".to_owned()),
            ("SELECT 1; SELECT 2;", "SELECT 1;\nSELECT 2;\n".to_owned()),
            ("SELECT 1; /* two */ SELECT 2;", "SELECT 1;\n/* two */ SELECT 2;\n".to_owned()),
            (body, format!("-- +goose StatementBegin\n{body}\n-- +goose StatementEnd\n")),
            (
                "/* a;\nb */ SELECT 1;",
                "-- +goose StatementBegin\n/* a;\nb */ SELECT 1;\n-- +goose StatementEnd\n".to_owned(),
            ),
            ("SELECT 1;-- one\nSELECT 2;-- two", "SELECT 1; -- one\nSELECT 2; -- two\n".to_owned()),
            ("VALUES ('a -- b');", "-- +goose StatementBegin\nVALUES ('a -- b');\n-- +goose StatementEnd\n".to_owned()),
            ("-- nothing\n", "-- nothing\n".to_owned()),
            ("", String::new()),
            ("SELECT 1 -- end", "SELECT 1; -- end\n".to_owned()),
        ] {
            assert_eq!(wrap(sql), expected, "{sql}");
        }
        let both = format!("SELECT 1; {body} SELECT 2;");
        assert_eq!(
            wrap(&both),
            format!("SELECT 1;\n-- +goose StatementBegin\n{body}\n-- +goose StatementEnd\nSELECT 2;\n")
        );
    }

    #[test]
    fn what_goose_cuts_is_kept_whole_and_the_rest_is_as_it_was() {
        let body = "CREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n  RETURN 1;\nEND $$ LANGUAGE plpgsql;";
        let file = format!("-- +goose Up\n-- why\n{body}\nSELECT 1;\n\n-- +goose Down\nDO $$ BEGIN\n  NULL;\nEND $$;");
        let wrapped = format!(
            "-- +goose Up\n-- why\n-- +goose StatementBegin\n{body}\n-- +goose StatementEnd\nSELECT 1;\n\n-- +goose Down\n\
             -- +goose StatementBegin\nDO $$ BEGIN\n  NULL;\nEND $$;\n-- +goose StatementEnd\n"
        );
        assert_eq!(wrap_cuts(&file).as_deref(), Some(wrapped.as_str()));
        assert_eq!(wrap_cuts(&wrapped), None);
        assert_eq!(wrap_cuts("-- +goose Up\nSELECT 1;\n"), None);
        assert_eq!(wrap_cuts("no goose file"), None);
        let lines = wrap_cuts(&file.replace('\n', "\r\n")).unwrap();
        assert_eq!(lines.matches("StatementBegin\r\n").count(), 2, "{lines}");
    }

    #[test]
    fn annotations_inside_of_what_is_cut_go() {
        let file = "-- +goose Up\nCREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n  PERFORM 1;\n-- +goose StatementBegin\n  RETURN 1;\n\
                    -- +goose StatementEnd\nEND $$ LANGUAGE plpgsql;\n";
        let wrapped = wrap_cuts(file).unwrap();
        assert_eq!(wrapped.matches("-- +goose Statement").count(), 2, "{wrapped}");
        assert!(wrapped.starts_with("-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION"), "{wrapped}");
        let behind = file.replace("-- +goose StatementEnd\n", "") + "-- +goose StatementEnd\nSELECT 1;\n";
        let wrapped = wrap_cuts(&behind).unwrap();
        assert!(wrapped.ends_with("plpgsql;\n-- +goose StatementEnd\nSELECT 1;\n"), "{wrapped}");
    }

    #[test]
    fn commands_of_psql_are_found_outside_literals() {
        let sql = "\\restrict abc\nSELECT '\n\\x';\n  \\unrestrict abc\n";
        let found: Vec<&str> = psql_lines(sql).into_iter().map(|span| span.of(sql)).collect();
        assert_eq!(found, ["\\restrict abc", "\\unrestrict abc"]);
    }
}
