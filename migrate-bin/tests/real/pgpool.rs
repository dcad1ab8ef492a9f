//! pgpool-II in front of a primary, alone or with a standby that all plain reads go to. It ends with its value.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::stage::{eventually, free_port, permit, skipped_without};

/// A running pgpool-II.
pub(crate) struct Pgpool {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
    process: Child,
}

impl Pgpool {
    /// In its default configuration, but for addresses and for how many sessions it is ready for; `None` after saying that
    /// the scene is skipped.
    pub(crate) fn start(scene: &str, primary: u16, standby: Option<u16>) -> Option<Self> {
        let candidates = ["/usr/sbin/pgpool", "/usr/bin/pgpool", "/usr/local/bin/pgpool"].map(PathBuf::from);
        let found = candidates.into_iter().find(|path| path.is_file());
        let program = skipped_without(found, scene, "MIGRATE_REQUIRE_PGPOOL", "pgpool-II")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        permit(folder.path(), 0o755);
        let (port, control) = (free_port(), free_port());
        std::fs::write(folder.path().join("pgpool.conf"), settings(folder.path(), (port, control), primary, standby))
            .expect("settings");
        for empty in ["pool_hba.conf", "pcp.conf"] {
            std::fs::write(folder.path().join(empty), "").expect("a file");
        }
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut command = Command::new(program);
        command.arg("-n").arg("-f").arg(folder.path().join("pgpool.conf"));
        command.arg("-a").arg(folder.path().join("pool_hba.conf")).arg("-F").arg(folder.path().join("pcp.conf"));
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        let process = command.spawn().expect("pgpool starts");
        let pgpool = Self { port, folder, process };
        eventually("pgpool-II lets in", || {
            let url = format!("{}?connect_timeout=2", pgpool.url("postgres"));
            crate::background::Session::attempt(&url).is_some()
        });
        Some(pgpool)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// What it said so far.
    #[expect(dead_code, reason = "for whoever looks into a failure")]
    pub(crate) fn log(&self) -> String {
        crate::stage::text(&self.folder.path().join("log"))
    }
}

impl Drop for Pgpool {
    fn drop(&mut self) {
        // Its children end with it when it is told to, and not when it is killed.
        let pid = self.process.id().to_string();
        let _told = Command::new("kill").args(["-s", "INT", &pid]).status();
        eventually("pgpool-II ends", || self.process.try_wait().is_ok_and(|ended| ended.is_some()));
    }
}

/// With a standby, all plain reads go there: the worst that load balancing may do.
fn settings(folder: &Path, (port, control): (u16, u16), primary: u16, standby: Option<u16>) -> String {
    let place = folder.display();
    let mut text = format!(
        "backend_clustering_mode = 'streaming_replication'\nlisten_addresses = '127.0.0.1'\nport = {port}\n\
         socket_dir = '{place}'\npcp_listen_addresses = '127.0.0.1'\npcp_port = {control}\npcp_socket_dir = '{place}'\n\
         pid_file_name = '{place}/pid'\nlogdir = '{place}'\nwork_dir = '{place}'\nnum_init_children = 8\nmax_pool = 1\n\
         enable_pool_hba = off\nload_balance_mode = on\nsr_check_period = 1\nsr_check_user = 'postgres'\n\
         sr_check_database = 'postgres'\nhealth_check_period = 0\nuse_watchdog = off\nfailover_on_backend_error = off\n"
    );
    let weight = u8::from(standby.is_none());
    for (number, port, weight) in std::iter::once((0, primary, weight)).chain(standby.map(|port| (1, port, 1))) {
        text.push_str(&format!(
            "backend_hostname{number} = '127.0.0.1'\nbackend_port{number} = {port}\nbackend_weight{number} = {weight}\n\
             backend_flag{number} = 'DISALLOW_TO_FAILOVER'\nbackend_application_name{number} = 'server{number}'\n"
        ));
    }
    text
}
