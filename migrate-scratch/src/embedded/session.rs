//! One session of the embedded server.

use bytes::BytesMut;
use oliphaunt_wasix::Extension;
use oliphaunt_wasix::session::{
    PostgresConfig, PreparedRuntime, ProtocolPumpOutcome, ProtocolSession, StartupConfig,
    postgres_config_with_extension_startup, startup_error_response_output,
};

use super::frame;
use super::wire::SharedWire;

/// Settings in which the embedded server differs from an ordinary one without need.
const SETTINGS: [(&str, &str); 2] = [("search_path", "\"$user\", public"), ("allow_system_table_mods", "off")];

/// A running backend, connected to one database.
pub(super) struct Session {
    backend: ProtocolSession,
    database: String,
}

/// Why a session could not be opened.
pub(super) struct Refusal {
    /// What to tell the client.
    pub(super) answer: Vec<u8>,
    /// What to tell whoever opened the database.
    pub(super) reason: String,
}

/// What to do after a message.
enum Next {
    Continue,
    End,
}

impl Session {
    /// Starts a backend connected to `database`.
    pub(super) fn open(runtime: &PreparedRuntime, extensions: &[Extension], database: &str) -> Result<Self, Refusal> {
        let mut settings = PostgresConfig::default();
        for (name, value) in SETTINGS {
            settings.insert(name, value);
        }
        let startup = StartupConfig { username: "postgres".to_owned(), database: database.to_owned() };
        postgres_config_with_extension_startup(settings, extensions)
            .and_then(|settings| runtime.open_with_extensions(settings, startup, extensions))
            .map(|backend| Self { backend, database: database.to_owned() })
            .map_err(|error| {
                let reason = format!("{error:#}");
                let answer = startup_error_response_output(&error)
                    .map_or_else(|| frame::fatal("XX000", &reason), <[u8]>::to_vec);
                Refusal { answer, reason }
            })
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// Serves the client at the other end of `wire`, whose startup packet is `packet`, until
    /// either side ends the session. An error is one after which the backend is of no use.
    pub(super) fn converse(&mut self, packet: &[u8], wire: &SharedWire) -> anyhow::Result<()> {
        let accepted = match self.backend.startup_with_packet(packet) {
            Ok(response) => {
                wire.lock().send(response.output);
                response.accepted
            }
            Err(error) => {
                wire.lock().send(rejection(&error));
                false
            }
        };
        if !accepted {
            return Ok(());
        }
        self.backend.attach_protocol_stream(wire.clone())?;
        let mut batch = BytesMut::new();
        while let Some(message) = next_message(wire) {
            if let Next::End = self.accept(message, &mut batch, wire)? {
                break;
            }
        }
        Ok(())
    }

    /// Ends the backend, rolling back what it had not committed.
    pub(super) fn shutdown(mut self) -> anyhow::Result<()> {
        self.backend.shutdown()
    }

    /// Extended-protocol messages are collected in `batch` until the client wants an answer (Sync
    /// or Flush): the backend handles errors for one buffer at a time, so the messages it has to
    /// skip after an error must come with the one that failed.
    fn accept(&mut self, message: BytesMut, batch: &mut BytesMut, wire: &SharedWire) -> anyhow::Result<Next> {
        let kind = message[0];
        if kind == b'X' {
            return Ok(Next::End);
        }
        if batch.is_empty() {
            *batch = message;
        } else {
            batch.extend_from_slice(&message);
        }
        if matches!(kind, b'P' | b'B' | b'D' | b'E' | b'C') {
            return Ok(Next::Continue);
        }
        self.answer(&batch.split(), wire)
    }

    fn answer(&mut self, messages: &[u8], wire: &SharedWire) -> anyhow::Result<Next> {
        // During COPY the backend reads from and writes to the wire by itself, and goes on doing so
        // until the session ends. It starts with what the wire has kept, hence the empty prefix.
        let outcome = self.backend.send_with_connection_protocol_pump(messages, Vec::new)?;
        let ProtocolPumpOutcome::Buffered(answer) = outcome else {
            return Ok(Next::End);
        };
        let fatal = frame::is_fatal(&answer);
        wire.lock().send(answer);
        Ok(if fatal { Next::End } else { Next::Continue })
    }
}

/// What to tell a client whose startup packet ended the backend: its own words are lost then.
fn rejection(error: &anyhow::Error) -> Vec<u8> {
    let text = format!(
        "the embedded server rejected the startup packet; most likely a setting in it is not \
         valid (`options` or a pair such as `search_path`): {error:#}"
    );
    frame::fatal("08004", &text)
}

/// The client's next message; `None` when it has gone or does not speak the protocol.
fn next_message(wire: &SharedWire) -> Option<BytesMut> {
    let mut wire = wire.lock();
    loop {
        match frame::next_message(&mut wire.buffer) {
            Ok(Some(message)) => return Some(message),
            Ok(None) => {
                if !wire.fill() {
                    return None;
                }
            }
            Err(frame::BadLength) => {
                wire.send(frame::fatal("08P01", "invalid message length"));
                return None;
            }
        }
    }
}
