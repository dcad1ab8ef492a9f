//! How the process ends, as far as that is known.

use migrate_core::report::Exit;
use serde_json::Value;

use crate::trouble::Trouble;

/// How the process ends, as far as that is known.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) exit: Exit,
    /// The server's code, when it was the server that ended it.
    #[cfg_attr(not(feature = "telemetry"), expect(dead_code, reason = "only spans have a place for it"))]
    pub(crate) sqlstate: Option<String>,
    /// The database's version.
    pub(crate) current: Option<i64>,
}

impl End {
    /// An end of which nothing is known but its code.
    pub(crate) const fn by(exit: Exit) -> Self {
        Self { exit, sqlstate: None, current: None }
    }

    /// The end of a command.
    ///
    /// `outcome`: what the command said last, in the words of JSON.
    pub(crate) fn of(ended: &Result<Exit, Trouble>, outcome: &Value) -> Self {
        match ended {
            Ok(exit) => Self { exit: *exit, sqlstate: None, current: outcome["current"].as_i64() },
            Err(Trouble::Failure(failure)) => Self {
                exit: failure.exit,
                sqlstate: failure.server.as_ref().map(|server| server.sqlstate.clone()),
                current: Some(failure.report.current),
            },
            Err(trouble @ Trouble::Diagnostics(_)) => Self::by(trouble.exit()),
        }
    }
}
