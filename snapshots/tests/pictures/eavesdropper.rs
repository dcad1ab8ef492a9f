//! Stands between the program and a server, and keeps every query that the program sends.
//!
//! Invariant: what is passed on is what came in; the queries of one connection stay in their order.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

type Heard = Arc<Mutex<Vec<Vec<String>>>>;

pub(crate) struct Eavesdropper {
    port: u16,
    heard: Heard,
}

impl Eavesdropper {
    /// Listens in front of the server with this URL.
    pub(crate) fn before(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().expect("a URL");
        let server = config.get_ports().first().copied().expect("a port");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Heard::default();
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                let server = TcpStream::connect(("127.0.0.1", server)).expect("a server");
                let connection = begin(&kept);
                let (back, forth) = (clones(&server, &client), clones(&client, &server));
                std::thread::spawn(move || std::io::copy(&mut &back.0, &mut &back.1));
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || listen(&forth.0, &forth.1, connection, &kept));
            }
        });
        Self { port, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// The queries since the last time, connection after connection.
    pub(crate) fn heard(&self) -> Vec<String> {
        let mut all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().flat_map(std::mem::take).collect()
    }
}

/// Room for the queries of a further connection, and which one it is.
fn begin(heard: &Heard) -> usize {
    let mut all = heard.lock().unwrap_or_else(PoisonError::into_inner);
    all.push(Vec::new());
    all.len() - 1
}

fn clones(one: &TcpStream, other: &TcpStream) -> (TcpStream, TcpStream) {
    (one.try_clone().expect("a socket"), other.try_clone().expect("a socket"))
}

/// Passes on what the program sends, message by message, until it ends.
fn listen(mut client: &TcpStream, mut server: &TcpStream, connection: usize, heard: &Heard) {
    let mut is_first = true;
    loop {
        // The first message has no tag.
        let mut prefix = vec![0; if is_first { 4 } else { 5 }];
        if client.read_exact(&mut prefix).is_err() {
            break;
        }
        let length = u32::from_be_bytes(prefix[prefix.len() - 4..].try_into().expect("four bytes")) as usize;
        let mut body = vec![0; length - 4];
        if client.read_exact(&mut body).is_err() {
            break;
        }
        if !is_first && prefix[0] == b'Q' {
            let sql = String::from_utf8(body.clone()).expect("UTF-8").trim_end_matches('\0').to_owned();
            heard.lock().unwrap_or_else(PoisonError::into_inner)[connection].push(sql);
        }
        is_first = false;
        if server.write_all(&prefix).and_then(|()| server.write_all(&body)).is_err() {
            break;
        }
    }
    let _closed = server.shutdown(std::net::Shutdown::Both);
}
