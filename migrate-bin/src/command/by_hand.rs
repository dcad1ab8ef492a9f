//! `resolve`, `baseline`, `repair`, `unlock` and `journal`: what a person does when a run has left something to decide.

use migrate_core::apply::{self, InvalidIndex, JournalLine, Means, Resolution};
use migrate_core::connection::Access;
use migrate_core::migration::{Set, Version};
use migrate_core::plan::{Goal, Order, OwnTransactions};
use migrate_core::report::{Exit, Failure, Holder};
use serde_json::{Value, json};

use super::Ended;
use super::database::{connect, table};
use crate::arguments::{AcceptArguments, Form, RepairArguments, ResolveArguments, Shared, UnlockArguments};
use crate::console::Console;
use crate::environment;
use crate::target::Connected;

/// What changes something by hand is not done by a slip of the hand.
fn confirmed(yes: bool, what: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, format!("{what} needs `--yes`"), "give `--yes` when you are sure"))
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

pub(super) async fn resolve(shared: &Shared, set: &Set, options: &ResolveArguments, console: &mut Console) -> Ended {
    confirmed(options.yes, "deciding what counts as applied")?;
    let variables = environment::variables();
    let request = request(set, shared, &variables)?;
    let reason = options.reason.clone().unwrap_or_default();
    let resolution = Resolution { version: Version(options.version), decision: options.decision(), reason };
    let mut connected = connect(shared, Access::Change, console).await?;
    let mut observe = |event| console.event(&event);
    let resolved = apply::resolve(&mut connected.session, &request, &resolution, &Means::alone(), &mut observe).await;
    connected.close().await;
    resolved?;
    console.say("decided", &format!("version {} is decided; `migrate journal` keeps it", options.version));
    Ok(Exit::Ok)
}

pub(super) async fn accept(shared: &Shared, set: &Set, options: &AcceptArguments, console: &mut Console) -> Ended {
    confirmed(options.yes, "letting an edited file count as applied")?;
    let variables = environment::variables();
    let request = request(set, shared, &variables)?;
    let mut connected = connect(shared, Access::Change, console).await?;
    let mut observe = |event| console.event(&event);
    let mut accepted = Ok(());
    for version in &options.versions {
        let decided = (Version(*version), options.reason.as_str());
        accepted = apply::accept(&mut connected.session, &request, decided, &Means::alone(), &mut observe).await;
        if accepted.is_err() {
            break;
        }
    }
    connected.close().await;
    accepted?;
    let versions: Vec<String> = options.versions.iter().map(ToString::to_string).collect();
    let text =
        format!("version {}: the file as it is counts as applied; `migrate journal` keeps why", versions.join(", "));
    console.say("accepted", &text);
    Ok(Exit::Ok)
}

pub(super) async fn baseline(shared: &Shared, set: &Set, to: i64, console: &mut Console) -> Ended {
    let variables = environment::variables();
    let request = request(set, shared, &variables)?;
    let mut connected = connect(shared, Access::Change, console).await?;
    let mut observe = |event| console.event(&event);
    let session = &mut connected.session;
    let written = apply::baseline(session, &request, Version(to), &Means::alone(), &mut observe).await;
    connected.close().await;
    written?;
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

pub(super) async fn repair(shared: &Shared, options: &RepairArguments, console: &mut Console) -> Ended {
    if !options.indexes.is_empty() {
        confirmed(options.yes, "dropping an index")?;
    }
    let access = if options.indexes.is_empty() { Access::Read } else { Access::Change };
    let connected = connect(shared, access, console).await?;
    let repaired = repair_on(&connected, options, console).await;
    connected.close().await;
    repaired.map(|()| Exit::Ok).map_err(Into::into)
}

async fn repair_on(connected: &Connected, options: &RepairArguments, console: &mut Console) -> Result<(), Failure> {
    for name in &options.indexes {
        apply::drop_invalid_index(&connected.session, name).await?;
        console.say("repaired", &format!("dropped the INVALID index {name}"));
    }
    if !options.indexes.is_empty() {
        return Ok(());
    }
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
    if options.terminate.is_some() {
        confirmed(options.yes, "ending a session")?;
    }
    let connected = connect(shared, Access::Read, console).await?;
    let unlocked = unlock_on(&connected, options, console).await;
    connected.close().await;
    unlocked.map(|()| Exit::Ok).map_err(Into::into)
}

async fn unlock_on(connected: &Connected, options: &UnlockArguments, console: &mut Console) -> Result<(), Failure> {
    if let Some(pid) = options.terminate {
        apply::terminate(&connected.session, pid).await?;
        console.say("unlocked", &format!("the session with pid {pid} was told to end"));
        return Ok(());
    }
    let holder = apply::lock_holder(&connected.session).await;
    if console.output == Form::Json {
        console.json(&json!({ "holder": holder.as_ref().map(crate::console::words::of_holder) }));
    }
    console.say("unlock", &told(holder.as_ref()));
    Ok(())
}

fn told(holder: Option<&Holder>) -> String {
    match holder {
        None => "nobody holds the migration lock".to_owned(),
        Some(holder) => format!(
            "the migration lock is held by {holder}; `migrate unlock --terminate {} --yes` ends that session, and what it \
             has under way is rolled back",
            holder.pid
        ),
    }
}
