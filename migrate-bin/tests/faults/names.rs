//! A name server of a scene's own, and programs that ask no other.
//!
//! It answers on a loopback address, and the program runs in a mount namespace in which `/etc/resolv.conf` names that.
//! Invariant: nothing outside of the namespace is changed.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::stage::{folder, migrate_command, skipped_without};

/// What is said of every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Answer {
    /// There is no such name.
    NoSuchName,
    /// The name server is in trouble.
    Failure,
    /// It is this machine.
    Here,
    /// It has an IPv6 address that no route leads to, and no other.
    OnlySix,
}

const ANSWERS: [Answer; 4] = [Answer::NoSuchName, Answer::Failure, Answer::Here, Answer::OnlySix];

/// A name server; it ends with this value.
pub(crate) struct Names {
    answer: Arc<AtomicU8>,
    settings: tempfile::TempDir,
}

impl Names {
    /// `None` after saying that the scene is skipped, where this process may not do what it takes.
    pub(crate) fn start(scene: &str, answer: Answer) -> Option<Self> {
        let (socket, address) = bind(scene)?;
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
        let settings = folder(&[("resolv.conf", &format!("nameserver {address}\noptions timeout:1 attempts:1\n"))]);
        let answer = Arc::new(AtomicU8::new(answer as u8));
        let shared = Arc::downgrade(&answer);
        std::thread::spawn(move || serve(&socket, &shared));
        Some(Self { answer, settings })
    }

    /// What is said from now on.
    pub(crate) fn answer(&self, answer: Answer) {
        self.answer.store(answer as u8, Ordering::SeqCst);
    }

    /// The file of settings that names this server.
    #[allow(dead_code, reason = "what the empty root of tests/release is given")]
    pub(crate) fn settings(&self) -> std::path::PathBuf {
        self.settings.path().join("resolv.conf")
    }

    /// The built program, which asks this server alone.
    pub(crate) fn migrate(&self, arguments: &[&str]) -> Command {
        let program = migrate_command(arguments);
        let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(self.settings.path().join("resolv.conf"));
        command.arg(program.get_program()).args(program.get_args()).stdin(std::process::Stdio::null());
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }
}

/// Answers until nobody can say any more what is to be answered.
fn serve(socket: &UdpSocket, shared: &Weak<AtomicU8>) {
    let mut bytes = [0; 512];
    while let Some(answer) = shared.upgrade().map(|answer| ANSWERS[usize::from(answer.load(Ordering::SeqCst))]) {
        if let Ok((length, client)) = socket.recv_from(&mut bytes) {
            // Who asked may not wait for it any more.
            let _sent = socket.send_to(&reply(&bytes[..length], answer), client);
        }
    }
}

/// The port of name servers on a loopback address that nobody has yet.
fn bind(scene: &str) -> Option<(UdpSocket, Ipv4Addr)> {
    let may = Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    let mut addresses = (1..255).map(|last| Ipv4Addr::new(127, 53, 0, last));
    let found = addresses.find_map(|address| Some((UdpSocket::bind((address, 53)).ok()?, address))).filter(|_| may);
    skipped_without(
        found.is_some().then(std::path::PathBuf::new),
        scene,
        "MIGRATE_REQUIRE_NAMESPACES",
        "the right to make a mount namespace and to listen on port 53",
    )?;
    found
}

/// The answer to a question for one name.
fn reply(question: &[u8], answer: Answer) -> Vec<u8> {
    let asks_for_six = question.len() > 4 && question[12..].windows(4).any(|window| window == [0, 28, 0, 1]);
    let (code, address): (u8, Option<Vec<u8>>) = match (answer, asks_for_six) {
        (Answer::NoSuchName, _) => (3, None),
        (Answer::Failure, _) => (2, None),
        (Answer::Here, false) => (0, Some(vec![127, 0, 0, 1])),
        // An address of a group: wherever this runs, no connection to it has a route.
        (Answer::OnlySix, true) => (0, Some(vec![0xff, 0x0e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
        (Answer::Here, true) | (Answer::OnlySix, false) => (0, None),
    };
    // An additional record of the question's is not repeated.
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).map_or(0, |end| end + 5);
    let mut bytes = question[..end.min(question.len())].to_vec();
    bytes[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    bytes[4..12].copy_from_slice(&[0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    if let Some(address) = address {
        // The name is the one at the twelfth byte; class IN, no time to live.
        bytes.extend([0xc0, 12, 0, if asks_for_six { 28 } else { 1 }, 0, 1, 0, 0, 0, 0, 0]);
        bytes.push(u8::try_from(address.len()).expect("four or sixteen bytes"));
        bytes.extend(address);
    }
    bytes
}
