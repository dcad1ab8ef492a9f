//! Files without a transaction that an earlier run began and did not finish.

use super::{PlanError, Request};
use crate::history::Entry;
use crate::migration::{Direction, Migration, Statement};
use crate::step::token_digest;

/// Where such a file goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// How many of its statements are done.
    pub done: usize,
    /// Those behind them that were begun; whether the first of them took effect is for the database to tell.
    pub begun: Vec<Entry>,
}

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
    Ok((done > 0 || !begun.is_empty()).then_some(Resume { done, begun }))
}

/// Refuses to go another way while a file is half done: only the command that finishes it may run.
pub(super) fn finish_first(request: &Request<'_>, steps: &[(Direction, &Migration)]) -> Result<(), PlanError> {
    let goes = |direction| steps.iter().any(|(step, _)| *step == direction);
    for attempt in request.history.unfinished() {
        let is_next =
            steps.iter().any(|(step, migration)| *step == attempt.direction && migration.version == attempt.version);
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
