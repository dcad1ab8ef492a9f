//! `HAProxy` before a server, byte for byte. It ends with its value.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::stage::{Database, eventually, folder, free_port, migrate, permit, server, skipped_without};

/// A running `HAProxy`.
pub(crate) struct HaProxy {
    pub(crate) port: u16,
    process: Child,
    _folder: tempfile::TempDir,
}

impl HaProxy {
    /// One that ends a connection on which nothing was said for `idle`; `None` after saying that the scene is skipped.
    pub(crate) fn start(scene: &str, server: u16, idle: &str) -> Option<Self> {
        let candidates = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"].map(PathBuf::from);
        let found = candidates.into_iter().find(|path| path.is_file());
        let program = skipped_without(found, scene, "MIGRATE_REQUIRE_HAPROXY", "HAProxy")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        permit(folder.path(), 0o755);
        let port = free_port();
        let settings = format!(
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client {idle}\n  timeout server {idle}\n\
             listen postgres\n  bind 127.0.0.1:{port}\n  server primary 127.0.0.1:{server}\n"
        );
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, settings).expect("settings");
        let process = run(&program, &file);
        eventually("HAProxy listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { port, process, _folder: folder })
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

fn run(program: &Path, file: &Path) -> Child {
    let mut command = Command::new(program);
    command.args(["-db", "-q", "-f"]).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("HAProxy starts")
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[test]
fn what_is_cut_for_being_idle_is_not_tried_until_nobody_waits_any_more() {
    let Some(proxy) = HaProxy::start("an idle timeout of HAProxy", server().port(), "2s") else { return };
    let database = Database::create();
    database.rows("CREATE SEQUENCE tries");
    let files = folder(&[("00001_a.sql", "-- +goose Up\nSELECT nextval('tries'), pg_sleep(8);\n")]);
    let ended = migrate(&proxy.url(&database.name), files.path(), &["up"]);
    assert_eq!(ended.code, 44, "{}", ended.stderr);
    // Measured here, on a machine that may be slow to say that time is over.
    let told = (2..5).any(|seconds| ended.stderr.contains(&format!(", {seconds} s into the same statement as before")));
    assert!(told && ended.stderr.contains("`timeout client`"), "{}", ended.stderr);
    // Twice, or once more where the machine was slow the first time; not for as long as a run may try.
    let tries = database.rows("SELECT last_value FROM tries");
    assert!(["2", "3"].contains(&tries[0].as_str()), "{tries:?}");
    assert_eq!(database.versions(), ["0"]);
}
