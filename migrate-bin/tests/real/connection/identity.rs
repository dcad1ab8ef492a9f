//! Logging in: with certificates, with passwords, and with passwords that are bound to the channel.

use super::authority::{Certified, Valid, self_signed_ed25519, write};
use super::lab::{HOST, PASSWORD, Way, assert_way, lab, pairs, tried};
use super::listener::{Listener, Manners};
use crate::stage::{folder, permit};

use Way::{Encrypted, Refused};

/// A certificate in files of its own; the parameters that name them.
fn shown(folder: &std::path::Path, certified: &Certified) -> String {
    let certificate = write(folder, "client.crt", &certified.certificate);
    let key = write(folder, "client.key", &certified.key);
    format!("sslcert={} sslkey={}", certificate.display(), key.display())
}

#[test]
fn a_server_that_asks_for_a_certificate_is_shown_the_one_that_is_named() {
    let lab = lab();
    let files = folder(&[]);
    let named = shown(files.path(), &lab.authority.certify("certified", &[], Valid::Now));
    assert_way(&lab.pairs("certified", &format!("sslmode=require {named}")), Encrypted);
    assert_way(&lab.pairs("certified", "sslmode=require"), Refused(21));
    let require = format!("sslmode=require sslcertmode=require {named}");
    assert_eq!(tried(&lab.pairs("certified", &require), &[]).code, 0);
    let disable = format!("sslmode=require sslcertmode=disable {named}");
    assert_eq!(tried(&lab.pairs("certified", &disable), &[]).code, 21);
    let nothing = tried(&lab.pairs("either", "sslmode=require sslcertmode=require"), &[]);
    assert_eq!(nothing.code, 23, "{}", nothing.stderr);
    let elsewhere = folder(&[]);
    let strange = shown(elsewhere.path(), &lab.stranger.certify("certified", &[], Valid::Now));
    assert_way(&lab.pairs("certified", &format!("sslmode=require {strange}")), Refused(23));
}

#[test]
fn the_home_folder_s_certificate_is_shown_when_no_other_is_named() {
    let lab = lab();
    let certified = lab.authority.certify("certified", &[], Valid::Now);
    let home = folder(&[(".postgresql/postgresql.crt", &certified.certificate)]);
    let path = home.path().display().to_string();
    let url = lab.pairs("certified", "sslmode=require");
    let without_key = tried(&url, &[("HOME", &path)]);
    assert_eq!(without_key.code, 20, "{}", without_key.stderr);
    write(&home.path().join(".postgresql"), "postgresql.key", &certified.key);
    assert_eq!(tried(&url, &[("HOME", &path)]).code, 0);
}

#[test]
fn a_key_that_others_may_read_that_is_encrypted_or_another_s_is_refused() {
    let lab = lab();
    let files = folder(&[]);
    let url = format!("sslmode=require {}", shown(files.path(), &lab.authority.certify("certified", &[], Valid::Now)));
    let url = lab.pairs("certified", &url);
    let key = files.path().join("client.key");
    permit(&key, 0o644);
    assert_way(&url, Refused(20));
    assert!(tried(&url, &[]).stderr.contains("has group or world access"));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let other = lab.authority.certify("certified", &[], Valid::Now);
    for (text, words) in [(encrypted, "encrypted"), (&other.key, "client.key"), ("", "no private key in PEM")] {
        write(files.path(), "client.key", text);
        let ended = tried(&url, &[]);
        assert!(ended.code == 20 && ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[test]
fn a_server_that_does_not_ask_fails_sslcertmode_require() {
    let lab = lab();
    let files = folder(&[]);
    let certified = lab.authority.certify("certified", &[], Valid::Now);
    let named = shown(files.path(), &certified);
    let listener = Listener::start(&certified, Manners::plain(lab.server.port()));
    let more = format!("user=either sslmode=require sslcertmode=require {named}");
    let ended = tried(&pairs(HOST, listener.port, &more), &[]);
    assert!(ended.code == 23 && ended.stderr.contains("sslcertmode=require"), "{}", ended.stderr);
}

#[test]
fn a_provider_s_url_with_channel_binding_is_taken_verbatim() {
    let lab = lab();
    let tail = "sslmode=require&channel_binding=require";
    let url = format!("postgresql://secret:{PASSWORD}@127.0.0.1:{}/postgres?{tail}", lab.server.port());
    assert_way(&url, Encrypted);
}

#[test]
fn a_login_that_cannot_be_bound_fails_channel_binding_require() {
    let lab = lab();
    let password = format!("password={PASSWORD}");
    for (role, more) in [
        ("either", "sslmode=require channel_binding=require".to_owned()),
        ("secret", format!("sslmode=disable channel_binding=require {password}")),
    ] {
        assert_way(&lab.pairs(role, &more), Refused(23));
    }
    for binding in ["prefer", "disable"] {
        assert_way(&lab.pairs("secret", &format!("sslmode=require channel_binding={binding} {password}")), Encrypted);
    }
}

/// RFC 5929 takes the hash of the certificate's signature, and Ed25519 has none of its own.
#[test]
fn a_certificate_that_no_login_can_be_bound_to_is_named() {
    let lab = lab();
    let listener = Listener::start(&self_signed_ed25519(HOST), Manners::plain(lab.server.port()));
    let secret = format!("user=secret password={PASSWORD} sslmode=require");
    let ended = tried(&pairs(HOST, listener.port, &format!("{secret} channel_binding=require")), &[]);
    assert_eq!(ended.code, 23, "{}", ended.stderr);
    assert!(ended.stderr.contains("is signed by Ed25519, for which no channel binding exists"), "{}", ended.stderr);
    let ended = tried(&pairs(HOST, listener.port, &format!("{secret} channel_binding=prefer")), &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_stranger_in_the_middle_cannot_pass_a_bound_login_on() {
    let lab = lab();
    let certified = lab.stranger.certify("x", &[HOST], Valid::Now);
    let secret = format!("user=secret password={PASSWORD} sslmode=require");
    // One who speaks TLS with the server as well: the server sees that the channel is another one.
    let onwards = Manners { onwards: Some(lab.authority.pem()), ..Manners::plain(lab.server.port()) };
    let listener = Listener::start(&certified, onwards);
    for binding in ["require", "prefer"] {
        let ended = tried(&pairs(HOST, listener.port, &format!("{secret} channel_binding={binding}")), &[]);
        assert_eq!(ended.code, 23, "{binding}: {}", ended.stderr);
        assert!(ended.stderr.contains("channel binding"), "{}", ended.stderr);
    }
    // One who does not: the server offers no bound login, and only `require` minds.
    let listener = Listener::start(&certified, Manners::plain(lab.server.port()));
    for (binding, code) in [("require", 23), ("prefer", 0)] {
        let ended = tried(&pairs(HOST, listener.port, &format!("{secret} channel_binding={binding}")), &[]);
        assert_eq!(ended.code, code, "{binding}: {}", ended.stderr);
    }
}

#[test]
fn a_wrong_password_is_asked_about_once() {
    let lab = lab();
    let url = lab.pairs("secret", "password=wrong sslmode=require application_name=wrong_once");
    let mut command = crate::stage::migrate_command(&["version", "--connect-wait", "60s", "--database-url", &url]);
    let started = std::time::Instant::now();
    let ended = crate::stage::Ended::from(command.output().expect("migrate starts"));
    assert_eq!(ended.code, 21, "{}", ended.stderr);
    assert!(!ended.stderr.contains("trying again"), "{}", ended.stderr);
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}
