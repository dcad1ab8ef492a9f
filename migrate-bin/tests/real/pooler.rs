//! `PgBouncer` in front of a server, or of a proxy in front of one. It listens on a free port of this machine and ends
//! with its value.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::stage::{eventually, free_port, is_root, permit, skipped_without, sql};

/// A running pooler.
pub(crate) struct Pooler {
    pub(crate) port: u16,
    program: PathBuf,
    folder: tempfile::TempDir,
    process: Child,
}

impl Pooler {
    /// In transaction mode with two places unless the settings, lines of `pgbouncer.ini`, say otherwise; `None` after
    /// saying that the scene is skipped.
    pub(crate) fn start(scene: &str, server_port: u16, settings: &str) -> Option<Self> {
        let candidates = ["/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(PathBuf::from);
        let found = candidates.into_iter().find(|path| path.is_file());
        let program = skipped_without(found, scene, "MIGRATE_REQUIRE_PGBOUNCER", "PgBouncer")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let users = folder.path().join("users.txt");
        std::fs::write(&users, "\"postgres\" \"\"\n\"secret\" \"Xq7canary\"\n").expect("users");
        let text = format!(
            "[databases]\nnowhere = host=127.0.0.1 port={server_port} dbname=nowhere\n\
             * = host=127.0.0.1 port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nadmin_users = postgres\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = 2\nignore_startup_parameters =\n{settings}\n",
            users.display()
        );
        std::fs::write(folder.path().join("pgbouncer.ini"), text).expect("settings");
        for (path, mode) in [("", 0o755), ("users.txt", 0o644), ("pgbouncer.ini", 0o644)] {
            permit(&folder.path().join(path), mode);
        }
        let process = run(&program, folder.path());
        let mut pooler = Self { port, program, folder, process };
        pooler.wait();
        Some(pooler)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A command of its console, such as `PAUSE`.
    pub(crate) fn console(&self, command: &str) -> Vec<String> {
        sql(&self.url("pgbouncer"), command)
    }

    /// Ends it, and every session through it.
    pub(crate) fn kill(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }

    /// Starts it again on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.process = run(&self.program, self.folder.path());
        self.wait();
    }

    /// Waits until it listens: it, and nobody who was faster.
    fn wait(&mut self) {
        eventually("PgBouncer listens", || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        assert!(self.process.try_wait().is_ok_and(|ended| ended.is_none()), "PgBouncer ended: its port was taken");
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.kill();
    }
}

fn run(program: &Path, folder: &Path) -> Child {
    let mut command = Command::new(program);
    if is_root() {
        command.args(["-u", "nobody"]);
    }
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).expect("a log");
    command.arg("-q").arg(folder.join("pgbouncer.ini")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().expect("PgBouncer starts")
}
