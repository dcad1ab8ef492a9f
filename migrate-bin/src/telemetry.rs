//! The spans of a run, for OpenTelemetry: one of the command, one a migration, one a statement that is sent by itself.
//!
//! Made from the events that the log is made from, and sent as OTLP over HTTP to where the variables `OTEL_*` say. Invariant:
//! a run neither waits for a collector nor fails because of one, but for [`PATIENCE`] at its end; and no text of the server, of
//! a file or of a secret gets into a span.

mod collector;
mod spans;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use migrate_core::report::Event;
use opentelemetry_sdk::trace::SdkTracerProvider;

use self::collector::Delivery;
use self::spans::Spans;
use crate::end::End;
use crate::environment;

/// How long the end of a run is held up, in all.
const PATIENCE: Duration = Duration::from_secs(2);

/// The spans of a run, when somebody wants them.
#[derive(Debug, Default)]
pub(crate) struct Trace(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// Nobody asked for spans, or they are delivered.
    #[default]
    Nothing,
    /// They were asked for in a way that cannot be followed.
    Refused(String),
    Open(Box<Open>),
}

#[derive(Debug)]
struct Open {
    spans: Spans,
    provider: SdkTracerProvider,
    delivery: Delivery,
}

impl Trace {
    /// Opens the span of a command, if the variables ask for spans.
    pub(crate) fn begin(command: &'static str) -> Self {
        let state = if is_wanted() { open(command).map_or_else(State::Refused, State::Open) } else { State::Nothing };
        Self(Mutex::new(state))
    }

    /// Takes note of an event of the run.
    pub(crate) fn follow(&self, event: &Event) {
        if let State::Open(open) = &mut *self.state() {
            open.spans.follow(event);
        }
    }

    /// Ends every span.
    pub(crate) fn end(&self, end: &End) {
        if let State::Open(open) = &mut *self.state() {
            open.spans.end(end);
        }
    }

    /// Waits until the spans are delivered. Why they are not, otherwise. Whoever comes second has nothing to wait for.
    pub(crate) fn deliver(&self) -> Option<String> {
        // A statement of its own: the lock is not held while the collector is waited for.
        let state = std::mem::take(&mut *self.state());
        match state {
            State::Nothing => None,
            State::Refused(problem) => Some(problem),
            State::Open(open) => {
                let answered = open.provider.shutdown_with_timeout(PATIENCE).is_ok();
                let problem = if answered { open.delivery.problem()? } else { "it does not answer".to_owned() };
                Some(format!("the spans of this run did not reach the collector: {problem}"))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An exporter that is named, or else an endpoint: nobody has a collector on this very machine without saying so.
fn is_wanted() -> bool {
    let is_off = environment::variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let has_endpoint = || {
        let named = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        named.iter().any(|name| environment::variable(name).is_some())
    };
    !is_off && environment::variable("OTEL_TRACES_EXPORTER").map_or_else(has_endpoint, |exporter| exporter == "otlp")
}

fn open(command: &'static str) -> Result<Box<Open>, String> {
    let (provider, delivery) = collector::provider()?;
    let spans = Spans::begin(&provider, command);
    Ok(Box::new(Open { spans, provider, delivery }))
}
