//! Ending a server and removing its folder, whatever happens to this process.

use std::io;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::ScratchError;

use super::account::Account;

/// What the watchdog runs; `$1` is the server's temporary folder.
///
/// It blocks in `read` until its standard input ends. SIGQUIT is PostgreSQL's immediate shutdown:
/// no checkpoint, which is right for data about to be removed, yet shared memory is released. The
/// process id comes from `postmaster.pid`, which a server that ended by itself has removed, so
/// the id of an unrelated later process is never taken for the server's. `rm` is repeated because
/// a killed `initdb` may write a last file in between.
const SCRIPT: &str = r#"
read -r _
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2>/dev/null
    tries=0
    while [ -e "$1/data/postmaster.pid" ] && kill -0 "$pid" 2>/dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -gt 250 ]; then kill -KILL "$pid" 2>/dev/null; break; fi
        sleep 0.02
    done
fi
rm -rf "$1" 2>/dev/null || { sleep 0.2; rm -rf "$1"; }
"#;

/// How long an ending may take: the script's own limit of five seconds, and time for `rm`.
const PATIENCE: Duration = Duration::from_secs(20);

/// A small shell that ends the server and removes its folder as soon as this process is gone.
///
/// It holds the reading end of a pipe whose writing end only this process has (Rust's pipes are
/// close-on-exec, no other child inherits it). The kernel closes that end when this process ends
/// in any way, SIGKILL included, and the shell's `read` returns. This needs no polling, no
/// unsafe `prctl`, works on every Unix, and serves the orderly end as well: [`Watchdog::finish`]
/// closes the pipe on purpose, so there is one way of ending a server and it is always tested.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Watches over the server whose temporary folder is `folder`.
    pub(super) fn start(account: Account, folder: &Path) -> Result<Self, ScratchError> {
        let program = Path::new("/bin/sh");
        let shell = account
            .command(program)
            .args(["-c", SCRIPT, "migrate-scratch-watchdog"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(ScratchError::program(program))?;
        Ok(Self { shell })
    }

    /// Ends the server now and removes its folder. `server` is reaped meanwhile: as long as it is
    /// not, its id looks alive to the watchdog.
    pub(super) fn finish(&mut self, server: Option<&mut Child>) -> io::Result<()> {
        drop(self.shell.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        if let Some(server) = server {
            reap(server, deadline)?;
        }
        reap(&mut self.shell, deadline)
    }
}

fn reap(child: &mut Child, deadline: Instant) -> io::Result<()> {
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("process {} had to be killed", child.id())));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
