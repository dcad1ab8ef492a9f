//! Certificates for a scene: an authority, and what it signs.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, PKCS_ED25519, RevokedCertParams, SerialNumber, date_time_ymd,
};

use crate::stage::permit;

/// An authority with a key of its own.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its private key, in PEM.
pub(super) struct Certified {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy)]
pub(super) enum Valid {
    Now,
    NoMore,
    NotYet,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = params(name, &[], Valid::Now);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("an authority") }
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate with a common name and alternative names, which may be addresses.
    pub(super) fn certify(&self, common: &str, names: &[&str], valid: Valid) -> Certified {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(common, names, valid);
        params.serial_number = Some(SerialNumber::from(vec![common.len().try_into().expect("a short name")]));
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Certified { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// The list that revokes the certificate of this common name.
    pub(super) fn revoke(&self, common: &str) -> String {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(vec![common.len().try_into().expect("a short name")]),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2120, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).expect("a list").pem().expect("PEM")
    }
}

/// A certificate that nobody else signed.
pub(super) fn self_signed(common: &str, names: &[&str]) -> Certified {
    let key = KeyPair::generate().expect("a key");
    let certificate = params(common, names, Valid::Now).self_signed(&key).expect("a certificate");
    Certified { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// The same, signed by Ed25519.
pub(super) fn self_signed_ed25519(common: &str) -> Certified {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let certificate = params(common, &[common], Valid::Now).self_signed(&key).expect("a certificate");
    Certified { certificate: certificate.pem(), key: key.serialize_pem() }
}

fn params(common: &str, names: &[&str], valid: Valid) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, common);
    (params.not_before, params.not_after) = match valid {
        Valid::Now => (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1)),
        Valid::NoMore => (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 2, 1)),
        Valid::NotYet => (date_time_ymd(2119, 1, 1), date_time_ymd(2120, 1, 1)),
    };
    params
}

/// Writes a file that only its owner may read, and says where.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    permit(&path, 0o600);
    path
}
