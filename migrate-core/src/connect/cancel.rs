//! Asking a server to stop what a session is doing.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{CancelToken, Client};

use super::attempt::{self, Target};
use super::cause;
use super::fault::{Fault, Reason};
use super::peer::Peer;
use super::socket::Address;
use super::tls::Encryption;
use super::wire::{Done, HeardOut, Recorded};
use crate::connection::{Endpoint, Settings};

/// Stops the running statement of one session, over a connection of its own to the same address, encrypted like it.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    in_tls: bool,
    settings: Arc<Settings>,
    endpoint: Endpoint,
    address: Address,
    encryption: Encryption,
}

/// How long a request may take where nothing else bounds it: whoever stops something is in a hurry.
const LONGEST: Duration = Duration::from_secs(10);

/// Where a cancel request names the process, behind its length and its code (PostgreSQL, "Message Formats", `CancelRequest`).
const REQUESTED_PROCESS: usize = 8;

impl Canceller {
    pub(super) fn new(
        client: &Client,
        peer: &Peer,
        (settings, endpoint, address): (Arc<Settings>, &Endpoint, &Address),
        encryption: Encryption,
    ) -> Self {
        Self {
            token: client.cancel_token(),
            in_tls: peer.tls.is_some(),
            settings,
            endpoint: endpoint.clone(),
            address: address.clone(),
            encryption,
        }
    }

    /// The process that the session was told to name when it wants to be stopped: the server's own, or one that a pooler or
    /// a proxy gave out. Nothing is sent: the driver keeps the number to itself, and its request holds it.
    pub(crate) async fn process(&self) -> Option<u32> {
        let wire = Recorded::default();
        self.token.cancel_query_raw(wire.clone(), Done).await.ok()?;
        wire.number_at(REQUESTED_PROCESS)
    }

    /// Sends the request, and waits until it was taken. The server does not tell whether there was anything to stop.
    ///
    /// # Errors
    /// Why the request could not be sent.
    pub async fn cancel(&self) -> Result<(), String> {
        let Self { settings, endpoint, address, encryption, .. } = self;
        let target = Target { settings, endpoint, address, encryption };
        let unsent = |reason| Fault::new(endpoint.shown(), reason).to_string();
        let sending = async {
            let wire = attempt::again(target, self.in_tls).await?;
            self.token.cancel_query_raw(HeardOut(wire), Done).await.map_err(cause::of_login)
        };
        let limit = settings.connect_timeout.unwrap_or(LONGEST);
        tokio::time::timeout(limit, sending).await.unwrap_or(Err(Reason::Silent(limit))).map_err(unsent)
    }
}
