//! Addresses of a server, and open sockets to them.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::fault::Reason;
use super::files;
use super::wire::Wire;
use crate::connection::{Endpoint, Host, SOCKET_FOLDERS, Settings};

/// Where to send the first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(SocketAddr),
    /// The folder of a Unix socket.
    Unix(String),
}

/// The address without its port, or the folder.
impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.ip().fmt(f),
            Self::Unix(folder) => f.write_str(folder),
        }
    }
}

/// Every address of a server, in the resolver's order.
pub(super) async fn addresses(endpoint: &Endpoint) -> Result<Vec<Address>, Reason> {
    let port = endpoint.port;
    if let Some(address) = endpoint.address {
        return Ok(vec![Address::Tcp(SocketAddr::new(address, port))]);
    }
    match &endpoint.host {
        Host::Socket(folder) => Ok(vec![Address::Unix(folder.clone())]),
        Host::Name(name) => look_up(name, port).await,
        Host::Here => match SOCKET_FOLDERS.into_iter().find(|folder| files::has_socket(folder, port)) {
            Some(folder) => Ok(vec![Address::Unix(folder.to_owned())]),
            None => look_up("localhost", port).await,
        },
    }
}

async fn look_up(name: &str, port: u16) -> Result<Vec<Address>, Reason> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![Address::Tcp(SocketAddr::new(address, port))]);
    }
    let found = tokio::net::lookup_host((name, port)).await.map_err(Reason::LookUp)?;
    let mut addresses: Vec<Address> = Vec::new();
    for address in found.map(Address::Tcp) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(Reason::LookUp(io::Error::other("No address associated with this name")));
    }
    Ok(addresses)
}

/// A connected TCP socket that notices when its peer is gone.
pub(super) async fn tcp(address: SocketAddr, settings: &Settings) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    if let Some(wanted) = &settings.keepalive {
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = wanted.idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = wanted.interval {
            keepalive = keepalive.with_interval(interval);
        }
        #[cfg(not(windows))]
        if let Some(count) = wanted.count {
            keepalive = keepalive.with_retries(count);
        }
        socket.set_tcp_keepalive(&keepalive)?;
    }
    #[cfg(target_os = "linux")]
    if settings.tcp_user_timeout.is_some() {
        socket.set_tcp_user_timeout(settings.tcp_user_timeout)?;
    }
    Ok(stream)
}

/// A connected Unix socket. TLS is never spoken on one: it does not leave the machine.
#[cfg(unix)]
pub(super) async fn unix(folder: &str, port: u16) -> io::Result<Wire> {
    let path = match folder.strip_prefix('@') {
        Some(name) => format!("\0{name}/.s.PGSQL.{port}"),
        None => format!("{folder}/.s.PGSQL.{port}"),
    };
    tokio::net::UnixStream::connect(path).await.map(Wire::Unix)
}

#[cfg(not(unix))]
pub(super) async fn unix(_folder: &str, _port: u16) -> io::Result<Wire> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::connection::{Context, Files, Source, gather};
    use crate::parse::Environment;

    struct NoFiles;

    impl Files for NoFiles {
        fn text(&self, _path: &str) -> Result<Option<String>, String> {
            Ok(None)
        }

        fn passwords(&self, _path: &str) -> Result<Option<String>, String> {
            Ok(None)
        }
    }

    /// Keepalive or not, the three numbers of it, and `TCP_USER_TIMEOUT`, as the system tells them of an open socket.
    #[cfg(target_os = "linux")]
    fn options(parameters: &str) -> (bool, [u64; 3], Option<Duration>) {
        let variables = Environment::default();
        let context = Context { variables: &variables, account: Some("me"), application_name: "migrate" };
        let source = Source::Argument(format!("host=127.0.0.1 {parameters}"));
        let settings = gather(&source, context, &NoFiles).unwrap().settings;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stream = runtime.block_on(tcp(address, &settings)).unwrap();
        let socket = SockRef::from(&stream);
        let times = [socket.tcp_keepalive_time(), socket.tcp_keepalive_interval()].map(|time| time.unwrap().as_secs());
        let retries = u64::from(socket.tcp_keepalive_retries().unwrap());
        (socket.keepalive().unwrap(), [times[0], times[1], retries], socket.tcp_user_timeout().unwrap())
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dead_peer_is_noticed_within_half_a_minute_unless_somebody_says_otherwise() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(options(""), (true, [15, 5, 3], seconds(30)));
        let all = "keepalives_idle=7 keepalives_interval=3 keepalives_count=2 tcp_user_timeout=9000";
        assert_eq!(options(all), (true, [7, 3, 2], seconds(9)));
        let (on, _, limit) = options("keepalives=0 tcp_user_timeout=0");
        assert!(!on && limit.is_none_or(|limit| limit.is_zero()));
    }
}
