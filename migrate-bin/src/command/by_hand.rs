//! `resolve`, `baseline`, `repair`, `unlock` and `journal`: what a person does when a run has left something to decide.

use std::path::Path;

use migrate_core::apply::{self, Choice, Connect, InvalidIndex, JournalLine, Means};
use migrate_core::connection::Access;
use migrate_core::flight::TableName;
use migrate_core::lock;
use migrate_core::migration::{Set, Version};
use migrate_core::plan::{Goal, Order, OwnTransactions};
use migrate_core::report::{Exit, Failure, Holder};
use serde_json::{Value, json};

use super::Ended;
use super::database::{connect, table};
use super::lock::save;
use super::migrations::folder;
use crate::arguments::{
    AcceptArguments, BaselineArguments, Form, RepairArguments, ResolveArguments, Shared, UnlockArguments,
};
use crate::console::Console;
use crate::environment;
use crate::signals::Signals;
use crate::target::Connected;
use crate::trouble::Trouble;

/// What changes something by hand is not done by a slip of the hand: without `--yes` it is only told.
fn unconfirmed(what: &str, would: &str) -> Failure {
    let message = format!("{what} needs `--yes`: {would}");
    Failure::new(Exit::Usage, message, "give `--yes` when that is what is meant")
}

fn request<'a>(
    set: &'a Set,
    shared: &Shared,
    variables: &'a migrate_core::parse::Environment,
) -> Result<apply::Request<'a>, Failure> {
    let own_transactions = OwnTransactions::Allowed;
    Ok(apply::Request {
        order: Order { own_transactions, ..Order::new(set, Goal::Up, variables) },
        table: table(shared)?,
        run: environment::run_id(),
        policy: apply::Policy { lock_wait: std::time::Duration::ZERO, ..apply::Policy::default() },
    })
}

/// Makes choices in turn; without `--yes`, says what each of them would write.
async fn choose(
    shared: &Shared,
    set: &Set,
    (choices, what, yes): (&[Choice], &str, bool),
    console: &mut Console,
) -> Result<(), Failure> {
    let variables = environment::variables();
    let request = request(set, shared, &variables)?;
    let access = if yes { Access::Change } else { Access::Read };
    let mut connected = connect(shared, access, console).await?;
    let chosen = choose_on(&mut connected, &request, (choices, yes), console).await;
    connected.close().await;
    let would = chosen?;
    if yes { Ok(()) } else { Err(unconfirmed(what, &would.join("; "))) }
}

async fn choose_on(
    connected: &mut Connected,
    request: &apply::Request<'_>,
    (choices, yes): (&[Choice], bool),
    console: &mut Console,
) -> Result<Vec<String>, Failure> {
    let mut observe = |event| console.event(&event);
    let mut would = Vec::new();
    for choice in choices {
        if yes {
            apply::choose(&mut connected.session, request, choice, &Means::alone(), &mut observe).await?;
        } else {
            would.push(apply::foresee(&connected.session, request, choice).await?);
        }
    }
    Ok(would)
}

pub(super) async fn resolve(shared: &Shared, set: &Set, options: &ResolveArguments, console: &mut Console) -> Ended {
    let reason = options.reason.clone().unwrap_or_default();
    let choice = Choice::Resolve { version: Version(options.version), decision: options.decision(), reason };
    let what = "deciding what counts as applied";
    choose(shared, set, (&[choice], what, options.yes), console).await?;
    console.say("decided", &format!("version {} is decided; `migrate journal` keeps it", options.version));
    Ok(Exit::Ok)
}

pub(super) async fn accept(shared: &Shared, set: &Set, options: &AcceptArguments, console: &mut Console) -> Ended {
    let choice = |version: &i64| Choice::Accept { version: Version(*version), reason: options.reason.clone() };
    let choices: Vec<Choice> = options.versions.iter().map(choice).collect();
    let what = "letting an edited file count as applied";
    choose(shared, set, (&choices, what, options.yes), console).await?;
    relock(&folder(shared, set), set, &options.versions)?;
    let versions: Vec<String> = options.versions.iter().map(ToString::to_string).collect();
    let text =
        format!("version {}: the file as it is counts as applied; `migrate journal` keeps why", versions.join(", "));
    console.say("accepted", &text);
    Ok(Exit::Ok)
}

/// What counts as applied is what the folder's lock names, where there is one.
fn relock(folder: &Path, set: &Set, versions: &[i64]) -> Result<(), Trouble> {
    let read = lock::read(folder, &folder.display().to_string());
    let Some(mut lock) = read.map_err(|problem| Trouble::Diagnostics(vec![*problem]))? else { return Ok(()) };
    let accepted = set.migrations.iter().filter(|migration| versions.contains(&migration.version.0));
    let followed = accepted.filter(|migration| lock.follow(&migration.file, migration.digest)).count();
    if followed > 0 {
        save(folder, &lock.render())?;
    }
    Ok(())
}

pub(super) async fn baseline(shared: &Shared, set: &Set, options: &BaselineArguments, console: &mut Console) -> Ended {
    let to = options.to;
    let choice = Choice::Baseline { to: Version(to) };
    choose(shared, set, (&[choice], "recording versions that were not run", options.yes), console).await?;
    let count = set.migrations.iter().filter(|migration| migration.version.0 <= to).count();
    console.say("baseline", &format!("{count} migrations are recorded as applied, up to version {to}; none was run"));
    Ok(Exit::Ok)
}

pub(super) async fn journal(shared: &Shared, console: &mut Console) -> Ended {
    let table = table(shared)?;
    let connected = connect(shared, Access::Read, console).await?;
    let lines = apply::journal(&connected.session, &table).await;
    connected.close().await;
    let lines = lines?;
    if console.output == Form::Json {
        console.json(&lines.iter().map(journal_json).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    if lines.is_empty() {
        console.say("journal", "the journal is empty: no file without a transaction was ever run");
        return Ok(Exit::Ok);
    }
    let mut text = String::from("version  dir   statement  state    kind                           started\n");
    for line in &lines {
        let statement = if line.statement == 0 { "-".to_owned() } else { format!("{}/{}", line.statement, line.of) };
        text.push_str(&format!(
            "{:>7}  {:<4}  {statement:>9}  {:<7}  {:<29}  {}",
            line.version, line.direction, line.state, line.kind, line.started_at
        ));
        for more in [&line.sqlstate, &line.closed_by, &line.note].into_iter().flatten().filter(|more| !more.is_empty())
        {
            text.push_str(&format!("  {}", more.escape_debug()));
        }
        text.push('\n');
    }
    console.data(&text);
    Ok(Exit::Ok)
}

fn journal_json(line: &JournalLine) -> Value {
    json!({
        "version": line.version, "direction": line.direction, "file": line.file, "statement": line.statement,
        "statements": line.of, "kind": line.kind, "state": line.state, "sqlstate": line.sqlstate,
        "started_at": line.started_at, "finished_at": line.finished_at, "run_id": line.run,
        "closed_by": line.closed_by, "note": line.note,
    })
}

pub(super) async fn repair(
    shared: &Shared,
    options: &RepairArguments,
    signals: &Signals,
    console: &mut Console,
) -> Ended {
    let access = if options.indexes.is_empty() || !options.yes { Access::Read } else { Access::Change };
    let mut connected = connect(shared, access, console).await?;
    let repaired = if options.indexes.is_empty() {
        list_invalid(&connected, console).await
    } else if options.yes {
        drop_named(&mut connected, options, signals, console).await
    } else {
        foresee_drops(&connected, options).await
    };
    connected.close().await;
    repaired.map(|()| Exit::Ok).map_err(Into::into)
}

async fn foresee_drops(connected: &Connected, options: &RepairArguments) -> Result<(), Failure> {
    let mut would = Vec::new();
    for name in &options.indexes {
        let InvalidIndex { name, table, size, .. } = apply::droppable(&connected.session, name).await?;
        would.push(format!("{name} on {table} ({size}) would be dropped"));
    }
    Err(unconfirmed("dropping an index", &would.join("; ")))
}

async fn drop_named(
    connected: &mut Connected,
    options: &RepairArguments,
    signals: &Signals,
    console: &mut Console,
) -> Result<(), Failure> {
    let Connected { session, connector, .. } = connected;
    let connect = connector.as_deref().map(|connector| connector as &dyn Connect);
    let means = Means { connect, stop: signals.mind() };
    for name in &options.indexes {
        apply::drop_invalid_index(session, name, &means).await?;
        console.say("repaired", &format!("dropped the INVALID index {name}"));
    }
    Ok(())
}

async fn list_invalid(connected: &Connected, console: &mut Console) -> Result<(), Failure> {
    let indexes = apply::invalid_indexes(&connected.session).await?;
    if console.output == Form::Json {
        console.json(&indexes.iter().map(index_json).collect::<Vec<_>>());
        return Ok(());
    }
    for index in &indexes {
        let building = if index.building { ", being built right now" } else { "" };
        console.data(&format!("{} on {} ({}{building})\n", index.name, index.table, index.size));
    }
    let text = match indexes.len() {
        0 => "no index is INVALID".to_owned(),
        count => format!("{count} INVALID; `migrate repair NAME --yes` drops one of them"),
    };
    console.say("repair", &text);
    Ok(())
}

fn index_json(index: &InvalidIndex) -> Value {
    json!({ "name": index.name, "table": index.table, "size": index.size, "building": index.building })
}

pub(super) async fn unlock(shared: &Shared, options: &UnlockArguments, console: &mut Console) -> Ended {
    let name = table(shared)?;
    let connected = connect(shared, Access::Read, console).await?;
    let unlocked = unlock_on(&connected, &name, options, console).await;
    connected.close().await;
    unlocked.map(|()| Exit::Ok).map_err(Into::into)
}

async fn unlock_on(
    connected: &Connected,
    name: &TableName,
    options: &UnlockArguments,
    console: &mut Console,
) -> Result<(), Failure> {
    if let Some(pid) = options.terminate {
        if !options.yes {
            let holder = apply::lock_holder(&connected.session, name).await.filter(|holder| holder.pid == pid);
            let would = match holder {
                Some(holder) => format!("{holder} would be ended, and what it has under way rolled back"),
                None => {
                    format!("nothing would be done, for the session with pid {pid} does not hold the migration lock")
                }
            };
            return Err(unconfirmed("ending a session", &would));
        }
        apply::terminate(&connected.session, pid).await?;
        console.say("unlocked", &format!("the session with pid {pid} was told to end"));
        return Ok(());
    }
    let holder = apply::lock_holder(&connected.session, name).await;
    if console.output == Form::Json {
        console.json(&json!({ "holder": holder.as_ref().map(crate::console::words::of_holder) }));
    }
    console.say("unlock", &told(holder.as_ref()));
    Ok(())
}

fn told(holder: Option<&Holder>) -> String {
    match holder {
        None => "nobody holds the migration lock".to_owned(),
        Some(holder) if holder.lease.is_some() => format!("the migration lock is held by {holder}; {}", holder.end()),
        Some(holder) => format!(
            "the migration lock is held by {holder}; `migrate unlock --terminate {} --yes` ends that session, and what it \
             has under way is rolled back",
            holder.pid
        ),
    }
}
