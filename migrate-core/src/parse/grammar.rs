//! The syntax gate: whether PostgreSQL's parser would read a statement.
//!
//! Floor 3. From the text of a statement to nothing, or to the first [`Problem`] in it, with spans within the statement.
//! The grammar is `squawk-syntax`'s: what it lets through is checked in `gaps`, `shape` and `place`, and what it does not
//! read is said in another way in `behind`. PL/pgSQL is opaque: the bodies of functions are judged only when they are
//! SQL. Invariants: what PostgreSQL reads is never refused, but for nesting that nobody means; no input exhausts the
//! stack.

mod behind;
mod depth;
mod gaps;
mod keyword;
mod place;
mod shape;
pub(crate) mod token;
mod words;

use squawk_syntax::ast::AstNode as _;
use squawk_syntax::{Parse, SourceFile, SyntaxNode};

use self::token::{Token, significant};
use crate::diagnostic::{Code, Problem};
use crate::text::{Span, saturate};

/// Stack that the grammar takes for a token at most, in a build without optimizations; measured, and doubled.
const STACK_A_TOKEN: usize = 16 << 10;
/// Statements that reach no further than this are judged on the stack of the caller.
const REACH_IN_PLACE: usize = 40;
/// Statements that reach further than this are not judged. Nobody wrote them by hand.
const LONGEST_REACH: usize = 32 << 10;

/// Judges the text of one statement, or of several: the first fault that PostgreSQL's parser would report, with its
/// span in `sql`.
pub(super) fn judge(sql: &str) -> Result<(), Problem> {
    judge_and_read(sql, |_, _| ()).0
}

/// Judges a text, and what `read` makes of its tree, which it is told whether it is broken. The text is parsed once, and
/// its tree validated once, which takes as long. `None` as with [`with_tree`].
pub(crate) fn judge_and_read<T: Send>(
    sql: &str,
    read: impl FnOnce(&SourceFile, bool) -> T + Send,
) -> (Result<(), Problem>, Option<T>) {
    let tokens = significant(sql);
    if let Some(span) = depth::too_deep(&tokens) {
        let problem = Problem {
            code: Code::NestedTooDeep,
            span,
            message: format!("this expression is nested more than {} levels deep", depth::LIMIT),
            help: "break the expression up; nobody can read it".into(),
        };
        return (Err(psql_command(sql, &tokens).unwrap_or(problem)), None);
    }
    let both = || {
        let Reading { tree, broken, fault } = self::read(sql, &tokens);
        (fault, read(&tree, broken))
    };
    // What cannot be read in reasonable space is left to the server.
    let (fault, read) = on_ample_stack(depth::reach(&tokens), both).unzip();
    let problem = psql_command(sql, &tokens).or_else(|| byte_order_mark(sql)).or_else(|| {
        // A text that is not read is looked at without its tree.
        let fault = fault.unwrap_or_else(|| gaps::find(&tokens, |_| true))?;
        Some(worded(&fault, sql, &tokens))
    });
    (problem.map_or(Ok(()), Err), read)
}

/// What is made of a text: its tree, whether the grammar stopped in it, and its first fault.
struct Reading {
    tree: SourceFile,
    broken: bool,
    fault: Option<Fault>,
}

fn read(sql: &str, tokens: &[Token<'_>]) -> Reading {
    let parsed = SourceFile::parse(sql);
    match first_fault(&parsed) {
        None => accepted(parsed.tree(), tokens),
        Some(fault) => behind::read(sql, parsed.tree(), fault),
    }
}

/// What the grammar reads, with what it lets through.
fn accepted(tree: SourceFile, tokens: &[Token<'_>]) -> Reading {
    let of_node = |node: SyntaxNode| place::fault(&node).or_else(|| shape::fault(&node));
    let is_name = |token: &Token<'_>| place::is_name(tree.syntax(), token.span.start);
    let fault = gaps::find(tokens, is_name).or_else(|| tree.syntax().descendants().find_map(of_node));
    Reading { tree, broken: false, fault }
}

/// What the grammar says, before it is put in PostgreSQL's words.
#[derive(Debug)]
struct Fault {
    span: Span,
    message: String,
}

/// The grammar's first fault.
fn first_fault(parsed: &Parse<SourceFile>) -> Option<Fault> {
    let error = parsed.errors().into_iter().next()?;
    let range = error.range();
    let span = Span::new(range.start().into(), range.end().into());
    Some(Fault { span, message: error.message().to_owned() })
}

/// What `read` makes of the tree of a text; `None` where the text nests deeper than anybody means. The tree does not
/// leave `read`: whatever walks or frees it may recurse as deep as it nests, and here the stack is large enough.
pub(crate) fn with_tree<T: Send>(sql: &str, read: impl FnOnce(&SourceFile, bool) -> T + Send) -> Option<T> {
    let tokens = significant(sql);
    if depth::too_deep(&tokens).is_some() {
        return None;
    }
    on_ample_stack(depth::reach(&tokens), || {
        let Reading { tree, broken, .. } = self::read(sql, &tokens);
        read(&tree, broken)
    })
}

/// Runs what recurses this far: in place, or on a stack of its own. `None` where it would recurse too far, without a
/// thread, and where the grammar gives up.
fn on_ample_stack<T: Send>(reach: usize, run: impl FnOnce() -> T + Send) -> Option<T> {
    if reach <= REACH_IN_PLACE {
        return Some(run());
    }
    if reach > LONGEST_REACH {
        return None;
    }
    let stack = (reach * STACK_A_TOKEN).max(2 << 20);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, run).ok()?;
        thread.join().ok()
    })
}

/// A fault as PostgreSQL would put it, at the token where PostgreSQL would stop.
fn worded(fault: &Fault, sql: &str, tokens: &[Token<'_>]) -> Problem {
    let problem = |span, message, help| Problem { code: Code::SyntaxError, span, message, help };
    let unclosed = token::tokens(sql).find_map(|token| Some((token, token.unclosed()?)));
    if let Some((token, unclosed)) = unclosed.filter(|(token, _)| fault.span.end >= token.span.start) {
        let (message, help) = words::unclosed(unclosed);
        return problem(first_line(token.span, sql), message, help);
    }
    if !fault.span.of(sql).is_empty() && !words::is_expectation(&fault.message) {
        return problem(fault.span, words::sentence(&fault.message), words::CHECK.into());
    }
    let token = tokens.iter().find(|token| token.span.end > fault.span.start);
    let at_start = token.is_some() && token.map(|token| token.span) == tokens.first().map(|token| token.span);
    let help = words::help(&fault.message, at_start);
    let Some(token) = token else {
        let last = Span::new(tokens.last().map_or(0, |token| token.span.start), saturate(sql.trim_end().len()));
        return problem(first_line(last, sql), "syntax error at end of input".into(), help);
    };
    let message = format!("syntax error at or near `{}`", words::shorten(token.text));
    problem(first_line(token.span, sql), message, help)
}

fn first_line(span: Span, sql: &str) -> Span {
    let length = span.of(sql).lines().next().map_or(0, str::len);
    Span::new(span.start, span.start + saturate(length))
}

/// The grammar passes over a mark at the start, as psql does with a file's; a server takes it for a letter.
fn byte_order_mark(sql: &str) -> Option<Problem> {
    let at = saturate(sql.len() - sql.trim_start().len());
    sql.trim_start().starts_with('\u{feff}').then(|| Problem {
        code: Code::SyntaxError,
        span: Span::new(at, at + saturate('\u{feff}'.len_utf8())),
        message: "a byte order mark (U+FEFF) stands in front of this statement".into(),
        help: "delete it; files that were put together bring one along".into(),
    })
}

/// A line such as `\connect`, which only psql knows.
fn psql_command(sql: &str, tokens: &[Token<'_>]) -> Option<Problem> {
    let starts_line = |token: &&Token<'_>| {
        let before = sql.get(..token.span.start as usize).unwrap_or_default();
        before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
    };
    let token = tokens.iter().filter(|token| token.text.starts_with('\\')).find(starts_line)?;
    let rest = sql.get(token.span.start as usize..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let command = line.split_whitespace().next().unwrap_or_default();
    Some(Problem {
        code: Code::PsqlCommand,
        span: Span::new(token.span.start, token.span.start + saturate(line.trim_end().len())),
        message: format!("`{}` is a command of psql, which PostgreSQL does not know", words::shorten(command)),
        help: "delete the line, or write what it does in SQL".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(sql: &str) -> (String, String) {
        let problem = judge(sql).unwrap_err();
        (problem.span.of(sql).to_owned(), problem.message)
    }

    #[test]
    fn a_fault_is_told_as_postgresql_tells_it() {
        let cases = [
            ("CREATE TABLE t (a int b text);", "b", "syntax error at or near `b`"),
            ("UPDAT t SET a = 1;", "UPDAT", "syntax error at or near `UPDAT`"),
            ("CREATE TABLE t (a int;", ";", "syntax error at or near `;`"),
            ("CREATE TABLE t (a int", "int", "syntax error at end of input"),
            ("SELECT 'it;", "'it;", "unterminated quoted string"),
            ("SELECT $$ it;", "$$ it;", "unterminated dollar-quoted string"),
        ];
        for (sql, at, message) in cases {
            assert_eq!(fault(sql), (at.to_owned(), message.to_owned()), "{sql}");
        }
    }

    #[test]
    fn a_body_in_another_language_is_opaque() {
        assert!(judge("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN nonsense ( END $$;").is_ok());
        assert!(judge("DO $$ BEGIN nonsense ( END $$;").is_ok());
    }

    #[test]
    fn a_body_in_sql_is_judged() {
        let sql = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 FROM ; $$;";
        assert!(judge(sql).is_err());
    }

    #[test]
    fn a_byte_order_mark_in_front_of_a_statement_is_a_fault() {
        let problem = judge("\n\u{feff}SELECT 1;").unwrap_err();
        assert_eq!((problem.span, problem.code), (Span::new(1, 4), Code::SyntaxError));
        assert!(judge("SELECT '\u{feff}';").is_ok());
    }

    #[test]
    fn a_backslash_command_is_psqls() {
        assert_eq!(judge("\\connect x\nSELECT 1;").unwrap_err().code, Code::PsqlCommand);
        assert!(judge("SELECT '\n\\connect x';").is_ok());
    }

    /// Run on a test's thread of 2 MiB, without optimizations: an overflow would end the process.
    #[test]
    fn nothing_exhausts_the_stack() {
        let shapes: [(&str, &str, &str, &str); 18] = [
            ("SELECT ", "(", "1", ")"),
            ("SELECT ", "f(", "1", ")"),
            ("SELECT ", "ARRAY[", "1", "]"),
            ("SELECT ", "(SELECT ", "1", ")"),
            ("SELECT 1 FROM ", "(SELECT 1 FROM ", "a", ") x"),
            ("SELECT ", "CASE WHEN true THEN ", "1", " END"),
            ("SELECT ", "- ", "1", ""),
            ("SELECT ", "NOT ", "true", ""),
            ("SELECT ", "a BETWEEN 1 AND ", "1", ""),
            ("SELECT 1", " + 1", "", ""),
            ("SELECT 1", " OR a", "", ""),
            ("SELECT 1", "::int", "", ""),
            ("SELECT a", "[1]", "", ""),
            ("", "EXPLAIN ", "SELECT 1", ""),
            ("SELECT 1 FROM a", " JOIN a", "", " ON true"),
            ("SELECT 1", " UNION SELECT 1", "", ""),
            ("", "CREATE RULE a AS ON INSERT TO t DO ", "SELECT 1", ""),
            ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT ", "f(", "1", ")"),
        ];
        for (start, open, middle, close) in shapes {
            for depth in [100, 400, 3_000] {
                let sql = format!("{start}{}{middle}{};", open.repeat(depth), close.repeat(depth));
                let _ = judge(&sql);
            }
        }
        let _ = judge(&format!("SELECT 1{};", " + 1".repeat(100_000)));
    }

    #[test]
    fn five_hundred_levels_are_read_and_one_more_is_refused() {
        let nested = |depth: usize| format!("SELECT {}1{};", "(".repeat(depth), ")".repeat(depth));
        assert!(judge(&nested(500)).is_ok());
        assert_eq!(judge(&nested(501)).unwrap_err().code, Code::NestedTooDeep);
    }
}
