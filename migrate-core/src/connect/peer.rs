//! Who answers on a line.

use crate::connection::{Endpoint, PoolerHint, Settings, pooler_hint};
use crate::report::Event;

/// The server of an open session, as far as the way to it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Host and port, as they were given.
    pub server: String,
    /// The address that answered; the folder of a Unix socket.
    pub address: String,
    /// Who logged in.
    pub user: String,
    /// The database.
    pub database: String,
    /// How the line is encrypted; not at all when absent.
    pub tls: Option<TlsFacts>,
    /// What the way to it says of a pooler in transaction mode.
    pub pooler: Option<PoolerHint>,
}

/// What the handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// Such as `TLS 1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// Whom the certificate was checked against; nobody when it was not checked.
    pub roots: String,
    /// Whether the certificate was found to be the host's.
    pub host_checked: bool,
}

impl Peer {
    pub(super) fn new(settings: &Settings, endpoint: &Endpoint, address: String, tls: Option<TlsFacts>) -> Self {
        Self {
            server: endpoint.shown(),
            address,
            user: settings.user.clone(),
            database: settings.database.clone(),
            tls,
            pooler: pooler_hint(settings, endpoint),
        }
    }

    pub(super) fn connected(&self) -> Event {
        Event::Connected {
            server: self.server.clone(),
            address: self.address.clone(),
            database: self.database.clone(),
            user: self.user.clone(),
            security: self.tls.as_ref().map_or_else(|| "no TLS".to_owned(), ToString::to_string),
        }
    }
}

/// Such as `TLS 1.3, certificate and host checked against root.crt`.
impl std::fmt::Display for TlsFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { version, roots, host_checked, .. } = self;
        match (host_checked, roots.as_str()) {
            (true, roots) => write!(f, "{version}, certificate and host checked against {roots}"),
            (false, "") => write!(f, "{version}, certificate not checked"),
            (false, roots) => write!(f, "{version}, certificate checked against {roots}"),
        }
    }
}

/// Such as `db.example:5432 (10.0.0.7)`.
impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.server, self.address)
    }
}
