//! Files that were changed after they were applied, as far as the ledger can tell.

use std::collections::BTreeSet;

use super::edit::{Edit, EditKind};
use super::{Goal, PlanError, Request, Warning};
use crate::history::{History, Row};
use crate::migration::{Digest, Direction, Migration, Set};
use crate::parse::up_part;
use crate::step::token_digest;

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
    let kind = match ledger.up {
        _ if ledger.tokens == token_digest(&migration.text) => EditKind::Layout,
        Some(up) if up == up_digest(migration) => EditKind::Down,
        _ => EditKind::Text,
    };
    Some(Edit {
        version: migration.version,
        path: set.path_of(migration),
        kind,
        applied: ledger.text,
        now: migration.digest,
    })
}

/// SHA-256 of the tokens of a file's Up, and of whether it runs in a transaction: unchanged by edits of its Down.
pub(super) fn up_digest(migration: &Migration) -> Digest {
    let up = token_digest(up_part(&migration.text));
    Digest::of_parts([up.bytes().as_slice(), migration.mode.word().as_bytes()])
}

/// Refuses to go up over an edited file; everything else is a warning.
///
/// Going back is allowed: edit and redo is how a migration is written in the first place.
pub(super) fn judge(request: &Request<'_>, steps: &[(Direction, &Migration)]) -> Result<Vec<Warning>, PlanError> {
    let edits = edits(request.order.set, request.history);
    let up = matches!(request.order.goal, Goal::Up | Goal::UpTo(_) | Goal::UpByOne);
    let (text, harmless): (Vec<_>, Vec<_>) = edits.into_iter().partition(|edit| edit.kind == EditKind::Text);
    if up && !text.is_empty() {
        return Err(PlanError::Edited(text));
    }
    let undone = |edit: &Edit| steps.iter().any(|(_, migration)| migration.version == edit.version);
    let mut warnings: Vec<_> = text.into_iter().filter(undone).map(Warning::UndoesEdited).collect();
    warnings.extend(harmless.into_iter().map(|edit| match edit.kind {
        EditKind::Down => Warning::DownEdited(edit),
        _ => Warning::Reformatted(edit),
    }));
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
