//! A flight as it is sent, who is told of it, and how a convoy of them ended.

use std::time::Duration;

use tokio_postgres::Error;

use crate::apply::stop::Stop;
use crate::apply::watch::Watch;
use crate::flight::Flight;
use crate::plan::Batch;
use crate::report::{Event, Ran};

/// A flight that is to be sent, and what it is of.
pub(in crate::apply) struct Leg<'a> {
    pub(in crate::apply) flight: Flight<'a>,
    /// The batches in it, each with its first message; none for the bookkeeping's own flights.
    pub(in crate::apply) batches: Vec<(usize, &'a Batch<'a>)>,
    /// Whether its commit waits for the disk.
    pub(in crate::apply) waits: bool,
}

impl<'a> Leg<'a> {
    /// A flight of one batch.
    pub(in crate::apply) fn of(flight: Flight<'a>, batch: &'a Batch<'a>) -> Self {
        Self { flight, batches: vec![(0, batch)], waits: true }
    }

    /// A flight of the bookkeeping's own.
    pub(in crate::apply) const fn own(flight: Flight<'a>) -> Self {
        Self { flight, batches: Vec::new(), waits: true }
    }

    /// The batch that a message belongs to.
    pub(in crate::apply) fn batch_at(&self, message: usize) -> Option<&'a Batch<'a>> {
        self.batches.iter().rev().find(|(first, _)| *first <= message).map(|(_, batch)| *batch)
    }

    /// The file that a message belongs to.
    pub(in crate::apply) fn ran_at(&self, message: usize) -> Option<Ran> {
        self.batch_at(message).map(ran)
    }
}

/// Who is told what happens.
pub(in crate::apply) struct Crew<'c, 'r> {
    pub(in crate::apply) watch: &'c mut Watch<'r>,
    pub(in crate::apply) stop: &'c Stop,
    pub(in crate::apply) tell: &'c mut (dyn FnMut(Told<'_>) + Send),
}

/// What is told.
pub(in crate::apply) enum Told<'t> {
    /// A flight is the first one without an answer.
    Turn(&'t Leg<'t>),
    /// A flight has landed for good, so long after it was the first one without an answer.
    Landed(&'t Leg<'t>, Duration),
    Event(Event),
}

/// How a convoy ended.
pub(in crate::apply) enum Ending<'a> {
    /// Every flight landed.
    Done,
    /// Every flight that was sent landed; the others were not sent, because the run is asked to end.
    Stopped,
    /// A message was answered with an error.
    Failed(Fault<'a>),
    /// The connection broke, or nobody answers.
    Lost(Loss<'a>),
}

/// The message that failed, and how.
pub(in crate::apply) struct Fault<'a> {
    pub(in crate::apply) leg: Leg<'a>,
    /// Its index among the flight's messages.
    pub(in crate::apply) message: usize,
    /// How many commands of the message were done before.
    pub(in crate::apply) done: usize,
    pub(in crate::apply) error: Error,
}

/// What was under way when the connection broke.
pub(in crate::apply) struct Loss<'a> {
    pub(in crate::apply) leg: Leg<'a>,
    /// The first message without an answer.
    pub(in crate::apply) message: usize,
    /// The files whose COMMIT was on the wire, or not known to be on the disk, in order, with the transaction's number
    /// where it was answered.
    pub(in crate::apply) doubtful: Vec<Doubt>,
    /// Why, when the driver or the server said it; nothing when nobody answered in time.
    pub(in crate::apply) error: Option<Error>,
    /// How long the server had not been heard by then.
    pub(in crate::apply) silence: Duration,
}

/// A flight that may have landed.
pub(in crate::apply) struct Doubt {
    /// Its files, which landed together or not at all.
    pub(in crate::apply) rans: Vec<Ran>,
    pub(in crate::apply) xid: Option<String>,
}

/// A flight as one that may have landed.
pub(in crate::apply) fn doubt(leg: &Leg<'_>, xid: Option<&str>) -> Doubt {
    Doubt { rans: leg.batches.iter().map(|(_, batch)| ran(batch)).collect(), xid: xid.map(str::to_owned) }
}

/// A batch as it is told.
pub(in crate::apply) fn ran(batch: &Batch<'_>) -> Ran {
    Ran {
        version: batch.migration.version,
        file: batch.migration.file.clone().into_owned(),
        direction: batch.direction,
        statements: batch.statements.len(),
    }
}
