//! Why a command did not do what it was asked for.

use migrate_core::diagnostic::Diagnostic;
use migrate_core::report::{Exit, Failure};

use crate::spelling::Spelling;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The migrations themselves are wrong: all their problems.
    Diagnostics(Vec<Diagnostic>),
    /// Anything else.
    Failure(Box<Failure>),
}

impl Trouble {
    /// The same with its advice as it has to be typed.
    pub(crate) fn spelled(self, spelling: &Spelling) -> Self {
        match self {
            Self::Failure(mut failure) => {
                failure.next = spelling.spell(&failure.next);
                Self::Failure(failure)
            }
            diagnostics @ Self::Diagnostics(_) => diagnostics,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Diagnostics(_) => Exit::InvalidMigrations,
            Self::Failure(failure) => failure.exit,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}
