//! Why one try failed: typed, so that nothing is decided by the words of a message that this program wrote.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use tokio_postgres::error::DbError;

use crate::report::{Exit, Meaning, Phase, Said, meaning};

/// Why one server could not be used, and which.
#[derive(Debug)]
pub(super) struct Fault {
    /// The server as messages write it.
    pub(super) at: String,
    pub(super) reason: Reason,
    /// Why the servers before it could not be used.
    pub(super) before: Vec<String>,
}

impl Fault {
    /// Of one server.
    pub(super) const fn new(at: String, reason: Reason) -> Self {
        Self { at, reason, before: Vec::new() }
    }
}

/// What went wrong on the way to a server.
#[derive(Debug)]
pub(super) enum Reason {
    /// Its name has no address.
    LookUp(io::Error),
    /// No connection to its address, or one that broke.
    Socket(io::Error),
    /// Its name has IPv6 addresses only, and no route leads to them.
    OnlySix(io::Error),
    /// It let the time pass.
    Silent(Duration),
    /// It hung up before the login was done.
    HungUp,
    /// It answered the question for TLS with an error.
    ErrorForTls,
    /// It offers no TLS, and TLS is asked for.
    NoTls,
    /// The handshake failed, or the certificate is not to be trusted.
    Tls(String),
    /// A certificate, a key or a list of them that cannot be used.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "without TLS none is read"))]
    File(String),
    /// It refused the login.
    Server(Box<DbError>),
    /// It refused a login in the clear, and speaks TLS.
    WantsTls(Box<DbError>),
    /// The session is without these settings that it was to begin with.
    Dropped(Vec<String>),
    /// It asks for a login that was not provided for.
    Login(String),
    /// The login is not bound to the TLS channel.
    Binding,
    /// Nor can it be: by what the server's certificate is signed.
    Unbindable(String),
    /// The session takes no writes, or may not go on taking them, and that was asked for.
    Kind(&'static str),
    /// The session takes writes, and one that does not was asked for.
    TakesWrites(&'static str),
    /// What answers is no server, or none that this program understands.
    Protocol(String),
}

/// Whether another try may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It may, for as long as there is patience.
    Transient,
    /// It may at the start of a Pod, whose names come late.
    UnknownName,
    /// It may, when another server takes over.
    ReadOnly,
    /// It will not.
    Permanent,
}

impl Reason {
    /// What the server said, and when.
    pub(super) fn server(&self) -> Option<(&DbError, Phase)> {
        match self {
            Self::Server(db) => Some((db, Phase::Login)),
            Self::WantsTls(db) => Some((db, Phase::Clear)),
            _ => None,
        }
    }
}

impl Fault {
    pub(super) fn class(&self) -> Class {
        match &self.reason {
            Reason::LookUp(error) if is_unknown_name(&error.to_string()) => Class::UnknownName,
            Reason::Socket(error) if is_for_ever(error) => Class::Permanent,
            Reason::LookUp(_)
            | Reason::Socket(_)
            | Reason::OnlySix(_)
            | Reason::Silent(_)
            | Reason::HungUp
            | Reason::ErrorForTls => Class::Transient,
            Reason::Kind(_) | Reason::TakesWrites(_) => Class::ReadOnly,
            Reason::Server(db) => match of_login_refused(db) {
                Meaning::Passing(_) | Meaning::Again => Class::Transient,
                Meaning::ReadOnly => Class::ReadOnly,
                Meaning::Lasting(_) => Class::Permanent,
            },
            Reason::NoTls
            | Reason::WantsTls(_)
            | Reason::Dropped(_)
            | Reason::Tls(_)
            | Reason::File(_)
            | Reason::Login(_)
            | Reason::Binding
            | Reason::Unbindable(_)
            | Reason::Protocol(_) => Class::Permanent,
        }
    }

    /// The same, told of a server that has IPv6 addresses only.
    pub(super) fn without_a_route(self) -> Self {
        use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkUnreachable};
        let reason = match self.reason {
            Reason::Socket(error)
                if [AddrNotAvailable, HostUnreachable, NetworkUnreachable].contains(&error.kind()) =>
            {
                Reason::OnlySix(error)
            }
            reason => reason,
        };
        Self { reason, ..self }
    }

    /// How the command ends for it.
    pub(super) fn exit(&self) -> Exit {
        match &self.reason {
            Reason::Socket(error) if is_for_ever(error) => Exit::Config,
            Reason::LookUp(_)
            | Reason::Socket(_)
            | Reason::OnlySix(_)
            | Reason::Silent(_)
            | Reason::HungUp
            | Reason::ErrorForTls
            | Reason::TakesWrites(_) => Exit::Connect,
            Reason::NoTls | Reason::WantsTls(_) | Reason::Tls(_) | Reason::Binding | Reason::Unbindable(_) => Exit::Tls,
            Reason::File(_) | Reason::Protocol(_) | Reason::Dropped(_) => Exit::Config,
            Reason::Login(_) => Exit::Auth,
            Reason::Kind(_) => Exit::ReadOnly,
            Reason::Server(db) => of_login_refused(db).exit().unwrap_or(Exit::Connect),
        }
    }
}

/// One line: who, and why not.
impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = &self.at;
        match &self.reason {
            Reason::LookUp(error) => write!(f, "cannot find {at}: {error}"),
            Reason::Socket(error) => write!(f, "cannot connect to {at}: {error}"),
            Reason::OnlySix(error) => {
                write!(f, "cannot connect to {at}: its name has IPv6 addresses only, and no route leads there: {error}")
            }
            Reason::Silent(limit) => write!(f, "{at} did not answer within {} s", limit.as_secs()),
            Reason::HungUp => write!(f, "{at} hung up before the login was done"),
            Reason::ErrorForTls => write!(f, "{at} answers the question for TLS with an error"),
            Reason::NoTls => write!(f, "{at} offers no TLS"),
            Reason::Tls(why) => write!(f, "no TLS with {at}: {why}"),
            Reason::File(why) => write!(f, "TLS with {at} cannot be set up: {why}"),
            Reason::Server(db) => write!(f, "{at} refuses the connection: {}", db.message()),
            Reason::WantsTls(db) => write!(f, "{at} speaks TLS, and refuses the login without it: {}", db.message()),
            Reason::Dropped(names) => {
                write!(f, "{at} dropped what the session was to begin with: `{}`", names.join("`, `"))
            }
            Reason::Login(why) => write!(f, "{at} asks for a login that this URL does not allow: {why}"),
            Reason::Binding => {
                write!(f, "{at} did not bind the login to the TLS channel, and `channel_binding=require` asks for it")
            }
            Reason::Unbindable(signature) => write!(
                f,
                "the certificate of {at} is signed by {signature}, for which no channel binding exists (RFC 5929), and \
                 `channel_binding=require` asks for one"
            ),
            Reason::Kind(why) | Reason::TakesWrites(why) => write!(f, "{at} {why}"),
            Reason::Protocol(why) => write!(f, "what answers at {at} does not speak PostgreSQL's protocol: {why}"),
        }
    }
}

/// What the table of meanings asks of an error.
pub(crate) fn said(db: &DbError) -> Said<'_> {
    Said { sqlstate: db.code().code(), message: db.message(), routine: db.routine().unwrap_or_default() }
}

/// What a server's refusal of a login means.
pub(super) fn of_login_refused(db: &DbError) -> Meaning {
    let row = meaning(Phase::Login, said(db));
    row.map_or(Meaning::Lasting(Exit::Config), |row| row.meaning)
}

/// Whether a server that refuses so may let the same user in with TLS, or without it.
pub(super) fn may_depend_on_tls(db: &DbError) -> bool {
    matches!(of_login_refused(db), Meaning::Lasting(Exit::Auth | Exit::Tls))
}

/// Whether a server that refuses so in the clear may let the same user in with TLS alone.
pub(super) fn may_want_tls(db: &DbError) -> bool {
    meaning(Phase::Clear, said(db)).is_some()
}

/// Names that are unknown, in the words of the C libraries; anything else a name server says may pass.
fn is_unknown_name(message: &str) -> bool {
    [
        "Name or service not known",
        "No address associated",
        "Name does not resolve",
        "nodename nor servname",
        "No such host",
    ]
    .iter()
    .any(|words| message.contains(words))
}

fn is_for_ever(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

/// A stream that broke by anything but TLS.
pub(super) fn of_io(error: io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Reason::HungUp,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            Reason::Protocol(error.source().map_or_else(|| error.to_string(), ToString::to_string))
        }
        _ => Reason::Socket(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(reason: Reason) -> Fault {
        Fault::new("db:5432".to_owned(), reason)
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_may_not_ends_with_its_code() {
        let io = |kind| io::Error::from(kind);
        for (reason, class, exit) in [
            (Reason::Socket(io(io::ErrorKind::ConnectionRefused)), Class::Transient, Exit::Connect),
            (Reason::Socket(io(io::ErrorKind::HostUnreachable)), Class::Transient, Exit::Connect),
            (Reason::Socket(io(io::ErrorKind::ConnectionReset)), Class::Transient, Exit::Connect),
            (Reason::Socket(io(io::ErrorKind::NotFound)), Class::Transient, Exit::Connect),
            (Reason::Socket(io(io::ErrorKind::PermissionDenied)), Class::Permanent, Exit::Config),
            (Reason::LookUp(io::Error::other("Temporary failure in name resolution")), Class::Transient, Exit::Connect),
            (Reason::LookUp(io::Error::other("Name or service not known")), Class::UnknownName, Exit::Connect),
            (Reason::OnlySix(io(io::ErrorKind::NetworkUnreachable)), Class::Transient, Exit::Connect),
            (Reason::Silent(Duration::from_secs(10)), Class::Transient, Exit::Connect),
            (Reason::HungUp, Class::Transient, Exit::Connect),
            (Reason::ErrorForTls, Class::Transient, Exit::Connect),
            (Reason::NoTls, Class::Permanent, Exit::Tls),
            (Reason::Tls("expired".into()), Class::Permanent, Exit::Tls),
            (Reason::Binding, Class::Permanent, Exit::Tls),
            (Reason::Dropped(vec!["search_path".into()]), Class::Permanent, Exit::Config),
            (Reason::File("no such file".into()), Class::Permanent, Exit::Config),
            (Reason::Login("no password".into()), Class::Permanent, Exit::Auth),
            (Reason::Kind("is a standby"), Class::ReadOnly, Exit::ReadOnly),
            (Reason::TakesWrites("is not a standby"), Class::ReadOnly, Exit::Connect),
            (Reason::Protocol("HTTP".into()), Class::Permanent, Exit::Config),
        ] {
            let fault = fault(reason);
            assert_eq!((fault.class(), fault.exit()), (class, exit), "{fault}");
            assert!(fault.to_string().contains("db:5432"));
        }
    }
}
