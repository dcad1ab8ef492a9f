//! A proxy between a program and a server that makes the way longer and counts how often the program speaks.
//!
//! It knows nothing of the protocol. A *turn* is a run of bytes from the client after it has heard from the server
//! (or after it connected): what a program sends without waiting for an answer is one turn, however long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// A listening proxy; it ends with this value.
pub(crate) struct Proxy {
    address: SocketAddr,
    turns: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of a server on this machine, `round_trip` away.
    pub(crate) fn start(server_port: u16, round_trip: Duration) -> Self {
        let turns = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let counted = Arc::clone(&turns);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                tell.send(listener.local_addr().expect("an address")).expect("somebody waits for the address");
                let route = Route { server: ([127, 0, 0, 1], server_port).into(), delay: round_trip / 2 };
                tokio::select! {
                    () = accept(listener, route, counted) => {}
                    _ = stopped => {}
                }
            });
        });
        let address = told.recv().expect("the proxy listens");
        Self { address, turns, stop: Some(stop), thread: Some(thread) }
    }

    /// The URL of a database through this proxy.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address)
    }

    /// The turns since the last call.
    pub(crate) fn take_turns(&self) -> u64 {
        self.turns.swap(0, Ordering::Relaxed)
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

/// Where the bytes go, and how long each way takes.
#[derive(Clone, Copy)]
struct Route {
    server: SocketAddr,
    delay: Duration,
}

async fn accept(listener: TcpListener, route: Route, turns: Arc<AtomicU64>) {
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        tokio::spawn(relay(client, route, Arc::clone(&turns)));
    }
}

/// Both directions of one connection. Turns are counted at the client's end of the line: only what was delivered to
/// the client counts as heard.
async fn relay(client: TcpStream, route: Route, turns: Arc<AtomicU64>) {
    // A server that refuses shows itself to the client as a closed connection.
    let Ok(server) = TcpStream::connect(route.server).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("TCP_NODELAY");
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let heard = Arc::new(AtomicBool::new(true));
    let hear = Arc::clone(&heard);
    let spoke = move || {
        if heard.swap(false, Ordering::Relaxed) {
            turns.fetch_add(1, Ordering::Relaxed);
        }
    };
    tokio::spawn(line(from_client, to_server, route.delay, Watch { arrived: spoke, delivered: || {} }));
    tokio::spawn(line(
        from_server,
        to_client,
        route.delay,
        Watch { arrived: || {}, delivered: move || hear.store(true, Ordering::Relaxed) },
    ));
}

/// Who is told about every chunk of a direction, at its two ends.
struct Watch<A, D> {
    arrived: A,
    delivered: D,
}

/// One direction as a delay line: every chunk is stamped when it arrives and released `delay` later, in order. Chunks
/// overlap on the way, as on a real network; a sleep per chunk would add up instead.
async fn line<R, W, A, D>(mut from: R, mut to: W, delay: Duration, watch: Watch<A, D>)
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
    A: Fn() + Send + 'static,
    D: Fn() + Send + 'static,
{
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let Watch { arrived, delivered } = watch;
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            arrived();
            if sender.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    while let Some((due, chunk)) = receiver.recv().await {
        // The timer rounds up to a millisecond, which would be a delay where none is asked for.
        if !delay.is_zero() {
            tokio::time::sleep_until(due).await;
        }
        // Before the bytes: whoever reads them may answer at once.
        delivered();
        if to.write_all(&chunk).await.is_err() {
            break;
        }
    }
    // The other end may be gone already; closing is all that is left to pass on.
    let _gone = to.shutdown().await;
}
