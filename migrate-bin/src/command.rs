//! One module a command. `migrations` and `database` find what a command is about.

mod change;
mod create;
mod database;
mod fix;
mod inspect;
mod migrations;
mod plan;
mod status;
mod validate;

use clap::CommandFactory as _;
use migrate_core::migration::Set;
use migrate_core::report::{Exit, Failure};

use self::migrations::{folder, load};
use crate::arguments::{Arguments, Command, Shared};
use crate::console::{Console, Trouble};

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
