//! Writes that grow with a table.

use squawk_lexer::TokenKind;

use super::Subject;
use crate::catalog::{QualifiedName, Relation};
use crate::command::{Name, Write};

/// Whether a DELETE has no condition, or none but `true`.
pub(super) fn is_whole_delete(write: &Write) -> bool {
    let is_bare = !write.query.restricted || write.query.reads.is_empty();
    let is_of_cursor = write.query.text.to_ascii_lowercase().contains("current of");
    write.verb == "delete" && write.condition.is_none() && is_bare && !is_of_cursor
}

/// Whether a write touches an unbounded part of a table, or fills one from a query over tables in use.
pub(super) fn is_unbounded(subject: &Subject<'_>, write: &Write) -> bool {
    let is_old = |name: &Name| *name != write.table && subject.is_existing(name);
    match write.verb {
        "insert" => write.from_query && write.condition.is_none() && write.query.reads.iter().any(is_old),
        "update" | "delete" | "merge" => {
            let Some(condition) = &write.condition else { return true };
            let known = subject.relation(&write.table);
            // Rows of a table that is joined are as many as there are in it.
            write.sources.iter().any(is_old)
                || !known.is_some_and(|(name, relation)| {
                    holds_key(subject, name, relation, &compared_columns(&condition.text, write.sources.is_empty()))
                })
        }
        _ => false,
    }
}

/// The columns that a condition compares with values: by `=`, or by IN over a list. A query that gives many rows bounds
/// nothing, nor does a test for NULL, nor a comparison by order.
fn compared_columns(condition: &str, is_alone: bool) -> Vec<String> {
    let words = words(condition);
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let is_name = |at: usize| word(at).starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"');
    let mut columns = Vec::new();
    let is_limited = words.iter().any(|word| word == "limit");
    for at in (0..words.len()).filter(|at| is_name(*at) && !["any", "all", "some"].contains(&word(*at))) {
        let is_equal = word(at + 1) == "=" || (at > 0 && word(at - 1) == "=");
        let is_listed = word(at + 1) == "in" && word(at + 2) == "(" && (word(at + 3) != "select" || is_limited);
        if is_equal || is_listed {
            columns.push(word(at).trim_matches('"').to_owned());
        }
    }
    // In a query inside the condition the same names are those of another table.
    let has_query = words.windows(2).any(|pair| pair[0] == "(" && pair[1] == "select");
    let is_scalar = words.windows(3).any(|three| three[0] == "=" && three[1] == "(" && three[2] == "select");
    if has_query && !is_scalar && !is_limited && is_alone { Vec::new() } else { columns }
}

/// The tokens of a text in lower case, a qualified name by its last part.
fn words(text: &str) -> Vec<String> {
    let mut start = 0;
    let mut words: Vec<String> = Vec::new();
    for token in squawk_lexer::tokenize(text) {
        let end = start + token.len as usize;
        let word = text.get(start..end).unwrap_or_default().to_lowercase();
        start = end;
        if word.trim().is_empty() || matches!(token.kind, TokenKind::LineComment | TokenKind::BlockComment { .. }) {
            continue;
        }
        if words.last().is_some_and(|last| last == ".") {
            words.truncate(words.len().saturating_sub(2));
        }
        words.push(word);
    }
    words
}

/// Whether columns hold all of a unique key.
fn holds_key(subject: &Subject<'_>, name: &QualifiedName, relation: &Relation, columns: &[String]) -> bool {
    let all = |key: &[String]| !key.is_empty() && key.iter().all(|column| columns.contains(column));
    let mut keys = relation.constraints.iter().filter(|constraint| constraint.has_index());
    keys.any(|key| all(key.columns()))
        || subject.before.indexes_of(name).any(|(_, index)| index.unique && all(&index.columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_bounds_a_write_by_what_it_compares_with_values() {
        for (condition, columns) in [
            ("id = 5 AND x IS NULL", "id"),
            ("t.id IN (1, 2)", "id"),
            ("5 = id", "id"),
            ("id = (SELECT max(id) FROM other)", "id"),
            ("id = ANY ('{1,2}')", "id"),
            ("id IS NOT NULL", ""),
            ("id > 5", ""),
            ("id <> 5", ""),
            ("id IN (SELECT id FROM a WHERE x IS NULL LIMIT 1000)", "id"),
            ("id IN (SELECT a_id FROM b)", ""),
            ("EXISTS (SELECT FROM b WHERE b.a_id = a.id)", ""),
        ] {
            assert_eq!(compared_columns(condition, true).join(" "), columns, "{condition}");
        }
    }
}
