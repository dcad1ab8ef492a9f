//! Transaction control in a file that runs in a transaction of ours.
//!
//! goose sends it as it stands: a COMMIT ends goose's transaction, what follows runs outside of one, and the version is
//! recorded apart from both. Here a file is applied whole or not at all, so one of four things happens:
//!
//! * `BEGIN` and `COMMIT` around everything that the file does mean the transaction that it has anyway: they are left
//!   out, and the version is recorded in the same transaction.
//! * Savepoints stay: they live inside the transaction.
//! * Anything else that ends the transaction, with work of the file before or behind it, is refused before the file
//!   runs, because half of it could stay without its version. `--allow-transaction-control` sends it as goose does.
//! * What only may hold such a command, in a string that ends elsewhere than it seems, is sent as it stands, statement
//!   by statement.

use std::borrow::Cow;

use super::PlanError;
use crate::command::{Action, Command, Transaction, read};
use crate::diagnostic::Excerpt;
use crate::migration::{Migration, Statement};
use crate::step::classify;
use crate::text::Span;

/// Whether a file may end its transaction itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnTransactions {
    /// It may not, unless that changes nothing.
    #[default]
    Refused,
    /// It may, as with goose.
    Allowed,
}

/// One command of a file, as far as it matters here.
struct Step<'s> {
    statement: usize,
    command: &'s Command,
}

/// The statements to send, without a BEGIN and a COMMIT around everything.
pub(super) fn absorb<'a>(
    migration: &'a Migration,
    path: &str,
    statements: Cow<'a, [Statement]>,
) -> Result<Cow<'a, [Statement]>, PlanError> {
    let read: Vec<Vec<Command>> = statements.iter().map(|statement| read(statement.sql(&migration.text))).collect();
    let steps: Vec<Step<'_>> = read
        .iter()
        .enumerate()
        .flat_map(|(statement, commands)| commands.iter().map(move |command| Step { statement, command }))
        .collect();
    let text = |step: &Step<'_>| step.command.span.of(statements[step.statement].sql(&migration.text));
    if let Some(at) = first_end(&steps, text) {
        let span = place(&statements[steps[at].statement], steps[at].command.span);
        let excerpt = Excerpt::new(&migration.text, span);
        let verb = text(&steps[at]).split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        return Err(PlanError::EndsTransaction { path: path.to_owned(), excerpt, verb });
    }
    let is_bracket = |command: &Command| matches!(control(command), Some(Transaction::Begin | Transaction::Commit));
    if !steps.iter().any(|step| is_bracket(step.command)) {
        return Ok(statements);
    }
    let without = |(index, statement): (usize, &Statement)| {
        let brackets: Vec<Span> =
            read[index].iter().filter(|command| is_bracket(command)).map(|command| command.span).collect();
        match (brackets.len(), read[index].len()) {
            (0, _) => Some(statement.clone()),
            (brackets, commands) if brackets == commands => None,
            _ => Some(blanked(statement, statement.sql(&migration.text), &brackets)),
        }
    };
    Ok(Cow::Owned(statements.iter().enumerate().filter_map(without).collect()))
}

/// Refuses a file without a transaction that begins one of its own and never ends it. What only may hold the end counts as
/// one.
pub(super) fn refuse_open(migration: &Migration, path: &str, statements: &[Statement]) -> Result<(), PlanError> {
    let mut open = None;
    for statement in statements {
        let sql = statement.sql(&migration.text);
        let commands = read(sql);
        if classify(sql).transaction_control && commands.iter().all(|command| control(command).is_none()) {
            open = None;
        }
        for command in &commands {
            match control(command) {
                Some(Transaction::Begin) => open = open.or(Some(place(statement, command.span))),
                // The next one has begun with it.
                Some(Transaction::Commit | Transaction::Rollback) if is_chained(command.span.of(sql)) => {
                    open = Some(place(statement, command.span));
                }
                Some(Transaction::Commit | Transaction::Rollback | Transaction::Prepare) => open = None,
                None | Some(Transaction::Savepoint | Transaction::Release | Transaction::RollbackTo) => {}
            }
        }
    }
    open.map_or(Ok(()), |span| {
        Err(PlanError::LeavesTransactionOpen { path: path.to_owned(), excerpt: Excerpt::new(&migration.text, span) })
    })
}

fn control(command: &Command) -> Option<Transaction> {
    match command.action {
        Action::Transaction(transaction) => Some(transaction),
        _ => None,
    }
}

/// The first command that ends the transaction although the file does something behind it, or undoes what it did.
fn first_end<'s>(steps: &'s [Step<'s>], text: impl Fn(&Step<'s>) -> &'s str) -> Option<usize> {
    let is_work = |step: &Step<'s>| match &step.command.action {
        Action::Transaction(_) => false,
        // A question that calls nothing changes nothing, wherever it stands.
        Action::Select(_) => classify(text(step)).session_state,
        _ => true,
    };
    let last_work = steps.iter().rposition(is_work);
    steps.iter().enumerate().position(|(at, step)| match control(step.command) {
        None | Some(Transaction::Savepoint | Transaction::Release | Transaction::RollbackTo) => false,
        // Its options are those of another transaction than the one that the file gets.
        Some(Transaction::Begin) => !is_bare(text(step)),
        Some(Transaction::Commit) => !is_bare(text(step)) || last_work.is_some_and(|last| last > at),
        Some(Transaction::Rollback | Transaction::Prepare) => true,
    })
}

/// Whether a command that ends a transaction begins another one: AND CHAIN.
fn is_chained(sql: &str) -> bool {
    let words: Vec<String> = sql.split_whitespace().map(str::to_ascii_lowercase).collect();
    words.windows(2).any(|pair| pair == ["and", "chain"])
}

/// Whether a command is the word alone: no isolation level, no AND CHAIN.
fn is_bare(sql: &str) -> bool {
    let words: Vec<String> = sql.split_whitespace().map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["begin" | "commit" | "end"] | ["begin" | "commit" | "end", "work" | "transaction"] | ["start", "transaction"]
    )
}

/// The statement with blanks in the place of some commands, so that every other byte stays where it was.
fn blanked(statement: &Statement, sql: &str, commands: &[Span]) -> Statement {
    let mut bytes = sql.as_bytes().to_vec();
    for span in commands {
        let (start, end) = (span.start as usize, span.end as usize);
        let semicolon = sql[end..].find(';').filter(|at| sql[end..end + at].trim().is_empty());
        let end = semicolon.map_or(end, |at| end + at + 1);
        bytes[start..end].fill(b' ');
    }
    // A command of the grammar is whole characters, so this cannot fail.
    let sql = String::from_utf8(bytes).unwrap_or_else(|_| sql.to_owned());
    Statement::rewritten(statement.span(), statement.line(), sql.into())
}

/// A place in a statement as one in the file.
fn place(statement: &Statement, within: Span) -> Span {
    if statement.rewritten_sql().is_some() {
        return statement.span();
    }
    let start = statement.span().start;
    Span::new(start + within.start, start + within.end)
}
