//! The server's disk: none, or one whose flush takes 3 ms, as a cloud's does.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use migrate_scratch::{Server, installations};

use crate::stage;

/// What a flush takes.
const FLUSH_US: &str = "3000";
const VARIABLE: &str = "SLOW_DISK_US";

/// The disk that a scenario's server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Nothing waits for it.
    Memory,
    Slow,
}

/// The server with such a disk.
pub(crate) fn server(disk: Disk) -> &'static Server {
    static SLOW: OnceLock<Server> = OnceLock::new();
    match disk {
        Disk::Memory => stage::server(),
        Disk::Slow => SLOW.get_or_init(|| {
            let durable = [("synchronous_commit", "on"), ("fsync", "on"), ("full_page_writes", "on")];
            let newest = installations(&[]).into_iter().next().expect("PostgreSQL server binaries");
            Server::start_with(&newest, &durable).expect("a server")
        }),
    }
}

/// Whether this process, and the servers that it starts, have a slow disk.
pub(crate) fn is_slow() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// This bench once more, for one scenario, in a process whose servers have a slow disk.
pub(crate) fn run_again(scenario: &str) {
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("slow_disk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/slow_disk.c");
    let mut compiler = Command::new("cc");
    let built = compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(built.is_ok_and(|status| status.success()), "a C compiler builds the slow disk");
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    let ended = again.arg(scenario).env("LD_PRELOAD", &library).env(VARIABLE, FLUSH_US).status();
    assert!(ended.is_ok_and(|status| status.success()), "the scenario is run");
}
