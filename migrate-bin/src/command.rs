//! One module a command. `migrations`, `settings`, `database` and `base` find what a command is about.

mod base;
mod built_in;
mod by_hand;
mod change;
mod check;
mod create;
mod database;
mod doctor;
mod exit_codes;
mod explain;
mod fix;
mod inspect;
mod lint;
mod lock;
mod migrations;
mod plan;
mod review;
mod schema;
mod settings;
mod status;
mod validate;
mod verify;

use clap::CommandFactory as _;
use migrate_core::migration::Set;
use migrate_core::plan::Goal;
use migrate_core::report::{Exit, Failure};

use self::migrations::{Reading, folder, load};
use crate::arguments::{Arguments, Change, Command, DataForm, Shared};
use crate::console::Console;
use crate::signals::Signals;
use crate::trouble::Trouble;

/// How a command ended, when it did.
pub(crate) type Ended = Result<Exit, Trouble>;

/// Runs one command.
pub(crate) fn run(
    arguments: &Arguments,
    built_in: Option<&'static Set>,
    signals: &Signals,
    console: &mut Console,
) -> Ended {
    let shared = &arguments.shared;
    not_of_another(shared.output, &arguments.command)?;
    // At night `doctor` has something to say without migrations, too.
    let may_want_none = matches!(arguments.command, Command::Doctor) && built_in.is_none();
    if arguments.command.reads_migrations(shared.database_url.is_some()) && !may_want_none {
        built_in::announce(shared, built_in, console)?;
    }
    let embedded = built_in.unwrap_or_else(built_in::none);
    match &arguments.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "migrate", &mut script);
            console.data(&String::from_utf8_lossy(&script));
            Ok(Exit::Ok)
        }
        Command::Create(asked) => create::run(&folder(shared, embedded), asked, console),
        Command::Fix { wrap: true } => fix::wrap(&folder(shared, embedded), console),
        Command::Fix { wrap: false } => fix::run(&folder(shared, embedded), console),
        Command::Lock { check: false } => lock::write(shared, embedded, console),
        Command::Lock { check: true } => lock::check(&folder(shared, embedded), console),
        Command::Lint(options) => lint::run(shared, embedded, options, console),
        Command::Review(options) => {
            let request = review::Request { options, stop: signals.mind() };
            with_runtime(review::run(shared, embedded, request, console))
        }
        Command::ExitCodes => exit_codes::run(console),
        Command::Explain { which } => explain::run(which.as_deref(), console),
        Command::Validate => validate::run(shared, embedded, console),
        Command::Inspect { migration } => inspect::run(shared, embedded, migration.as_deref(), console),
        Command::Plan(options) if options.offline => plan::run_offline(shared, embedded, options, console),
        command => with_runtime(connected(command, shared, embedded, signals, console)),
    }
}

/// The forms of data that are those of one command, or of two.
fn not_of_another(form: DataForm, command: &Command) -> Result<(), Failure> {
    let (name, is_its_own) = match form {
        DataForm::Text | DataForm::Json => return Ok(()),
        DataForm::Sarif | DataForm::Github => ("lint", matches!(command, Command::Lint(_) | Command::Review(_))),
        DataForm::Junit => ("verify", matches!(command, Command::Verify(_))),
        DataForm::Markdown => ("review", matches!(command, Command::Review(_))),
    };
    if is_its_own {
        return Ok(());
    }
    let help = format!("use `--output text` or `--output json`, or run `migrate {name}`");
    Err(Failure::new(Exit::Usage, format!("this form of output is one of `{name}` only"), help))
}

/// The commands that ask a database.
async fn connected(
    command: &Command,
    shared: &Shared,
    embedded: &'static Set,
    signals: &Signals,
    console: &mut Console,
) -> Ended {
    if let Some(asked) = command.change() {
        return changed(command, asked, (shared, embedded), signals, console).await;
    }
    match command {
        Command::Status => status::status(shared, embedded, console).await,
        Command::Check(options) => {
            let set = load(shared, embedded, console)?;
            check::run(shared, &set, options, console).await
        }
        Command::Doctor => {
            let set = load(shared, embedded, console)?;
            doctor::run(shared, &set, console).await
        }
        Command::Resolve(options) => {
            let set = load(shared, embedded, console)?;
            by_hand::resolve(shared, &set, options, console).await
        }
        Command::Accept(options) => {
            let set = load(shared, embedded, console)?;
            by_hand::accept(shared, &set, options, console).await
        }
        Command::Baseline(options) => {
            let set = load(shared, embedded, console)?;
            by_hand::baseline(shared, &set, options, console).await
        }
        Command::Verify(options) => {
            let set = load(shared, embedded, console)?;
            let stop = signals.mind();
            Box::pin(verify::run(shared, &set, verify::Request { options, stop }, console)).await
        }
        Command::Schema { format } => schema::run(shared, embedded, *format, console).await,
        Command::Journal => by_hand::journal(shared, console).await,
        Command::Repair(options) => by_hand::repair(shared, options, signals, console).await,
        Command::Unlock(options) => by_hand::unlock(shared, options, console).await,
        Command::Plan(options) => {
            let set = load(shared, embedded, console)?;
            plan::run(shared, &set, options, console).await
        }
        _ => status::version(shared, embedded, console).await,
    }
}

/// The commands that change a database by migrations.
async fn changed(
    command: &Command,
    (goal, change): (Goal, &Change),
    (shared, embedded): (&Shared, &'static Set),
    signals: &Signals,
    console: &mut Console,
) -> Ended {
    let stop = signals.mind_connecting(change.deadline);
    let given = change::Given { command, goal, change, stop, signals };
    Box::pin(change::run((shared, embedded), Reading::begin(shared), given, console)).await
}

fn with_runtime(command: impl Future<Output = Ended>) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Internal, format!("cannot start the I/O of this program: {error}"), "run again")
    })?;
    let ended = runtime.block_on(command);
    // A look-up of a name may still be under way, and nobody waits for its answer any more.
    runtime.shutdown_background();
    ended
}
