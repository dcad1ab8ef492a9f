//! What a certificate says: whose it is, since when and until when, and by which key.

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_RSASSA_PSS, SHA_1_WITH_RSA_ENCRYPTION,
    SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
};
use x509_cert::der::oid::db::rfc8410::{ID_ED_448, ID_ED_25519};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The names that a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Names {
    /// Alternative names of hosts.
    pub(super) hosts: Vec<String>,
    /// Alternative names that are addresses.
    pub(super) addresses: Vec<IpAddr>,
    /// The subject's common name.
    pub(super) common: Option<String>,
}

/// The names in a certificate; nothing when it cannot be read.
pub(super) fn names(der: &[u8]) -> Option<Names> {
    let certificate = Certificate::from_der(der).ok()?;
    let certificate = certificate.tbs_certificate();
    let common = certificate.subject().common_name().ok().flatten();
    let mut names = Names { common: common.map(String::from), ..Names::default() };
    let alternatives = certificate.get_extension::<SubjectAltName>().ok()?;
    for name in alternatives.map(|(_, names)| names.0).unwrap_or_default() {
        match name {
            GeneralName::DnsName(name) => names.hosts.push(name.as_str().to_owned()),
            GeneralName::IpAddress(bytes) => names.addresses.extend(address(bytes.as_bytes())),
            _ => {}
        }
    }
    Some(names)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

/// Whether a certificate vouches for itself, and does so now.
pub(super) fn vouches_for_itself(der: &[u8], now: UnixTime) -> bool {
    let Ok(certificate) = Certificate::from_der(der) else { return false };
    let certificate = certificate.tbs_certificate();
    let now = Duration::from_secs(now.as_secs());
    let validity = certificate.validity();
    certificate.issuer() == certificate.subject()
        && validity.not_before.to_unix_duration() <= now
        && now <= validity.not_after.to_unix_duration()
}

/// The public key of a certificate.
pub(super) fn public_key(der: &[u8]) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let certificate = Certificate::from_der(der).ok()?;
    let key = certificate.tbs_certificate().subject_public_key_info().to_der().ok()?;
    Some(SubjectPublicKeyInfoDer::from(key))
}

/// `tls-server-end-point` (RFC 5929): the digest of the certificate by the hash of its signature, SHA-256 in place of
/// SHA-1. A signature without a hash of its own has none.
pub(super) fn binding(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let read = Certificate::from_der(certificate).ok()?;
    let signature = read.signature_algorithm();
    if signature.oid == ID_RSASSA_PSS {
        let parameters = signature.parameters.as_ref().map(x509_cert::der::Any::value).unwrap_or_default();
        return digest(hash_of_pss(parameters), certificate);
    }
    digest(signature.oid, certificate)
}

/// The signature with RSA that has the hash of a signature by RSASSA-PSS (RFC 4055: the first of its parameters, SHA-1 where
/// it is left out).
fn hash_of_pss(parameters: &[u8]) -> ObjectIdentifier {
    /// 2.16.840.1.101.3.4.2, behind which the last number tells the hash.
    const HASHES: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let hash = parameters.windows(HASHES.len() + 1).find_map(|bytes| bytes.strip_prefix(&HASHES)?.first().copied());
    match hash {
        Some(1) => SHA_256_WITH_RSA_ENCRYPTION,
        Some(2) => SHA_384_WITH_RSA_ENCRYPTION,
        Some(3) => SHA_512_WITH_RSA_ENCRYPTION,
        _ => SHA_1_WITH_RSA_ENCRYPTION,
    }
}

/// By what a certificate is signed, as people call it.
pub(super) fn signature(certificate: &CertificateDer<'_>) -> Option<String> {
    let signature = Certificate::from_der(certificate).ok()?.signature_algorithm().oid;
    Some(match signature {
        ID_ED_25519 => "Ed25519".to_owned(),
        ID_ED_448 => "Ed448".to_owned(),
        other => format!("the algorithm {other}"),
    })
}

fn digest(signature: ObjectIdentifier, bytes: &[u8]) -> Option<Vec<u8>> {
    match signature {
        SHA_1_WITH_RSA_ENCRYPTION | SHA_256_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_256 => {
            Some(Sha256::digest(bytes).to_vec())
        }
        SHA_384_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_384 => Some(Sha384::digest(bytes).to_vec()),
        SHA_512_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_512 => Some(Sha512::digest(bytes).to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_bound_by_the_hash_of_the_certificate_s_signature() {
        let length = |signature| digest(signature, b"certificate").map(|digest| digest.len());
        assert_eq!(length(SHA_1_WITH_RSA_ENCRYPTION), Some(32));
        assert_eq!(length(ECDSA_WITH_SHA_256), Some(32));
        assert_eq!(length(ECDSA_WITH_SHA_384), Some(48));
        assert_eq!(length(SHA_512_WITH_RSA_ENCRYPTION), Some(64));
        assert_eq!(length(ID_ED_25519), None);
    }

    #[test]
    fn rsassa_pss_names_its_hash_in_its_parameters() {
        let parameters = |last| {
            [&[0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02][..], &[last]]
                .concat()
        };
        assert_eq!(hash_of_pss(&parameters(2)), SHA_384_WITH_RSA_ENCRYPTION);
        assert_eq!(hash_of_pss(&[]), SHA_1_WITH_RSA_ENCRYPTION);
    }

    #[test]
    fn what_is_no_certificate_says_nothing() {
        assert_eq!(names(b"no"), None);
        assert!(!vouches_for_itself(b"no", UnixTime::now()));
        assert!(public_key(b"no").is_none());
        assert_eq!(binding(&CertificateDer::from(b"no".to_vec())), None);
    }
}
