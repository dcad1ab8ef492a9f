//! Events of waiting, of trying again, and of the server's own words.

use std::time::Duration;

use migrate_core::report::{At, Holder, Progress, Ran, Retry};
use serde_json::{Value, json};

use super::{Told, milliseconds, of_at, of_ran, place, spent, told};

pub(super) fn unreachable(why: &str, tries: u32, left: Duration) -> Told {
    let seconds = left.as_secs();
    let text = format!("{why}; trying again for {seconds} s");
    told("warning", "waiting_for_connection", text, json!({ "why": why, "tries": tries, "left_s": seconds }))
}

pub(super) fn ambiguous(ran: &Ran) -> Told {
    let text = format!("the connection broke while {} may have been committed: asking the database", ran.file);
    told("warning", "ambiguous_commit", text, of_ran(ran))
}

pub(super) fn resolved(ran: &Ran, landed: bool) -> Told {
    let mut fields = of_ran(ran);
    fields["landed"] = json!(landed);
    let became = if landed { "was committed" } else { "was not committed" };
    told("info", "resolved", format!("{} {became}", ran.file), fields)
}

pub(super) fn waiting(holder: Option<&Holder>, waited: Duration) -> Told {
    let text = match holder {
        None => "waiting for another runner's migration lock".to_owned(),
        Some(holder) => format!("waiting for the migration lock, held by {holder}; to end it: {}", holder.end()),
    };
    let fields = json!({ "waited_ms": milliseconds(waited), "holder": holder.map(of_holder) });
    told("info", "waiting_for_lock", text, fields)
}

pub(crate) fn of_holder(holder: &Holder) -> Value {
    let Holder { pid, application, user, address, state, age, lease } = holder;
    if let Some(lease) = lease {
        return json!({ "locker": application, "age_s": age, "lease_s": lease, "end": holder.end() });
    }
    json!({
        "pid": pid, "application_name": application, "user": user, "address": address, "state": state, "age_s": age,
        "end": holder.end(),
    })
}

pub(super) fn progress(progress: &Progress) -> Told {
    let Progress { at, elapsed, phase, percent, waits_for } = progress;
    let mut text = format!("{} has been running for {}", place(at), spent(*elapsed));
    if !phase.is_empty() {
        text.push_str(&format!(": {phase}"));
        if let Some(percent) = percent {
            text.push_str(&format!(", {percent} %"));
        }
    } else if !waits_for.is_empty() {
        text.push_str(&format!(", waiting for {waits_for}"));
    }
    let mut fields = of_at(at);
    fields["elapsed_ms"] = json!(milliseconds(*elapsed));
    fields["phase"] = json!(Some(phase).filter(|phase| !phase.is_empty()));
    fields["percent"] = json!(percent);
    fields["waits_for"] = json!(Some(waits_for).filter(|event| !event.is_empty()));
    told("info", "progress", text, fields)
}

pub(super) fn reading(elapsed: Duration, blockers: &[Holder]) -> Told {
    let who: Vec<String> = blockers.iter().map(|holder| format!("{holder}; to end it: {}", holder.end())).collect();
    let waits = if who.is_empty() { String::new() } else { format!(": it waits for {}", who.join("; ")) };
    let text = format!("the history has not been read for {}{waits}", spent(elapsed));
    let blockers: Vec<Value> = blockers.iter().map(of_holder).collect();
    told("warning", "reading_history", text, json!({ "elapsed_ms": milliseconds(elapsed), "blockers": blockers }))
}

pub(super) fn blocked(at: &At, elapsed: Duration, blockers: &[Holder]) -> Told {
    let who: Vec<String> = blockers.iter().map(|holder| format!("{holder}; to end it: {}", holder.end())).collect();
    let text = format!("{} waits for a lock since {}: {}", place(at), spent(elapsed), who.join("; "));
    let mut fields = of_at(at);
    fields["elapsed_ms"] = json!(milliseconds(elapsed));
    fields["blockers"] = json!(blockers.iter().map(of_holder).collect::<Vec<_>>());
    told("warning", "blocked", text, fields)
}

pub(super) fn retry(retry: &Retry) -> Told {
    let Retry { ran, reason, sqlstate, attempt, delay, rolled_back } = retry;
    let became = if *rolled_back { "was rolled back" } else { "could not go on" };
    let what = ran.as_ref().map(|ran| format!("{} {became}: ", ran.file)).unwrap_or_default();
    let text = format!("{what}{reason}; trying again in {} (try {})", spent(*delay), attempt + 1);
    let mut fields = ran.as_ref().map_or_else(|| json!({}), of_ran);
    fields["reason"] = json!(reason);
    fields["sqlstate"] = json!(sqlstate);
    fields["attempt"] = json!(attempt);
    fields["delay_ms"] = json!(milliseconds(*delay));
    told("warning", "retry", text, fields)
}

pub(super) fn notice(severity: &str, message: &str, at: Option<&At>) -> Told {
    let level = if severity == "WARNING" { "warning" } else { "info" };
    // A migration can make a notice say anything, a line that looks like ours included.
    let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let place = at.filter(|at| at.line > 0).map(|at| format!("{}:{}: ", at.ran.file, at.line)).unwrap_or_default();
    let mut fields = at.map_or_else(|| json!({}), of_at);
    fields["severity"] = json!(severity);
    told(level, "notice", format!("{place}server {severity}: {message}"), fields)
}
