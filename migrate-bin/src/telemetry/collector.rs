//! The way to a collector: spans are collected by a thread of their own and posted as protobuf.
//!
//! Made from the variables `OTEL_*`, most of which the SDK reads by itself. Invariant: a value that can hold a secret, such
//! as a header or an endpoint, is never repeated.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::environment;

/// What OpenTelemetry gives a request by default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most of an answer that is read.
const MOST: u64 = 64 * 1024;

/// No answer yet.
const NONE: u16 = 0;

/// What became of the last request: the status of its answer.
#[derive(Debug, Clone)]
pub(super) struct Delivery(Arc<AtomicU16>);

impl Delivery {
    /// Why the last request did not deliver its spans.
    pub(super) fn problem(&self) -> Option<String> {
        match self.0.load(Ordering::Acquire) {
            200..=299 => None,
            NONE => Some("no connection".to_owned()),
            status => Some(format!("it answers with status {status}")),
        }
    }
}

/// What makes spans and sends them.
pub(super) fn provider() -> Result<(SdkTracerProvider, Delivery), String> {
    only_protobuf()?;
    // Before the first request nothing is undelivered.
    let delivery = Delivery(Arc::new(AtomicU16::new(200)));
    let client = Collector { agent: agent()?, delivery: delivery.clone() };
    let exporter = SpanExporter::builder().with_http().with_http_client(client).build();
    let exporter = exporter.map_err(|_| "the OTEL_EXPORTER_OTLP_* variables do not describe a collector".to_owned())?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
    Ok((provider, delivery))
}

fn only_protobuf() -> Result<(), String> {
    let protocol = of_traces("PROTOCOL").unwrap_or_else(|| "http/protobuf".to_owned());
    if protocol == "http/protobuf" {
        return Ok(());
    }
    Err("no spans are sent: OTEL_EXPORTER_OTLP_PROTOCOL can only be `http/protobuf` here".to_owned())
}

/// A setting of the exporter: that of traces goes before that of all signals.
fn of_traces(name: &str) -> Option<String> {
    environment::variable(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
        .or_else(|| environment::variable(&format!("OTEL_EXPORTER_OTLP_{name}")))
}

/// The run's own name, unless the variables give another one.
fn resource() -> Resource {
    let resource = Resource::builder();
    let attributes = environment::variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let is_named = environment::variable("OTEL_SERVICE_NAME").is_some()
        || attributes.split(',').any(|attribute| attribute.trim_start().starts_with("service.name="));
    if is_named { resource.build() } else { resource.with_service_name("migrate").build() }
}

fn agent() -> Result<Agent, String> {
    let milliseconds = of_traces("TIMEOUT").and_then(|text| text.parse().ok());
    let timeout = milliseconds.map_or(TIMEOUT, Duration::from_millis);
    // Headers are secrets: they go to where they were meant to go.
    let config = Agent::config_builder().timeout_global(Some(timeout)).max_redirects(0).http_status_as_error(false);
    let config = match of_traces("CERTIFICATE") {
        None => config,
        Some(path) => config.tls_config(TlsConfig::builder().root_certs(authorities(&path)?).build()),
    };
    Ok(config.build().new_agent())
}

#[expect(clippy::disallowed_methods, reason = "the collector's authorities, in a file that a variable names")]
fn authorities(path: &str) -> Result<RootCerts, String> {
    let problem = |why: String| format!("no spans are sent: OTEL_EXPORTER_OTLP_CERTIFICATE {path}: {why}");
    let text = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
    let items = ureq::tls::parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = items.collect();
    if certificates.is_empty() {
        return Err(problem("no certificate is in it".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[derive(Debug)]
struct Collector {
    agent: Agent,
    delivery: Delivery,
}

impl Collector {
    fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.delivery.0.store(NONE, Ordering::Release);
        let (parts, body) = request.into_parts();
        let answer = self.agent.run(Request::from_parts(parts, &body[..]))?;
        self.delivery.0.store(answer.status().as_u16(), Ordering::Release);
        let (parts, mut body) = answer.into_parts();
        let read = body.with_config().limit(MOST).read_to_vec()?;
        Ok(Response::from_parts(parts, read.into()))
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

/// The thread that asks has nothing else to do, and waits.
impl HttpClient for Collector {
    fn send_bytes<'a, 'b>(&'a self, request: Request<Bytes>) -> Answer<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(ready(self.post(request)))
    }
}
