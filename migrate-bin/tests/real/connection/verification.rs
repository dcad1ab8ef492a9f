//! Which certificates are believed, and when they are asked for.

use super::authority::{Authority, Certified, Valid, self_signed, write};
use super::lab::{Way, assert_reached, assert_way, lab, pairs, tried};
use super::listener::{Greeting, Listener, Manners};
use crate::stage::{folder, server};

use Way::{Clear, Encrypted, Refused};

fn with_root(mode: &str, root: &str) -> String {
    format!("sslmode={mode} sslrootcert={}", lab().file(root))
}

#[test]
fn a_file_of_authorities_has_certificates_checked_in_every_mode_as_in_libpq() {
    let lab = lab();
    for mode in ["require", "verify-ca", "verify-full"] {
        assert_way(&lab.pairs("either", &with_root(mode, "root.crt")), Encrypted);
        assert_way(&lab.pairs("either", &with_root(mode, "stranger.crt")), Refused(23));
    }
    assert_way(&lab.pairs("either", &with_root("prefer", "root.crt")), Encrypted);
    assert_way(&lab.pairs("either", &with_root("prefer", "stranger.crt")), Clear);
    assert_way(&lab.pairs("encrypted", &with_root("allow", "stranger.crt")), Refused(23));
}

#[test]
fn the_host_s_name_is_checked_by_verify_full_only() {
    let lab = lab();
    assert_way(&lab.pairs_for("other.example", "either", &with_root("verify-ca", "root.crt")), Encrypted);
    assert_way(&lab.pairs_for("other.example", "either", &with_root("verify-full", "root.crt")), Refused(23));
    let ended = tried(&lab.pairs_for("other.example", "either", &with_root("verify-full", "root.crt")), &[]);
    assert!(ended.stderr.contains("is for db.example, not for other.example"), "{}", ended.stderr);
    let nameless = format!("hostaddr=127.0.0.1 port={} user=either dbname=postgres", lab.server.port());
    assert_way(&format!("{nameless} {}", with_root("verify-full", "root.crt")), Refused(23));
    assert_way(&format!("{nameless} {}", with_root("verify-ca", "root.crt")), Encrypted);
}

#[test]
fn verify_ca_without_authorities_is_refused_and_says_what_to_do() {
    let ended = tried(&lab().pairs("either", "sslmode=verify-ca"), &[]);
    assert_eq!(ended.code, 23);
    assert!(ended.stderr.contains("`sslrootcert`"), "{}", ended.stderr);
}

#[test]
fn a_named_file_that_is_absent_or_holds_no_certificate_is_refused_before_anything_is_sent() {
    let lab = lab();
    let garbage = write(lab.server.folder(), "garbage.crt", "no certificate\n");
    for parameter in ["sslrootcert", "sslcert", "sslcrl"] {
        for path in ["/nonexistent/file".to_owned(), garbage.display().to_string()] {
            let more = format!("sslmode=verify-full sslrootcert={} {parameter}={path}", lab.file("root.crt"));
            let ended = tried(&lab.pairs("either", &more), &[]);
            assert_eq!(ended.code, 20, "{more}: {}", ended.stderr);
            assert!(ended.stderr.contains(&path), "{}", ended.stderr);
        }
    }
}

#[test]
fn the_home_folder_s_root_crt_is_used_when_no_other_is_named() {
    let lab = lab();
    let home =
        folder(&[(".postgresql/root.crt", &lab.authority.pem()), ("other/.postgresql/root.crt", &lab.stranger.pem())]);
    let (own, other) = (home.path().display().to_string(), home.path().join("other").display().to_string());
    for (mode, home, code) in [
        ("verify-ca", &own, 0),
        ("verify-full", &own, 0),
        ("require", &own, 0),
        ("verify-ca", &other, 23),
        ("require", &other, 23),
    ] {
        let ended = tried(&lab.pairs("either", &format!("sslmode={mode}")), &[("HOME", home)]);
        assert_eq!(ended.code, code, "{mode} {home}: {}", ended.stderr);
    }
}

#[test]
fn the_system_s_authorities_are_those_of_ssl_cert_file_and_ssl_cert_dir_where_these_are_set() {
    let lab = lab();
    let root = lab.file("root.crt");
    let authorities = folder(&[("one.pem", &lab.authority.pem())]);
    let folder = authorities.path().display().to_string();
    for (more, variables, code) in [
        ("sslrootcert=system", &[("SSL_CERT_FILE", root.as_str())][..], 0),
        ("sslrootcert=system sslmode=verify-full", &[("SSL_CERT_DIR", &folder)], 0),
        ("sslmode=verify-full", &[("SSL_CERT_FILE", &root)], 0),
        ("sslrootcert=system", &[], 23),
        ("sslrootcert=system", &[("SSL_CERT_FILE", "/nonexistent/file")], 20),
        ("sslrootcert=system sslmode=require", &[("SSL_CERT_FILE", &root)], 20),
    ] {
        let ended = tried(&lab.pairs("either", more), variables);
        assert_eq!(ended.code, code, "{more} {variables:?}: {}", ended.stderr);
    }
    let more = with_root("verify-full", "stranger.crt");
    let ended = tried(&lab.pairs("either", &more), &[("SSL_CERT_FILE", &root)]);
    assert_eq!(ended.code, 23, "a named file takes the place of the system's: {}", ended.stderr);
}

/// Whether a certificate of the scene's own making is believed by verify-full, for this host.
fn assert_believed(authority: &Authority, certified: &Certified, host: &str, expected: Result<(), i32>) {
    let root = folder(&[("root.crt", &authority.pem())]);
    let listener = Listener::start(certified, Manners::plain(server().port()));
    let more = format!("user=postgres sslmode=verify-full sslrootcert={}", root.path().join("root.crt").display());
    assert_reached(&pairs(host, listener.port, &more), expected);
}

#[test]
fn certificates_are_believed_as_libpq_believes_them() {
    let authority = Authority::new("scene authority");
    for (common, names, valid, host, expected) in [
        ("x", &["db.example"][..], Valid::Now, "db.example", Ok(())),
        ("x", &["*.example"], Valid::Now, "db.example", Ok(())),
        ("x", &["*.example"], Valid::Now, "a.db.example", Err(23)),
        ("x", &["127.0.0.1"], Valid::Now, "127.0.0.1", Ok(())),
        ("x", &["db.example"], Valid::Now, "127.0.0.1", Err(23)),
        ("db.example", &[], Valid::Now, "db.example", Ok(())),
        ("db.example", &["other.example"], Valid::Now, "db.example", Err(23)),
        ("x", &["db.example"], Valid::NoMore, "db.example", Err(23)),
        ("x", &["db.example"], Valid::NotYet, "db.example", Err(23)),
    ] {
        assert_believed(&authority, &authority.certify(common, names, valid), host, expected);
    }
    let stranger = Authority::new("scene authority");
    assert_believed(&authority, &stranger.certify("x", &["db.example"], Valid::Now), "db.example", Err(23));
}

#[test]
fn a_certificate_that_signs_itself_is_believed_when_it_is_the_one_that_is_named() {
    let (own, other) = (self_signed("db.example", &["db.example"]), self_signed("db.example", &["db.example"]));
    let files = folder(&[("own.crt", &own.certificate), ("other.crt", &other.certificate)]);
    let listener = Listener::start(&own, Manners::plain(server().port()));
    for (file, expected) in [("own.crt", Ok(())), ("other.crt", Err(23))] {
        let root = files.path().join(file);
        let more = format!("user=postgres sslmode=verify-full sslrootcert={}", root.display());
        assert_reached(&pairs("db.example", listener.port, &more), expected);
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_in_words() {
    let authority = Authority::new("scene authority");
    let files = folder(&[("root.crt", &authority.pem()), ("revoked.crl", &authority.revoke("revoked"))]);
    let path = |name: &str| files.path().join(name).display().to_string();
    let stranger = Authority::new("stranger");
    for (certified, more, words) in [
        (authority.certify("x", &["db.example"], Valid::NoMore), String::new(), "has expired"),
        (authority.certify("x", &["db.example"], Valid::NotYet), String::new(), "is not valid yet"),
        (stranger.certify("x", &["db.example"], Valid::Now), String::new(), "signed by nobody who is trusted here"),
        (
            authority.certify("revoked", &["db.example"], Valid::Now),
            format!("sslcrl={}", path("revoked.crl")),
            "is revoked",
        ),
    ] {
        let listener = Listener::start(&certified, Manners::plain(server().port()));
        let more = format!("user=postgres sslmode=verify-full sslrootcert={} {more}", path("root.crt"));
        let ended = tried(&pairs("db.example", listener.port, &more), &[]);
        assert_eq!(ended.code, 23, "{words}: {}", ended.stderr);
        assert!(ended.stderr.contains(words) && ended.stderr.contains("nothing was changed"), "{}", ended.stderr);
        assert_eq!(listener.greetings(), [], "{words}: the login went on");
    }
    let good = authority.certify("x", &["db.example"], Valid::Now);
    let listener = Listener::start(&good, Manners::plain(server().port()));
    let more =
        format!("user=postgres sslmode=verify-full sslrootcert={} sslcrl={}", path("root.crt"), path("revoked.crl"));
    assert_reached(&pairs("db.example", listener.port, &more), Ok(()));
}

/// A certificate of X.509 version 1, as `openssl x509 -req` made them for decades, and its key: for tests only.
const VERSION_1: (&str, &str) = (include_str!("version1.crt"), include_str!("version1.key"));

#[test]
fn a_certificate_of_version_1_will_do_where_none_is_checked() {
    let certified = Certified { certificate: VERSION_1.0.to_owned(), key: VERSION_1.1.to_owned() };
    let listener = Listener::start(&certified, Manners::plain(server().port()));
    for version in ["TLSv1.2", "TLSv1.3"] {
        let bounds = format!("ssl_min_protocol_version={version} ssl_max_protocol_version={version}");
        assert_reached(&pairs("db.example", listener.port, &format!("user=postgres sslmode=require {bounds}")), Ok(()));
    }
    assert!(listener.greetings().len() >= 2, "both versions got through");
}

#[test]
fn a_host_s_name_is_sent_and_an_address_is_not() {
    let certified = self_signed("x", &["db.example"]);
    let listener = Listener::start(&certified, Manners { knows_protocol: false, ..Manners::plain(server().port()) });
    for (host, more, name) in [
        ("db.example", "", Some("db.example")),
        ("DB.example", "", Some("db.example")),
        ("db_1.example", "", Some("db_1.example")),
        ("127.0.0.1", "", None),
        ("db.example", "sslsni=0", None),
    ] {
        let before = listener.greetings().len();
        let ended = tried(&pairs(host, listener.port, &format!("user=postgres sslmode=require {more}")), &[]);
        assert_eq!(ended.code, 0, "{host}: {}", ended.stderr);
        let greeting = Greeting { direct: false, name: name.map(str::to_owned), protocol: None };
        assert_eq!(listener.greetings()[before..], [greeting], "{host} {more}");
    }
}

#[test]
fn tls_from_the_first_byte_needs_the_protocol_s_name_and_a_mode_that_insists() {
    let certified = self_signed("x", &["db.example"]);
    let listener = Listener::start(&certified, Manners::plain(server().port()));
    let direct = "user=postgres sslmode=require sslnegotiation=direct";
    let ended = tried(&pairs("db.example", listener.port, direct), &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (name, protocol) = (Some("db.example".to_owned()), Some("postgresql".to_owned()));
    assert_eq!(listener.greetings(), [Greeting { direct: true, name, protocol }]);

    let without = Listener::start(&certified, Manners { knows_protocol: false, ..Manners::plain(server().port()) });
    let ended = tried(&pairs("db.example", without.port, direct), &[]);
    assert!(ended.code == 23 && ended.stderr.contains("ALPN"), "{}", ended.stderr);
    let weak = "user=postgres sslmode=prefer sslnegotiation=direct";
    assert_eq!(tried(&pairs("db.example", listener.port, weak), &[]).code, 20);
    // A server that knows nothing of it takes the handshake for a broken packet, and hangs up.
    assert_eq!(tried(&lab().pairs("either", direct.trim_start_matches("user=postgres ")), &[]).code, 40);
}

#[test]
fn what_stands_in_the_clear_behind_the_answer_to_the_question_for_tls_is_never_believed() {
    let certified = self_signed("x", &["db.example"]);
    // An ErrorResponse and a ReadyForQuery, as a stranger may put them there.
    let manners = Manners { stuffing: b"Z\0\0\0\x05I", ..Manners::plain(server().port()) };
    let listener = Listener::start(&certified, manners);
    let ended = tried(&pairs("db.example", listener.port, "user=postgres sslmode=require"), &[]);
    assert_eq!(ended.code, 23, "{}", ended.stderr);
    assert_eq!(listener.greetings(), []);
}
