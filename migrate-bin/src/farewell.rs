//! What the process leaves behind when it ends: the termination message, the file of metrics, the spans of the run.
//!
//! Made from the events of a run and from how it ended. Invariant: every end of the process comes by here, also one by a
//! signal, and nothing that goes wrong here changes how it ends or holds it up for more than two seconds.

use std::sync::Arc;

use migrate_core::report::Event;

use crate::arguments::Arguments;
use crate::end::End;
use crate::metrics::{Metrics, MetricsFile};
use crate::telemetry::Trace;
use crate::termination::{Message, TerminationLog};

/// A warning: the name of its event, and its words.
pub(crate) type Warning = (&'static str, String);

/// All that is left behind. Copies are the same one: the signals' thread has one, too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Farewell(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    log: TerminationLog,
    metrics: Option<Metrics>,
    trace: Trace,
}

impl Farewell {
    /// What this command line asks for. A plan that is only shown is no run.
    pub(crate) fn of(arguments: &Arguments) -> Self {
        let log = TerminationLog::at(arguments.shared.termination_log.clone());
        let run = arguments.command.change().filter(|(_, change)| !change.dry_run);
        let parts = match run {
            None => Parts { log, ..Parts::default() },
            Some((_, change)) => Parts {
                log,
                metrics: change.metrics_file.clone().map(|path| Metrics::of(path, change.versioning())),
                trace: Trace::begin(arguments.command.word()),
            },
        };
        Self(Arc::new(parts))
    }

    /// What a command line asks for that clap does not understand.
    pub(crate) fn of_refused() -> Self {
        let arguments = || std::env::args_os().skip(1);
        let metrics = MetricsFile::of_refused(arguments()).map(Metrics::unread);
        Self(Arc::new(Parts { log: TerminationLog::of_refused(arguments()), metrics, ..Parts::default() }))
    }

    /// Takes note of an event of the run.
    pub(crate) fn follow(&self, event: &Event) {
        if let Some(metrics) = &self.0.metrics {
            metrics.follow(event);
        }
        self.0.trace.follow(event);
    }

    /// Writes everything down. What could not be written is a warning.
    pub(crate) fn leave(&self, message: &Message, end: &End) -> Vec<Warning> {
        let Parts { log, metrics, trace } = &*self.0;
        trace.end(end);
        let log = log.write(message).map(|problem| ("termination_log", problem));
        let metrics = metrics.as_ref().and_then(|metrics| metrics.write(end));
        log.into_iter().chain(metrics.map(|problem| ("metrics_file", problem))).collect()
    }

    /// Waits until the spans are delivered, for two seconds at most.
    pub(crate) fn deliver(&self) -> Option<Warning> {
        self.0.trace.deliver().map(|problem| ("telemetry", problem))
    }
}
