//! Making a data folder and starting a server process on it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::ScratchError;

use super::account::Account;
use super::folder::ServerFolder;
use super::installation::Installation;

/// How long a server may take until it takes connections.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long to wait between two looks at whether it does.
const POLL: Duration = Duration::from_millis(10);

/// How many ports to try before giving up.
const PORTS: u32 = 8;

/// The settings of every scratch server. Nothing survives it, so nothing needs to be durable.
/// Unix sockets are off: their usual folder may be closed to the account, and a path in the
/// temporary folder may exceed what a socket's name can hold.
const SETTINGS: [(&str, &str); 8] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("max_connections", "100"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
];

/// A running server process.
#[derive(Debug)]
pub(super) struct Postmaster {
    pub(super) process: Child,
    pub(super) port: u16,
}

/// How an attempt to start a server ended.
enum Attempt {
    Ready(Child),
    PortTaken,
}

/// Runs `initdb`: trust authentication, superuser `postgres`, UTF-8, locale C, time zone UTC.
pub(super) fn initialise(
    installation: &Installation,
    account: Account,
    folder: &ServerFolder,
) -> Result<(), ScratchError> {
    let program = installation.bin.join("initdb");
    let output = account
        .command(&program)
        .arg("-D")
        .arg(folder.data())
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"])
        .args(["--locale=C", "--no-sync"])
        .env("LC_ALL", "C")
        // Otherwise initdb compares the system's zone with every zone there is.
        .env("TZ", "UTC")
        .env_remove("PGDATA")
        .stdin(Stdio::null())
        .output()
        .map_err(ScratchError::program(&program))?;
    if output.status.success() {
        return Ok(());
    }
    Err(ScratchError::Initdb {
        program,
        folder: folder.data(),
        output: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
    })
}

impl Postmaster {
    /// Starts a server in `folder` and waits until it takes connections. `settings` override the
    /// usual ones.
    pub(super) fn start(
        installation: &Installation,
        account: Account,
        folder: &ServerFolder,
        settings: &[(&str, &str)],
    ) -> Result<Self, ScratchError> {
        let program = installation.bin.join("postgres");
        for _ in 0..PORTS {
            let port = free_port()?;
            let process = spawn(&program, account, folder, port, settings)?;
            if let Attempt::Ready(process) = ready(process, &program, folder, port)? {
                return Ok(Self { process, port });
            }
        }
        Err(ScratchError::NoPort { attempts: PORTS, log: folder.log_tail() })
    }
}

/// A port nobody listens on now. Somebody else may take it before the server does; then the
/// server says so in its log and the next port is tried.
fn free_port() -> Result<u16, ScratchError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(ScratchError::files("bind a port of", "127.0.0.1"))
}

fn spawn(
    program: &Path,
    account: Account,
    folder: &ServerFolder,
    port: u16,
    settings: &[(&str, &str)],
) -> Result<Child, ScratchError> {
    let log = folder.new_log()?;
    let also = log.try_clone().map_err(ScratchError::files("open the log of", program))?;
    let mut command = account.command(program);
    command.arg("-D").arg(folder.data());
    for (name, value) in SETTINGS.iter().chain(settings) {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command
        .arg("-p")
        .arg(port.to_string())
        .env("LC_ALL", "C")
        .env_remove("PGDATA")
        .env_remove("PGPORT")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(also)
        .spawn()
        .map_err(ScratchError::program(program))
}

/// Waits until the server says it is ready and a connection to it succeeds.
fn ready(mut process: Child, program: &Path, folder: &ServerFolder, port: u16) -> Result<Attempt, ScratchError> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = process.try_wait().map_err(ScratchError::program(program))? {
            return ended(status, program, folder);
        }
        if says_ready(&folder.data(), process.id()) && takes_connections(port) {
            return Ok(Attempt::Ready(process));
        }
        std::thread::sleep(POLL);
    }
    let log = folder.log_tail();
    // Whether or not this succeeds, the watchdog ends it with the folder; reaping is for us.
    let _ = process.kill();
    let _ = process.wait();
    Err(ScratchError::NotReady { program: program.to_path_buf(), port, seconds: PATIENCE.as_secs(), log })
}

fn ended(status: ExitStatus, program: &Path, folder: &ServerFolder) -> Result<Attempt, ScratchError> {
    let log = folder.log_tail();
    // The message of bind(2), untranslated because the server runs with LC_ALL=C.
    if log.contains("Address already in use") {
        return Ok(Attempt::PortTaken);
    }
    Err(ScratchError::Exited { program: program.to_path_buf(), status: status.to_string(), log })
}

/// Whether `postmaster.pid` is of process `id` and its status line (the eighth) says `ready`.
#[expect(clippy::disallowed_methods, reason = "a server's state is not a migration source")]
fn says_ready(data: &Path, id: u32) -> bool {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return false;
    };
    let mut lines = text.lines().map(str::trim);
    lines.next() == Some(id.to_string().as_str()) && lines.nth(6) == Some("ready")
}

fn takes_connections(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}
