//! One try at one address: socket, TLS as `sslmode` says, login.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::config::{ChannelBinding as DriverBinding, SslMode as DriverTls, SslNegotiation};
use tokio_postgres::{Client, Config, Connection};

use super::cause;
use super::fault::{self, Reason};
use super::peer::TlsFacts;
use super::socket::{self, Address};
use super::tls::{self, Encryption};
use super::wire::{Done, Wire};
use crate::connection::{ChannelBinding, Endpoint, Host, Negotiation, Settings, SslMode};

/// One address of one server, and how to get in there.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) settings: &'a Settings,
    pub(super) endpoint: &'a Endpoint,
    pub(super) address: &'a Address,
    pub(super) encryption: &'a Encryption,
}

/// A session that was let in.
pub(super) struct Opened {
    pub(super) client: Client,
    pub(super) connection: Connection<Wire, Wire>,
    /// How it is encrypted, when it is.
    pub(super) tls: Option<TlsFacts>,
}

/// A try that failed, and how far it came.
struct Missed {
    reason: Reason,
    during: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Up to the server's answer to the question for TLS, and everything behind a no.
    Clear,
    Handshake,
    /// The login, with TLS.
    Encrypted,
}

/// Opens a session. Only `allow` and `prefer` ever try twice, once with TLS and once without.
pub(super) async fn open(target: Target<'_>) -> Result<Opened, Reason> {
    let mode = target.settings.tls.mode;
    let never = mode == SslMode::Disable || (mode < SslMode::Require && !Encryption::POSSIBLE);
    if matches!(target.address, Address::Unix(_)) || never {
        return plain_alone(target).await;
    }
    match mode {
        SslMode::Allow => match plain(target).await {
            Err(reason) if depends_on_tls(&reason) => with_tls(target).await.map_err(|missed| missed.reason),
            ended => ended,
        },
        SslMode::Prefer => match with_tls(target).await {
            Err(Missed { reason: shaken, during: Stage::Handshake }) => match plain(target).await {
                // The server wants the TLS that there could not be: that is what has to be mended.
                Err(Reason::Server(db)) if fault::may_want_tls(&db) => Err(shaken),
                ended => ended,
            },
            Err(Missed { reason, during: Stage::Encrypted }) if depends_on_tls(&reason) => plain(target).await,
            ended => ended.map_err(|missed| missed.reason),
        },
        _ => with_tls(target).await.map_err(|missed| missed.reason),
    }
}

fn depends_on_tls(reason: &Reason) -> bool {
    matches!(reason, Reason::Server(db) if fault::may_depend_on_tls(db))
}

/// Without TLS, where nobody tries with it. A server that speaks TLS may refuse for want of it, and does not say so.
async fn plain_alone(target: Target<'_>) -> Result<Opened, Reason> {
    match plain(target).await {
        Err(Reason::Server(db)) if fault::may_want_tls(&db) && speaks_tls(target).await => Err(Reason::WantsTls(db)),
        ended => ended,
    }
}

/// Whether a server would speak TLS; no answer is none.
async fn speaks_tls(target: Target<'_>) -> bool {
    let Address::Tcp(address) = target.address else { return false };
    match socket::tcp(*address, target.settings).await {
        Ok(mut stream) => offers_tls(&mut stream).await.is_ok_and(|offers| offers),
        Err(_) => false,
    }
}

async fn plain(target: Target<'_>) -> Result<Opened, Reason> {
    let wire = reach(target).await?;
    login(target, wire, None).await
}

async fn with_tls(target: Target<'_>) -> Result<Opened, Missed> {
    let (wire, tls) = encrypted(target).await?;
    let during = if tls.is_some() { Stage::Encrypted } else { Stage::Clear };
    login(target, wire, tls).await.map_err(|reason| Missed { reason, during })
}

/// A wire that is encrypted; in the weak modes also one that is not, when the server has no TLS.
async fn encrypted(target: Target<'_>) -> Result<(Wire, Option<TlsFacts>), Missed> {
    let before = |reason| Missed { reason, during: Stage::Clear };
    let Address::Tcp(address) = target.address else {
        return Ok((reach(target).await.map_err(before)?, None));
    };
    let asked = &target.settings.tls;
    let mut stream = socket::tcp(*address, target.settings).await.map_err(|error| before(Reason::Socket(error)))?;
    if asked.negotiation == Negotiation::Postgres && !offers_tls(&mut stream).await.map_err(before)? {
        return if asked.mode < SslMode::Require { Ok((Wire::Tcp(stream), None)) } else { Err(before(Reason::NoTls)) };
    }
    let host = match &target.endpoint.host {
        Host::Name(name) => Some(name.as_str()),
        Host::Here if target.endpoint.address.is_none() => Some("localhost"),
        Host::Here | Host::Socket(_) => None,
    };
    let shaken = target.encryption.handshake(stream, host).await;
    shaken
        .map(|(encrypted, facts)| (Wire::Tls(Box::new(encrypted)), Some(facts)))
        .map_err(|reason| Missed { reason, during: Stage::Handshake })
}

/// `SSLRequest`: its length, and the number that stands where the protocol's version would.
const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Asks the server whether it speaks TLS. Nothing else is read: what follows the answer belongs to the handshake, and
/// whatever a stranger put behind it in the clear makes that fail.
async fn offers_tls(stream: &mut TcpStream) -> Result<bool, Reason> {
    stream.write_all(&ASK_FOR_TLS).await.map_err(tls::of_stream)?;
    match stream.read_u8().await.map_err(tls::of_stream)? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        // An error in the clear, whose text anybody may have written: a server that cannot start a process sends one, and
        // one that is asked for TLS within TLS.
        b'E' => Err(Reason::ErrorForTls),
        other => Err(Reason::Protocol(format!("it answers the question for TLS with the byte 0x{other:02x}"))),
    }
}

/// A wire in the clear.
async fn reach(target: Target<'_>) -> Result<Wire, Reason> {
    match target.address {
        Address::Tcp(address) => socket::tcp(*address, target.settings).await.map(Wire::Tcp),
        Address::Unix(folder) => socket::unix(folder, target.endpoint.port).await,
    }
    .map_err(Reason::Socket)
}

/// A wire like that of an open session, for a message about it.
pub(super) async fn again(target: Target<'_>, in_tls: bool) -> Result<Wire, Reason> {
    if !in_tls {
        return reach(target).await;
    }
    match encrypted(target).await {
        Ok((wire @ Wire::Tls(_), _)) => Ok(wire),
        Ok(_) => Err(Reason::NoTls),
        Err(missed) => Err(missed.reason),
    }
}

async fn login(target: Target<'_>, wire: Wire, tls: Option<TlsFacts>) -> Result<Opened, Reason> {
    let unbindable = wire.unbindable().map(str::to_owned);
    let ended = config(target).connect_raw(wire, Done).await.map_err(cause::of_login);
    let (client, connection) = ended.map_err(|reason| match (reason, unbindable) {
        (Reason::Binding, Some(signature)) => Reason::Unbindable(signature),
        (reason, _) => reason,
    })?;
    Ok(Opened { client, connection, tls })
}

/// Nothing is sent but user, database, name and encoding, unless `options` are given: poolers refuse the rest.
fn config(target: Target<'_>) -> Config {
    let Target { settings, endpoint, .. } = target;
    let mut config = Config::new();
    config.user(&settings.user).dbname(&settings.database).application_name(&settings.application_name);
    if let Some(password) = &endpoint.password {
        config.password(password.reveal());
    }
    if let Some(options) = &settings.options {
        config.options(options);
    }
    config.channel_binding(match settings.channel_binding {
        ChannelBinding::Disable => DriverBinding::Disable,
        ChannelBinding::Prefer => DriverBinding::Prefer,
        ChannelBinding::Require => DriverBinding::Require,
    });
    // The driver is to take the wire as it is, and ask nobody.
    config.ssl_mode(DriverTls::Require).ssl_negotiation(SslNegotiation::Direct);
    config
}
