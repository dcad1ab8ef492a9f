//! `verify`: which migrations are proven to be undone by their Down, and what is wrong with the others.

mod form;
mod junit;

use migrate_core::apply::{self, Database, Stop};
use migrate_core::history::History;
use migrate_core::migration::{Set, Version};
use migrate_core::plan::{OwnTransactions, Versioning};
use migrate_core::report::{Exit, Failure};
use migrate_core::verify::{Base, Doors as _, Round, Scratch, Task, shared_change, verify};

use super::Ended;
use super::database::table;
use crate::arguments::{DataForm, Shared, VerifyArguments};
use crate::console::Console;
use crate::environment;
use crate::scratch::ScratchServer;

/// What was asked for on the command line.
pub(super) struct Request<'a> {
    pub(super) options: &'a VerifyArguments,
    pub(super) stop: Stop,
}

pub(super) async fn run(shared: &Shared, set: &Set, request: Request<'_>, console: &mut Console) -> Ended {
    let Request { options, stop } = request;
    let environment = environment::variables();
    let task = Task {
        set,
        table: table(shared)?,
        environment: &environment,
        own_transactions: if options.allow_transaction_control {
            OwnTransactions::Allowed
        } else {
            OwnTransactions::Refused
        },
        from: Version(options.from.unwrap_or_default()),
        tracing: !options.no_trace,
        stop,
    };
    known(&task)?;
    let (server, base, history) = ground(shared, &task, options.pending).await?;
    if !options.whole_server {
        refuse_shared(&server, &history, &task)?;
    }
    let rounds = rounds(&server, &base, &task, console).await?;
    match shared.output {
        DataForm::Json => console.json(&form::json(&rounds)),
        DataForm::Junit => console.data(&junit::xml(&rounds)),
        _ => console.data(&form::text(&rounds)),
    }
    console.say("verified", &form::summary(&rounds, set.migrations.len()));
    Ok(if rounds.iter().all(Round::is_proven) { Exit::Ok } else { Exit::InvalidMigrations })
}

/// Proves what the order asks for, and leaves nothing behind on the server.
pub(super) async fn rounds(
    server: &ScratchServer,
    base: &Base,
    task: &Task<'_>,
    console: &mut Console,
) -> Result<Vec<Round>, Failure> {
    let mut scratch = Scratch::make(server, &environment::run_id(), base).await?;
    let rounds = verify(&mut scratch, task, &mut |step| console.step(&step)).await;
    console.clear_progress();
    let removed = scratch.remove().await;
    let rounds = rounds?;
    removed?;
    Ok(rounds)
}

/// On somebody's server no role is made, dropped or changed for a proof.
pub(super) fn refuse_shared(server: &ScratchServer, history: &History, task: &Task<'_>) -> Result<(), Failure> {
    let Some(change) = shared_change(task.set, history, task.environment).filter(|_| server.is_somebodys()) else {
        return Ok(());
    };
    let message = format!("{} changes what all databases of this server share, and that would stay", change.words);
    let next = "without `--database-url` it is proven on a server that is started for it; where nobody else uses this one, \
                `migrate verify --whole-server` runs it";
    Err(Failure { place: Some(change.place), ..Failure::new(Exit::Usage, message, next) })
}

fn known(task: &Task<'_>) -> Result<(), Failure> {
    if task.from == Version::ZERO || task.set.find(task.from).is_some() {
        return Ok(());
    }
    let help = format!("`migrate inspect` lists the versions; the latest of this set is {}", task.set.latest());
    Err(Failure::new(Exit::Usage, format!("there is no version {}", task.from), help))
}

/// Where the scratch databases are made, of what, and what is applied there.
async fn ground(shared: &Shared, task: &Task<'_>, pending: bool) -> Result<(ScratchServer, Base, History), Failure> {
    if !pending {
        return Ok((ScratchServer::find(shared)?, Base::Empty, History::default()));
    }
    if shared.database_url.is_none() {
        let help = "name a copy of a real database, or a branch of it, with `--database-url`";
        return Err(Failure::new(Exit::Usage, "`--pending` needs a database to copy", help));
    }
    let server = ScratchServer::find(shared)?;
    let session = server.open(None).await?;
    let read = apply::read(&session, &task.table, Versioning::Recorded).await;
    session.close().await;
    let Database { history, server: opened, .. } = read?;
    Ok((server.beside(), Base::CopyOf(opened.database), history))
}
