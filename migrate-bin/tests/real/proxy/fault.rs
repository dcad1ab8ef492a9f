//! What goes wrong on the way, as data: in which connection, at which message of whom, and what happens there.
//!
//! Made by a scene, read by the relay. Invariant: a fault happens at most once in a connection, and every time it
//! happens is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::framing::Message;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) on: Connection,
    pub(crate) side: Side,
    pub(crate) at: At,
    pub(crate) act: Act,
}

/// In which connections, counted as they are opened. A cancel request is a connection too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// The nth one, from 1.
    Nth(usize),
    /// The nth one and all behind it.
    From(usize),
    /// The first so many in which the place is reached.
    First(usize),
}

/// Whose messages are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// The place in what one side sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Its nth message, from 1. The first ones of a client are its question for TLS and its startup packet.
    Message(usize),
    /// Its nth message with this tag, such as `Q` for a query and `C` for a command that is done.
    Tag(char, usize),
    /// Its nth message that holds these words. A text ends with `\0`.
    Text(&'static str, usize),
    /// Behind so many of its bytes, wherever that is in a message.
    Byte(usize),
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// The connection ends in the place of the message.
    Cut(Break),
    /// The message arrives, and then the connection ends.
    CutBehind(Break),
    /// A client's question arrives, and the connection ends when the server has answered it. Neither this answer is heard
    /// nor those before it that are still on their way.
    Unanswered(Break),
    /// It comes so much later, and nothing in this direction overtakes it.
    Delay(Duration),
    /// It and everything behind it in this direction waits until the proxy is told to go on.
    Hold,
    /// The receiver is told that nothing more comes, and nothing does. The other direction goes on.
    HalfClose,
    /// It is lost, what comes behind it is not.
    Swallow,
    /// It is lost, and so is everything behind it in this direction. Nobody is told.
    Mute,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// Both ends are reset.
    Reset,
    /// Both ends are closed in order.
    Close,
    /// The client's end is reset. The server hears nothing of it until the proxy is told to go on.
    Partition,
    /// The client is told this error, an SQLSTATE and words, in the server's stead, and both ends are closed.
    Told(&'static str, &'static str),
}

/// The faults of a proxy, and how often they have happened.
pub(super) struct Script {
    faults: Vec<(Fault, AtomicUsize)>,
    /// The most messages that a client, and a server, has sent in one connection.
    longest: [AtomicUsize; 2],
}

impl Script {
    pub(super) fn new(faults: &[Fault]) -> Self {
        let faults = faults.iter().map(|fault| (*fault, AtomicUsize::new(0))).collect();
        Self { faults, longest: [AtomicUsize::new(0), AtomicUsize::new(0)] }
    }

    /// Whether bytes may pass as they come.
    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// How often faults have happened.
    pub(super) fn hits(&self) -> usize {
        self.faults.iter().map(|(_, hits)| hits.load(Ordering::SeqCst)).sum()
    }

    /// The most messages that this side has sent in one connection.
    pub(super) fn longest(&self, side: Side) -> &AtomicUsize {
        &self.longest[usize::from(side == Side::Server)]
    }
}

/// What one side of one connection has sent so far, as far as faults depend on it.
pub(super) struct Reader {
    script: Arc<Script>,
    connection: usize,
    side: Side,
    messages: usize,
    bytes: usize,
    /// By fault: how many messages of its kind there were, and whether it has happened.
    seen: Vec<(usize, bool)>,
}

impl Reader {
    pub(super) fn new(script: Arc<Script>, connection: usize, side: Side) -> Self {
        let seen = vec![(0, false); script.faults.len()];
        Self { script, connection, side, messages: 0, bytes: 0, seen }
    }

    /// The fault at the next message, and behind how many bytes of the message it is.
    pub(super) fn read(&mut self, message: &Message) -> Option<(Act, usize)> {
        self.messages += 1;
        self.script.longest(self.side).fetch_max(self.messages, Ordering::SeqCst);
        let start = self.bytes;
        self.bytes += message.bytes.len();
        let mut found = None;
        for (index, (fault, hits)) in self.script.faults.iter().enumerate() {
            let (seen, happened) = &mut self.seen[index];
            if *happened || fault.side != self.side || found.is_some() {
                continue;
            }
            let (is_there, behind) = match fault.at {
                At::Message(number) => (number == self.messages, 0),
                At::Byte(byte) => ((start..start + message.bytes.len()).contains(&byte), byte.saturating_sub(start)),
                At::Tag(tag, number) => (is_nth(message.tag == Some(tag), seen, number), 0),
                At::Text(words, number) => (is_nth(message.holds(words), seen, number), 0),
            };
            if is_there && may_happen(fault.on, self.connection, hits) {
                *happened = true;
                found = Some((fault.act, behind));
            }
        }
        found
    }
}

fn is_nth(fits: bool, seen: &mut usize, number: usize) -> bool {
    *seen += usize::from(fits);
    fits && *seen == number
}

/// Whether a fault is meant for this connection; it is counted then.
fn may_happen(on: Connection, connection: usize, hits: &AtomicUsize) -> bool {
    let below = match on {
        Connection::Nth(number) if number == connection => usize::MAX,
        Connection::From(number) if number <= connection => usize::MAX,
        Connection::First(count) => count,
        Connection::Nth(_) | Connection::From(_) => 0,
    };
    let next = |hits: usize| (hits < below).then_some(hits + 1);
    hits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: char, text: &str) -> Message {
        Message { tag: Some(tag), bytes: text.as_bytes().to_vec() }
    }

    fn acts(faults: &[Fault], connections: usize, messages: &[Message]) -> Vec<Option<(Act, usize)>> {
        let script = Arc::new(Script::new(faults));
        let connection = |number| {
            let mut reader = Reader::new(Arc::clone(&script), number, Side::Client);
            messages.iter().map(|message| reader.read(message)).collect::<Vec<_>>()
        };
        (1..=connections).flat_map(connection).collect()
    }

    #[test]
    fn a_place_is_a_number_a_tag_a_text_or_a_byte() {
        let messages = [message('Q', "BEGIN"), message('Q', "COMMIT"), message('X', ""), message('Q', "COMMIT")];
        for (at, index, behind) in [
            (At::Message(3), 2, 0),
            (At::Tag('Q', 3), 3, 0),
            (At::Text("COMMIT", 1), 1, 0),
            (At::Text("COMMIT", 2), 3, 0),
            (At::Byte(7), 1, 2),
        ] {
            let fault = Fault { on: Connection::Nth(1), side: Side::Client, at, act: Act::Hold };
            let mut expected = [None; 4];
            expected[index] = Some((Act::Hold, behind));
            assert_eq!(acts(&[fault], 1, &messages), expected, "{at:?}");
        }
    }

    #[test]
    fn connections_are_counted_as_they_come_or_as_the_place_is_reached() {
        let fault = |on| Fault { on, side: Side::Client, at: At::Message(1), act: Act::Mute };
        for (on, expected) in [
            (Connection::Nth(2), [false, true, false]),
            (Connection::From(2), [false, true, true]),
            (Connection::First(2), [true, true, false]),
        ] {
            let acts = acts(&[fault(on)], 3, &[message('Q', "")]);
            assert_eq!(acts.iter().map(Option::is_some).collect::<Vec<_>>(), expected, "{on:?}");
        }
    }
}
