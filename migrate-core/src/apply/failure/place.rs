//! The server's position in a statement, as a place in the file.

use crate::migration::{Body, Statement};
use crate::parse::{Environment, resolve};
use crate::plan::Batch;
use crate::report::{Place, ServerError};
use crate::text::{Span, saturate, word_at};

pub(super) fn place(batch: &Batch<'_>, statement: &Statement, server: &ServerError) -> Place {
    let text = &batch.migration.text;
    let span = span(text, statement, batch.sql(statement), server.position).unwrap_or_else(|| statement.span());
    Place::new(batch.path.clone(), text, span)
}

/// The line at fault as it was sent, with `…` for the values that were filled in; nothing where none were, or where they
/// brought line ends along.
pub(super) fn sent(
    batch: &Batch<'_>,
    statement: usize,
    server: &ServerError,
    environment: &Environment,
) -> Option<String> {
    if !matches!(batch.migration.body, Body::Deferred(_)) {
        return None;
    }
    let masked = resolve(batch.migration, batch.direction, &batch.path, &environment.masked()).ok()?;
    let (sql, shown) = (batch.sql(batch.statements.get(statement)?), masked.get(statement)?.sql(&batch.migration.text));
    let same = masked.len() == batch.statements.len() && sql.lines().count() == shown.lines().count();
    let before = server.position.and_then(|position| position.checked_sub(1)).map_or(0, |at| at as usize);
    let offset = sql.char_indices().nth(before).map_or(sql.len(), |(at, _)| at);
    let line = sql[..offset].matches('\n').count();
    let in_file = source_line(&batch.migration.text, batch.statements.get(statement)?.span(), sql, offset);
    // A variable that is not set leaves nothing behind, and no `…` either.
    let is_filled = |shown: &&str| {
        sql.lines().nth(line).is_some_and(|sent| sent != *shown) || in_file.is_some_and(|(_, line)| line != *shown)
    };
    shown.lines().nth(line).filter(|_| same).filter(is_filled).map(|shown| shown.trim().to_owned())
}

/// The word at the server's position, which counts characters from 1.
fn span(text: &str, statement: &Statement, sql: &str, position: Option<u32>) -> Option<Span> {
    let word = word_at(sql, position?)?;
    if statement.rewritten_sql().is_none() {
        let start = statement.span().start;
        return Some(Span::new(start + word.start, start + word.end));
    }
    let offset = word.start as usize;
    let (line, shown) = source_line(text, statement.span(), sql, offset)?;
    let start_of_line = sql[..offset].rfind('\n').map_or(0, |at| at + 1);
    let in_line = shown == sql[start_of_line..].lines().next().unwrap_or_default();
    let start = line + saturate(offset - start_of_line);
    // Filled-in values move columns: then the whole line is shown.
    Some(if in_line {
        Span::new(start, start + word.end - word.start)
    } else {
        Span::new(line, line + saturate(shown.len()))
    })
}

/// Offset and text of the line of the file that holds `offset` of a rewritten statement; nothing when values brought
/// line ends along. Annotations stand between the lines and are no part of the statement.
fn source_line<'t>(text: &'t str, span: Span, sql: &str, offset: usize) -> Option<(u32, &'t str)> {
    let mut start = span.start;
    let mut lines = Vec::new();
    for line in span.of(text).split_inclusive('\n') {
        let shown = line.trim_end_matches(['\n', '\r']);
        if !(shown.trim_start().starts_with("--") && shown.contains("+goose")) {
            lines.push((start, shown));
        }
        start += saturate(line.len());
    }
    let same = lines.len() == sql.split('\n').count();
    lines.get(sql[..offset].matches('\n').count()).copied().filter(|_| same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &'static str, sql: &'static str, position: u32) -> &'static str {
        let statement = Statement::rewritten(Span::new(0, saturate(text.len())), 1, sql.into());
        span(text, &statement, sql, Some(position)).map_or("", |span| span.of(text))
    }

    #[test]
    fn a_position_behind_crlf_is_the_word_in_its_line() {
        assert_eq!(shown("SELECT 1,\r\n  'é', nope;", "SELECT 1,\n  'é', nope;", 18), "nope");
    }

    #[test]
    fn a_position_at_a_quote_of_several_bytes_is_that_quote() {
        assert_eq!(shown("SELECT “How?”;", "SELECT “How?”;", 8), "“");
        assert_eq!(shown("SELECT “How?”;", "SELECT “How?”;", 13), "”");
        assert_eq!(shown("SELECT 1;", "SELECT 1;", 99), "");
    }

    #[test]
    fn an_annotation_inside_a_statement_counts_no_line() {
        assert_eq!(shown("SELECT\n-- +goose ENVSUB OFF\n  nope;", "SELECT\n  nope;", 10), "nope");
    }

    #[test]
    fn a_line_with_a_filled_in_value_is_shown_whole() {
        assert_eq!(shown("SELECT 1,\n  ${LONG}, nope;", "SELECT 1,\n  'a value', nope;", 24), "  ${LONG}, nope;");
    }

    #[test]
    fn a_value_with_a_line_end_leaves_the_statement_as_the_place() {
        assert_eq!(shown("SELECT ${TWO}, nope;", "SELECT 1,\n2, nope;", 14), "");
    }
}
