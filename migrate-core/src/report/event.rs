//! What happens while a command runs, one value a line.

use std::time::Duration;

use super::Ran;
use crate::plan::Warning;

/// Something worth a line while a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A server was reached and let this program in.
    Connected {
        /// Host and port, as they were given.
        server: String,
        /// The address that answered; the folder of a Unix socket.
        address: String,
        /// The database.
        database: String,
        /// Who logged in.
        user: String,
        /// How the way is secured, in words.
        security: String,
    },
    /// No server could be used; another try follows.
    Unreachable {
        /// Which, and why not.
        why: String,
        /// How many tries were made.
        tries: u32,
        /// How long tries go on.
        left: Duration,
    },
    /// A file that describes the connection was not used.
    Distrusted {
        /// Which, and why not.
        why: String,
    },
    /// Something that whoever set it up may want to know, and that changes nothing about the run: how the connection is
    /// described, what the role may not do.
    Noted {
        /// What, and where it stands.
        what: String,
    },
    /// The server answered; what is about to be changed, and by whom.
    Opened(Opened),
    /// The plan is made; so many files will run.
    Planned {
        /// How many.
        files: usize,
    },
    /// A warning of the plan.
    Warned(Warning),
    /// The tables of the bookkeeping were created.
    Prepared,
    /// A file starts.
    Started(Ran),
    /// A statement of a file is sent, or is the next one to be answered.
    Statement(At),
    /// A statement has been running for a while.
    Progress(Progress),
    /// A statement waits for other sessions.
    Blocked {
        /// Whose statement.
        at: At,
        /// For how long it has been running.
        elapsed: Duration,
        /// Whom it waits for.
        blockers: Vec<Holder>,
    },
    /// The history is still being read.
    Reading {
        /// For how long.
        elapsed: Duration,
        /// Whom the question waits for, as far as the server tells.
        blockers: Vec<Holder>,
    },
    /// A file is done and recorded.
    Finished(Ran, Duration),
    /// Somebody else holds the lock.
    Waiting {
        /// Who, as far as the server tells.
        holder: Option<Holder>,
        /// For how long this run has waited.
        waited: Duration,
    },
    /// What could not be done now is tried again.
    Retry(Retry),
    /// The connection broke while a file may have been committed: the database is asked.
    Ambiguous(Ran),
    /// The database has told what became of such a file.
    Resolved {
        /// The file.
        ran: Ran,
        /// Whether it took effect.
        landed: bool,
    },
    /// A file without a transaction goes on where an earlier run ended.
    Resumed {
        /// The file.
        ran: Ran,
        /// How many of its statements were done before.
        done: usize,
    },
    /// The run was asked to end early.
    Stopping {
        /// By what: a signal, or its deadline.
        cause: &'static str,
    },
    /// The server sent a notice.
    Notice {
        /// `NOTICE`, `WARNING`, `INFO` …
        severity: String,
        /// Its text.
        message: String,
        /// The statement that it belongs to.
        at: Option<At>,
    },
    /// The server sent more notices than a log should hold.
    NoticesLeftOut {
        /// How many were not told.
        count: usize,
    },
}

/// The server and the release, told once at the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// The server's version, such as `15.18`.
    pub server: String,
    /// The server's address as itself sees it; empty for a local socket.
    pub address: String,
    /// The database.
    pub database: String,
    /// The role that logged in.
    pub user: String,
    /// What stands between this program and the server, as far as it shows at once; nothing where nothing shows.
    pub between: Option<String>,
    /// The release that embedded the migrations; empty for a folder.
    pub release: String,
    /// SHA-256 of the set.
    pub digest: String,
}

/// A statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The file.
    pub ran: Ran,
    /// The number of the statement, counted from 1; 0 for the bookkeeping around them.
    pub statement: usize,
    /// Its line; 0 for the bookkeeping.
    pub line: u32,
}

/// A statement that takes its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which one.
    pub at: At,
    /// For how long it has been running.
    pub elapsed: Duration,
    /// The phase that the server reports, such as `building index: scanning table`; empty where it reports none.
    pub phase: String,
    /// How much of the phase is done.
    pub percent: Option<u8>,
    /// What the server says that the session waits for, such as `IO DataFileRead`; empty when it works.
    pub waits_for: String,
}

/// A session that holds what is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// Its process on the server.
    pub pid: i32,
    /// Its `application_name`.
    pub application: String,
    /// Its role.
    pub user: String,
    /// The address that it connected from; empty for a local socket.
    pub address: String,
    /// `active`, `idle in transaction` …
    pub state: String,
    /// Seconds since its transaction began, or its session where it has none; of a lease, since it was taken.
    pub age: u64,
    /// Seconds until the lease of goose's table locker ends, where that is what is waited for: it is no session (`pid` is 0),
    /// and `application` is what the locker wrote down of its holder.
    pub lease: Option<u64>,
}

impl Holder {
    /// The command that ends it, or what does where no session has it.
    #[must_use]
    pub fn end(&self) -> String {
        match self.lease {
            None => format!("SELECT pg_terminate_backend({});", self.pid),
            Some(_) => "stop that program: nobody renews its lease then, which ends by itself".to_owned(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(lease) = self.lease {
            return write!(
                f,
                "goose's table locker ({}) for {} s, its lease ends in {lease} s if nobody renews it",
                self.application, self.age
            );
        }
        write!(f, "pid {}", self.pid)?;
        if !self.application.is_empty() {
            write!(f, " ({})", self.application)?;
        }
        if !self.user.is_empty() {
            write!(f, " of {}", self.user)?;
        }
        if !self.address.is_empty() {
            write!(f, " from {}", self.address)?;
        }
        let state = if self.state.is_empty() { "state unknown" } else { &self.state };
        write!(f, ", {state} for {} s", self.age)
    }
}

/// What could not be done now and is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The file, when it is one's.
    pub ran: Option<Ran>,
    /// Why, in a few words.
    pub reason: String,
    /// The server's code, when it gave one.
    pub sqlstate: Option<String>,
    /// How often it was tried before.
    pub attempt: u32,
    /// How long until the next try.
    pub delay: Duration,
    /// Whether nothing of what failed stays; outside a transaction something may.
    pub rolled_back: bool,
}
