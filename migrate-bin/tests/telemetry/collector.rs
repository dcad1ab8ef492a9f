//! A collector: takes OTLP over HTTP, and keeps every span.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::authority::Certified;
use crate::protobuf::Message;

/// A span as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for one without a parent.
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: BTreeMap<String, Value>,
    pub(crate) events: Vec<String>,
    /// 0 unset, 1 ok, 2 error.
    pub(crate) status: u64,
    pub(crate) service: Value,
}

/// One that answers each request with a status.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    received: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    /// The requests as they came, heads and bodies.
    raw: Vec<u8>,
}

impl Collector {
    pub(crate) fn answering(status: &'static str) -> Self {
        Self::start("http", move |connection, keeps| serve(connection, status, keeps))
    }

    /// One that speaks TLS first, with this certificate and its key.
    pub(crate) fn in_tls(certified: &Certified) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(certified.certificate.as_bytes()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("its settings");
        let config = Arc::new(config);
        Self::start("https", move |connection, keeps| {
            let session = ServerConnection::new(Arc::clone(&config)).expect("a session");
            serve(StreamOwned::new(session, connection), "200 OK", keeps);
        })
    }

    fn start(scheme: &str, serve: impl Fn(TcpStream, &Mutex<Received>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let endpoint = format!("{scheme}://{}", listener.local_addr().expect("its address"));
        let received = Arc::new(Mutex::new(Received::default()));
        let (keeps, serve) = (Arc::clone(&received), Arc::new(serve));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, keeps, serve) =
                    (connection.expect("a connection"), Arc::clone(&keeps), Arc::clone(&serve));
                std::thread::spawn(move || serve(connection, &keeps));
            }
        });
        Self { endpoint, received }
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.received.lock().expect("spans").spans.clone()
    }

    /// Everything that came, as text.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().expect("requests").raw).into_owned()
    }

    /// The one span of this name.
    pub(crate) fn span(&self, name: &str) -> Span {
        let spans = self.spans();
        let mut named = spans.iter().filter(|span| span.name == name);
        let found = named.next().unwrap_or_else(|| panic!("no span `{name}` in {spans:#?}"));
        assert!(named.next().is_none(), "two spans `{name}` in {spans:#?}");
        found.clone()
    }
}

fn serve(connection: impl Read + Write, status: &str, keeps: &Mutex<Received>) {
    let mut reader = BufReader::new(connection);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
            head.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the body");
        keep(&head, &body, &mut keeps.lock().expect("spans"));
        write!(reader.get_mut(), "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").expect("an answer");
    }
}

fn keep(head: &str, body: &[u8], received: &mut Received) {
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("content-type: application/x-protobuf"), "{head}");
    received.raw.extend_from_slice(head.as_bytes());
    received.raw.extend_from_slice(body);
    for of_resource in Message::read(body).messages(1) {
        let resource = of_resource.messages(1).next().map(|resource| attributes(&resource, 1)).unwrap_or_default();
        let service = resource.get("service.name").cloned().unwrap_or_default();
        for of_scope in of_resource.messages(2) {
            received.spans.extend(of_scope.messages(2).map(|span| read(&span, &service)));
        }
    }
}

fn read(span: &Message<'_>, service: &Value) -> Span {
    let hex = |number| {
        let bytes = span.bytes(number).next().unwrap_or_default();
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    };
    Span {
        trace: hex(1),
        id: hex(2),
        parent: hex(4),
        name: span.text(5).expect("a name"),
        kind: span.number(6).unwrap_or(0),
        start: span.number(7).expect("a start"),
        end: span.number(8).expect("an end"),
        attributes: attributes(span, 9),
        events: span.messages(11).map(|event| event.text(2).expect("a name")).collect(),
        status: span.messages(15).next().and_then(|status| status.number(3)).unwrap_or(0),
        service: service.clone(),
    }
}

fn attributes(message: &Message<'_>, number: u64) -> BTreeMap<String, Value> {
    let pair = |pair: Message<'_>| (pair.text(1).expect("a key"), value(&pair.messages(2).next().expect("a value")));
    message.messages(number).map(pair).collect()
}

fn value(value: &Message<'_>) -> Value {
    match (value.text(1), value.number(2), value.number(3)) {
        (Some(text), ..) => json!(text),
        (_, Some(truth), _) => json!(truth == 1),
        (.., Some(number)) => json!(number.cast_signed()),
        _ => Value::Null,
    }
}
