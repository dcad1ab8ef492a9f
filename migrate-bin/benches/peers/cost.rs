//! Time and memory of one command.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a command took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    /// Runs of bytes from the client after it has heard from the server.
    pub(crate) turns: u32,
    /// The most memory that was resident at once, as `/proc` says; 0 where there is none.
    pub(crate) mebibytes: f64,
}

/// Runs a command to its end.
pub(crate) fn of(mut command: Command) -> Cost {
    let output = tempfile::tempfile().expect("a temporary file");
    let errors = output.try_clone().expect("a second handle");
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().expect("the tool starts");
    let mut mebibytes = 0.0_f64;
    let status = loop {
        mebibytes = mebibytes.max(resident(child.id()));
        if let Some(status) = child.try_wait().expect("the tool is waited for") {
            break status;
        }
        // The peak grows only, so that what it was before the end is seen a moment before the end.
        std::thread::sleep(Duration::from_millis(1));
    };
    let seconds = start.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}: {status}");
    Cost { seconds, turns: 0, mebibytes }
}

#[expect(clippy::disallowed_methods, reason = "a file of the kernel")]
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes.unwrap_or_default() / 1024.0
}

/// The run in the middle by time, with the most memory of all.
pub(crate) fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let mebibytes = costs.iter().map(|cost| cost.mebibytes).fold(0.0, f64::max);
    Cost { mebibytes, ..costs[costs.len() / 2] }
}
