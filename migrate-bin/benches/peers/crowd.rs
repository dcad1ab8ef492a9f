//! Many runners at once, beside one alone.

use std::process::{Child, Stdio};
use std::time::Instant;

use crate::files::hundred;
use crate::stage::Database;
use crate::tool::Tool;

pub(crate) const NAME: &str = "up: 32 runners at once, 100 migrations";
const RUNNERS: usize = 32;
const ROUNDS: usize = 3;
/// What they may take together, in times of one alone.
const LIMIT: f64 = 1.3;

pub(crate) fn print() {
    let (mut alone, mut together): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(seconds(1));
        together.push(seconds(RUNNERS));
    }
    let (alone, together) = (median(alone), median(together));
    let ratio = together / alone;
    let verdict = if ratio <= LIMIT { "held" } else { "MISSED" };
    println!("\n{NAME} ({ROUNDS} rounds)\n  one alone      {alone:>8.3} s\n  all of them    {together:>8.3} s");
    println!("    {verdict}: {ratio:.3} of the time of one, at most {LIMIT:.3}");
}

/// Until the database is at the last version and all of them have ended.
fn seconds(runners: usize) -> f64 {
    let database = Database::create();
    let folder = Tool::Migrate.lay_out(&hundred());
    let start = Instant::now();
    let run = |_| {
        let mut command = Tool::Migrate.up(&database.url, folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a runner starts")
    };
    let children: Vec<Child> = (0..runners).map(run).collect();
    for mut child in children {
        assert!(child.wait().expect("a runner is waited for").success());
    }
    start.elapsed().as_secs_f64()
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
