//! A listener that ends TLS in front of a server, with a certificate of the scene's making, and remembers how it was
//! greeted. It is what a provider's proxy is, or a stranger in the middle.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::authority::Certified;
use super::lab::HOST;

/// The question for TLS: its length, and the number that stands where the protocol's version would.
pub(super) const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What a client said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    /// Whether TLS began with the first byte.
    pub(super) direct: bool,
    /// The name that was asked for.
    pub(super) name: Option<String>,
    /// The protocol that was agreed on.
    pub(super) protocol: Option<String>,
}

/// How the listener behaves.
#[derive(Clone)]
pub(super) struct Manners {
    /// The port of the server behind it.
    pub(super) server: u16,
    /// The authority of the server behind it, when TLS is spoken with that as well.
    pub(super) onwards: Option<String>,
    /// Whether it knows the protocol `postgresql`.
    pub(super) knows_protocol: bool,
    /// What it sends behind its answer to the question for TLS, in the clear.
    pub(super) stuffing: &'static [u8],
    /// Whether it hangs up behind that answer. Clients who do not ask are passed on.
    pub(super) hangs_up: bool,
}

impl Manners {
    pub(super) fn plain(server: u16) -> Self {
        Self { server, onwards: None, knows_protocol: true, stuffing: b"", hangs_up: false }
    }
}

/// A listener; it ends with this value.
pub(super) struct Listener {
    pub(super) port: u16,
    greetings: Arc<Mutex<Vec<Greeting>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(certified: &Certified, manners: Manners) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let greetings = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&greetings);
        let config = config(certified, &manners);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                tell.send(listener.local_addr().expect("an address").port()).expect("somebody waits for the port");
                tokio::select! {
                    () = accept(listener, TlsAcceptor::from(config), manners, heard) => {}
                    _ = stopped => {}
                }
            });
        });
        let port = told.recv().expect("the listener listens");
        Self { port, greetings, stop: Some(stop), thread: Some(thread) }
    }

    /// Everybody who got through the handshake, in order.
    pub(super) fn greetings(&self) -> Vec<Greeting> {
        self.greetings.lock().expect("no panic in the listener").clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A listener that panicked has failed its scene already.
            let _ended = thread.join();
        }
    }
}

fn config(certified: &Certified, manners: &Manners) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(certified.certificate.as_bytes()).map(|it| it.expect("PEM")).collect();
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).expect("PEM");
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    // Nothing is asked of the certificate here: that is what the client is to do.
    let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("a key");
    let certified = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(certified));
    if manners.knows_protocol {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Arc::new(config)
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, manners: Manners, heard: Arc<Mutex<Vec<Greeting>>>) {
    loop {
        let (client, _) = listener.accept().await.expect("a connection");
        tokio::spawn(serve(client, tls.clone(), manners.clone(), Arc::clone(&heard)));
    }
}

/// One client; whatever goes wrong ends the connection, which is all that a client is to see.
async fn serve(
    mut client: TcpStream,
    tls: TlsAcceptor,
    manners: Manners,
    heard: Arc<Mutex<Vec<Greeting>>>,
) -> Option<()> {
    let mut first = [0; 1];
    client.peek(&mut first).await.ok()?;
    // A TLS record of a handshake begins with 22, everything else with a length.
    let direct = first[0] == 22;
    if !direct {
        let mut question = [0; 8];
        client.read_exact(&mut question).await.ok()?;
        if question != ASK_FOR_TLS {
            let mut server = TcpStream::connect(("127.0.0.1", manners.server)).await.ok()?;
            server.write_all(&question).await.ok()?;
            return relay(&mut client, &mut server).await;
        }
        client.write_all(&[b"S", manners.stuffing].concat()).await.ok()?;
        (!manners.hangs_up).then_some(())?;
    }
    let mut encrypted = tls.accept(client).await.ok()?;
    let (_, session) = encrypted.get_ref();
    let protocol = session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned());
    let greeting = Greeting { direct, name: session.server_name().map(str::to_owned), protocol };
    heard.lock().expect("no panic elsewhere").push(greeting);
    let mut server = TcpStream::connect(("127.0.0.1", manners.server)).await.ok()?;
    match &manners.onwards {
        None => relay(&mut encrypted, &mut server).await,
        Some(authority) => relay(&mut encrypted, &mut onwards(server, authority).await?).await,
    }
}

async fn relay<C, S>(client: &mut C, server: &mut S) -> Option<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    copy_bidirectional(client, server).await.ok().map(|_| ())
}

/// TLS with the server behind.
async fn onwards(mut server: TcpStream, authority: &str) -> Option<tokio_rustls::client::TlsStream<TcpStream>> {
    server.write_all(&ASK_FOR_TLS).await.ok()?;
    (server.read_u8().await.ok()? == b'S').then_some(())?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).ok()?).ok()?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(HOST).ok()?, server).await.ok()
}
