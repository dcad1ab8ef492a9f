//! Programs and sessions that go on while a scene does something else.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::stage::{Ended, migrate_command, signal};

/// The built program, running.
pub(crate) struct Background {
    child: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
}

impl Background {
    pub(crate) fn start(url: &str, dir: &Path, arguments: &[&str]) -> Self {
        let mut command = migrate_command(arguments);
        Self::spawn(command.args(["--database-url", url]).arg("--dir").arg(dir))
    }

    /// A command of the scene's own.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("migrate starts");
        let stderr = BufReader::new(child.stderr.take().expect("its stderr"));
        Self { child, stderr, told: String::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child.id().to_string(), name);
    }

    /// Reads what it says up to a line with these words.
    pub(crate) fn read_until(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).expect("its words");
            assert!(read > 0, "it ended without `{words}`: {}", self.told);
            self.told.push_str(&line);
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        self.stderr.read_to_string(&mut self.told).expect("its words");
        let status = self.child.wait().expect("its end");
        Ended { code: status.code().unwrap_or(-1), stdout: String::new(), stderr: std::mem::take(&mut self.told) }
    }
}

/// A session that has run something and stays open until it is dropped.
pub(crate) struct Session {
    pub(crate) pid: String,
    client: Option<tokio_postgres::Client>,
    runtime: tokio::runtime::Runtime,
}

impl Session {
    pub(crate) fn that(url: &str, sql: &str) -> Self {
        let session = Self::open(url).unwrap_or_else(|error| panic!("{url}: {error:?}"));
        session.run(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        session
    }

    /// A session that is let in, if it is.
    pub(crate) fn attempt(url: &str) -> Option<Self> {
        Self::open(url).ok()
    }

    fn open(url: &str) -> Result<Self, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
        let mut config: tokio_postgres::Config = url.parse().expect("a URL");
        config.application_name("the application");
        let (client, pid) = runtime.block_on(async {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            let mut rows = client.simple_query("SELECT pg_backend_pid()").await?.into_iter();
            let pid = rows.find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            Ok::<_, tokio_postgres::Error>((client, pid.expect("a pid")))
        })?;
        Ok(Self { pid, client: Some(client), runtime })
    }

    /// Runs something more.
    pub(crate) fn run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        let client = self.client.as_ref().expect("it is open until it is dropped");
        self.runtime.block_on(client.batch_execute(sql))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The runtime, dropped behind it, ends the connection.
        drop(self.client.take());
    }
}
