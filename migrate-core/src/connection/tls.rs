//! What is asked for of TLS: the six modes, whom to believe, and how to show oneself.

use super::Parameter;
use super::layers::{Layers, Value};
use super::problem::Problem;

/// `sslmode`, in ascending order of strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never.
    Disable,
    /// When the server refuses without.
    Allow,
    /// When the server has it.
    Prefer,
    /// Always.
    Require,
    /// Always, and the certificate is signed by an authority that is trusted.
    VerifyCa,
    /// The same, and it is that of the host.
    VerifyFull,
}

impl SslMode {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        MODES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }
}

const MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// `sslnegotiation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negotiation {
    /// The server is asked first.
    Postgres,
    /// TLS from the first byte, for `PostgreSQL` 17 and newer.
    Direct,
}

/// Whose signature on the server's certificate counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// `sslrootcert=system`: the system's authorities, or Mozilla's where the system has none.
    System,
    /// Those of this file, and no others.
    File(ClientFile),
    /// Nobody named any, and there is no home folder to look in.
    Unnamed,
}

/// A file of the one who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFile {
    /// Where it is.
    pub path: String,
    /// Whether it was named, so that its absence is an error; otherwise it is libpq's usual place.
    pub named: bool,
}

/// `sslcertmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenAsked {
    /// No certificate is shown.
    Disable,
    /// One is shown when the server asks and there is one.
    Allow,
    /// The server has to ask, and one is shown.
    Require,
}

/// The certificate that is shown to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// `sslcert`; absent without a home folder.
    pub certificate: Option<ClientFile>,
    /// `sslkey`.
    pub key: Option<ClientFile>,
    /// `sslcertmode`.
    pub when_asked: WhenAsked,
}

/// A version of TLS that this program speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2
    V1_2,
    /// 1.3
    V1_3,
}

/// Everything about TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// `sslmode`
    pub mode: SslMode,
    /// `sslnegotiation`
    pub negotiation: Negotiation,
    /// `sslrootcert`
    pub roots: Roots,
    /// `SSL_CERT_FILE`: takes the place of the system's authorities.
    pub system_file: Option<String>,
    /// `SSL_CERT_DIR`: the same.
    pub system_folder: Option<String>,
    /// `sslcrl`
    pub revoked: Option<ClientFile>,
    /// `sslcert`, `sslkey`, `sslcertmode`
    pub certificate: ClientCertificate,
    /// `sslsni`
    pub sends_name: bool,
    /// `ssl_min_protocol_version`
    pub oldest: TlsVersion,
    /// `ssl_max_protocol_version`
    pub newest: TlsVersion,
}

pub(super) fn tls(layers: &Layers<'_>) -> Result<Tls, Problem> {
    let roots = roots(layers);
    let mode = mode(layers, &roots)?;
    let negotiation = layers.choice(
        Parameter::SslNegotiation,
        &[("postgres", Negotiation::Postgres), ("direct", Negotiation::Direct)],
        "it is `postgres` or `direct`",
    )?;
    let negotiation = negotiation.unwrap_or(Negotiation::Postgres);
    if negotiation == Negotiation::Direct && mode < SslMode::Require {
        return Err(Problem::Contradiction(
            "`sslnegotiation=direct` needs `sslmode=require`, `verify-ca` or `verify-full`: nothing weaker is possible",
        ));
    }
    let (oldest, newest) = versions(layers)?;
    let system = |name: &str| layers.variables.get(name).filter(|path| !path.is_empty()).map(str::to_owned);
    Ok(Tls {
        mode,
        negotiation,
        roots,
        system_file: system("SSL_CERT_FILE"),
        system_folder: system("SSL_CERT_DIR"),
        revoked: file(layers, Parameter::SslCrl, "root.crl"),
        certificate: certificate(layers)?,
        sends_name: layers.value(Parameter::SslSni).is_none_or(|value| !value.text.starts_with('0')),
        oldest,
        newest,
    })
}

fn roots(layers: &Layers<'_>) -> Roots {
    match file(layers, Parameter::SslRootCert, "root.crt") {
        Some(ClientFile { path, named: true }) if path == "system" => Roots::System,
        Some(file) => Roots::File(file),
        None => Roots::Unnamed,
    }
}

fn mode(layers: &Layers<'_>, roots: &Roots) -> Result<SslMode, Problem> {
    let expected = "it is `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`";
    let mode = layers.choice(Parameter::SslMode, &MODES, expected)?;
    let required = layers.variables.get("PGREQUIRESSL").is_some_and(|value| value.starts_with('1'));
    match (mode, roots) {
        (Some(SslMode::VerifyFull) | None, Roots::System) => Ok(SslMode::VerifyFull),
        (Some(_), Roots::System) => Err(Problem::Contradiction(
            "`sslrootcert=system` needs `sslmode=verify-full`: anybody can have a certificate of one of the system's \
             authorities, for another host",
        )),
        (Some(mode), _) => Ok(mode),
        (None, _) if required => Ok(SslMode::Require),
        (None, _) => Ok(SslMode::Prefer),
    }
}

/// The file of a parameter, or the one in the home folder that libpq looks for.
fn file(layers: &Layers<'_>, parameter: Parameter, usual: &str) -> Option<ClientFile> {
    if let Some(value) = layers.filled(parameter) {
        return Some(ClientFile { path: value.text.to_owned(), named: true });
    }
    let home = layers.variables.get("HOME").filter(|home| !home.is_empty())?;
    Some(ClientFile { path: format!("{home}/.postgresql/{usual}"), named: false })
}

fn certificate(layers: &Layers<'_>) -> Result<ClientCertificate, Problem> {
    let modes = [("disable", WhenAsked::Disable), ("allow", WhenAsked::Allow), ("require", WhenAsked::Require)];
    let when_asked = layers.choice(Parameter::SslCertMode, &modes, "it is `disable`, `allow` or `require`")?;
    Ok(ClientCertificate {
        certificate: file(layers, Parameter::SslCert, "postgresql.crt"),
        key: file(layers, Parameter::SslKey, "postgresql.key"),
        when_asked: when_asked.unwrap_or(WhenAsked::Allow),
    })
}

fn versions(layers: &Layers<'_>) -> Result<(TlsVersion, TlsVersion), Problem> {
    // 1.0 and 1.1 are older than the oldest one here: as a lower bound they mean that one.
    let oldest = match layers.filled(Parameter::SslMinProtocolVersion) {
        Some(value) => version(value)?.unwrap_or(TlsVersion::V1_2),
        None => TlsVersion::V1_2,
    };
    let newest = match layers.filled(Parameter::SslMaxProtocolVersion) {
        Some(value) => version(value)?.ok_or_else(|| value.unsupported("this program speaks TLS 1.2 and 1.3"))?,
        None => TlsVersion::V1_3,
    };
    if oldest > newest {
        return Err(Problem::Contradiction("`ssl_min_protocol_version` is above `ssl_max_protocol_version`"));
    }
    Ok((oldest, newest))
}

/// A version; nothing for one that this program does not speak.
fn version(value: Value<'_>) -> Result<Option<TlsVersion>, Problem> {
    match value.text.to_ascii_lowercase().as_str() {
        "tlsv1" | "tlsv1.1" => Ok(None),
        "tlsv1.2" => Ok(Some(TlsVersion::V1_2)),
        "tlsv1.3" => Ok(Some(TlsVersion::V1_3)),
        _ => Err(value.refuse("it is `TLSv1.2` or `TLSv1.3`")),
    }
}
