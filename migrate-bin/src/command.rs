//! One module a command; this one decides which migrations and which database a command is about.

mod change;
mod create;
mod fix;
mod inspect;
mod plan;
mod status;
mod validate;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use migrate_core::apply::{self, Database};
use migrate_core::diagnostic::any_error;
use migrate_core::flight::TableName;
use migrate_core::migration::Set;
use migrate_core::plan::Versioning;
use migrate_core::report::{Exit, Failure};
use migrate_core::{build, check};

use crate::arguments::{Arguments, Command, Shared};
use crate::console::{Console, Trouble};
use crate::environment;
use crate::target::{Connected, Target};

/// How a command ended, when it did.
pub(crate) type Ended = Result<Exit, Trouble>;

/// Runs one command.
pub(crate) fn run(arguments: &Arguments, embedded: &'static Set, console: &mut Console) -> Ended {
    let shared = &arguments.shared;
    match &arguments.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "migrate", &mut script);
            console.data(&String::from_utf8_lossy(&script));
            Ok(Exit::Ok)
        }
        Command::Create { name, sequential } => create::run(&folder(shared, embedded), name, *sequential, console),
        Command::Fix => fix::run(&folder(shared, embedded), console),
        Command::Validate => validate::run(shared, embedded, console),
        Command::Inspect { migration } => inspect::run(shared, embedded, migration.as_deref(), console),
        Command::Plan(options) if options.offline => plan::run_offline(shared, embedded, options, console),
        command => with_runtime(connected(command, shared, embedded, console)),
    }
}

/// The commands that ask a database.
async fn connected(command: &Command, shared: &Shared, embedded: &'static Set, console: &mut Console) -> Ended {
    if let Some((goal, change)) = command.change() {
        let set = load(shared, embedded, console)?;
        return change::run(shared, &set, change::Order { command, goal, change }, console).await;
    }
    match command {
        Command::Status => {
            let set = load(shared, embedded, console)?;
            status::status(shared, &set, console).await
        }
        Command::Plan(options) => {
            let set = load(shared, embedded, console)?;
            plan::run(shared, &set, options, console).await
        }
        _ => status::version(shared, embedded, console).await,
    }
}

fn with_runtime(command: impl Future<Output = Ended>) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Internal, format!("cannot start the I/O of this program: {error}"), "run again")
    })?;
    runtime.block_on(command)
}

/// The migrations of the command: of `--dir`, or those built in. Every problem is printed; an error ends the command.
fn load<'a>(shared: &Shared, embedded: &'a Set, console: &mut Console) -> Result<Cow<'a, Set>, Trouble> {
    let Some(dir) = &shared.dir else {
        fresh(embedded)?;
        return Ok(Cow::Borrowed(embedded));
    };
    let parsed = check::folder(dir, &dir.display().to_string());
    if any_error(&parsed.diagnostics) {
        return Err(Trouble::Diagnostics(parsed.diagnostics));
    }
    console.diagnostics(&parsed.diagnostics);
    Ok(Cow::Owned(parsed.set))
}

/// In a development build, whether the embedded migrations are still those of their folder.
fn fresh(set: &Set) -> Result<(), Failure> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    match build::stale(set) {
        Some(stale) => Err(Failure::new(Exit::InvalidMigrations, stale.message(), stale.help())),
        None => Ok(()),
    }
}

/// The folder that `create`, `fix` and `validate` work on.
fn folder(shared: &Shared, embedded: &Set) -> PathBuf {
    if let Some(dir) = &shared.dir {
        return dir.clone();
    }
    let origin = Path::new(embedded.origin.folder.as_ref());
    if origin.is_dir() { origin.to_owned() } else { PathBuf::from("migrations") }
}

fn table(shared: &Shared) -> Result<TableName, Failure> {
    if let Some(table) = &shared.table {
        return Ok(table.clone());
    }
    match environment::variable("GOOSE_TABLE") {
        Some(name) => name.parse().map_err(|error| {
            Failure::new(Exit::Usage, format!("GOOSE_TABLE: {error}"), "set it to such a name, or give `--table`")
        }),
        None => Ok(TableName::default()),
    }
}

/// Connects and reads the history.
async fn open(shared: &Shared) -> Result<(Connected, Database, TableName), Trouble> {
    let table = table(shared)?;
    let connected = Target::find(shared.database_url.as_deref())?.connect().await?;
    match apply::read(&connected.session, &table, Versioning::Recorded).await {
        Ok(database) => Ok((connected, database, table)),
        Err(failure) => {
            connected.close().await;
            Err(failure.into())
        }
    }
}
