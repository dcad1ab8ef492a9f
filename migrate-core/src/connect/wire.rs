//! The bytes to and from a server: a socket, or TLS over one.

use std::convert::Infallible;
use std::future::Ready;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::tls::Encrypted;

/// An open way to a server, encrypted as far as it is ever going to be.
pub(super) enum Wire {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<Encrypted>),
}

macro_rules! on_stream {
    ($wire:expr, $stream:ident => $does:expr) => {
        match $wire.get_mut() {
            Wire::Tcp($stream) => $does,
            #[cfg(unix)]
            Wire::Unix($stream) => $does,
            Wire::Tls(encrypted) => {
                let $stream = encrypted.stream();
                $does
            }
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on_stream!(self, stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_stream!(self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_stream!(self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_stream!(self, stream => Pin::new(stream).poll_shutdown(context))
    }
}

impl Wire {
    /// By what the server's certificate is signed, where no login can be bound to it.
    pub(super) fn unbindable(&self) -> Option<&str> {
        match self {
            Self::Tls(encrypted) => encrypted.unbindable(),
            _ => None,
        }
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        match self {
            Self::Tls(encrypted) => encrypted.channel_binding(),
            _ => ChannelBinding::none(),
        }
    }
}

/// A wire that stays open until its peer closes it. `PgBouncer` drops the request of a client that has hung up before
/// the request was passed on.
pub(super) struct HeardOut(pub(super) Wire);

impl AsyncRead for HeardOut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for HeardOut {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 64];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer));
            // A peer that breaks the connection off has closed it too.
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl TlsStream for HeardOut {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.channel_binding()
    }
}

/// A wire that leads nowhere and keeps what is written to it.
#[derive(Clone, Default)]
pub(super) struct Recorded(Arc<Mutex<Vec<u8>>>);

impl Recorded {
    fn written(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The four bytes from this one on as a number of the protocol.
    pub(super) fn number_at(&self, at: usize) -> Option<u32> {
        self.written().get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
    }
}

impl AsyncRead for Recorded {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Recorded {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// What the driver takes for a TLS handshake: it was done before, or nobody wanted one. The decision is `attempt`'s.
pub(super) struct Done;

impl<S: TlsStream + Unpin> TlsConnect<S> for Done {
    type Stream = S;
    type Error = Infallible;
    type Future = Ready<Result<S, Infallible>>;

    fn connect(self, wire: S) -> Self::Future {
        std::future::ready(Ok(wire))
    }
}
