//! Where a database is and how it is to be reached: text and variables in, settings out.
//!
//! Floor 4. Made from a URL or `key=value` pairs, the environment's values, a service file's text and a password file's
//! text, all handed in; it gives what `connect` needs to open a socket and to log in. It means what libpq means by the
//! same text (`PostgreSQL` manual, chapter 34). Invariant: nothing is read, looked up or connected to here, and no error
//! repeats a value that may be secret.

mod foreign;
mod gather;
mod given;
mod hosts;
mod layers;
mod misplaced;
mod number;
mod pairs;
mod parameter;
mod passfile;
mod pooler;
mod problem;
mod secret;
mod server;
mod service;
mod settings;
mod shape;
mod source;
mod tls;
mod unknown;
mod url;

pub use gather::{Context, Files, Gathered, gather};
pub use given::Given;
pub(crate) use hosts::SOCKET_FOLDERS;
pub use hosts::{Endpoint, Host};
pub use misplaced::connection as looks_like_a_connection;
pub use parameter::{PARAMETERS, Parameter, ParameterRow, Use};
pub use passfile::distrust;
pub use pooler::{PoolerHint, pooler_hint};
pub use problem::{Advice, From, Problem};
pub use secret::Secret;
pub(crate) use server::given as given_settings;
pub use settings::{ChannelBinding, Keepalive, SessionKind, Settings};
pub use shape::Shape;
pub use source::{Access, Source, choose};
pub use tls::{ClientCertificate, ClientFile, Negotiation, Roots, SslMode, Tls, TlsVersion, WhenAsked};

/// Reads a URL or `key=value` pairs. White space around a URL is none of its, and a line end behind pairs none of theirs.
///
/// # Errors
/// What keeps the text from being either, and parameters that nobody knows.
pub fn read(text: &str) -> Result<Given, Problem> {
    let (text, _) = shape::tidied(text);
    if let Some(shape) = shape::odd(text) {
        return Err(Problem::Shape(shape));
    }
    match shape::SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        Some(rest) => url::read(rest),
        None => pairs::read(text),
    }
}
