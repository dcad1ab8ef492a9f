//! Whose signature counts: the authorities of a file, the system's, or Mozilla's.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use crate::connect::fault::Reason;
use crate::connect::files;
use crate::connection::{ClientFile, Roots, SslMode, Tls};

/// The authorities that are trusted.
#[derive(Debug)]
pub(super) struct Trust {
    /// Checks chains of certificates against them.
    pub(super) chains: Arc<WebPkiServerVerifier>,
    /// Their certificates, where somebody named them one by one: a server's own may be among them.
    pub(super) own: Vec<CertificateDer<'static>>,
    /// What messages call them.
    pub(super) shown: String,
}

/// Authorities before they are put to work.
struct Authorities {
    store: RootCertStore,
    own: Vec<CertificateDer<'static>>,
    shown: String,
}

/// The authorities that the settings ask for; nothing where certificates are not checked.
pub(super) fn trust(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Option<Trust>, Reason> {
    let authorities = match &tls.roots {
        Roots::System => Some(of_system_or_mozilla(tls)?),
        Roots::File(file) => match read(file)? {
            Some(bytes) => Some(of_file(&file.path, &bytes)?),
            None => without_file(tls)?,
        },
        Roots::Unnamed => without_file(tls)?,
    };
    let Some(Authorities { store, own, shown }) = authorities else { return Ok(None) };
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
    let revoked = revoked(tls)?;
    if !revoked.is_empty() {
        builder = builder.with_crls(revoked).enforce_revocation_expiration();
    }
    let chains = builder.build().map_err(|error| Reason::File(error.to_string()))?;
    Ok(Some(Trust { chains, own, shown }))
}

/// Nobody named authorities, and the usual place has none.
fn without_file(tls: &Tls) -> Result<Option<Authorities>, Reason> {
    match tls.mode {
        // libpq gives up here. What it would want, a host's name in a certificate of a known authority, is checked.
        SslMode::VerifyFull => of_system(tls)?.map(Some).ok_or_else(|| {
            Reason::Tls("no authority is known: name a file with `sslrootcert`, or say `sslrootcert=system`".to_owned())
        }),
        SslMode::VerifyCa => Err(Reason::Tls(
            "`sslmode=verify-ca` needs a file of authorities: name it with `sslrootcert`, or use \
             `sslmode=verify-full` with `sslrootcert=system`"
                .to_owned(),
        )),
        _ => Ok(None),
    }
}

fn read(file: &ClientFile) -> Result<Option<Vec<u8>>, Reason> {
    let wrong = |why: &str| Reason::File(format!("{}: {why}", file.path));
    match files::read(&file.path).map_err(|why| wrong(&why))? {
        None if file.named => Err(wrong("there is no such file")),
        bytes => Ok(bytes),
    }
}

fn of_file(path: &str, bytes: &[u8]) -> Result<Authorities, Reason> {
    let wrong = |why: String| Reason::File(format!("{path}: {why}"));
    let mut authorities = Authorities { store: RootCertStore::empty(), own: vec![], shown: path.to_owned() };
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        authorities.store.add(certificate.clone()).map_err(|error| wrong(error.to_string()))?;
        authorities.own.push(certificate);
    }
    if authorities.own.is_empty() { Err(wrong("it holds no certificate in PEM".to_owned())) } else { Ok(authorities) }
}

fn of_system_or_mozilla(tls: &Tls) -> Result<Authorities, Reason> {
    if let Some(authorities) = of_system(tls)? {
        return Ok(authorities);
    }
    let mut store = RootCertStore::empty();
    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(Authorities { store, own: vec![], shown: "the authorities of Mozilla, since this system has none".to_owned() })
}

/// The system's authorities, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` put in their place.
fn of_system(tls: &Tls) -> Result<Option<Authorities>, Reason> {
    let named = tls.system_file.is_some() || tls.system_folder.is_some();
    let (certificates, shown) = if named {
        let folders = tls.system_folder.iter().flat_map(|folders| folders.split(':')).filter(|it| !it.is_empty());
        let mut found =
            rustls_native_certs::load_certs_from_paths(tls.system_file.as_deref().map(Path::new), None).certs;
        for folder in folders {
            found.extend(rustls_native_certs::load_certs_from_paths(None, Some(Path::new(folder))).certs);
        }
        (found, "the authorities of SSL_CERT_FILE and SSL_CERT_DIR")
    } else {
        (rustls_native_certs::load_native_certs().certs, "the system's authorities")
    };
    let mut store = RootCertStore::empty();
    let (usable, _) = store.add_parsable_certificates(certificates);
    match (usable, named) {
        (0, true) => Err(Reason::File("SSL_CERT_FILE and SSL_CERT_DIR name no certificate".to_owned())),
        (0, false) => Ok(None),
        _ => Ok(Some(Authorities { store, own: vec![], shown: shown.to_owned() })),
    }
}

fn revoked(tls: &Tls) -> Result<Vec<CertificateRevocationListDer<'static>>, Reason> {
    let Some(file) = &tls.revoked else { return Ok(vec![]) };
    let Some(bytes) = read(file)? else { return Ok(vec![]) };
    let wrong = |why: String| Reason::File(format!("{}: {why}", file.path));
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    let lists = lists.map_err(|error| wrong(error.to_string()))?;
    if lists.is_empty() { Err(wrong("it holds no revocation list in PEM".to_owned())) } else { Ok(lists) }
}
