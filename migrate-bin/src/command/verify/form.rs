//! The proof of each migration as text and as JSON.

use migrate_core::verify::{Down, Reapply, Round, Trace, Up};
use serde_json::{Value, json};

/// A line a migration, and under it what is wrong.
pub(super) fn text(rounds: &[Round]) -> String {
    let width = rounds.iter().map(|round| round.file.len()).max().unwrap_or_default();
    let mut text = String::new();
    for round in rounds {
        text.push_str(&format!("{:<width$}  {}\n", round.file, verdict(round)));
        if round.is_proven() {
            continue;
        }
        for line in round.error.iter().map(|error| format!("error: {error}")).chain(round.difference.iter().cloned()) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

/// What came of it, in a few words.
pub(super) fn verdict(round: &Round) -> String {
    let again = match round.reapply {
        Some(Reapply::Fails) => "; it cannot be applied again",
        Some(Reapply::Differs) => "; applied again it leaves another schema",
        _ => "",
    };
    match (&round.up, &round.down) {
        (Up::Fails, _) => "Up fails; nothing behind it was tried".to_owned(),
        (Up::Ok, Down::Ok) if again.is_empty() => "undone and applied again".to_owned(),
        (Up::Ok, Down::Ok) => format!("undone{again}"),
        (Up::Ok, Down::Fails) => "Down fails".to_owned(),
        (Up::Ok, Down::Differs) => {
            format!("Down leaves another schema: + is left behind, - is lost, ~ is changed{again}")
        }
        (Up::Ok, Down::Missing) => "there is no Down".to_owned(),
        (Up::Ok, Down::Irreversible { reason }) => format!("irreversible: {reason}"),
    }
}

/// What stands behind them all.
pub(super) fn summary(rounds: &[Round], all: usize) -> String {
    let proven = rounds.iter().filter(|round| round.down == Down::Ok && round.is_proven()).count();
    let irreversible = rounds.iter().filter(|round| matches!(round.down, Down::Irreversible { .. })).count();
    let open = rounds.iter().filter(|round| !round.is_proven()).count();
    let declared = if irreversible == 0 { String::new() } else { format!(", {irreversible} declared irreversible") };
    format!("{} of {all} migrations tried: {proven} proven{declared}, {open} not proven", rounds.len())
}

pub(super) fn json(rounds: &[Round]) -> Value {
    json!({ "migrations": rounds.iter().map(of_round).collect::<Vec<_>>() })
}

fn of_round(round: &Round) -> Value {
    let reason = match &round.down {
        Down::Irreversible { reason } => Some(reason),
        _ => None,
    };
    json!({
        "version": round.version.0, "name": round.name, "file": round.file,
        "up": up(round.up), "down": (round.up == Up::Ok).then(|| down(&round.down)),
        "reapply": round.reapply.map(reapply), "reason": reason, "difference": round.difference, "error": round.error,
        "change": round.change, "traces": round.traces.iter().map(of_trace).collect::<Vec<_>>(),
    })
}

fn of_trace(trace: &Trace) -> Value {
    let locks = trace.locks.iter().map(|(relation, mode)| json!({ "relation": relation, "mode": mode }));
    json!({
        "direction": trace.direction.word(), "statement": trace.statement, "line": trace.line,
        "locks": locks.collect::<Vec<_>>(), "rewrites": trace.rewrites, "scans": trace.scans,
    })
}

const fn up(up: Up) -> &'static str {
    match up {
        Up::Ok => "ok",
        Up::Fails => "fails",
    }
}

const fn down(down: &Down) -> &'static str {
    match down {
        Down::Ok => "ok",
        Down::Fails => "fails",
        Down::Differs => "differs",
        Down::Missing => "missing",
        Down::Irreversible { .. } => "irreversible",
    }
}

const fn reapply(reapply: Reapply) -> &'static str {
    match reapply {
        Reapply::Ok => "ok",
        Reapply::Fails => "fails",
        Reapply::Differs => "differs",
    }
}
