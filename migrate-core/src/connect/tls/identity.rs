//! The certificate that is shown to a server, and whether it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::connect::fault::Reason;
use crate::connect::files;
use crate::connection::{ClientCertificate, WhenAsked};

/// Who this program is, where it can prove it.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity(Option<Arc<CertifiedKey>>);

/// Shows the certificate to a server that asks, and remembers it.
#[derive(Debug)]
pub(super) struct Resolver {
    identity: Option<Arc<CertifiedKey>>,
    shown: AtomicBool,
}

impl Identity {
    pub(super) fn resolver(&self, when_asked: WhenAsked) -> Arc<Resolver> {
        let identity = self.0.clone().filter(|_| when_asked != WhenAsked::Disable);
        Arc::new(Resolver { identity, shown: AtomicBool::new(false) })
    }
}

impl Resolver {
    /// Whether the server asked, and was shown something.
    pub(super) fn has_shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Resolver {
    fn resolve(&self, _authorities: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let identity = self.identity.clone();
        self.shown.store(identity.is_some(), Ordering::Relaxed);
        identity
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

/// Reads certificate and key; nobody where there is no certificate.
pub(super) fn identity(asked_for: &ClientCertificate, provider: &CryptoProvider) -> Result<Identity, Reason> {
    let Some(file) = asked_for.certificate.as_ref().filter(|_| asked_for.when_asked != WhenAsked::Disable) else {
        return Ok(Identity::default());
    };
    let bytes = match files::read(&file.path).map_err(|why| wrong(&file.path, &why))? {
        Some(bytes) => bytes,
        None if file.named => return Err(wrong(&file.path, "there is no such file")),
        None => return Ok(Identity::default()),
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| wrong(&file.path, &error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(&file.path, "it holds no certificate in PEM"));
    }
    let Some(key) = &asked_for.key else { return Err(wrong(&file.path, "no private key is named: `sslkey`")) };
    let certified = CertifiedKey::from_der(chain, private_key(&key.path)?, provider);
    let certified = certified.map_err(|error| wrong(&key.path, &error.to_string()))?;
    Ok(Identity(Some(Arc::new(certified))))
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, Reason> {
    let bytes = files::read(path).map_err(|why| wrong(path, &why))?;
    let bytes = bytes.ok_or_else(|| wrong(path, "a certificate is there, and its private key is not"))?;
    if let Some(why) = files::distrust_key(path) {
        return Err(Reason::File(why));
    }
    if String::from_utf8_lossy(&bytes).contains("ENCRYPTED") {
        return Err(wrong(path, "the key is encrypted, and this program reads no encrypted keys"));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| wrong(path, "it holds no private key in PEM"))
}

fn wrong(path: &str, why: &str) -> Reason {
    Reason::File(format!("{path}: {why}"))
}
