//! A proxy that keeps every byte a client sends.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A listening recorder; its threads end with their connections, and with the process.
pub(super) struct Recorder {
    pub(super) port: u16,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    /// In front of a server on this machine.
    pub(super) fn start(server: u16) -> Self {
        Self::start_on(0, server)
    }

    /// The same on a port of the scene's choice.
    pub(super) fn start_on(port: u16, server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                serve(client, server, &kept);
            }
        });
        Self { port, sent }
    }

    /// What clients sent so far.
    pub(super) fn sent(&self) -> Vec<u8> {
        self.sent.lock().expect("no panic in the recorder").clone()
    }

    /// Whether these bytes are anywhere in it.
    pub(super) fn holds(&self, bytes: &str) -> bool {
        self.sent().windows(bytes.len()).any(|window| window == bytes.as_bytes())
    }
}

/// Both directions of one client. A server that is not there shows itself as a closed connection.
fn serve(client: TcpStream, server: u16, kept: &Arc<Mutex<Vec<u8>>>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    let (from, to) = (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
    let kept = Arc::clone(kept);
    std::thread::spawn(move || pass(client, server, |bytes| kept.lock().expect("a lock").extend(bytes)));
    std::thread::spawn(move || pass(from, to, |_| {}));
}

fn pass(mut from: TcpStream, mut to: TcpStream, keep: impl Fn(&[u8])) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other end may be gone already; closing is all that is left to pass on.
    let _gone = to.shutdown(std::net::Shutdown::Write);
}
