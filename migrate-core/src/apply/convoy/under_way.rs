//! One flight on the wire, and how far it has come.

use std::collections::VecDeque;
use std::pin::Pin;

use futures_util::FutureExt as _;
use tokio_postgres::{Error, SimpleQueryStream};

use super::super::Session;
use super::leg::Leg;
use crate::flight::{Message, Pace, Purpose};
use crate::report::At;

pub(super) struct UnderWay<'a> {
    pub(super) leg: Leg<'a>,
    /// How many of its messages are on the wire, and how many of them were answered.
    pub(super) sent: usize,
    pub(super) heard: usize,
    /// The answers that are awaited, with the length of their messages.
    pub(super) answers: VecDeque<(usize, Pin<Box<SimpleQueryStream>>)>,
    /// Commands of the current message that are done.
    pub(super) done: usize,
    pub(super) xid: Option<String>,
    pub(super) fault: Option<(usize, usize, Error)>,
    pub(super) notices: usize,
    pub(super) given_up: bool,
}

impl<'a> UnderWay<'a> {
    pub(super) fn new(leg: Leg<'a>) -> Self {
        let answers = VecDeque::new();
        Self { leg, sent: 0, heard: 0, answers, done: 0, xid: None, fault: None, notices: 0, given_up: false }
    }

    pub(super) fn is_pipelined(&self) -> bool {
        self.leg.flight.pace == Pace::Pipelined
    }

    /// Whether nothing may follow until BEGIN has its answer: the first thing that is ever written to a database. A pooler
    /// in statement mode refuses BEGIN when the server has answered it, and what it has passed on by then takes effect.
    pub(super) fn waits_for_begin(&self) -> bool {
        self.is_pipelined() && self.leg.batches.is_empty() && self.sent == 1 && self.heard == 0
    }

    pub(super) fn is_sent(&self) -> bool {
        self.given_up || self.sent == self.leg.flight.messages.len()
    }

    /// Whether it is over: everything was answered, or, one message after the other, one with an error.
    pub(super) fn is_over(&self) -> bool {
        self.answers.is_empty() && (self.is_sent() || (self.fault.is_some() && !self.is_pipelined()))
    }

    /// Whether everything was sent, COMMIT too, and answered without an error.
    pub(super) fn has_landed(&self) -> bool {
        self.fault.is_none() && !self.given_up && self.answers.is_empty() && self.is_sent() && self.may_land()
    }

    /// Whether COMMIT is on the wire and the transaction has not failed as far as is known.
    pub(super) fn may_land(&self) -> bool {
        let commit = |message: &Message<'_>| message.purpose == Purpose::Commit;
        self.leg.flight.messages[..self.sent].iter().any(commit)
    }

    /// Puts a message on the wire.
    pub(super) fn send(&mut self, session: &Session, sql: &str) -> Result<(), Error> {
        let answer = session.client.simple_query_raw(sql).now_or_never().transpose()?;
        self.answers.extend(answer.map(|answer| (sql.len(), Box::pin(answer))));
        Ok(())
    }

    /// Sends no more of it. What would have ended its transaction was not sent yet.
    pub(super) fn give_up(&mut self, session: &Session) -> Result<(), Error> {
        if !self.is_pipelined() {
            return Ok(());
        }
        self.given_up = true;
        self.send(session, "ROLLBACK")
    }

    /// Where it is: the first message without an answer.
    pub(super) fn at(&self) -> Option<At> {
        let ran = self.leg.ran_at(self.heard)?;
        let (statement, line) = self.statement().unwrap_or_default();
        Some(At { ran, statement, line })
    }

    /// Number and line of the statement that is the next to be answered.
    pub(super) fn statement(&self) -> Option<(usize, u32)> {
        let index = self.leg.flight.messages.get(self.heard)?.statement_at(self.done)?;
        let line = self.leg.batch_at(self.heard)?.statements.get(index)?.line();
        Some((index + 1, line))
    }
}
