//! TLS on a socket: `sslmode`, `sslrootcert` and their kin, carried out by rustls.
//!
//! Invariant: whether a certificate is checked, and against what, is decided before the handshake and by the settings
//! alone; what a server says changes nothing about it.

mod certificate;
mod identity;
mod names;
mod roots;
mod verifier;

use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ProtocolVersion, SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tokio_postgres::tls::ChannelBinding;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::identity::Identity;
use self::roots::Trust;
use self::verifier::{Check, Verifier};
use super::fault::{Reason, of_io};
use super::peer::TlsFacts;
use crate::connection::{Negotiation, SslMode, Tls, TlsVersion, WhenAsked};

/// A TLS stream, and what binds a login to it.
pub(super) struct Encrypted {
    stream: TlsStream<TcpStream>,
    binding: Option<Vec<u8>>,
    /// By what the certificate is signed, where nothing can bind a login to it.
    unbindable: Option<String>,
}

impl Encrypted {
    pub(super) fn stream(&mut self) -> &mut TlsStream<TcpStream> {
        &mut self.stream
    }

    pub(super) fn unbindable(&self) -> Option<&str> {
        self.unbindable.as_deref()
    }

    pub(super) fn channel_binding(&self) -> ChannelBinding {
        self.binding.clone().map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// How to encrypt: the settings, with their files read.
#[derive(Debug, Clone)]
pub(super) struct Encryption {
    settings: Tls,
    provider: Arc<CryptoProvider>,
    trust: Option<Arc<Trust>>,
    identity: Identity,
}

/// The name of the protocol, by which a server that speaks TLS from the first byte knows it.
const ALPN: &[u8] = b"postgresql";

impl Encryption {
    /// Whether this build can encrypt at all.
    pub(super) const POSSIBLE: bool = true;

    /// Reads what the settings name.
    pub(super) fn prepare(settings: &Tls) -> Result<Self, Reason> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (trust, identity) = if settings.mode == SslMode::Disable {
            (None, Identity::default())
        } else {
            (roots::trust(settings, &provider)?.map(Arc::new), identity::identity(&settings.certificate, &provider)?)
        };
        Ok(Self { settings: settings.clone(), provider, trust, identity })
    }

    /// Shakes hands with the server of this name.
    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
        host: Option<&str>,
    ) -> Result<(Encrypted, TlsFacts), Reason> {
        let name = server_name(host, &stream)?;
        let asked = self.identity.resolver(self.settings.certificate.when_asked);
        let config = self.config(host, Arc::clone(&asked))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(of_stream)?;
        let (_, session) = stream.get_ref();
        if self.settings.negotiation == Negotiation::Direct && session.alpn_protocol() != Some(ALPN) {
            return Err(Reason::Tls("the server did not agree on the protocol `postgresql` (ALPN)".to_owned()));
        }
        if self.settings.certificate.when_asked == WhenAsked::Require && !asked.has_shown() {
            return Err(Reason::Tls(
                "`sslcertmode=require`, and the server did not ask for a certificate, or there is none".to_owned(),
            ));
        }
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        let binding = certificate.and_then(certificate::binding);
        let unbindable = certificate.filter(|_| binding.is_none()).and_then(certificate::signature);
        let facts = self.facts(session);
        Ok((Encrypted { stream, binding, unbindable }, facts))
    }

    fn config(&self, host: Option<&str>, identity: Arc<identity::Resolver>) -> Result<ClientConfig, Reason> {
        let versions: &[&SupportedProtocolVersion] = match (self.settings.oldest, self.settings.newest) {
            (TlsVersion::V1_2, TlsVersion::V1_2) => &[&version::TLS12],
            (TlsVersion::V1_3, _) => &[&version::TLS13],
            (TlsVersion::V1_2, TlsVersion::V1_3) => &[&version::TLS13, &version::TLS12],
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .map_err(|error| Reason::Tls(error.to_string()))?;
        let verifier = Verifier::new(self.check(host)?, self.provider.signature_verification_algorithms);
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(identity);
        config.enable_sni = self.settings.sends_name;
        if self.settings.negotiation == Negotiation::Direct {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        Ok(config)
    }

    /// As libpq: whoever has a file of authorities has certificates checked against it, in every mode.
    fn check(&self, host: Option<&str>) -> Result<Check, Reason> {
        let Some(trust) = &self.trust else { return Ok(Check::Nothing) };
        if self.settings.mode != SslMode::VerifyFull {
            return Ok(Check::Authority(Arc::clone(trust)));
        }
        let host = host.ok_or_else(|| {
            Reason::Tls("`sslmode=verify-full` needs the host's name beside its address: give `host` too".to_owned())
        })?;
        Ok(Check::Host(Arc::clone(trust), host.to_owned()))
    }

    fn facts(&self, session: &rustls::ClientConnection) -> TlsFacts {
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS",
        };
        let cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        TlsFacts {
            version: version.to_owned(),
            cipher: cipher.unwrap_or_default(),
            roots: self.trust.as_ref().map(|trust| trust.shown.clone()).unwrap_or_default(),
            host_checked: self.trust.is_some() && self.settings.mode == SslMode::VerifyFull,
        }
    }
}

/// The name for the handshake, which is sent when it is one; an address never is. It decides nothing else: whether a
/// certificate is the host's is the verifier's business, which has the host as it was given.
fn server_name(host: Option<&str>, stream: &TcpStream) -> Result<ServerName<'static>, Reason> {
    let named = host.and_then(|host| ServerName::try_from(host.trim_end_matches('.').to_owned()).ok());
    match named {
        Some(name) => Ok(name),
        None => stream.peer_addr().map(|address| address.ip().into()).map_err(Reason::Socket),
    }
}

/// A stream that broke: by TLS, or by the network.
pub(super) fn of_stream(error: io::Error) -> Reason {
    refusal(&error).map_or_else(|| of_io(error), Reason::Tls)
}

/// Why TLS failed, when it is TLS that did.
fn refusal(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::AlertReceived(alert) => format!("the server ended the handshake: {alert:?}"),
        rustls::Error::InvalidMessage(_) => "what answers does not speak TLS".to_owned(),
        other => other.to_string(),
    })
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate, or one that it rests on, has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate, or one that it rests on, is not valid yet".to_owned()
        }
        CertificateError::Revoked => "the server's certificate, or one that it rests on, is revoked".to_owned(),
        CertificateError::UnknownRevocationStatus => {
            "`sslcrl` does not tell whether the server's certificate is revoked".to_owned()
        }
        CertificateError::Other(other) => other.0.to_string(),
        other => format!("the server's certificate is not to be trusted: {other}"),
    }
}
