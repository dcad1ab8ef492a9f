//! What stands in for `telemetry` in a build without it: nothing is traced.

use migrate_core::report::Event;

use crate::end::End;

/// The spans of a run that nobody traces.
#[derive(Debug, Default)]
pub(crate) struct Trace;

#[expect(clippy::unused_self, reason = "the same calls as with telemetry")]
impl Trace {
    pub(crate) const fn begin(_command: &'static str) -> Self {
        Self
    }

    pub(crate) const fn follow(&self, _event: &Event) {}

    pub(crate) const fn end(&self, _end: &End) {}

    pub(crate) const fn deliver(&self) -> Option<String> {
        None
    }
}
