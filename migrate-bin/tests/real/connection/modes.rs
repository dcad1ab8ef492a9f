//! The six modes of `sslmode`, against servers that have TLS, want it, or refuse it.

use super::authority::self_signed;
use super::lab::{Way, assert_way, lab, pairs, tried};
use super::listener::{Listener, Manners};
use crate::stage::server;

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

fn assert_modes(role: &str, expected: [Way; 6]) {
    let lab = lab();
    for (mode, expected) in MODES.into_iter().zip(expected) {
        assert_way(&lab.pairs(role, &format!("sslmode={mode} {}", root_for(mode))), expected);
    }
}

/// Only the two strictest modes know whom to believe: a file of authorities has every mode check certificates.
fn root_for(mode: &str) -> String {
    if mode.starts_with("verify") { format!("sslrootcert={}", lab().file("root.crt")) } else { String::new() }
}

use Way::{Clear, Encrypted, Refused};

#[test]
fn a_server_that_takes_either_gets_what_the_mode_likes() {
    assert_modes("either", [Clear, Clear, Encrypted, Encrypted, Encrypted, Encrypted]);
}

#[test]
fn a_role_that_needs_tls_is_let_in_by_every_mode_but_disable() {
    assert_modes("encrypted", [Refused(23), Encrypted, Encrypted, Encrypted, Encrypted, Encrypted]);
}

#[test]
fn a_role_that_is_refused_with_tls_is_let_in_without_by_the_weak_modes_only() {
    assert_modes("clear", [Clear, Clear, Clear, Refused(21), Refused(21), Refused(21)]);
}

#[test]
fn a_server_without_tls_is_used_by_the_weak_modes_only() {
    lab();
    for (mode, expected) in MODES.into_iter().zip([Clear, Clear, Clear, Refused(23), Refused(23), Refused(23)]) {
        let more = format!("user=postgres sslmode={mode} {}", root_for(mode));
        assert_way(&pairs("db.example", server().port(), &more), expected);
    }
}

#[test]
fn a_handshake_that_breaks_off_is_gone_around_by_prefer_only() {
    let certified = self_signed("x", &["db.example"]);
    let listener = Listener::start(&certified, Manners { hangs_up: true, ..Manners::plain(server().port()) });
    for (mode, expected) in [("prefer", Clear), ("require", Refused(40))] {
        assert_way(&pairs("db.example", listener.port, &format!("user=postgres sslmode={mode}")), expected);
    }
    assert_eq!(listener.greetings(), []);
}

#[test]
fn without_a_word_tls_is_preferred() {
    assert_way(&lab().pairs("either", ""), Encrypted);
    assert_way(&pairs("db.example", server().port(), "user=postgres"), Clear);
}

#[test]
fn a_refused_login_says_when_tls_may_be_what_is_missing() {
    let ended = tried(&lab().pairs("encrypted", "sslmode=disable"), &[]);
    assert!(ended.code == 23 && ended.stderr.contains("set `sslmode=require`"), "{}", ended.stderr);
    // Nobody is let in by this name either way: a server without TLS has nothing else to offer, one with it might.
    let never =
        |port: u16, mode: &str| tried(&pairs("db.example", port, &format!("user=nobody_here {mode}")), &[]).code;
    assert_eq!(never(lab().server.port(), ""), 21);
    assert_eq!(never(lab().server.port(), "sslmode=require"), 21);
    assert_eq!(never(server().port(), "sslmode=disable"), 21);
}

#[test]
fn the_versions_of_tls_can_be_narrowed() {
    let lab = lab();
    for (bound, version) in [
        ("ssl_max_protocol_version=TLSv1.2", "TLS 1.2"),
        ("ssl_min_protocol_version=TLSv1.3", "TLS 1.3"),
        ("ssl_min_protocol_version=TLSv1", "TLS 1.3"),
    ] {
        let ended = tried(&lab.pairs("either", &format!("sslmode=require {bound}")), &[]);
        assert!(ended.code == 0 && ended.stderr.contains(version), "{bound}: {}", ended.stderr);
    }
}
