//! `check`: the gate in front of the pods, for init containers and for programs that are not written in Rust.

use std::time::{Duration, Instant};

use migrate_core::connection::Access;
use migrate_core::gate::{Gate, State, Verdict};
use migrate_core::migration::{Set, Version};
use migrate_core::report::{Exit, Failure};
use serde_json::{Value, json};

use super::Ended;
use super::database::table;
use crate::arguments::{CheckArguments, Form, Shared};
use crate::console::Console;
use crate::target::Target;

/// How often a wait is told.
const SPEAK_EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(shared: &Shared, set: &Set, options: &CheckArguments, console: &mut Console) -> Ended {
    if let Some(contradiction) = options.contradiction() {
        return Err(Failure::new(Exit::Usage, contradiction, "give bounds that a database can be within").into());
    }
    let gate = Gate::new(set).table(table(shared)?).mode(options.mode(set));
    if options.sql {
        console.data(&format!("{}\n", gate.question()));
        return Ok(Exit::Ok);
    }
    let started = Instant::now();
    let mut spoke: Option<Instant> = None;
    loop {
        // A session of its own each time: the server may be another one by then.
        let left = options.wait.map_or(shared.connect_wait, |wait| wait.saturating_sub(started.elapsed()));
        let verdict = match ask(shared, &gate, left, console).await {
            Ok(verdict) => verdict,
            Err(failure) => return unanswered(set, &gate, failure, console),
        };
        let Some(pause) = options.policy().pause(&verdict, started) else { return tell(set, verdict, console) };
        if spoke.is_none_or(|spoke| spoke.elapsed() >= SPEAK_EVERY) {
            spoke = Some(Instant::now());
            console.say("waiting_for_schema", &format!("{}; asking again", verdict.message));
        }
        tokio::time::sleep(pause).await;
    }
}

async fn ask(shared: &Shared, gate: &Gate<'_>, patience: Duration, console: &mut Console) -> Result<Verdict, Failure> {
    let target = Target::find(shared.database_url.as_deref(), Access::Read, patience)?;
    let connected = target.connect(&mut |event| console.event(&event)).await?;
    let verdict = connected.session.check(gate).await;
    connected.close().await;
    Ok(verdict)
}

/// There is no session: the way to the server has exit codes of its own.
fn unanswered(set: &Set, gate: &Gate<'_>, failure: Failure, console: &mut Console) -> Ended {
    if console.output == Form::Json {
        let verdict = gate.unreachable(&failure.message);
        console.json(&of_verdict(set, &verdict, failure.exit));
    }
    Err(failure.into())
}

fn tell(set: &Set, verdict: Verdict, console: &mut Console) -> Ended {
    let exit = verdict.exit();
    console.conclude(json!({ "message": verdict.message, "state": verdict.state.word() }));
    if console.output == Form::Json {
        console.json(&of_verdict(set, &verdict, exit));
        return Ok(exit);
    }
    for warning in &verdict.warnings {
        console.warn("warning", warning);
    }
    if !verdict.is_open() {
        let exact =
            if matches!(verdict.state, State::Ahead { .. }) { ": `migrate check` without `--exact`" } else { "" };
        return Err(Failure::new(exit, verdict.message, verdict.next + exact).into());
    }
    console.data(&format!("{}\n", verdict.message));
    Ok(exit)
}

/// The verdict as JSON.
pub(super) fn of_verdict(set: &Set, verdict: &Verdict, exit: Exit) -> Value {
    let numbers = |versions: &[Version]| versions.iter().map(|version| version.0).collect::<Vec<_>>();
    let (mut missing, mut extra, mut files, mut version) = (Vec::new(), Vec::new(), Vec::new(), None);
    match &verdict.state {
        State::Behind { missing: versions } => missing = numbers(versions),
        State::OkAhead { extra: versions } | State::Ahead { extra: versions } => extra = numbers(versions),
        State::Drift { files: paths } => files.clone_from(paths),
        State::Dirty { version: half_done } => version = Some(half_done.0),
        _ => {}
    }
    json!({
        "state": verdict.state.word(), "exit": exit.row().code, "open": verdict.is_open(), "message": verdict.message,
        "next": verdict.next, "release": set.release, "set_sha256": set.digest.to_string(), "head": verdict.head.0,
        "highest": verdict.highest.0, "missing": missing, "extra": extra, "files": files, "half_done": version,
        "floor": verdict.floor.map(|floor| json!({ "requires": floor.requires.0, "by": floor.by.0 })),
        "warnings": verdict.warnings,
    })
}
