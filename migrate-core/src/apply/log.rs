//! What a run has done and told so far.

use std::collections::VecDeque;
use std::time::Duration;

use super::convoy::{Told, ran};
use crate::history::History;
use crate::migration::{Direction, Set, Version};
use crate::plan::Warning;
use crate::report::{Event, Failure, Holder, Opened, Ran, Report, State};

/// What a run has done and told so far.
pub(super) struct Log<'r> {
    observe: &'r mut (dyn FnMut(Event) + Send),
    pub(super) report: Report,
    /// The history as it is once everything that was told is done.
    pub(super) history: History,
    /// Who was last seen in the way of what is under way.
    pub(super) blockers: Vec<Holder>,
    /// What was told already: a new plan after a wait tells only what is new.
    warned: Vec<Warning>,
    is_opened: bool,
    planned: Option<usize>,
    started: Option<Ran>,
    /// The files that follow the one that was started in the same transaction.
    pub(super) following: VecDeque<Ran>,
}

impl<'r> Log<'r> {
    pub(super) fn new(observe: &'r mut (dyn FnMut(Event) + Send)) -> Self {
        Self {
            observe,
            report: Report::default(),
            history: History::default(),
            blockers: Vec::new(),
            warned: Vec::new(),
            is_opened: false,
            planned: None,
            started: None,
            following: VecDeque::new(),
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        if let Event::Blocked { blockers, .. } = &event {
            self.blockers.clone_from(blockers);
        }
        (self.observe)(event);
    }

    /// The server, once a run.
    pub(super) fn opened(&mut self, server: &Opened, set: &Set) {
        if !std::mem::replace(&mut self.is_opened, true) {
            let (release, digest) = (set.release.clone().into_owned(), set.digest.to_string());
            self.tell(Event::Opened(Opened { release, digest, ..server.clone() }));
        }
    }

    pub(super) fn planned(&mut self, files: usize, warnings: &[Warning]) {
        if self.planned.replace(files) != Some(files) {
            self.tell(Event::Planned { files });
        }
        for warning in warnings {
            if !self.warned.contains(warning) {
                self.tell(Event::Warned(warning.clone()));
                self.warned.push(warning.clone());
            }
        }
    }

    /// A file starts; one that is tried again has started before.
    pub(super) fn start(&mut self, ran: &Ran) {
        if self.started.as_ref() != Some(ran) {
            self.tell(Event::Started(ran.clone()));
            self.started = Some(ran.clone());
        }
    }

    /// What a convoy tells.
    pub(super) fn told(&mut self, told: Told<'_>) {
        match told {
            Told::Event(event) => self.tell(event),
            Told::Turn(leg) => {
                if let Some(ran) = leg.ran_at(0) {
                    self.start(&ran);
                }
            }
            Told::Landed(leg, _) if leg.batches.is_empty() => self.tell(Event::Prepared),
            Told::Landed(leg, duration) => {
                let files = u32::try_from(leg.batches.len()).unwrap_or(u32::MAX);
                for (_, batch) in &leg.batches {
                    self.landed(&ran(batch), duration / files);
                }
            }
        }
    }

    /// What a convoy tells that is only a part of something: that its flights land is no news.
    pub(super) fn overhear(&mut self, told: Told<'_>) {
        if let Told::Event(event) = told {
            self.tell(event);
        }
    }

    /// A file is done and recorded.
    pub(super) fn landed(&mut self, ran: &Ran, duration: Duration) {
        match ran.direction {
            Direction::Up => self.history.record(ran.version),
            Direction::Down => self.history.forget(ran.version),
        }
        self.report.current = self.history.current().0;
        self.blockers.clear();
        self.tell(Event::Finished(ran.clone(), duration));
        self.report.ran.push((ran.clone(), duration));
        self.started.take_if(|started| started == ran);
        if let Some(next) = self.following.pop_front() {
            self.start(&next);
        }
    }

    /// The failure with what was done before it: "nothing was changed" is true of a run only when nothing ran.
    pub(super) fn with_report(&self, failure: Failure) -> Failure {
        let failure = Failure { report: self.report.clone(), ..failure };
        if self.report.ran.is_empty() || failure.state != State::Untouched {
            return failure;
        }
        let (migrations, current) = (self.report.ran.len(), Version(self.report.current));
        Failure { state: State::Done { migrations, current }, ..failure }
    }
}
