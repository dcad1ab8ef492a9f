//! Flights that have landed, and that a crash of the server might still undo.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio_postgres::Error;

use super::super::Session;
use super::super::flushing::flush;
use super::super::watch::Sign;
use super::leg::{Crew, Doubt, Leg, Told, doubt};

/// What has landed and was told to nobody, in order.
#[derive(Default)]
pub(super) struct Unflushed<'a> {
    flights: VecDeque<(Leg<'a>, Option<String>, Duration)>,
    /// How many have been told: the number of the first one here.
    told: u64,
}

impl<'a> Unflushed<'a> {
    /// A flight has landed: whether for good its leg says.
    pub(super) fn land(&mut self, (leg, xid): (Leg<'a>, Option<String>), after: Duration, crew: &mut Crew<'_, '_>) {
        let waited = leg.waits;
        self.flights.push_back((leg, xid, after));
        let end = self.end();
        if waited {
            self.tell_up_to(end, crew);
        } else {
            crew.watch.unflushed(end);
        }
    }

    /// Those up to a number have landed for good.
    pub(super) fn tell_up_to(&mut self, end: u64, crew: &mut Crew<'_, '_>) {
        while self.told < end
            && let Some((leg, _, after)) = self.flights.pop_front()
        {
            self.told += 1;
            (crew.tell)(Told::Landed(&leg, after));
        }
        if self.flights.is_empty() {
            crew.watch.all_flushed();
        }
    }

    /// The number behind the last one.
    fn end(&self) -> u64 {
        self.told + self.flights.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// The last one, where nothing else is under way.
    pub(super) fn pop(&mut self) -> Option<Leg<'a>> {
        self.flights.pop_back().map(|(leg, ..)| leg)
    }

    pub(super) fn doubts(&self) -> Vec<Doubt> {
        self.flights.iter().map(|(leg, xid, _)| doubt(leg, xid.as_deref())).collect()
    }

    /// Waits for the disk, where nothing else is under way; the error, or nothing when nobody answers.
    pub(super) async fn flush(&mut self, session: &Session, crew: &mut Crew<'_, '_>) -> Result<(), Option<Error>> {
        if self.is_empty() {
            return Ok(());
        }
        // What cancels the flights does not reach this.
        crew.watch.rest();
        crew.watch.let_cancel_arrive().await;
        let mut flushing = pin!(flush(session));
        let note = loop {
            let heard = poll_fn(|context| match flushing.as_mut().poll(context) {
                Poll::Ready(flushed) => Poll::Ready(Ok(flushed)),
                Poll::Pending => crew.watch.poll(context).map(Err),
            });
            match heard.await {
                Ok(flushed) => break flushed.map_err(Some)?,
                Err(Sign::Tell(event)) => (crew.tell)(Told::Event(event)),
                Err(Sign::Flushed(end)) => self.tell_up_to(end, crew),
                Err(Sign::Abandon) => return Err(None),
            }
        };
        if let Some(note) = note {
            (crew.tell)(Told::Event(note));
        }
        self.tell_up_to(self.end(), crew);
        Ok(())
    }
}
