//! Writes that grow with a table.

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
    match write.verb {
        "insert" => {
            let is_old = |name: &Name| *name != write.table && subject.is_existing(name);
            write.from_query && write.condition.is_none() && write.query.reads.iter().any(is_old)
        }
        "update" | "delete" => {
            let Some(condition) = &write.condition else { return true };
            let known = subject.relation(&write.table);
            let ranges = condition.text.contains(['<', '>']);
            ranges || !known.is_some_and(|(name, relation)| holds_key(subject, name, relation, &condition.columns))
        }
        _ => false,
    }
}

/// Whether columns hold all of a unique key.
fn holds_key(subject: &Subject<'_>, name: &QualifiedName, relation: &Relation, columns: &[String]) -> bool {
    let all = |key: &[String]| !key.is_empty() && key.iter().all(|column| columns.contains(column));
    let mut keys = relation.constraints.iter().filter(|constraint| constraint.has_index());
    keys.any(|key| all(key.columns()))
        || subject.before.indexes_of(name).any(|(_, index)| index.unique && all(&index.columns))
}
