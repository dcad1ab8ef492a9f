//! Files without a transaction that an earlier run began and did not finish.

use super::{PlanError, Request};
use crate::history::Entry;
use crate::migration::{Direction, Migration, Mode, Statement};
use crate::step::token_digest;

/// Where such a file goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// How many of its statements are done.
    pub done: usize,
    /// Those behind them that were begun; whether the first of them took effect is for the database to tell.
    pub begun: Vec<Entry>,
    /// The numbers of those that are done because a person said so.
    pub by_hand: Vec<usize>,
}

/// The kind of an entry that `migrate resolve` made.
pub(crate) const BY_HAND: &str = "resolve";

/// Where a file goes on; nothing when it was not begun.
///
/// The statements that are done must be the ones that the file has now. The one behind them may be another: that is how
/// a mistake in it is mended.
pub(super) fn resume(
    request: &Request<'_>,
    (migration, direction): (&Migration, Direction),
    path: &str,
    statements: &[Statement],
) -> Result<Option<Resume>, PlanError> {
    let mut attempts = request.history.unfinished();
    let same =
        |attempt: &&crate::history::Attempt| attempt.version == migration.version && attempt.direction == direction;
    let Some(attempt) = attempts.find(same) else { return Ok(None) };
    let done = attempt.done();
    for entry in &attempt.entries[..done] {
        let now = statements.get(entry.statement - 1);
        if now.is_none_or(|now| token_digest(now.sql(&migration.text)) != entry.digest) {
            let line = now.map(Statement::line);
            return Err(PlanError::ChangedWhileUnfinished { path: path.to_owned(), statement: entry.statement, line });
        }
    }
    let begun = attempt.entries[done..].to_vec();
    let decided = attempt.entries[..done].iter().filter(|entry| entry.kind == BY_HAND);
    let by_hand = decided.map(|entry| entry.statement).collect();
    Ok((done > 0 || !begun.is_empty()).then_some(Resume { done, begun, by_hand }))
}

/// Refuses to go another way while a file is half done: only the command that finishes it may run, and only on the file
/// as it ran. In a transaction it would begin from its first statement again.
pub(super) fn finish_first(request: &Request<'_>, steps: &[(Direction, &Migration)]) -> Result<(), PlanError> {
    // `up` finds nothing pending while a version is half undone: that is no success.
    let goes = |direction| {
        let idle = steps.is_empty() && direction == Direction::Up && request.order.goal.applies();
        idle || steps.iter().any(|(step, _)| *step == direction)
    };
    for attempt in request.history.unfinished() {
        let next = steps
            .iter()
            .find(|(step, migration)| *step == attempt.direction && migration.version == attempt.version)
            .map(|(_, migration)| *migration);
        if let Some(migration) = next.filter(|migration| migration.mode == Mode::Transaction) {
            return Err(PlanError::BegunWithoutTransaction {
                path: request.order.set.path_of(migration),
                version: attempt.version,
                direction: attempt.direction,
                done: attempt.done(),
            });
        }
        let is_next = next.is_some();
        let unknown = request.order.set.find(attempt.version).is_none();
        let other = match attempt.direction {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        };
        if !is_next && (goes(other) || (unknown && !steps.is_empty())) {
            return Err(PlanError::Unfinished {
                version: attempt.version,
                direction: attempt.direction,
                file: attempt.file.clone(),
                unknown,
            });
        }
    }
    Ok(())
}
