//! One direction of a connection, as a delay line with faults in it.
//!
//! Every chunk is stamped when it arrives and released later, in order. Chunks overlap on the way, as on a real network;
//! a sleep per chunk would add up instead. Invariant: what a fault does comes behind everything that was sent before it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::fault::{Act, Break, Reader, Side};
use super::framing::{Framing, Message};

/// What the two directions of a connection know of each other.
#[derive(Default)]
pub(super) struct Exchange {
    questions: AtomicUsize,
    answers: AtomicUsize,
    /// Behind how many answers the connection ends, none of which is heard any more, and how.
    last: Mutex<Option<(usize, Break)>>,
}

impl Exchange {
    /// Whether the server's message is heard; otherwise whether the connection ends now, and how.
    fn hear(&self, message: &Message) -> Result<(), Option<Break>> {
        let ready = usize::from(message.tag == Some('Z'));
        let answers = self.answers.fetch_add(ready, Ordering::SeqCst) + ready;
        match *self.last.lock().expect("no panic elsewhere") {
            None => Ok(()),
            Some((last, how)) => Err((answers >= last).then_some(how)),
        }
    }

    fn ask(&self, message: &Message) {
        // What the server answers by saying that it is ready.
        let is_question = matches!(message.tag, Some('Q' | 'S' | 'F'));
        self.questions.fetch_add(usize::from(is_question), Ordering::SeqCst);
    }

    /// The present question is the last one that is answered.
    fn end_unheard(&self, how: Break) {
        // The server says that it is ready once before the first question.
        let last = self.questions.load(Ordering::SeqCst) + 1;
        *self.last.lock().expect("no panic elsewhere") = Some((last, how));
    }
}

/// What a direction is like.
pub(super) struct Line<'e> {
    /// Whose messages it carries.
    pub(super) side: Side,
    pub(super) exchange: &'e Exchange,
    pub(super) delay: Duration,
    /// What goes wrong in it, and what cuts the bytes into messages; nothing when bytes pass as they come.
    pub(super) faults: Option<(Reader, Framing)>,
    /// Whether the proxy was told to go on with what it holds.
    pub(super) released: watch::Receiver<bool>,
}

/// Who is told about every chunk, at the two ends of a direction.
pub(super) struct Told<A, D> {
    pub(super) arrived: A,
    pub(super) delivered: D,
}

enum Step {
    Bytes(Instant, Vec<u8>),
    /// Nothing more is delivered.
    Finish,
    Break(Break),
}

/// Carries everything from one end to the other.
///
/// # Errors
/// How the whole connection is to end, when a fault ends it.
pub(super) async fn carry<R, W, A, D>(from: R, to: W, line: Line<'_>, told: Told<A, D>) -> Result<(), Break>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    A: Fn(),
    D: Fn(),
{
    let (steps, taken) = mpsc::unbounded_channel();
    let delay = line.delay;
    let Told { arrived, delivered } = told;
    let inlet = Inlet { line, steps, is_deaf: false };
    let taking = async {
        inlet.take(from, arrived).await;
        Ok(())
    };
    tokio::try_join!(taking, deliver(to, taken, delay, delivered)).map(|_| ())
}

/// The near end: what arrives becomes steps.
struct Inlet<'e> {
    line: Line<'e>,
    steps: mpsc::UnboundedSender<Step>,
    /// Whether everything from here on is lost.
    is_deaf: bool,
}

impl Inlet<'_> {
    async fn take(mut self, mut from: impl AsyncRead + Unpin, arrived: impl Fn()) {
        let mut buffer = vec![0; 64 * 1024];
        // A connection that is reset by its peer has ended as well.
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            arrived();
            let Some((_, framing)) = &mut self.line.faults else {
                self.put(buffer[..length].to_vec());
                continue;
            };
            for message in framing.push(&buffer[..length]) {
                self.pass(message).await;
            }
        }
        if let Some((_, framing)) = self.line.faults.take() {
            self.put(framing.rest());
        }
    }

    fn put(&self, bytes: Vec<u8>) {
        if !self.is_deaf && !bytes.is_empty() {
            self.step(Step::Bytes(Instant::now() + self.line.delay, bytes));
        }
    }

    fn step(&self, step: Step) {
        // Whoever delivers may have ended already: his end is gone.
        let _gone = self.steps.send(step);
    }

    async fn pass(&mut self, mut message: Message) {
        match self.line.side {
            Side::Client => self.line.exchange.ask(&message),
            Side::Server => match self.line.exchange.hear(&message) {
                Ok(()) => {}
                Err(None) => return,
                Err(Some(how)) => return self.end(Step::Break(how)),
            },
        }
        let fault = self.line.faults.as_mut().and_then(|(reader, _)| reader.read(&message));
        let Some((act, behind)) = fault.filter(|_| !self.is_deaf) else {
            return self.put(message.bytes);
        };
        let rest = message.bytes.split_off(behind);
        self.put(message.bytes);
        match act {
            Act::Cut(how) => self.end(Step::Break(how)),
            Act::CutBehind(how) => {
                self.put(rest);
                self.end(Step::Break(how));
            }
            Act::Unanswered(how) => {
                self.line.exchange.end_unheard(how);
                self.put(rest);
            }
            Act::HalfClose => self.end(Step::Finish),
            Act::Mute => self.is_deaf = true,
            Act::Swallow => {}
            Act::Delay(more) => {
                tokio::time::sleep(more).await;
                self.put(rest);
            }
            Act::Hold => {
                // A proxy that is gone holds nothing.
                let _gone = self.line.released.wait_for(|released| *released).await.is_err();
                self.put(rest);
            }
        }
    }

    fn end(&mut self, step: Step) {
        self.step(step);
        self.is_deaf = true;
    }
}

/// The far end: steps are done when they are due.
async fn deliver(
    mut to: impl AsyncWrite + Unpin,
    mut steps: mpsc::UnboundedReceiver<Step>,
    delay: Duration,
    delivered: impl Fn(),
) -> Result<(), Break> {
    while let Some(step) = steps.recv().await {
        match step {
            Step::Bytes(due, bytes) => {
                // The timer rounds up to a millisecond, which would be a delay where none is asked for.
                if !delay.is_zero() {
                    tokio::time::sleep_until(due).await;
                }
                // Before the bytes: whoever reads them may answer at once.
                delivered();
                if to.write_all(&bytes).await.is_err() {
                    return Ok(());
                }
            }
            Step::Finish => break,
            Step::Break(how) => return Err(how),
        }
    }
    // The other end may be gone already; closing is all that is left to pass on.
    let _gone = to.shutdown().await;
    Ok(())
}
