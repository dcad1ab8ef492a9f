//! The servers to try, in order: `host`, `hostaddr` and `port`, paired up.

use std::net::{IpAddr, Ipv6Addr};

use super::layers::{Layers, Value};
use super::number;
use super::problem::{From, Problem};
use super::{Parameter, Secret};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// Nobody said: this machine's socket, or its loopback address where there is none.
    Here,
    /// A name to look up, or an address.
    Name(String),
    /// The folder of a Unix socket; a leading `@` means the abstract name space.
    Socket(String),
}

/// One server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name, for certificates and messages, and for the look-up where there is no address.
    pub host: Host,
    /// Its address, which saves the look-up.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: u16,
    /// The password there.
    pub password: Option<Secret>,
}

/// `PostgreSQL`'s port.
pub(super) const DEFAULT_PORT: u16 = 5432;

impl Endpoint {
    /// Host and port as messages write them.
    #[must_use]
    pub fn shown(&self) -> String {
        match (&self.host, self.address) {
            (Host::Name(name), _) if name.contains(':') => format!("[{name}]:{}", self.port),
            (Host::Name(name), _) => format!("{name}:{}", self.port),
            (Host::Socket(folder), _) => format!("{folder} (port {})", self.port),
            (Host::Here, Some(address)) => std::net::SocketAddr::new(address, self.port).to_string(),
            (Host::Here, None) => format!("localhost:{}", self.port),
        }
    }

    /// The host as a password file writes it.
    pub(super) fn in_password_file(&self) -> String {
        match (&self.host, self.address) {
            (Host::Name(name), _) => name.clone(),
            (Host::Socket(folder), _) if folder != USUAL_SOCKET => folder.clone(),
            (Host::Here, Some(address)) => address.to_string(),
            (Host::Here | Host::Socket(_), _) => "localhost".to_owned(),
        }
    }
}

/// Where Debian's servers and libpq meet, and those of most images.
const USUAL_SOCKET: &str = "/var/run/postgresql";

/// The folders in which a server's socket usually is.
pub(crate) const SOCKET_FOLDERS: [&str; 2] = [USUAL_SOCKET, "/tmp"];

/// The servers, without passwords.
pub(super) fn endpoints(layers: &Layers<'_>) -> Result<Vec<Endpoint>, Problem> {
    let hosts = layers.list(Parameter::Host);
    let addresses = layers.list(Parameter::Hostaddr);
    let ports = layers.list(Parameter::Port);
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(Problem::Addresses { hosts: hosts.len(), addresses: addresses.len() });
    }
    let count = hosts.len().max(addresses.len()).max(1);
    if ports.len() > 1 && ports.len() != count {
        return Err(Problem::Ports { hosts: count, ports: ports.len() });
    }
    let endpoint = |index: usize| {
        Ok(Endpoint {
            host: hosts.get(index).map_or(Ok(Host::Here), |host| self::host(*host))?,
            address: addresses.get(index).map_or(Ok(None), |address| self::address(*address))?,
            port: ports.get(index).or(ports.first()).map_or(Ok(DEFAULT_PORT), |port| self::port(*port))?,
            password: None,
        })
    };
    (0..count).map(endpoint).collect()
}

fn host(value: Value<'_>) -> Result<Host, Problem> {
    Ok(match value.text {
        "" => Host::Here,
        folder if folder.starts_with(['/', '@']) => Host::Socket(folder.to_owned()),
        name if name.contains('@') && value.from == From::Text => return Err(Problem::SecondAt),
        name => match not_of_a_host(name) {
            Some(what) => return Err(Problem::Host { place: value.from.place(Parameter::Host), what }),
            None => Host::Name(name.to_owned()),
        },
    })
}

/// What a name has that no host has: it is the rest of something else, and a message that repeated it as a host that
/// cannot be found might repeat a password.
fn not_of_a_host(name: &str) -> Option<&'static str> {
    let odd = name.chars().find_map(|c| match c {
        '@' => Some("an `@`"),
        ';' => Some("a `;`"),
        '=' => Some("a `=`"),
        '/' | '\\' => Some("a slash"),
        '&' | '?' | '#' => Some("a mark of a URL"),
        '"' | '\'' => Some("a quote"),
        c if c.is_whitespace() || c.is_control() => Some("white space"),
        _ => None,
    });
    let address = name.split('%').next().unwrap_or_default();
    let has_colon = name.contains(':') && address.parse::<Ipv6Addr>().is_err();
    odd.or(has_colon.then_some("a `:`"))
}

fn address(value: Value<'_>) -> Result<Option<IpAddr>, Problem> {
    if value.text.is_empty() {
        return Ok(None);
    }
    value.text.parse().map(Some).map_err(|_| value.refuse("it is an IP address, or several with commas between them"))
}

fn port(value: Value<'_>) -> Result<u16, Problem> {
    if value.text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    let port = number::integer(value).ok().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    port.ok_or_else(|| value.refuse("it is a number from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_host_has_is_called_by_its_name() {
        for (name, what) in [
            ("h;password=Xq7", "`;`"),
            ("u:Xq7@h", "`@`"),
            ("a=b", "`=`"),
            ("h/db", "a slash"),
            ("two hosts", "white space"),
            ("h\n", "white space"),
            ("h\u{a0}", "white space"),
            ("h:5432", "`:`"),
            ("u:Xq7", "`:`"),
        ] {
            assert!(not_of_a_host(name).is_some_and(|found| found.contains(what)), "{name}");
        }
        for name in ["db", "db.example.", "127.0.0.1", "::1", "fe80::1%eth0", "täst.example", "my_db-1"] {
            assert_eq!(not_of_a_host(name), None, "{name}");
        }
    }
}
