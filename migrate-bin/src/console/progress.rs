//! A bar while several migrations run and a person is watching.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use migrate_core::report::Event;
use migrate_core::verify::Step;

/// The bar, where there is one.
pub(crate) struct Progress {
    enabled: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(enabled: bool) -> Self {
        Self { enabled, bar: None }
    }

    /// Moves the bar along with the run.
    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::Planned { files } if self.bar.is_none() => self.begin(*files),
            Event::Planned { files } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(bar.position() + *files as u64);
                }
            }
            Event::Started(ran) => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{} {}", ran.direction.word(), ran.file));
                }
            }
            Event::Finished(..) => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
            }
            _ => {}
        }
    }

    /// Moves the bar along with a verification.
    pub(super) fn step(&mut self, step: &Step<'_>) {
        match (step, &self.bar) {
            (Step::Planned(count), _) => self.begin(*count),
            (Step::Started(migration), Some(bar)) => bar.set_message(migration.file.clone().into_owned()),
            (Step::Done(_), Some(bar)) => bar.inc(1),
            _ => {}
        }
    }

    fn begin(&mut self, files: usize) {
        if !self.enabled || files < 2 {
            return;
        }
        let bar = ProgressBar::new(files as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
            bar.set_style(style);
        }
        // The elapsed time goes on while one statement takes its time.
        bar.enable_steady_tick(Duration::from_millis(500));
        self.bar = Some(bar);
    }

    /// Whether the bar already shows this event.
    pub(super) fn shows(&self, event: &Event) -> bool {
        self.bar.is_some() && matches!(event, Event::Finished(..) | Event::Started(_))
    }

    pub(super) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    pub(super) fn suspend(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}
