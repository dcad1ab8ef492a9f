//! What a person chooses to count: that versions are applied or not, or that an edited file is the one that was applied.
//!
//! Invariant: what is told to whoever has not confirmed it is what would be written, from the same history and by the same
//! function.

use super::run::Run;
use super::{Database, Means, Request, Session, database};
use crate::flight::{self, Decision, Flight, unfinished_direction};
use crate::history::{Attempt, History};
use crate::migration::{Direction, Version};
use crate::plan::{self, Batch};
use crate::report::{Event, Exit, Failure};

/// A choice about versions. None of them runs a statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// How far a version counts as applied.
    Resolve {
        /// The version.
        version: Version,
        /// What is to count.
        decision: Decision,
        /// Why, in the person's words; it is written down.
        reason: String,
    },
    /// The file of an applied version, as it is now, counts as the one that was applied.
    Accept {
        /// The version.
        version: Version,
        /// Why, in the person's words; it is written down.
        reason: String,
    },
    /// All versions up to one count as applied, in a database that has none yet.
    Baseline {
        /// The last of them.
        to: Version,
    },
}

/// What a choice comes to on a history.
struct Chosen {
    flight: Flight<'static>,
    /// What it would write, as a sentence.
    words: String,
}

/// Writes what was chosen.
///
/// # Errors
/// A choice that the history leaves no room for, another runner that holds the lock, or a server that refuses.
pub async fn choose(
    session: &mut Session,
    request: &Request<'_>,
    choice: &Choice,
    means: &Means<'_>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<(), Failure> {
    let run = Run::new(session, request, means, observe);
    run.decide(&|database, request| chosen(choice, database, request).map(|chosen| chosen.flight)).await
}

/// Says what a choice would write, and writes nothing.
///
/// # Errors
/// As [`choose`], but for the lock, which is not asked for.
pub async fn foresee(session: &Session, request: &Request<'_>, choice: &Choice) -> Result<String, Failure> {
    let database = database::read(session, &request.table, request.order.versioning).await?;
    chosen(choice, &database, request).map(|chosen| chosen.words)
}

fn chosen(choice: &Choice, database: &Database, request: &Request<'_>) -> Result<Chosen, Failure> {
    match choice {
        Choice::Resolve { version, decision, reason } => resolved((*version, *decision, reason), database, request),
        Choice::Accept { version, reason } => accepted(*version, reason, database, request),
        Choice::Baseline { to } => {
            let undecided = undecided(&database.history);
            let planned = plan::baseline(request.order, &undecided, *to).map_err(|error| Failure::from(&error))?;
            let bookkeeping = request.bookkeeping(database.tables.clone());
            let words = listed(&planned.batches);
            Ok(Chosen { flight: flight::baseline(&planned, database.history.tables, &bookkeeping), words })
        }
    }
}

/// The history without what was begun: whoever decides about it need not go on with it.
fn undecided(history: &History) -> History {
    History { attempts: Vec::new(), ..history.clone() }
}

/// The files of a baseline: the first, the last, and how many.
fn listed(batches: &[Batch<'_>]) -> String {
    let files = match batches {
        [] => return "nothing is left to be recorded".to_owned(),
        [only] => only.path.clone(),
        [first, .., last] => format!("{} to {}", first.path, last.path),
    };
    let plural = if batches.len() == 1 { "" } else { "s" };
    format!("{} migration{plural} would be recorded as applied, and none of them run: {files}", batches.len())
}

fn resolved(
    (version, decision, reason): (Version, Decision, &str),
    database: &Database,
    request: &Request<'_>,
) -> Result<Chosen, Failure> {
    let history = &database.history;
    if !history.tables.version {
        let help = "run `migrate up` first, or `migrate baseline`";
        return Err(Failure::new(Exit::History, "there is no version table, so there is nothing to decide", help));
    }
    let recorded = history.holds(version);
    let attempt = history.unfinished().find(|attempt| attempt.version == version);
    if let Some(why) = nothing_to_decide(decision, recorded, attempt.is_some()) {
        let message = format!("version {version} {why}");
        return Err(Failure::new(Exit::Usage, message, "see `migrate status` and `migrate journal`"));
    }
    let undecided = undecided(history);
    let direction = attempt.map_or_else(|| unfinished_direction(false), |attempt| attempt.direction);
    let batch = plan::one(request.order, &undecided, (direction, version)).map_err(|error| Failure::from(&error))?;
    if let Decision::ResumeFrom(number) = decision
        && !(1..=batch.statements.len() + 1).contains(&number)
    {
        let message = format!("{} has {} statements", batch.path, batch.statements.len());
        return Err(Failure::new(Exit::Usage, message, "see their numbers with `migrate inspect`"));
    }
    let bookkeeping = request.bookkeeping(database.tables.clone());
    let words = format!("{} {}; {}", batch.path, standing(recorded, attempt, &batch), consequence(decision, recorded));
    Ok(Chosen { flight: flight::resolve(&batch, decision, (recorded, history.tables), reason, &bookkeeping), words })
}

/// Where a version stands before the choice.
fn standing(recorded: bool, attempt: Option<&Attempt>, batch: &Batch<'_>) -> String {
    let Some(attempt) = attempt else {
        return if recorded { "is recorded as applied".to_owned() } else { "is not applied".to_owned() };
    };
    let half = if attempt.direction == Direction::Up { "half applied" } else { "half undone" };
    format!("is {half}, {} of its {} statements done", attempt.done(), batch.statements.len())
}

fn consequence(decision: Decision, recorded: bool) -> String {
    match (decision, recorded) {
        (Decision::Applied, false) => "it would be recorded as applied, and nothing of it run".to_owned(),
        (Decision::Applied, true) => "it would stay recorded, as applied in full".to_owned(),
        (Decision::NotApplied, true) => "its record would be removed, and nothing of it undone".to_owned(),
        (Decision::NotApplied, false) => "it would count as not begun, and the next run begin it anew".to_owned(),
        (Decision::ResumeFrom(number), _) => format!("the next run would go on with statement {number}"),
    }
}

/// Why a decision would change nothing, or undo what `down` is for.
fn nothing_to_decide(decision: Decision, recorded: bool, unfinished: bool) -> Option<&'static str> {
    match (decision, recorded, unfinished) {
        (_, _, true) | (Decision::Applied, false, false) => None,
        (Decision::Applied, true, false) => Some("is applied already"),
        (Decision::NotApplied, false, false) => Some("is not applied, and not begun"),
        (Decision::NotApplied, true, false) => Some("is applied, and finished: `migrate down` undoes it"),
        (Decision::ResumeFrom(_), _, false) => Some("is not begun, so it cannot go on"),
    }
}

fn accepted(version: Version, reason: &str, database: &Database, request: &Request<'_>) -> Result<Chosen, Failure> {
    let history = &database.history;
    let next = "see `migrate status`: `edited` is what can be accepted";
    if !history.holds(version) {
        return Err(Failure::new(Exit::Usage, format!("version {version} is not applied"), next));
    }
    let edits = plan::edits(request.order.set, history);
    let Some(edit) = edits.iter().find(|edit| edit.version == version) else {
        let message = format!("the file of version {version} is the one that was applied, as far as is known");
        return Err(Failure::new(Exit::Usage, message, next));
    };
    let batch = plan::one(request.order, history, (Direction::Up, version)).map_err(|error| Failure::from(&error))?;
    let words = format!(
        "{} would count as the file that was applied: SHA-256 {} in the place of {}; nothing of it would be run",
        edit.path, edit.now, edit.applied
    );
    let bookkeeping = request.bookkeeping(database.tables.clone());
    Ok(Chosen { flight: flight::accept(&batch, history.tables, reason, &bookkeeping), words })
}
