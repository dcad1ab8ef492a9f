//! What is done to a run, drawn from a seed, and a run to which it is done.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::dice::Dice;
use crate::background::Session;
use crate::proxy::{Act, At, Break, Connection, Fault, Proxy, Side};
use crate::stage::{Database, migrate_command, sql, text};

/// How a run is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    KilledAtAMessage,
    KilledAtAnInstant,
    Terminated,
    SessionEnded,
    Reset,
    Closed,
    HalfClosed,
    Parted,
    KilledInAWait,
    TerminatedInAWait,
    SessionEndedInAWait,
}

impl How {
    /// Whether it comes while a statement waits for a session of the application.
    const fn is_in_a_wait(self) -> bool {
        matches!(self, Self::KilledInAWait | Self::TerminatedInAWait | Self::SessionEndedInAWait)
    }
}

/// A disturbance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disturbance {
    pub(crate) how: How,
    side: Side,
    /// Where, in parts of a million of the undisturbed run's messages, or of its time.
    place: u32,
    /// Whether the message at that place still arrives, and whether its answer does.
    arrives: bool,
    answered: bool,
    /// In how many connections it happens: the one that takes its place is disturbed as well.
    connections: usize,
    /// How long a server does not hear that its client is gone.
    parted: Duration,
    /// Somebody writes to `busy` meanwhile, so that an index of it is caught while it is being built; and for how long
    /// after the disturbance.
    pub(crate) writer: Option<Duration>,
}

const MILLION: u32 = 1_000_000;

impl Disturbance {
    /// Of a run whose statements may have to wait for somebody who writes to `busy`, or not.
    pub(crate) fn of(dice: &mut Dice, may_wait: bool) -> Self {
        if may_wait && dice.one_in(4) {
            return Self::in_a_wait(dice);
        }
        let hows = [
            [How::KilledAtAMessage; 4].as_slice(),
            &[How::KilledAtAnInstant; 3],
            &[How::Reset; 3],
            &[How::Terminated, How::SessionEnded, How::Closed, How::HalfClosed, How::Parted, How::Parted],
        ];
        let after = *dice.pick(&[0, 0, 100, 100, 2600]);
        Self {
            how: *dice.pick(&hows.concat()),
            side: if dice.one_in(3) { Side::Server } else { Side::Client },
            place: u32::try_from(dice.below(MILLION as usize)).expect("below a million"),
            arrives: dice.one_in(2),
            answered: dice.one_in(2),
            connections: if dice.one_in(4) { 2 } else { 1 },
            parted: Duration::from_millis(20 + dice.below(600) as u64),
            writer: dice.one_in(3).then(|| Duration::from_millis(after)),
        }
    }

    /// The same without a session that writes meanwhile.
    pub(crate) fn alone(self) -> Self {
        Self { writer: None, ..self }
    }

    /// The way out of the wait is the writer's end: soon, or when the server has seen that nobody waits any more.
    fn in_a_wait(dice: &mut Dice) -> Self {
        let hows = [How::KilledInAWait, How::KilledInAWait, How::TerminatedInAWait, How::SessionEndedInAWait];
        let how = *dice.pick(&hows);
        let after = if how == How::KilledInAWait && dice.one_in(2) { 2600 } else { dice.below(200) as u64 };
        let writer = Some(Duration::from_millis(after));
        Self { how, writer, connections: 1, arrives: true, ..Self::of(dice, false) }
    }

    /// As a fault on the way.
    fn fault(&self, measure: &Measure) -> Fault {
        let messages = match self.side {
            Side::Client => measure.client,
            Side::Server => measure.server,
        };
        let (connections, act) = match self.how {
            // Nothing breaks there by itself: the watch beside the run does what is to be done.
            How::KilledAtAMessage | How::Terminated | How::SessionEnded => (1, Act::Hold),
            _ if self.how.is_in_a_wait() || self.how == How::KilledAtAnInstant => return NEVER,
            How::Reset => (self.connections, self.cut(Break::Reset)),
            How::Closed => (self.connections, self.cut(Break::Close)),
            How::Parted => (self.connections, self.cut(Break::Partition)),
            _ => (self.connections, Act::HalfClose),
        };
        let at = At::Message(1 + self.place as usize * messages / MILLION as usize);
        Fault { on: Connection::First(connections), side: self.side, at, act }
    }

    /// When it comes, where a clock says it. A run that is not at its end by the time that it takes in peace waits.
    fn instant(&self, measure: &Measure) -> Option<Duration> {
        match self.how {
            How::KilledAtAnInstant => Some(measure.time.mul_f64(f64::from(self.place) / f64::from(MILLION))),
            how => how.is_in_a_wait().then(|| measure.time + Duration::from_millis(100)),
        }
    }

    fn cut(&self, how: Break) -> Act {
        match (self.arrives, self.answered, self.side) {
            (false, _, _) => Act::Cut(how),
            (true, false, Side::Client) => Act::Unanswered(how),
            (true, ..) => Act::CutBehind(how),
        }
    }
}

/// With a fault that does not come, messages are counted all the same.
const NEVER: Fault = Fault { on: Connection::Nth(usize::MAX), side: Side::Client, at: At::Byte(0), act: Act::Hold };

/// What an undisturbed run of the same set took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure {
    client: usize,
    server: usize,
    time: Duration,
}

/// Where a run goes.
#[derive(Clone, Copy)]
pub(crate) struct Target<'t> {
    pub(crate) database: &'t Database,
    /// The port of the server, or of the pooler before it.
    pub(crate) port: u16,
    pub(crate) dir: &'t Path,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// `None` when it was killed.
    pub(crate) code: Option<i32>,
    /// Whether the disturbance came before its end.
    pub(crate) disturbed: bool,
    pub(crate) told: String,
}

/// A run that nothing disturbs, and what it took.
pub(crate) fn undisturbed(target: Target<'_>) -> (Run, Measure) {
    let proxy = Proxy::with_faults(target.port, &[NEVER]);
    let started = Instant::now();
    let (mut child, told) = start(&proxy, target);
    let status = child.wait().expect("its end");
    let (client, server) = (proxy.messages(Side::Client), proxy.messages(Side::Server));
    let measure = Measure { client, server, time: started.elapsed() };
    (Run { code: status.code(), disturbed: false, told: text(told.path()) }, measure)
}

/// A run to which the disturbance is done.
pub(crate) fn disturbed(target: Target<'_>, disturbance: &Disturbance, measure: &Measure) -> Run {
    let writer = disturbance.writer.map(|_| Session::that(&target.database.url, WRITE));
    let proxy = Proxy::with_faults(target.port, &[disturbance.fault(measure)]);
    let (mut child, told) = start(&proxy, target);
    let instant = disturbance.instant(measure);
    let mut watch =
        Watch { disturbance, target, writer, proxy: Some(proxy), instant, started: Instant::now(), struck: None };
    let status = watch.until_its_end(&mut child);
    let kills = matches!(disturbance.how, How::KilledAtAMessage | How::KilledAtAnInstant | How::KilledInAWait);
    let disturbed = if kills { status.code().is_none() } else { watch.struck.is_some() };
    watch.let_go();
    Run { code: status.code(), disturbed, told: text(told.path()) }
}

const WRITE: &str = "BEGIN; INSERT INTO busy VALUES (-1, 'writer')";
/// For how long the application writes at most: a migration waits for it meanwhile.
const WRITES_AT_MOST: Duration = Duration::from_millis(1500);

fn start(proxy: &Proxy, target: Target<'_>) -> (Child, tempfile::NamedTempFile) {
    let told = tempfile::NamedTempFile::new().expect("a file");
    let stderr = told.reopen().expect("the same file");
    let url = proxy.url(&target.database.name);
    let mut command = migrate_command(&["up", "--lock-wait", "60s", "--connect-wait", "20s", "--database-url", &url]);
    let command = command.arg("--dir").arg(target.dir).stdout(Stdio::null()).stderr(stderr);
    (command.spawn().expect("migrate starts"), told)
}

/// What goes on beside a run.
struct Watch<'w> {
    disturbance: &'w Disturbance,
    target: Target<'w>,
    writer: Option<Session>,
    proxy: Option<Proxy>,
    /// When it is killed, where it is killed by the clock.
    instant: Option<Duration>,
    started: Instant,
    struck: Option<Instant>,
}

impl Watch<'_> {
    fn until_its_end(&mut self, child: &mut Child) -> ExitStatus {
        loop {
            let ended = child.try_wait().expect("its state");
            if self.struck.is_none() && self.has_struck(ended.is_none()) {
                self.struck = Some(Instant::now());
                self.strike(child);
            }
            if let Some(status) = ended {
                return status;
            }
            self.see_to_the_way();
            let after = self.disturbance.writer.unwrap_or_default();
            let long_enough = self.struck.is_some_and(|struck| struck.elapsed() >= after);
            if long_enough || self.started.elapsed() >= WRITES_AT_MOST.max(after) {
                self.writer = None;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn has_struck(&self, is_running: bool) -> bool {
        let is_due = self.instant.is_some_and(|instant| is_running && self.started.elapsed() >= instant);
        is_due || self.proxy.as_ref().is_some_and(|proxy| proxy.hits() > 0)
    }

    /// Does what is not done on the way.
    fn strike(&mut self, child: &mut Child) {
        match self.disturbance.how {
            How::KilledAtAMessage | How::KilledAtAnInstant | How::KilledInAWait => {
                // It may have ended a moment ago.
                let _gone = child.kill();
                if !self.disturbance.arrives {
                    self.proxy = None;
                }
            }
            How::Terminated | How::TerminatedInAWait => {
                let _gone = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status();
            }
            How::SessionEnded | How::SessionEndedInAWait => {
                sql(&self.target.database.url, END);
            }
            How::Reset | How::Closed | How::HalfClosed | How::Parted => return,
        }
        self.release();
    }

    /// A way that was parted is whole again after a while, for whoever tries it.
    fn see_to_the_way(&mut self) {
        let parted = self.struck.filter(|_| self.disturbance.how == How::Parted);
        if parted.is_some_and(|struck| struck.elapsed() >= self.disturbance.parted) {
            self.release();
        }
    }

    fn release(&self) {
        if let Some(proxy) = &self.proxy {
            proxy.release();
        }
    }

    /// Waits until the application has written for as long as it is to, and ends it.
    fn let_go(mut self) {
        let Some(writer) = self.writer.take() else { return };
        // The way is gone with the run, so that the server hears of its client's end.
        self.proxy = None;
        let after = self.disturbance.writer.unwrap_or_default();
        if let Some(left) = self.struck.and_then(|struck| after.checked_sub(struck.elapsed())) {
            std::thread::sleep(left);
        }
        drop(writer);
    }
}

const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name LIKE 'migrate/%'";
