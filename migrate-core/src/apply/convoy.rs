//! Flights on the wire: their messages in order, several flights at once where that is allowed, and the answers told
//! apart.
//!
//! Invariants: nothing is sent behind a failure that was heard, but what ends the transaction; a flight counts as landed
//! only when every one of its messages was answered without an error, and is told only when its commit is on the disk.

mod leg;
mod under_way;
mod unflushed;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::Stream as _;
use tokio_postgres::{Error, SimpleQueryMessage};

use leg::doubt;
pub(super) use leg::{Crew, Doubt, Ending, Fault, Leg, Loss, Told, ran};
use under_way::UnderWay;
use unflushed::Unflushed;

use super::Session;
use super::session::ends_session;
use super::watch::{Sign, Watch};
use crate::connect::Notice;
use crate::flight::{Message, Purpose};
use crate::report::{At, Event};

/// Bytes that may be on the wire without an answer.
const UNANSWERED: usize = 4 << 20;
/// Notices of one flight that are told; a migration can raise a million of them.
const TOLD_NOTICES: usize = 200;

/// Sends flights in order, at most `window` of them without an answer, and waits for their end.
pub(super) async fn fly<'a>(
    session: &mut Session,
    legs: &mut (dyn Iterator<Item = Leg<'a>> + Send),
    window: usize,
    crew: &mut Crew<'_, '_>,
) -> Ending<'a> {
    session.notices.attend();
    let mut convoy = Convoy {
        legs,
        window,
        filling: true,
        under_way: VecDeque::new(),
        unflushed: Unflushed::default(),
        unanswered: 0,
        since: Instant::now(),
        heard: Instant::now(),
    };
    let ending = convoy.run(session, crew).await;
    crew.watch.rest();
    crew.watch.let_cancel_arrive().await;
    for notice in session.notices.leave() {
        (crew.tell)(Told::Event(event(notice, None)));
    }
    ending
}

struct Convoy<'l, 'a> {
    legs: &'l mut (dyn Iterator<Item = Leg<'a>> + Send),
    window: usize,
    filling: bool,
    under_way: VecDeque<UnderWay<'a>>,
    unflushed: Unflushed<'a>,
    /// Bytes on the wire without an answer.
    unanswered: usize,
    /// When the first flight under way became the first.
    since: Instant,
    /// When the server was heard last.
    heard: Instant,
}

enum Heard {
    Message(SimpleQueryMessage),
    Error(Error),
    Answered,
    Notice(Notice),
    Sign(Sign),
}

impl<'a> Convoy<'_, 'a> {
    async fn run(&mut self, session: &mut Session, crew: &mut Crew<'_, '_>) -> Ending<'a> {
        loop {
            if let Err(error) = self.send(session, crew) {
                return self.lost(Some(error)).unwrap_or(Ending::Stopped);
            }
            if self.under_way.is_empty() {
                return self.end(session, crew).await;
            }
            match self.hear(session, crew.watch).await {
                Heard::Message(message) => self.note(&message, crew),
                Heard::Answered => self.answered(None, crew),
                Heard::Error(error) if ends_session(&error) => {
                    return self.lost(Some(error)).unwrap_or(Ending::Stopped);
                }
                Heard::Error(error) => self.answered(Some(error), crew),
                Heard::Notice(notice) => self.notice(notice, crew),
                Heard::Sign(Sign::Tell(event)) => (crew.tell)(Told::Event(event)),
                Heard::Sign(Sign::Flushed(end)) => self.unflushed.tell_up_to(end, crew),
                Heard::Sign(Sign::Abandon) => return self.lost(None).unwrap_or(Ending::Stopped),
            }
            if let Some(fault) = self.land(session, crew) {
                return self.fail(fault, session, crew).await;
            }
        }
    }

    /// Nothing is under way any more.
    async fn end(&mut self, session: &Session, crew: &mut Crew<'_, '_>) -> Ending<'a> {
        if let Err(error) = self.unflushed.flush(session, crew).await {
            return self.lost(error).unwrap_or(Ending::Stopped);
        }
        self.legs.next().map_or(Ending::Done, |_| Ending::Stopped)
    }

    /// A flight has failed. What landed before it is told first.
    async fn fail(&mut self, fault: Fault<'a>, session: &mut Session, crew: &mut Crew<'_, '_>) -> Ending<'a> {
        self.drain(session, crew).await;
        match self.unflushed.flush(session, crew).await {
            Ok(()) => Ending::Failed(fault),
            Err(error) => self.loss((fault.leg, fault.message), self.unflushed.doubts(), error),
        }
    }

    /// Sends what may be sent now. An error tells that the connection is gone.
    fn send(&mut self, session: &Session, crew: &mut Crew<'_, '_>) -> Result<(), Error> {
        loop {
            if self.under_way.back().is_none_or(UnderWay::is_sent) && !self.launch(session, crew) {
                return Ok(());
            }
            let Some(last) = self.under_way.back_mut() else { return Ok(()) };
            if last.fault.is_some() {
                return last.give_up(session);
            }
            if last.waits_for_begin() {
                return Ok(());
            }
            if self.unanswered >= UNANSWERED || !(last.is_pipelined() || last.answers.is_empty()) {
                return Ok(());
            }
            // Copied, so that the flight can be changed while it is read: a message is at most a statement long.
            let sql = std::mem::take(&mut last.leg.flight.messages[last.sent].sql);
            let sent = last.send(session, &sql);
            self.unanswered += sql.len();
            last.leg.flight.messages[last.sent].sql = sql;
            last.sent += 1;
            sent?;
        }
    }

    /// Takes the next flight; false when none may start. They start in groups of half a window: over a network each
    /// group is one turn.
    fn launch(&mut self, session: &Session, crew: &mut Crew<'_, '_>) -> bool {
        self.filling = match self.under_way.len() {
            under_way if under_way >= self.window => false,
            under_way if under_way <= self.window / 2 => true,
            _ => self.filling,
        };
        let failed = self.under_way.iter().any(|flight| flight.fault.is_some());
        if !self.filling || failed || crew.stop.cause().is_some() {
            return false;
        }
        let Some(leg) = self.legs.next() else { return false };
        self.under_way.push_back(UnderWay::new(leg));
        if self.under_way.len() == 1 {
            self.turn_to_first(session, crew);
        }
        true
    }

    /// Another flight is the first one without an answer.
    fn turn_to_first(&mut self, session: &Session, crew: &mut Crew<'_, '_>) {
        self.since = Instant::now();
        self.heard = self.since;
        match self.under_way.front() {
            Some(first) => {
                crew.watch.flight(first.leg.ran_at(0), session.canceller());
                (crew.tell)(Told::Turn(&first.leg));
            }
            None => crew.watch.rest(),
        }
    }

    /// Waits for the next thing that happens. Answers come first: a notice belongs to the first message without one.
    async fn hear(&mut self, session: &mut Session, watch: &mut Watch<'_>) -> Heard {
        poll_fn(|context| {
            if let Poll::Ready(heard) = self.poll_answer(context) {
                return Poll::Ready(heard);
            }
            if let Poll::Ready(notice) = session.notices.poll(context) {
                return Poll::Ready(Heard::Notice(notice));
            }
            watch.poll(context).map(Heard::Sign)
        })
        .await
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Heard> {
        let Some((_, answer)) = self.under_way.front_mut().and_then(|first| first.answers.front_mut()) else {
            return Poll::Pending;
        };
        answer.as_mut().poll_next(context).map(|item| match item {
            Some(Ok(message)) => Heard::Message(message),
            Some(Err(error)) => Heard::Error(error),
            None => Heard::Answered,
        })
    }

    fn note(&mut self, message: &SimpleQueryMessage, crew: &Crew<'_, '_>) {
        self.heard = Instant::now();
        let Some(first) = self.under_way.front_mut() else { return };
        match message {
            SimpleQueryMessage::CommandComplete(_) => {
                first.done += 1;
                if let Some((statement, line)) = first.statement() {
                    crew.watch.statement(statement, line);
                }
            }
            SimpleQueryMessage::Row(row) => {
                let records = |message: &Message<'_>| message.purpose == Purpose::Record;
                if first.leg.flight.messages.get(first.heard).is_some_and(records) {
                    first.xid = row.try_get(0).ok().flatten().map(str::to_owned);
                }
            }
            _ => {}
        }
    }

    /// A message has its answer, or its error.
    fn answered(&mut self, error: Option<Error>, crew: &Crew<'_, '_>) {
        self.heard = Instant::now();
        let Some(first) = self.under_way.front_mut() else { return };
        let length = first.answers.pop_front().map_or(0, |(length, _)| length);
        self.unanswered = self.unanswered.saturating_sub(length);
        if let Some(error) = error.filter(|_| first.fault.is_none()) {
            first.fault = Some((first.heard, first.done, error));
        }
        first.heard += 1;
        first.done = 0;
        if let Some((statement, line)) = first.statement() {
            crew.watch.statement(statement, line);
        }
    }

    fn notice(&mut self, notice: Notice, crew: &mut Crew<'_, '_>) {
        let Some(first) = self.under_way.front_mut() else { return };
        first.notices += 1;
        if first.notices <= TOLD_NOTICES {
            let at = first.at();
            (crew.tell)(Told::Event(event(notice, at)));
        }
    }

    /// Takes the flights that are over; the fault of the first one that failed.
    fn land(&mut self, session: &Session, crew: &mut Crew<'_, '_>) -> Option<Fault<'a>> {
        while self.under_way.front().is_some_and(UnderWay::is_over) {
            let over = self.under_way.pop_front()?;
            if let Some(count) = over.notices.checked_sub(TOLD_NOTICES).filter(|count| *count > 0) {
                (crew.tell)(Told::Event(Event::NoticesLeftOut { count }));
            }
            if let Some((message, done, error)) = over.fault {
                return Some(Fault { leg: over.leg, message, done, error });
            }
            self.unflushed.land((over.leg, over.xid), self.since.elapsed(), crew);
            self.turn_to_first(session, crew);
        }
        None
    }

    /// Waits for the answers to what was sent behind a failure. Nearly always they say that nothing of it was done; but
    /// somebody who takes no lock may have made the history meanwhile what the next guard expects.
    async fn drain(&mut self, session: &mut Session, crew: &mut Crew<'_, '_>) {
        while let Some(first) = self.under_way.front() {
            if first.answers.is_empty() {
                self.pass(crew);
                continue;
            }
            match self.hear(session, crew.watch).await {
                Heard::Error(error) if error.as_db_error().is_none() => return,
                Heard::Answered => self.answered(None, crew),
                Heard::Error(error) => self.answered(Some(error), crew),
                Heard::Sign(Sign::Abandon) => return,
                Heard::Sign(Sign::Tell(event)) => (crew.tell)(Told::Event(event)),
                Heard::Sign(Sign::Flushed(end)) => self.unflushed.tell_up_to(end, crew),
                Heard::Message(message) => self.note(&message, crew),
                Heard::Notice(_) => {}
            }
        }
    }

    /// A flight behind the one that failed is over.
    fn pass(&mut self, crew: &mut Crew<'_, '_>) {
        if let Some(over) = self.under_way.pop_front().filter(UnderWay::has_landed) {
            self.unflushed.land((over.leg, over.xid), self.since.elapsed(), crew);
        }
    }

    /// What was under way when the connection broke; `None` when nothing was. A flight that had failed by then did not
    /// land: its guard ends the session itself where no transaction was open.
    fn lost(&mut self, error: Option<Error>) -> Option<Ending<'a>> {
        let mut doubtful = self.unflushed.doubts();
        if self.under_way.is_empty() {
            let leg = self.unflushed.pop()?;
            let message = leg.flight.messages.len().saturating_sub(1);
            return Some(self.loss((leg, message), doubtful, error));
        }
        let under_way = self.under_way.iter().take_while(|flight| flight.fault.is_none() && flight.may_land());
        doubtful.extend(under_way.map(|flight| doubt(&flight.leg, flight.xid.as_deref())));
        let UnderWay { leg, fault, heard, .. } = self.under_way.pop_front()?;
        Some(match fault {
            Some((message, done, error)) if doubtful.is_empty() => Ending::Failed(Fault { leg, message, done, error }),
            Some((message, _, error)) => self.loss((leg, message), doubtful, Some(error)),
            None => self.loss((leg, heard), doubtful, error),
        })
    }

    fn loss(&self, (leg, message): (Leg<'a>, usize), doubtful: Vec<Doubt>, error: Option<Error>) -> Ending<'a> {
        Ending::Lost(Loss { leg, message, doubtful, error, silence: self.heard.elapsed() })
    }
}

fn event(notice: Notice, at: Option<At>) -> Event {
    Event::Notice { severity: notice.severity, message: notice.message, at }
}
