//! What is asked of a server's certificate, mode by mode.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme};

use super::roots::Trust;
use super::{certificate, names};

/// How much is asked.
#[derive(Debug)]
pub(super) enum Check {
    /// That the server has the certificate's key.
    Nothing,
    /// That a trusted authority signed it.
    Authority(Arc<Trust>),
    /// That it is this host's, too.
    Host(Arc<Trust>, String),
}

#[derive(Debug)]
pub(super) struct Verifier {
    check: Check,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(check: Check, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { check, algorithms }
    }

    /// The signature with the key alone: a certificate of X.509 version 1, which the usual way refuses to read, has
    /// one too. Without this check a stranger could show a certificate whose key he does not have.
    fn with_key(
        &self,
        message: &[u8],
        der: &[u8],
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = certificate::public_key(der).ok_or(CertificateError::BadEncoding)?;
        let key = webpki::RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        let algorithms = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let (_, algorithms) = algorithms.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let fits = |algorithm: &&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            key.verify_signature(*algorithm, message, signed.signature()).is_ok()
        };
        if algorithms.iter().any(fits) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }
}

/// Whether the usual way failed for the form of the certificate, not for the signature.
fn is_of_form(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(_) | CertificateError::BadEncoding))
}

impl Trust {
    fn check(&self, server: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        // The name is compared by libpq's rules afterwards, which know the common name. This one fits none.
        let nobody = ServerName::try_from("certificate.invalid").map_err(|_| CertificateError::BadEncoding)?;
        let checked = self.chains.verify_server_cert(server, others, &nobody, &[], now);
        match checked {
            // Names come last there: the chain is good.
            Ok(_)
            | Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(()),
            // As in OpenSSL, a certificate that is named as trusted need not be signed by anybody else.
            Err(_) if self.own.iter().any(|own| own == server) && certificate::vouches_for_itself(server, now) => {
                Ok(())
            }
            Err(error) => Err(self.in_words(error)),
        }
    }
}

impl Trust {
    /// The refusals that are better told with what is trusted here.
    fn in_words(&self, error: Error) -> Error {
        let Error::InvalidCertificate(why) = &error else { return error };
        let why = match why {
            CertificateError::UnknownIssuer => Some(webpki::Error::UnknownIssuer),
            CertificateError::Other(other) => other.0.downcast_ref::<webpki::Error>().cloned(),
            _ => None,
        };
        match why {
            Some(webpki::Error::UnknownIssuer | webpki::Error::CaUsedAsEndEntity) => {
                let shown = &self.shown;
                told(format!("the server's certificate is signed by nobody who is trusted here ({shown})"))
            }
            Some(webpki::Error::UnsupportedCertVersion) => {
                told("the server's certificate is of X.509 version 1, which cannot be checked".to_owned())
            }
            _ => error,
        }
    }
}

fn told(words: String) -> Error {
    other(std::io::Error::other(words))
}

fn other(why: impl std::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(why))).into()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.check {
            Check::Nothing => {}
            Check::Authority(trust) => trust.check(server, others, now)?,
            Check::Host(trust, host) => {
                trust.check(server, others, now)?;
                let names = certificate::names(server).ok_or(CertificateError::BadEncoding)?;
                names::check(&names, host).map_err(other)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verify_tls12_signature(message, server, signed, &self.algorithms) {
            Err(error) if is_of_form(&error) => self.with_key(message, server, signed),
            verified => verified,
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verify_tls13_signature(message, server, signed, &self.algorithms) {
            Err(error) if is_of_form(&error) => self.with_key(message, server, signed),
            verified => verified,
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
