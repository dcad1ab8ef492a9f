//! Connections that something in between cuts.

use std::time::Duration;

use super::convoy::Loss;

/// A connection that broke without a word while a statement was running. What stands in between and ends what is idle for
/// a time does so again, because keepalives are no traffic to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    file: String,
    message: usize,
    /// How long the server had not been heard by then.
    pub(super) silence: Duration,
}

/// The shortest silence after which anything cuts connections.
const SHORTEST_SILENCE: Duration = Duration::from_secs(1);

impl Cut {
    pub(super) fn of(loss: &Loss<'_>) -> Option<Self> {
        let wordless = loss.error.as_ref().is_some_and(|error| error.as_db_error().is_none());
        let file = loss.leg.ran_at(loss.message)?.file;
        let cut = Self { file, message: loss.message, silence: loss.silence };
        (wordless && loss.silence >= SHORTEST_SILENCE).then_some(cut)
    }

    /// Whether it is the same again, within a tenth of the time.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let difference = self.silence.abs_diff(other.silence);
        (&self.file, self.message) == (&other.file, other.message)
            && difference <= (self.silence / 10).max(SHORTEST_SILENCE / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_in_the_same_place_after_the_same_silence_is_cut_again() {
        let cut = |message, tenths: u64| {
            let silence = Duration::from_millis(tenths * 100);
            Cut { file: "2_b.sql".into(), message, silence }
        };
        assert!(cut(3, 30).is_like(&cut(3, 31)) && cut(3, 600).is_like(&cut(3, 650)));
        assert!(!cut(3, 30).is_like(&cut(4, 30)) && !cut(3, 30).is_like(&cut(3, 40)));
    }
}
