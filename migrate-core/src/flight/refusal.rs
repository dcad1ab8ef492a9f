//! Why a guard refuses to let a flight go on, as an SQLSTATE of our own.

/// Why a guard refused. Nothing of the batch has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody else holds the lock.
    Busy,
    /// The history is not the planned one: somebody else was faster.
    Moved,
    /// There was no transaction to guard; the guard ended the session.
    NoTransaction,
}

impl Refusal {
    const fn sqlstate(self) -> &'static str {
        match self {
            Self::Busy => "MG001",
            Self::Moved => "MG002",
            Self::NoTransaction => "MG003",
        }
    }

    /// The refusal that a SQLSTATE stands for.
    #[must_use]
    pub fn from_sqlstate(sqlstate: &str) -> Option<Self> {
        [Self::Busy, Self::Moved, Self::NoTransaction].into_iter().find(|refusal| refusal.sqlstate() == sqlstate)
    }

    pub(super) fn raise(self, text: &str) -> String {
        format!("RAISE EXCEPTION 'migrate: {text}' USING ERRCODE = '{}'", self.sqlstate())
    }
}
