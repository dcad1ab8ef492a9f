//! The spans themselves, and what is on them: OpenTelemetry's stable conventions for databases, and `migrate.*`.
//!
//! Made from events. Invariant: a span that was opened is ended, at the latest by [`Spans::end`], and its parent after it.

use std::collections::HashMap;

use migrate_core::report::{At, Event, Opened, Ran, Retry};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::end::End;
use crate::environment;

const SYSTEM: &str = "db.system.name";
const NAMESPACE: &str = "db.namespace";
const OPERATION: &str = "db.operation.name";
const STATUS: &str = "db.response.status_code";
const ERROR: &str = "error.type";

/// The spans of a run that are open.
#[derive(Debug)]
pub(super) struct Spans {
    tracer: SdkTracer,
    command: Context,
    migration: Option<(Ran, Context)>,
    /// Files whose span has ended, and that are not known to be applied yet.
    behind: Vec<Ran>,
    statement: Option<Context>,
    /// The server and the database, as attributes of every span from here on.
    target: Vec<KeyValue>,
}

impl Spans {
    /// Opens the span of a command, below whatever started the process.
    pub(super) fn begin(provider: &SdkTracerProvider, command: &'static str) -> Self {
        let tracer = provider.tracer("migrate");
        let attributes = [
            KeyValue::new(SYSTEM, "postgresql"),
            KeyValue::new(OPERATION, command),
            KeyValue::new("migrate.run_id", environment::run_id()),
        ];
        let builder = tracer.span_builder(format!("migrate {command}")).with_kind(SpanKind::Internal);
        let span = builder.with_attributes(attributes).start_with_context(&tracer, &parent());
        let command = Context::new().with_span(span);
        Self { tracer, command, migration: None, behind: Vec::new(), statement: None, target: Vec::new() }
    }

    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::Connected { server, database, .. } => self.connected(server, database),
            Event::Opened(opened) => self.opened(opened),
            Event::Planned { files } => self.on_command("migrate.planned", i64::try_from(*files).unwrap_or(i64::MAX)),
            Event::Started(ran) => self.start(ran),
            Event::Statement(at) => self.start_statement(at),
            Event::Finished(ran, _) => self.finish(ran),
            Event::Retry(retry) => self.tell_retry(retry),
            Event::Unreachable { tries, .. } => self.tell("waiting_for_connection", "tries", i64::from(*tries)),
            Event::Waiting { holder, .. } => {
                self.tell("waiting_for_lock", "holder.pid", holder.as_ref().map_or(0, |holder| i64::from(holder.pid)));
            }
            Event::Blocked { blockers, .. } => {
                self.tell("blocked", "blockers", i64::try_from(blockers.len()).unwrap_or(i64::MAX));
            }
            Event::Ambiguous(ran) => self.tell("ambiguous_commit", "version", ran.version.0),
            Event::Resolved { landed, .. } => self.tell("resolved", "landed", *landed),
            Event::Resumed { done, .. } => self.tell("resumed", "done", i64::try_from(*done).unwrap_or(i64::MAX)),
            Event::Stopping { cause } => self.tell("stopping", "cause", *cause),
            // Words of the server, and what says how a statement gets on, are for the log.
            Event::Distrusted { .. }
            | Event::Noted { .. }
            | Event::Warned(_)
            | Event::Prepared
            | Event::Progress(_)
            | Event::Reading { .. }
            | Event::Notice { .. }
            | Event::NoticesLeftOut { .. } => {}
        }
    }

    /// Ends what is open. An end that is no success is one of the migration that was under way, too.
    pub(super) fn end(&mut self, end: &End) {
        let row = end.exit.row();
        let failed = (row.code != 0).then(|| {
            let mut attributes =
                vec![KeyValue::new(ERROR, end.sqlstate.clone().unwrap_or_else(|| row.name.to_owned()))];
            attributes.extend(end.sqlstate.clone().map(|sqlstate| KeyValue::new(STATUS, sqlstate)));
            (attributes, row.meaning)
        });
        if let Some(current) = end.current.filter(|_| !self.target.is_empty()) {
            self.on_command("migrate.current", current);
        }
        self.on_command("migrate.exit_code", i64::from(row.code));
        let migration = self.migration.take().map(|(_, context)| context);
        let open = self.statement.take().into_iter().chain(migration).chain([self.command.clone()]);
        for span in open {
            if let Some((attributes, meaning)) = &failed {
                span.span().set_attributes(attributes.clone());
                span.span().set_status(Status::error(*meaning));
            }
            span.span().end();
        }
    }

    /// Host and port as they were given; the folder of a Unix socket has no port.
    fn connected(&mut self, server: &str, database: &str) {
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) => (host, port.parse::<i64>().ok()),
            None => (server, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        self.target = vec![KeyValue::new(NAMESPACE, database.to_owned()), KeyValue::new("server.address", host)];
        self.target.extend(port.map(|port| KeyValue::new("server.port", port)));
        self.command.span().set_attributes(self.target.clone());
    }

    fn opened(&mut self, opened: &Opened) {
        if self.target.is_empty() {
            self.target.push(KeyValue::new(NAMESPACE, opened.database.clone()));
            self.command.span().set_attributes(self.target.clone());
        }
        self.on_command("migrate.server_version", opened.server.clone());
        self.on_command("migrate.set_sha256", opened.digest.clone());
        if !opened.release.is_empty() {
            self.on_command("migrate.release", opened.release.clone());
        }
    }

    /// The file before may have its end told later. One that was started and does not land was applied by somebody else
    /// meanwhile, or is tried again.
    fn start(&mut self, ran: &Ran) {
        self.behind.extend(self.migration.as_ref().map(|(before, _)| before.clone()));
        self.behind.retain(|behind| behind != ran);
        self.end_migration();
        let attributes = [
            KeyValue::new(OPERATION, ran.direction.word()),
            KeyValue::new("migrate.version", ran.version.0),
            KeyValue::new("migrate.file", ran.file.clone()),
            KeyValue::new("migrate.statements", i64::try_from(ran.statements).unwrap_or(i64::MAX)),
        ];
        let name = format!("migration {}", ran.file.strip_suffix(".sql").unwrap_or(&ran.file));
        let context = self.open(name, &attributes, &self.command);
        self.migration = Some((ran.clone(), context));
    }

    fn start_statement(&mut self, at: &At) {
        self.end_statement();
        if self.migration.as_ref().is_none_or(|(ran, _)| *ran != at.ran) {
            self.start(&at.ran);
        }
        let Some((_, migration)) = &self.migration else { return };
        // The bookkeeping around the statements is part of the migration.
        let Some(number) = i64::try_from(at.statement).ok().filter(|number| *number > 0) else { return };
        let attributes = [
            KeyValue::new(OPERATION, at.ran.direction.word()),
            KeyValue::new("migrate.version", at.ran.version.0),
            KeyValue::new("migrate.statement", number),
            KeyValue::new("migrate.line", i64::from(at.line)),
        ];
        self.statement = Some(self.open(format!("statement {number}"), &attributes, migration));
    }

    /// Files that land together are told together: the ones behind the first start when it is told.
    fn finish(&mut self, ran: &Ran) {
        if let Some(at) = self.behind.iter().position(|behind| behind == ran) {
            self.behind.swap_remove(at);
            return;
        }
        if self.migration.as_ref().is_none_or(|(open, _)| open != ran) {
            self.start(ran);
        }
        self.end_migration();
    }

    fn end_migration(&mut self) {
        self.end_statement();
        if let Some((_, context)) = self.migration.take() {
            context.span().end();
        }
    }

    fn end_statement(&mut self) {
        if let Some(context) = self.statement.take() {
            context.span().end();
        }
    }

    fn open(&self, name: String, attributes: &[KeyValue], parent: &Context) -> Context {
        let system = KeyValue::new(SYSTEM, "postgresql");
        let attributes = [system].into_iter().chain(self.target.iter().cloned()).chain(attributes.iter().cloned());
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Client).with_attributes(attributes);
        parent.with_span(builder.start_with_context(&self.tracer, parent))
    }

    fn on_command(&self, name: &'static str, value: impl Into<Value>) {
        self.command.span().set_attribute(KeyValue::new(name, value));
    }

    /// An event on the innermost span that is open.
    fn tell(&self, event: &'static str, name: &'static str, value: impl Into<Value>) {
        self.innermost().span().add_event(event, vec![KeyValue::new(format!("migrate.{name}"), value)]);
    }

    fn tell_retry(&self, retry: &Retry) {
        let attempt = KeyValue::new("migrate.attempt", i64::from(retry.attempt));
        let code = retry.sqlstate.clone().map(|sqlstate| KeyValue::new(STATUS, sqlstate));
        self.innermost().span().add_event("retry", code.into_iter().chain([attempt]).collect());
    }

    fn innermost(&self) -> &Context {
        let migration = self.migration.as_ref().map(|(_, context)| context);
        self.statement.as_ref().or(migration).unwrap_or(&self.command)
    }
}

/// The span that started this process, as W3C Trace Context writes it in the environment.
fn parent() -> Context {
    let named = [("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE")];
    let carried =
        named.into_iter().filter_map(|(name, variable)| Some((name.to_owned(), environment::variable(variable)?)));
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carried.collect::<HashMap<_, _>>())
}
