//! What came of a migration as a reviewer reads it: the same, without what only a replay has to know.

use super::{Down, Reapply, Round, Trace, Up};
use crate::command::LockMode;
use crate::review::{self, Ending, Proof};

impl Round {
    /// The proof for a review.
    #[must_use]
    pub fn proof(&self) -> Proof {
        let up = if self.up == Up::Ok { Ending::Ok } else { Ending::Fails };
        let down = match &self.down {
            _ if self.up == Up::Fails => Ending::Untried,
            Down::Ok => Ending::Ok,
            Down::Fails => Ending::Fails,
            Down::Differs => Ending::Differs,
            Down::Missing => Ending::Missing,
            Down::Irreversible { .. } => Ending::Irreversible,
        };
        let reapply = match self.reapply {
            Some(Reapply::Ok) => Ending::Ok,
            Some(Reapply::Fails) => Ending::Fails,
            Some(Reapply::Differs) => Ending::Differs,
            None => Ending::Untried,
        };
        Proof {
            version: self.version,
            up,
            down,
            reapply,
            difference: self.difference.clone(),
            error: self.error.clone(),
            change: self.change.clone(),
            traces: self.traces.iter().map(of_trace).collect(),
        }
    }
}

fn of_trace(trace: &Trace) -> review::Trace {
    let mode = |name: &str| LockMode::ALL.into_iter().find(|mode| mode.pg_locks() == name);
    let locks = trace.locks.iter().filter_map(|(relation, name)| Some((relation.clone(), mode(name)?)));
    review::Trace {
        direction: trace.direction,
        statement: trace.statement.saturating_sub(1),
        locks: locks.collect(),
        rewrites: trace.rewrites.clone(),
        scans: trace.scans.clone(),
    }
}
