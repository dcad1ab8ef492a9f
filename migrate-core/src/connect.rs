//! The way to a server: from settings to an open line, tried again for as long as that may help.
//!
//! Floor 9. Made from `connection`'s settings; it gives an authenticated line and who answers on it. Invariant: what
//! was to be encrypted never goes out in the clear, no secret is in any message, and the only SQL it ever sends asks
//! whether the server takes writes, and whether the session has the settings that it was to begin with.

mod account;
mod attempt;
mod backoff;
mod cancel;
mod cause;
mod failure;
mod fault;
mod files;
mod line;
#[cfg(not(feature = "tls"))]
mod no_tls;
mod notices;
mod peer;
mod round;
mod socket;
mod startup;
#[cfg(feature = "tls")]
mod tls;
mod wire;

#[cfg(not(feature = "tls"))]
use no_tls as tls;

use std::time::{Duration, Instant};

pub(crate) use backoff::lot;
pub use cancel::Canceller;
pub(crate) use failure::{of_open_stream, server_error};
pub(crate) use fault::said;
pub(crate) use line::{Line, read_rows, rows};
pub(crate) use notices::{Notice, Notices};
pub use peer::{Peer, TlsFacts};

use self::backoff::Backoff;
use self::fault::Class;
use self::files::Disk;
use self::round::Answer;
use crate::connection::{Access, Context, Settings, Source, gather};
use crate::parse::Environment;
use crate::report::{Event, Failure};

/// Everything that is needed to connect, again and again. What it holds are the places where the connection is
/// described: files are read anew for every try. Its `Debug` form shows none of what they say.
#[derive(Clone)]
pub struct Connector {
    /// What names the database.
    pub source: Source,
    /// The environment.
    pub variables: Environment,
    /// The account that runs this program, where it has a name.
    pub account: Option<String>,
    /// A database of the same server in the place of the one that is named; nothing for that one.
    pub database: Option<String>,
    /// What the session is for.
    pub access: Access,
    /// How long to go on trying while the server cannot be reached; the first try is always made.
    pub patience: Duration,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { source, access, patience, .. } = self;
        write!(f, "Connector({source:?}, {access:?}, {patience:?})")
    }
}

/// An open line, and who answers on it.
pub struct Link {
    pub(crate) line: Line,
    pub(crate) peer: Peer,
    pub(crate) canceller: Canceller,
}

/// A name that is still unknown after this long is not going to be known.
const NAME_PATIENCE: Duration = Duration::from_secs(30);
const SPEAK_EVERY: Duration = Duration::from_secs(5);

impl Connector {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Why there is no connection, by exit code: at once when trying again cannot help, otherwise when patience ends.
    pub async fn connect(&self, observe: &mut (dyn FnMut(Event) + Send)) -> Result<Link, Failure> {
        let started = Instant::now();
        let deadline = started + self.patience;
        let mut backoff = Backoff::default();
        let mut spoke: Option<Instant> = None;
        let mut told = Vec::new();
        for tries in 1_u32.. {
            let settings = self.settings(&mut told, observe)?;
            let fault = match round::round(&settings, self.access, (tries > 1).then_some(deadline)).await {
                Ok(Answer { line, peer, canceller }) => {
                    observe(peer.connected());
                    return Ok(Link { line, peer, canceller });
                }
                Err(fault) => fault,
            };
            let over = match fault.class() {
                Class::Permanent => true,
                Class::UnknownName => started.elapsed() >= NAME_PATIENCE.min(self.patience),
                Class::Transient | Class::ReadOnly => Instant::now() >= deadline,
            };
            if over {
                return Err(failure::of_fault(&fault, &settings, tries, started.elapsed()));
            }
            if spoke.is_none_or(|spoke| spoke.elapsed() >= SPEAK_EVERY) {
                spoke = Some(Instant::now());
                let left = deadline.saturating_duration_since(Instant::now());
                observe(Event::Unreachable { why: fault.to_string(), tries, left });
            }
            backoff.wait(deadline).await;
        }
        Err(failure::never_tried())
    }

    /// Reads what describes the connection; what has to be said about it is told once.
    fn settings(&self, told: &mut Vec<Event>, observe: &mut (dyn FnMut(Event) + Send)) -> Result<Settings, Failure> {
        let name = account::application_name(&self.variables);
        let context = Context { variables: &self.variables, account: self.account.as_deref(), application_name: &name };
        let mut gathered =
            gather(&self.source, context, &Disk).map_err(|problem| failure::of_problem(&problem, self))?;
        let warning = gathered.warning.map(|why| Event::Distrusted { why });
        // A run that goes on has said it at its beginning.
        let notes = gathered.notes.into_iter().filter(|_| self.access != Access::Resume);
        for event in warning.into_iter().chain(notes.map(|what| Event::Noted { what })) {
            if !told.contains(&event) {
                told.push(event.clone());
                observe(event);
            }
        }
        if let Some(database) = &self.database {
            gathered.settings.database.clone_from(database);
        }
        Ok(gathered.settings)
    }
}
