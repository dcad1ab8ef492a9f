//! Files that were changed after they were applied, as far as the ledger can tell.

use std::collections::BTreeSet;

use super::{Goal, PlanError, Request, Warning};
use crate::history::{History, Row};
use crate::migration::{Digest, Direction, Migration, Set, Version};
use crate::step::token_digest;

/// How far a file differs from the one that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditKind {
    /// White space or comments.
    Layout,
    /// The SQL itself.
    Text,
}

/// An applied file that is not what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The version.
    pub version: Version,
    /// The file, as messages write it.
    pub path: String,
    /// How far it differs.
    pub kind: EditKind,
    /// Digest of the file that was applied.
    pub applied: Digest,
    /// Digest of the file as it is.
    pub now: Digest,
}

/// The edited files among the applied ones, ascending by version. A row that goose wrote has no digest: unknown is
/// never an edit.
#[must_use]
pub fn edits(set: &Set, history: &History) -> Vec<Edit> {
    let newest = history.newest();
    let edit = |migration: &Migration| edit(set, newest.get(&migration.version)?, migration);
    set.migrations.iter().filter_map(edit).collect()
}

fn edit(set: &Set, row: &Row, migration: &Migration) -> Option<Edit> {
    if !row.applied {
        return None;
    }
    let ledger = row.ledger.as_ref()?;
    if ledger.text == migration.digest {
        return None;
    }
    let kind = if ledger.tokens == token_digest(&migration.text) { EditKind::Layout } else { EditKind::Text };
    Some(Edit {
        version: migration.version,
        path: set.path_of(migration),
        kind,
        applied: ledger.text,
        now: migration.digest,
    })
}

/// Refuses to go up over an edited file; everything else is a warning.
///
/// Going back is allowed: edit and redo is how a migration is written in the first place.
pub(super) fn judge(request: &Request<'_>, steps: &[(Direction, &Migration)]) -> Result<Vec<Warning>, PlanError> {
    let edits = edits(request.order.set, request.history);
    let up = matches!(request.order.goal, Goal::Up | Goal::UpTo(_) | Goal::UpByOne);
    let (text, layout): (Vec<_>, Vec<_>) = edits.into_iter().partition(|edit| edit.kind == EditKind::Text);
    if up && !text.is_empty() {
        return Err(PlanError::Edited(text));
    }
    let undone = |edit: &Edit| steps.iter().any(|(_, migration)| migration.version == edit.version);
    let mut warnings: Vec<_> = text.into_iter().filter(undone).map(Warning::UndoesEdited).collect();
    warnings.extend(layout.into_iter().map(Warning::Reformatted));
    let above: BTreeSet<_> = request
        .history
        .rows
        .iter()
        .map(|row| row.version)
        .filter(|version| *version > request.order.set.latest())
        .collect();
    if up && let Some(highest) = above.last() {
        warnings.push(Warning::Ahead { count: above.len(), highest: *highest });
    }
    if matches!(request.order.goal, Goal::DownTo(_)) && !request.history.rows.is_sorted_by_key(|row| row.version) {
        warnings.push(Warning::InsertionOrder);
    }
    Ok(warnings)
}
