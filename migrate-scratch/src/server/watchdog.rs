//! Ending a server and removing its folder, whatever happens to this process.

use std::io;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::ScratchError;

use super::account::Account;

/// What the watchdog runs; `$1` is the server's temporary folder.
///
/// It waits (in [`UNTIL_PARENT_ENDS`] or `UNTIL_UNUSED`) for as long as somebody needs the server. SIGQUIT is PostgreSQL's immediate shutdown:
/// no checkpoint, which is right for data about to be removed, yet shared memory is released. The
/// process id comes from `postmaster.pid`, which a server that ended by itself has removed, so
/// the id of an unrelated later process is never taken for the server's. `rm` is repeated because
/// a killed `initdb` may write a last file in between.
const END: &str = r#"
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

/// Blocks until the standard input ends, that is, until the process is gone that holds the other end.
const UNTIL_PARENT_ENDS: &str = "read -r _\n";

/// Blocks while a process has the named pipe `door` open for writing, and then lingers for `$2` tenths of a second, so that
/// the next test binary finds the server still there. Whoever comes writes a word into the door and waits for the file of
/// that name in `guests`: only then is it sure that the keeper had not yet made up its mind.
#[cfg(feature = "databases")]
const UNTIL_UNUSED: &str = r#"
exec 3<"$1/door"
idle=0
while [ "$idle" -lt "$2" ]; do
    if read -r guest <&3; then idle=0; : >"$1/guests/$guest"; else idle=$((idle + 1)); sleep 0.1; fi
done
exec 3<&-
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
        spawn(account, folder, UNTIL_PARENT_ENDS, 0, Stdio::piped())
    }

    /// Watches over a server that several processes use: those that have the `door` in `folder` open. It outlives this
    /// process.
    #[cfg(feature = "databases")]
    pub(super) fn keep(account: Account, folder: &Path, linger: Duration) -> Result<Self, ScratchError> {
        let tenths = linger.as_millis() / 100;
        spawn(account, folder, UNTIL_UNUSED, tenths, Stdio::null())
    }

    /// Ends a server whose own watchdog is gone, and removes its folder.
    #[cfg(feature = "databases")]
    pub(super) fn clear(account: Account, folder: &Path) -> Result<(), ScratchError> {
        let stop = |reason: io::Error| ScratchError::Stop { folder: folder.to_owned(), reason: reason.to_string() };
        spawn(account, folder, "", 0, Stdio::null())?.finish(None).map_err(stop)
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

fn spawn(account: Account, folder: &Path, wait: &str, tenths: u128, input: Stdio) -> Result<Watchdog, ScratchError> {
    let program = Path::new("/bin/sh");
    let shell = account
        .command(program)
        .args(["-c", &format!("{wait}{END}"), "migrate-scratch-watchdog"])
        .arg(folder)
        .arg(tenths.to_string())
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(ScratchError::program(program))?;
    Ok(Watchdog { shell })
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
