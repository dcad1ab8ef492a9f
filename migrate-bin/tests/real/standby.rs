//! A real standby of a scratch server, made by a backup through SQL: not every server comes with `pg_basebackup`.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use migrate_scratch::Server;

use crate::stage::{eventually, free_port, is_root, sql};

/// A standby; it ends with this value.
pub(crate) struct Standby<'s> {
    primary: &'s Server,
    data: PathBuf,
    pub(crate) port: u16,
    process: Child,
}

impl<'s> Standby<'s> {
    /// A standby that takes connections, or one that refuses them until it is promoted.
    pub(crate) fn of(primary: &'s Server, takes_connections: bool) -> Self {
        let port = free_port();
        let data = primary.folder().join(format!("standby_{port}"));
        copy(primary, &data);
        let mut command = as_server(primary, &primary.bin().join("postgres"));
        let log = File::create(data.with_extension("log")).expect("a log");
        let hot = format!("hot_standby={}", if takes_connections { "on" } else { "off" });
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", &hot]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        let process = command.spawn().expect("postgres starts");
        let standby = Self { primary, data, port, process };
        eventually("the standby listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        if takes_connections {
            // It listens before it has replayed what it needs to answer.
            eventually("the standby lets in", || lets_in(&standby.url("postgres")));
        }
        standby
    }

    /// The URL of a database on it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes it a primary.
    pub(crate) fn promote(&self) {
        let mut command = as_server(self.primary, &self.primary.bin().join("pg_ctl"));
        let ended = command.args(["promote", "-W", "-D"]).arg(&self.data).output().expect("pg_ctl starts");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

fn lets_in(url: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio_postgres::connect(url, tokio_postgres::NoTls).await.is_ok() })
}

impl Drop for Standby<'_> {
    fn drop(&mut self) {
        let mut command = as_server(self.primary, &self.primary.bin().join("pg_ctl"));
        let _stopped = command.args(["stop", "-m", "immediate", "-D"]).arg(&self.data).output();
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// A copy of a running server's data that follows it.
fn copy(primary: &Server, data: &Path) {
    let own = primary.folder().join("data");
    // Files that go away meanwhile are not missed; the server itself copies, because the files are its own.
    let label = sql(
        &primary.url("postgres"),
        &format!(
            "SELECT 'begun' FROM pg_backup_start('a standby', true); \
             COPY (SELECT) TO PROGRAM 'cp -a {} {} || true'; SELECT labelfile FROM pg_backup_stop(false)",
            own.display(),
            data.display()
        ),
    );
    let label = label.last().expect("the backup's label").clone();
    for (name, text) in [("backup_label", label), ("standby.signal", String::new())] {
        let path = data.join(name);
        std::fs::write(&path, text).expect("a file of the standby's");
        let account = std::fs::metadata(&own).expect("the primary's data");
        chown(&path, Some(account.uid()), Some(account.gid())).expect("the server's own file");
    }
    let settings = File::options().append(true).open(data.join("postgresql.auto.conf")).expect("its settings");
    writeln!(&settings, "primary_conninfo = 'host=127.0.0.1 port={} user=postgres'", primary.port()).expect("a line");
    std::fs::remove_file(data.join("postmaster.pid")).expect("the primary's own");
}

/// Stops a server, or starts it again: `pg_ctl`'s own words.
pub(crate) fn control(server: &Server, words: &[&str]) {
    let mut command = as_server(server, &server.bin().join("pg_ctl"));
    let (data, log) = (server.folder().join("data"), server.folder().join("again.log"));
    let ended = command.arg("-D").arg(data).arg("-l").arg(log).arg("-s").args(words).stdin(Stdio::null()).status();
    assert!(ended.expect("pg_ctl starts").success(), "pg_ctl {words:?}");
}

/// The account that the scenes' servers run under, for programs beside them.
fn as_server(server: &Server, program: &Path) -> Command {
    let account = std::fs::metadata(server.folder()).expect("the server's folder");
    let mut command = Command::new(program);
    command.current_dir("/");
    if is_root() {
        std::os::unix::process::CommandExt::uid(&mut command, account.uid());
        std::os::unix::process::CommandExt::gid(&mut command, account.gid());
    }
    command
}
