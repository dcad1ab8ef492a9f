//! Nothing that is to be encrypted is ever sent in the clear.

use super::lab::{PASSWORD, lab, tried};
use super::listener::ASK_FOR_TLS;
use super::recorder::Recorder;
use crate::stage::server;

#[test]
fn a_server_without_tls_hears_one_question_and_nothing_else() {
    let lab = lab();
    let root = lab.file("root.crt");
    let modes =
        ["require".to_owned(), format!("verify-ca&sslrootcert={root}"), format!("verify-full&sslrootcert={root}")];
    for mode in modes {
        let recorder = Recorder::start(server().port());
        let url = format!("postgres://me_myself:{PASSWORD}@127.0.0.1:{}/postgres?sslmode={mode}", recorder.port);
        let ended = tried(&url, &[]);
        assert_eq!(ended.code, 23, "{mode}: {}", ended.stderr);
        assert!(ended.stderr.contains("offers no TLS") && !ended.stderr.contains(PASSWORD), "{}", ended.stderr);
        assert_eq!(recorder.sent(), ASK_FOR_TLS, "{mode}");
    }
}

#[test]
fn with_tls_neither_password_nor_user_can_be_read_on_the_way() {
    for mode in ["prefer", "require"] {
        let recorder = Recorder::start(lab().server.port());
        let url = format!("postgres://secret:{PASSWORD}@127.0.0.1:{}/postgres?sslmode={mode}", recorder.port);
        assert_eq!(tried(&url, &[]).code, 0, "{mode}");
        assert!(!recorder.holds("secret") && !recorder.holds(PASSWORD), "{mode}");
        assert!(recorder.sent().starts_with(&ASK_FOR_TLS), "{mode}");
    }
}

#[test]
fn nothing_is_sent_at_the_start_but_what_poolers_take() {
    let recorder = Recorder::start(server().port());
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", recorder.port);
    assert_eq!(tried(&url, &[]).code, 0);
    let sent = recorder.sent();
    let length = u32::from_be_bytes(sent[..4].try_into().expect("four bytes")) as usize;
    let words: Vec<String> =
        sent[8..length].split(|byte| *byte == 0).map(|it| String::from_utf8_lossy(it).into()).collect();
    let names: Vec<&str> = words.iter().step_by(2).map(String::as_str).filter(|name| !name.is_empty()).collect();
    assert_eq!(names, ["client_encoding", "user", "database", "application_name"]);
}
