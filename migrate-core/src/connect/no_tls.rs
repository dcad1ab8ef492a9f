//! The build without TLS: what asks for it is refused, and nothing goes out in the clear instead.

use std::convert::Infallible;

use tokio::net::TcpStream;
use tokio_postgres::tls::ChannelBinding;

use super::fault::Reason;
pub(super) use super::fault::of_io as of_stream;
use super::peer::TlsFacts;
use crate::connection::{SslMode, Tls};

/// A TLS stream, of which there are none.
pub(super) struct Encrypted(Infallible);

impl Encrypted {
    pub(super) fn stream(&mut self) -> &mut TcpStream {
        match self.0 {}
    }

    pub(super) fn unbindable(&self) -> Option<&str> {
        match self.0 {}
    }

    pub(super) fn channel_binding(&self) -> ChannelBinding {
        match self.0 {}
    }
}

/// How to encrypt: not at all.
#[derive(Debug, Clone)]
pub(super) struct Encryption;

const ABSENT: &str = "this program was built without TLS (cargo feature `tls`)";

impl Encryption {
    /// Whether this build can encrypt at all.
    pub(super) const POSSIBLE: bool = false;

    pub(super) fn prepare(tls: &Tls) -> Result<Self, Reason> {
        if tls.mode < SslMode::Require { Ok(Self) } else { Err(Reason::Tls(ABSENT.to_owned())) }
    }

    #[expect(clippy::unused_async, reason = "with the feature it waits for the handshake")]
    pub(super) async fn handshake(&self, _: TcpStream, _: Option<&str>) -> Result<(Encrypted, TlsFacts), Reason> {
        Err(Reason::Tls(ABSENT.to_owned()))
    }
}
