//! A proxy between a program and a server: it makes the way longer, counts how often the program speaks, and breaks
//! connections where it is told to.
//!
//! A *turn* is a run of bytes from the client after it has heard from the server (or after it connected): what a program
//! sends without waiting for an answer is one turn, however long. Faults are places in PostgreSQL's protocol; without
//! any, bytes pass as they come and nothing is known of the protocol.

// By path: a bench uses this file too, and there these would be looked for beside it.
#[path = "proxy/fault.rs"]
mod fault;
#[path = "proxy/framing.rs"]
mod framing;
#[path = "proxy/line.rs"]
mod line;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

#[allow(unused_imports, reason = "nothing goes wrong in a bench")]
pub(crate) use fault::{Act, At, Break, Connection, Fault, Side};
use fault::{Reader, Script};
use framing::{Framing, fatal};
use line::{Exchange, Line, Told, carry};

/// A listening proxy; it and everything that goes through it ends with this value.
pub(crate) struct Proxy {
    address: SocketAddr,
    route: Arc<Route>,
    release: watch::Sender<bool>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Where the bytes go, how long each way takes, what goes wrong, and what was counted.
struct Route {
    server: AtomicU16,
    delay: Duration,
    script: Arc<Script>,
    released: watch::Receiver<bool>,
    connections: AtomicUsize,
    turns: AtomicU64,
}

impl Proxy {
    /// A proxy in front of a server on this machine, `round_trip` away.
    pub(crate) fn start(server_port: u16, round_trip: Duration) -> Self {
        Self::listen((Ipv4Addr::LOCALHOST, 0).into(), server_port, round_trip, &[])
    }

    /// A proxy right here in which these things go wrong.
    pub(crate) fn with_faults(server_port: u16, faults: &[Fault]) -> Self {
        Self::listen((Ipv4Addr::LOCALHOST, 0).into(), server_port, Duration::ZERO, faults)
    }

    /// The same at an address of the scene's choice.
    pub(crate) fn listen(address: SocketAddr, server_port: u16, round_trip: Duration, faults: &[Fault]) -> Self {
        let (release, released) = watch::channel(false);
        let route = Arc::new(Route {
            server: AtomicU16::new(server_port),
            delay: round_trip / 2,
            script: Arc::new(Script::new(faults)),
            released,
            connections: AtomicUsize::new(0),
            turns: AtomicU64::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let taken = Arc::clone(&route);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind(address).await.expect("a free port");
                tell.send(listener.local_addr().expect("an address")).expect("somebody waits for the address");
                tokio::select! {
                    () = accept(listener, taken) => {}
                    _ = stopped => {}
                }
            });
        });
        let address = told.recv().expect("the proxy listens");
        Self { address, route, release, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of a database through this proxy.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address)
    }

    /// The turns since the last call.
    pub(crate) fn take_turns(&self) -> u64 {
        self.route.turns.swap(0, Ordering::Relaxed)
    }

    /// How often faults have happened.
    pub(crate) fn hits(&self) -> usize {
        self.route.script.hits()
    }

    /// The most messages that this side has sent in one connection, as far as they are looked at for faults.
    pub(crate) fn messages(&self, side: Side) -> usize {
        self.route.script.longest(side).load(Ordering::SeqCst)
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        self.route.connections.load(Ordering::SeqCst)
    }

    /// Lets everything go on that is held, now and later, and tells servers behind a partition that their client is gone.
    pub(crate) fn release(&self) {
        self.release.send_replace(true);
    }

    /// Connections from now on go to another server.
    pub(crate) fn turn_to(&self, server_port: u16) {
        self.route.server.store(server_port, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A proxy that panicked has failed its scene already.
            let _ended = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, route: Arc<Route>) {
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        let number = route.connections.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::spawn(relay(client, number, Arc::clone(&route)));
    }
}

/// Both directions of one connection, and its end. Turns are counted at the client's end of the line: only what was
/// delivered to the client counts as heard.
async fn relay(mut client: TcpStream, number: usize, route: Arc<Route>) {
    let port = route.server.load(Ordering::SeqCst);
    // A server that refuses shows itself to the client as a closed connection.
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("TCP_NODELAY");
    }
    let (heard, exchange) = (AtomicBool::new(true), Exchange::default());
    let spoke = || {
        if heard.swap(false, Ordering::Relaxed) {
            route.turns.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let line = |side| {
        let reader = || (Reader::new(Arc::clone(&route.script), number, side), Framing::new(side));
        let faults = (!route.script.is_empty()).then(reader);
        Line { side, exchange: &exchange, delay: route.delay, faults, released: route.released.clone() }
    };
    let hear = || heard.store(true, Ordering::Relaxed);
    let up = carry(from_client, to_server, line(Side::Client), Told { arrived: spoke, delivered: || {} });
    let down = carry(from_server, to_client, line(Side::Server), Told { arrived: || {}, delivered: hear });
    if let Err(how) = tokio::try_join!(up, down) {
        end(client, server, how, route.released.clone()).await;
    }
}

async fn end(mut client: TcpStream, mut server: TcpStream, how: Break, mut released: watch::Receiver<bool>) {
    match how {
        // Whoever is gone already needs no goodbye.
        Break::Close => {
            let _gone = (client.shutdown().await, server.shutdown().await);
        }
        Break::Told(sqlstate, words) => {
            let _gone = (client.write_all(&fatal(sqlstate, words)).await, client.shutdown().await);
        }
        Break::Reset => {
            let _gone = (client.set_zero_linger(), server.set_zero_linger());
        }
        Break::Partition => {
            let _gone = client.set_zero_linger();
            drop(client);
            let mut unheard = Vec::new();
            tokio::select! {
                _ = server.read_to_end(&mut unheard) => {}
                _ = released.wait_for(|released| *released) => {}
            }
        }
    }
}
