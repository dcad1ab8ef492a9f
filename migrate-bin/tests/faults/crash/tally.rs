//! What the scenes of a run were, counted, as the table that `docs/crash-consistency.md` holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::disturbance::{Disturbance, How, Run};
use super::seconds;

/// One seed's scene.
pub(super) struct Scene {
    pub(super) disturbance: Disturbance,
    pub(super) shapes: BTreeSet<&'static str>,
    /// The run that was to be disturbed.
    pub(super) first: Run,
    /// How often the set was run again until it was done.
    pub(super) reruns: usize,
    /// Which server, and how it was reached.
    pub(super) place: String,
}

/// All scenes.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) scenes: usize,
    pub(super) disturbed: usize,
    /// By disturbance: drawn, came in time.
    hows: BTreeMap<How, (usize, usize)>,
    shapes: BTreeMap<&'static str, usize>,
    endings: BTreeMap<String, usize>,
    reruns: BTreeMap<usize, usize>,
    places: BTreeMap<String, usize>,
    writers: usize,
}

impl Tally {
    pub(super) fn add(&mut self, scene: &Scene) {
        self.scenes += 1;
        self.disturbed += usize::from(scene.first.disturbed);
        let how = self.hows.entry(scene.disturbance.how).or_default();
        how.0 += 1;
        how.1 += usize::from(scene.first.disturbed);
        for shape in &scene.shapes {
            *self.shapes.entry(shape).or_default() += 1;
        }
        let ending = scene.first.code.map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
        *self.endings.entry(ending).or_default() += 1;
        *self.reruns.entry(scene.reruns).or_default() += 1;
        *self.places.entry(scene.place.clone()).or_default() += 1;
        self.writers += usize::from(scene.disturbance.writer.is_some());
    }

    pub(super) fn report(&self, time: Duration) -> String {
        let mut lines = vec![
            format!(
                "{} seeds in {}, {} of the runs disturbed before their end",
                self.scenes,
                seconds(time),
                self.disturbed
            ),
            format!("{} with a session that writes to the table whose indexes are built", self.writers),
            String::new(),
            "| disturbance | seeds | came before the run's end |".to_owned(),
            "|---|--:|--:|".to_owned(),
        ];
        lines.extend(self.hows.iter().map(|(how, (drawn, came))| format!("| {} | {drawn} | {came} |", words(*how))));
        let table = |heading: &str, rows: Vec<String>| {
            let head = [String::new(), format!("| {heading} | seeds |"), "|---|--:|".to_owned()];
            head.into_iter().chain(rows).collect::<Vec<_>>()
        };
        let row = |what: String, count: &usize| format!("| {what} | {count} |");
        lines
            .extend(table("shape", self.shapes.iter().map(|(shape, count)| row((*shape).to_owned(), count)).collect()));
        lines.extend(table("first run", self.endings.iter().map(|(end, count)| row(end.clone(), count)).collect()));
        lines.extend(table(
            "reruns until done",
            self.reruns.iter().map(|(n, count)| row(n.to_string(), count)).collect(),
        ));
        lines.extend(table("server", self.places.iter().map(|(place, count)| row(place.clone(), count)).collect()));
        lines.join("\n")
    }
}

fn words(how: How) -> &'static str {
    match how {
        How::KilledAtAMessage => "SIGKILL at a message",
        How::KilledAtAnInstant => "SIGKILL at an instant",
        How::Terminated => "SIGTERM at a message",
        How::SessionEnded => "its sessions ended by the server",
        How::Reset => "the connection reset",
        How::Closed => "the connection closed",
        How::HalfClosed => "the connection closed at one end",
        How::Parted => "the network parted for a while",
        How::KilledInAWait => "SIGKILL while a statement waits",
        How::TerminatedInAWait => "SIGTERM while a statement waits",
        How::SessionEndedInAWait => "its sessions ended while a statement waits",
    }
}
