//! `doctor`: one page about everything that a run depends on, for the person who is called at night.

use migrate_core::apply::{self, Examination, Pooling};
use migrate_core::connect::Peer;
use migrate_core::connection::Access;
use migrate_core::gate::{Gate, State};
use migrate_core::history::Attempt;
use migrate_core::migration::{Direction, Set};
use migrate_core::report::{Exit, Failure, Holder};
use serde_json::{Value, json};

use super::check::of_verdict;
use super::database::{connect, table};
use super::{Ended, built_in};
use crate::arguments::{Form, Shared};
use crate::console::Console;
use crate::console::words::of_holder;
use crate::target::Connected;

/// Ends as `check` would: the page is there in any case.
pub(super) async fn run(shared: &Shared, set: &Set, console: &mut Console) -> Ended {
    let name = table(shared)?;
    let connected = match connect(shared, Access::Read, console).await {
        Ok(connected) => connected,
        Err(failure) => return unreached(failure, console),
    };
    let gate = Gate::new(set).table(name.clone());
    let peer = connected.session.peer().cloned();
    let examined = examine(&connected, &name, &gate).await;
    connected.close().await;
    let mut examination = examined?;
    let is_named = !built_in::is_none(set);
    if !is_named {
        unjudge(&mut examination);
    }
    let exit = examination.verdict.exit();
    if console.output == Form::Json {
        let mut data = of_examination(set, &examination, peer.as_ref());
        if !is_named && exit == Exit::Ok {
            data["schema"]["state"] = "unjudged".into();
        }
        console.json(&data);
    } else {
        console.data(&page(&examination, peer.as_ref()));
    }
    Ok(exit)
}

/// Nobody said which migrations a release needs, so nothing is missing, and nothing too much: what is left of the verdict
/// is what the database says of itself.
fn unjudge(examination: &mut Examination) {
    let verdict = &mut examination.verdict;
    let name = "name the migrations with `--dir DIR` to see what is missing";
    match &verdict.state {
        State::Ok | State::OkAhead { .. } | State::Incompatible { .. } => {
            verdict.message = format!("not judged, no migrations are named; version {} is applied", verdict.highest);
            name.clone_into(&mut verdict.next);
            let half_done = examination.unfinished.first().map(|attempt| attempt.version);
            verdict.state = half_done.map_or(State::Ok, |version| State::Dirty { version });
        }
        State::NotInitialised => name.clone_into(&mut verdict.next),
        _ => {}
    }
}

async fn examine(
    connected: &Connected,
    name: &migrate_core::flight::TableName,
    gate: &Gate<'_>,
) -> Result<Examination, Failure> {
    apply::examine(&connected.session, name, gate, connected.connect()).await
}

/// There is one line to show.
fn unreached(failure: Failure, console: &mut Console) -> Ended {
    if console.output == Form::Json {
        let row = failure.exit.row();
        console.json(&json!({ "reachable": false, "code": row.name, "exit": row.code, "message": failure.message }));
    } else {
        console.data(&line("server", false, &format!("not reached: {}", failure.message)));
    }
    Err(failure.into())
}

/// A line of the page; `!` marks what somebody has to look at.
fn line(what: &str, fine: bool, text: &str) -> String {
    format!("{} {what:<11} {text}\n", if fine { " " } else { "!" })
}

fn page(seen: &Examination, peer: Option<&Peer>) -> String {
    let mut page = String::new();
    let mut add = |what: &str, fine: bool, text: &str| page.push_str(&line(what, fine, text));
    let at = peer.map(|peer| format!(" at {peer}, database {}", peer.database)).unwrap_or_default();
    let primary = seen.role_of_server == "primary";
    add("server", primary, &format!("PostgreSQL {}, {}{at}", seen.server, seen.role_of_server));
    add("TLS", true, &security(peer));
    let (fine, text) = pooling(&seen.pooling);
    add("pooler", fine, &text);
    add("role", true, &format!("{}{}", seen.user, if seen.superuser { ", a superuser" } else { "" }));
    for privilege in &seen.privileges {
        let missing =
            if privilege.held { String::new() } else { format!("  missing; as the owner: {}", privilege.grant) };
        add("privilege", privilege.held, &format!("{:<5} {}{missing}", privilege.needed_by, privilege.what));
    }
    let held = |holder: &Holder| match holder.lease {
        Some(_) => format!("held by {holder}; {}", holder.end()),
        None => format!("held by {holder}; `migrate unlock --terminate {} --yes` ends that session", holder.pid),
    };
    add("lock", seen.holder.is_none(), &seen.holder.as_ref().map_or("free".to_owned(), held));
    for index in &seen.invalid {
        let building = if index.building {
            ", being built right now".to_owned()
        } else {
            format!("; `migrate repair {} --yes` drops it", index.name)
        };
        add("index", index.building, &format!("{} on {} is INVALID{building}", index.name, index.table));
    }
    for attempt in &seen.unfinished {
        add("journal", false, &unfinished(attempt));
    }
    for hazard in &seen.hazards {
        let text = format!("{} = {} ({}): {}", hazard.name, hazard.value, hazard.source, hazard.effect);
        add("setting", false, &text);
    }
    for warning in &seen.verdict.warnings {
        add("warning", false, warning);
    }
    add("schema", seen.verdict.is_open(), &seen.verdict.to_string());
    page
}

fn security(peer: Option<&Peer>) -> String {
    match peer {
        None => "inside this program".to_owned(),
        Some(peer) => peer.tls.as_ref().map_or_else(|| "no TLS".to_owned(), ToString::to_string),
    }
}

fn pooling(pooling: &Pooling) -> (bool, String) {
    match pooling {
        Pooling::NoneShows => (true, "none shows".to_owned()),
        Pooling::Perhaps(sign) => (true, format!("perhaps one: {sign}")),
        Pooling::Session(sign) => (true, format!("a pooler in session mode, or a proxy: {sign}")),
        Pooling::Pgpool(version) => (true, format!("Pgpool-II {version}, a backend for each session")),
        Pooling::Statement(sign) => {
            (false, format!("in statement mode: {sign}; migrations need a direct connection, or transaction mode"))
        }
        Pooling::Transaction { sign, direct } => {
            let direct = direct.as_ref().map(|host| format!("; the direct host is {host}")).unwrap_or_default();
            let text =
                format!("in transaction mode: {sign}{direct}; files without a transaction need a direct connection");
            (false, text)
        }
    }
}

fn unfinished(attempt: &Attempt) -> String {
    let half = if attempt.direction == Direction::Up { "applied" } else { "undone" };
    let (version, file) = (attempt.version, &attempt.file);
    format!("version {version} ({file}) is half {half}: {} statements are done; `migrate journal`", attempt.done())
}

fn of_examination(set: &Set, seen: &Examination, peer: Option<&Peer>) -> Value {
    let (pooled, sign, direct) = match &seen.pooling {
        Pooling::NoneShows => ("none-shows", None, None),
        Pooling::Perhaps(sign) => ("perhaps", Some(sign), None),
        Pooling::Session(sign) => ("session", Some(sign), None),
        Pooling::Pgpool(version) => ("pgpool", Some(version), None),
        Pooling::Statement(sign) => ("statement", Some(sign), None),
        Pooling::Transaction { sign, direct } => ("transaction", Some(sign), direct.as_ref()),
    };
    let privilege = |privilege: &apply::Privilege| {
        json!({
            "privilege": privilege.what, "needed_by": privilege.needed_by, "held": privilege.held,
            "grant": privilege.grant,
        })
    };
    let hazard = |hazard: &apply::Hazard| json!({ "name": hazard.name, "value": hazard.value, "source": hazard.source, "effect": hazard.effect });
    let attempt = |attempt: &Attempt| {
        json!({
            "version": attempt.version.0, "file": attempt.file, "direction": attempt.direction.word(),
            "done": attempt.done(),
        })
    };
    let index = |index: &apply::InvalidIndex| json!({ "name": index.name, "table": index.table, "size": index.size, "building": index.building });
    json!({
        "reachable": true, "server": seen.server, "server_role": seen.role_of_server,
        "host": peer.map(|peer| &peer.server), "address": peer.map(|peer| &peer.address),
        "database": peer.map(|peer| &peer.database), "tls": security(peer),
        "pooler": { "verdict": pooled, "sign": sign, "direct_host": direct },
        "user": seen.user, "superuser": seen.superuser,
        "privileges": seen.privileges.iter().map(privilege).collect::<Vec<_>>(),
        "lock_holder": seen.holder.as_ref().map(of_holder),
        "invalid_indexes": seen.invalid.iter().map(index).collect::<Vec<_>>(),
        "unfinished": seen.unfinished.iter().map(attempt).collect::<Vec<_>>(),
        "hazards": seen.hazards.iter().map(hazard).collect::<Vec<_>>(),
        "schema": of_verdict(set, &seen.verdict, seen.verdict.exit()),
    })
}
