//! A batch's statements as messages: consecutive plain ones share a message, everything else goes alone.
//!
//! Invariants: between two statements of a message stands white space and nothing else, each statement is goose's own
//! bytes, and a shared message holds one command a statement. So the server's count of finished commands, and its
//! position, name the statement at fault.

use std::borrow::Cow;
use std::ops::Range;

use super::{Message, Purpose};
use crate::migration::Statement;
use crate::plan::Batch;
use crate::text::{Span, saturate};

/// A message is sent whole and answered command by command: this much keeps both small.
const LONGEST: usize = 64 << 10;

/// The messages of some of a batch's statements.
pub(super) fn messages<'a>(batch: &'a Batch<'_>, statements: Range<usize>) -> Vec<Message<'a>> {
    let mut messages = Vec::new();
    let mut first = statements.start;
    while first < statements.end {
        let count = shared(batch, first..statements.end);
        messages.push(message(batch, first, count));
        first += count;
    }
    messages
}

/// How many statements from the first one on share a message.
fn shared(batch: &Batch<'_>, statements: Range<usize>) -> usize {
    let mut length = 0;
    let fits = |index: &usize| {
        length += batch.sql(&batch.statements[*index]).len() + 1;
        length <= LONGEST && batch.steps[*index].plain
    };
    statements.take_while(fits).count().max(1)
}

fn message<'a>(batch: &'a Batch<'_>, first: usize, count: usize) -> Message<'a> {
    let statements: &'a [Statement] = &batch.statements[first..first + count];
    let purpose = Purpose::Statements { first, count };
    if let Some(span) = adjacent(batch, statements) {
        let sql = Cow::Borrowed(span.of(&batch.migration.text));
        return Message { purpose, sql, starts: starts(statements.iter().map(|it| it.span().start - span.start)) };
    }
    let mut sql = String::new();
    let mut places = Vec::with_capacity(count);
    for statement in statements {
        if !sql.is_empty() {
            sql.push('\n');
        }
        places.push(saturate(sql.len()));
        sql.push_str(batch.sql(statement));
    }
    Message { purpose, sql: Cow::Owned(sql), starts: starts(places.into_iter()) }
}

/// Only a shared message has to know where its statements start.
fn starts(places: impl ExactSizeIterator<Item = u32>) -> Vec<u32> {
    if places.len() > 1 { places.collect() } else { Vec::new() }
}

/// The piece of the file that holds the statements, when they are slices of it with only white space between them:
/// twenty megabytes of INSERTs are sent without a copy.
fn adjacent(batch: &Batch<'_>, statements: &[Statement]) -> Option<Span> {
    let text: &str = &batch.migration.text;
    let slices = statements.iter().all(|statement| statement.rewritten_sql().is_none());
    let blank = |pair: &[Statement]| {
        let between = Span::new(pair[0].span().end, pair[1].span().start);
        between.of(text).bytes().all(|byte| byte.is_ascii_whitespace())
    };
    (slices && statements.windows(2).all(blank))
        .then(|| Some(Span::new(statements.first()?.span().start, statements.last()?.span().end)))?
}
