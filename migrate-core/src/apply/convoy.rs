//! Flights on the wire: their messages in order, several flights at once where that is allowed, and the answers told
//! apart.
//!
//! Invariants: nothing is sent behind a failure that was heard, but what ends the transaction; a flight counts as landed
//! only when every one of its messages was answered without an error.

mod leg;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::{FutureExt as _, Stream as _};
use tokio_postgres::error::Severity;
use tokio_postgres::{Error, SimpleQueryMessage, SimpleQueryStream};

pub(super) use leg::{Crew, Doubt, Ending, Fault, Leg, Loss, Told, ran};

use super::Session;
use super::watch::{Sign, Watch};
use crate::connect::{Notice, said};
use crate::flight::{Message, Pace, Purpose};
use crate::report::{At, Event, Exit, Meaning, Phase, meaning};

/// Bytes that may be on the wire without an answer.
const UNANSWERED: usize = 4 << 20;
/// Notices of one flight that are told; a migration can raise a million of them.
const TOLD_NOTICES: usize = 200;

struct UnderWay<'a> {
    leg: Leg<'a>,
    /// How many of its messages are on the wire, and how many of them were answered.
    sent: usize,
    heard: usize,
    /// The answers that are awaited, with the length of their messages.
    answers: VecDeque<(usize, Pin<Box<SimpleQueryStream>>)>,
    /// Commands of the current message that are done.
    done: usize,
    xid: Option<String>,
    fault: Option<(usize, usize, Error)>,
    notices: usize,
    given_up: bool,
}

impl<'a> UnderWay<'a> {
    fn new(leg: Leg<'a>) -> Self {
        let answers = VecDeque::new();
        Self { leg, sent: 0, heard: 0, answers, done: 0, xid: None, fault: None, notices: 0, given_up: false }
    }

    fn is_pipelined(&self) -> bool {
        self.leg.flight.pace == Pace::Pipelined
    }

    /// Whether nothing may follow until BEGIN has its answer: the first thing that is ever written to a database. A pooler
    /// in statement mode refuses BEGIN when the server has answered it, and what it has passed on by then takes effect.
    fn waits_for_begin(&self) -> bool {
        self.is_pipelined() && self.leg.batches.is_empty() && self.sent == 1 && self.heard == 0
    }

    fn is_sent(&self) -> bool {
        self.given_up || self.sent == self.leg.flight.messages.len()
    }

    /// Whether it is over: everything was answered, or, one message after the other, one with an error.
    fn is_over(&self) -> bool {
        self.answers.is_empty() && (self.is_sent() || (self.fault.is_some() && !self.is_pipelined()))
    }

    /// Whether COMMIT is on the wire and the transaction has not failed as far as is known.
    fn may_land(&self) -> bool {
        let commit = |message: &Message<'_>| message.purpose == Purpose::Commit;
        self.leg.flight.messages[..self.sent].iter().any(commit)
    }

    /// Puts a message on the wire.
    fn send(&mut self, session: &Session, sql: &str) -> Result<(), Error> {
        let answer = session.client.simple_query_raw(sql).now_or_never().transpose()?;
        self.answers.extend(answer.map(|answer| (sql.len(), Box::pin(answer))));
        Ok(())
    }

    /// Sends no more of it. What would have ended its transaction was not sent yet.
    fn give_up(&mut self, session: &Session) -> Result<(), Error> {
        if !self.is_pipelined() {
            return Ok(());
        }
        self.given_up = true;
        self.send(session, "ROLLBACK")
    }

    /// Where it is: the first message without an answer.
    fn at(&self) -> Option<At> {
        let ran = self.leg.ran_at(self.heard)?;
        let (statement, line) = self.statement().unwrap_or_default();
        Some(At { ran, statement, line })
    }

    /// Number and line of the statement that is the next to be answered.
    fn statement(&self) -> Option<(usize, u32)> {
        let index = self.leg.flight.messages.get(self.heard)?.statement_at(self.done)?;
        let line = self.leg.batch_at(self.heard)?.statements.get(index)?.line();
        Some((index + 1, line))
    }
}

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
                return self.legs.next().map_or(Ending::Done, |_| Ending::Stopped);
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
                Heard::Sign(Sign::Abandon) => return self.lost(None).unwrap_or(Ending::Stopped),
            }
            if let Some(fault) = self.land(session, crew) {
                self.drain(session, crew).await;
                return Ending::Failed(fault);
            }
        }
    }

    /// Sends what may be sent now. An error tells that the connection is gone.
    fn send(&mut self, session: &Session, crew: &Crew<'_, '_>) -> Result<(), Error> {
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
    fn launch(&mut self, session: &Session, crew: &Crew<'_, '_>) -> bool {
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
            self.turn_to_first(session, crew.watch);
        }
        true
    }

    /// Another flight is the first one without an answer.
    fn turn_to_first(&mut self, session: &Session, watch: &Watch<'_>) {
        self.since = Instant::now();
        self.heard = self.since;
        match self.under_way.front() {
            Some(first) => watch.flight(first.leg.ran_at(0), session.canceller()),
            None => watch.rest(),
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
                    first.xid = row.get(0).map(str::to_owned);
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
            (crew.tell)(Told::Landed(&over.leg, self.since.elapsed()));
            self.turn_to_first(session, crew.watch);
        }
        None
    }

    /// Waits for the answers to what was sent behind a failure: all of them say that nothing of it was done.
    async fn drain(&mut self, session: &mut Session, crew: &mut Crew<'_, '_>) {
        while let Some(first) = self.under_way.front() {
            if first.answers.is_empty() {
                self.under_way.pop_front();
                continue;
            }
            match self.hear(session, crew.watch).await {
                Heard::Error(error) if error.as_db_error().is_none() => return,
                Heard::Answered | Heard::Error(_) => self.answered(None, crew),
                Heard::Sign(Sign::Abandon) => return,
                Heard::Sign(Sign::Tell(event)) => (crew.tell)(Told::Event(event)),
                Heard::Message(_) | Heard::Notice(_) => {}
            }
        }
    }

    /// What was under way when the connection broke; `None` when nothing was. A flight that had failed by then did not
    /// land: its guard ends the session itself where no transaction was open.
    fn lost(&mut self, error: Option<Error>) -> Option<Ending<'a>> {
        if self.under_way.front().is_some_and(|first| first.fault.is_some()) {
            let UnderWay { leg, fault, .. } = self.under_way.pop_front()?;
            return fault.map(|(message, done, error)| Ending::Failed(Fault { leg, message, done, error }));
        }
        let doubt = |flight: &UnderWay<'_>| Doubt {
            rans: flight.leg.batches.iter().map(|(_, batch)| ran(batch)).collect(),
            xid: flight.xid.clone(),
        };
        let doubtful = self.under_way.iter().take_while(|flight| flight.may_land()).map(doubt).collect();
        let first = self.under_way.pop_front()?;
        Some(Ending::Lost(Loss {
            message: first.heard,
            leg: first.leg,
            doubtful,
            error,
            silence: self.heard.elapsed(),
        }))
    }
}

/// Whether nothing more comes from the session behind such an error, or nothing more can be concluded from it.
pub(super) fn ends_session(error: &Error) -> bool {
    let Some(db) = error.as_db_error() else { return true };
    // A pooler in statement mode refuses BEGIN, and will again: a failure of the flight, not of the connection.
    let pooling = meaning(Phase::Begin, said(db));
    if pooling.is_some_and(|row| row.meaning == Meaning::Lasting(Exit::NeedsDirect)) {
        return false;
    }
    let fatal = matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    // 40003: the server itself does not know what became of the statement.
    fatal || db.code().code().starts_with("08") || db.code().code() == "40003"
}

fn event(notice: Notice, at: Option<At>) -> Event {
    Event::Notice { severity: notice.severity, message: notice.message, at }
}
