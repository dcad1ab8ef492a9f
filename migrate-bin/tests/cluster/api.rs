//! A Kubernetes API server of one namespace with one Job: as much of it as `kubectl get` and `kubectl logs` ask for.
//!
//! It answers on loopback, from a state that the scene changes while somebody waits, and ends with the scene.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

/// What the server holds, and how it answers.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) job: Option<Value>,
    pub(crate) pods: Vec<Value>,
    pub(crate) log: String,
    /// What is told of objects: kind, name and text.
    pub(crate) events: Vec<(&'static str, String, &'static str)>,
    pub(crate) fault: Option<Fault>,
    /// Every request line that came in.
    pub(crate) asked: Vec<String>,
}

/// What is wrong with the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It answers with this status.
    Status(u16, &'static str),
    /// It closes the connection without an answer.
    Cut,
}

/// The running server.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
}

impl Api {
    pub(crate) fn with(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("its address");
        let (state, ended) = (Arc::new(Mutex::new(state)), Arc::new(AtomicBool::new(false)));
        let (shared, end) = (Arc::clone(&state), Arc::clone(&ended));
        std::thread::spawn(move || accept(&listener, &shared, &end));
        Self { address, state, ended }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no scene panics with it")
    }

    /// What `kubectl` needs to find the server.
    pub(crate) fn kubeconfig(&self) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake", "preferences": {},
            "clusters": [{ "name": "fake", "cluster": { "server": format!("http://{}", self.address) } }],
            "contexts": [{ "name": "fake", "context": { "cluster": "fake", "user": "me", "namespace": "app" } }],
            "users": [{ "name": "me", "user": {} }],
        })
        .to_string()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        let _woken = TcpStream::connect(self.address);
    }
}

/// Serves every connection by a thread of its own, until it is told to end.
fn accept(listener: &TcpListener, state: &Arc<Mutex<State>>, ended: &AtomicBool) {
    let connections = listener.incoming().map_while(Result::ok);
    for stream in connections.take_while(|_| !ended.load(Ordering::Acquire)) {
        let state = Arc::clone(state);
        std::thread::spawn(move || serve(&stream, &state));
    }
}

/// Answers the requests of one connection.
fn serve(mut stream: &TcpStream, state: &Mutex<State>) {
    let _bounded = stream.set_read_timeout(Some(Duration::from_secs(30)));
    let mut reader = BufReader::new(stream);
    while let Some(target) = request(&mut reader) {
        let mut state = state.lock().expect("no scene panics with it");
        state.asked.push(target.clone());
        let (status, kind, body) = match state.fault {
            Some(Fault::Cut) => return,
            Some(Fault::Status(status, reason)) => failed(status, reason, "the server is out of order"),
            None => answer(&target, &state),
        };
        drop(state);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

/// The target of the next request; its headers and body are read over.
fn request(reader: &mut impl std::io::BufRead) -> Option<String> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    Some(first.split(' ').nth(1)?.to_owned())
}

type Answer = (u16, &'static str, String);

fn good(value: &Value) -> Answer {
    (200, "application/json", value.to_string())
}

fn failed(status: u16, reason: &str, message: &str) -> Answer {
    let body = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": status, "message": message });
    (status, "application/json", body.to_string())
}

fn resource(name: &str, singular: &str, kind: &str) -> Value {
    json!({ "name": name, "singularName": singular, "namespaced": true, "kind": kind, "verbs": ["get", "list", "watch"] })
}

fn answer(target: &str, state: &State) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let version = json!({ "groupVersion": "batch/v1", "version": "v1" });
    match path {
        "/api" => return good(&json!({ "kind": "APIVersions", "versions": ["v1"] })),
        "/apis" => {
            let batch = json!({ "name": "batch", "versions": [version.clone()], "preferredVersion": version });
            return good(&json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [batch] }));
        }
        "/api/v1" => {
            let resources =
                [resource("pods", "pod", "Pod"), resource("pods/log", "", "Pod"), resource("events", "event", "Event")];
            return good(&json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": resources }));
        }
        "/apis/batch/v1" => {
            let resources = [resource("jobs", "job", "Job")];
            return good(&json!({ "kind": "APIResourceList", "groupVersion": "batch/v1", "resources": resources }));
        }
        _ => {}
    }
    if let Some(name) = path.strip_prefix("/apis/batch/v1/namespaces/app/jobs/") {
        let job = state.job.as_ref().filter(|job| job["metadata"]["name"] == name);
        let none = || failed(404, "NotFound", &format!("jobs.batch \"{name}\" not found"));
        return job.map_or_else(none, good);
    }
    if path == "/api/v1/namespaces/app/events" {
        return events(query, state);
    }
    match path.strip_prefix("/api/v1/namespaces/app/pods").map(|rest| rest.trim_start_matches('/')) {
        Some("") => {
            assert!(
                query.contains("labelSelector=batch.kubernetes.io%2Fjob-name%3D"),
                "all Pods are asked for: {query}"
            );
            good(&json!({ "kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": state.pods }))
        }
        Some(rest) => answer_pod(rest, state),
        None => failed(404, "NotFound", "the server could not find the requested resource"),
    }
}

fn events(query: &str, state: &State) -> Answer {
    let is_asked = |kind: &str, name: &str| {
        let about = format!("involvedObject.kind%3D{kind}%2CinvolvedObject.name%3D{name}%2Ctype%3DWarning");
        query.contains(&about)
    };
    let asked = state.events.iter().filter(|(kind, name, _)| is_asked(kind, name));
    let items = asked.enumerate().map(|(at, (kind, name, text))| {
        let (reason, message) = text.split_once(": ").unwrap_or((text, ""));
        json!({
            "kind": "Event", "apiVersion": "v1", "type": "Warning", "reason": reason, "message": message,
            "metadata": { "name": format!("e-{at}"), "namespace": "app", "creationTimestamp": format!("2026-11-22T10:00:{at:02}Z") },
            "involvedObject": { "kind": kind, "name": name },
        })
    });
    let items: Vec<Value> = items.collect();
    good(&json!({ "kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": items }))
}

fn answer_pod(rest: &str, state: &State) -> Answer {
    let (name, log) = rest.strip_suffix("/log").map_or((rest, false), |name| (name, true));
    match state.pods.iter().find(|pod| pod["metadata"]["name"] == name) {
        Some(_) if log => (200, "text/plain", state.log.clone()),
        Some(pod) => good(pod),
        None => failed(404, "NotFound", &format!("pods \"{name}\" not found")),
    }
}
