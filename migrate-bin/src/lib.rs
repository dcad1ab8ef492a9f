//! The `migrate` command as a library: arguments in, words out.
//!
//! The `migrate` that is installed has no migrations built in ([`without_set`]). A binary with your own is three lines:
//!
//! ```text
//! fn main() -> std::process::ExitCode {
//!     migrate_bin::main(migrate_macros::embed!("../migrations"))
//! }
//! ```
//!
//! Everything that decides or talks to a server is in `migrate-core`; here are arguments, environment, files that are
//! written, and the words on the terminal. Data goes to stdout, everything else to stderr.

mod arguments;
mod command;
mod console;
mod end;
mod environment;
mod farewell;
mod fault;
mod habit;
mod metrics;
#[cfg(not(feature = "telemetry"))]
mod no_telemetry;
mod scratch;
mod signals;
mod spelling;
mod target;
#[cfg(feature = "telemetry")]
mod telemetry;
mod termination;
mod trouble;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use migrate_core::connection::looks_like_a_connection;
use migrate_core::migration::Set;
use migrate_core::report::{Exit, Failure};

use self::arguments::Arguments;
use self::console::Console;
use self::end::End;
use self::farewell::Farewell;
#[cfg(not(feature = "telemetry"))]
use self::no_telemetry as telemetry;
use self::signals::Signals;
use self::spelling::Spelling;
use self::termination::Message;

/// Runs the command line of this process on an embedded set of migrations.
#[must_use]
pub fn main(set: &'static Set) -> ExitCode {
    start(Some(set))
}

/// Runs the command line of this process on the folder that it names, or else goose's variable `GOOSE_MIGRATION_DIR`; no
/// migrations are built in.
#[must_use]
pub fn without_set() -> ExitCode {
    start(None)
}

/// The commands and options of the command line, for whoever writes its manual.
#[must_use]
pub fn command_line() -> clap::Command {
    Arguments::command().name("migrate")
}

fn start(set: Option<&'static Set>) -> ExitCode {
    fault::attend();
    let signals = Signals::attend();
    let mut arguments = match parsed() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let spelling = Spelling::of(&arguments);
    if set.is_none() && arguments.shared.dir.is_none() {
        arguments.shared.dir = environment::variable("GOOSE_MIGRATION_DIR").map(Into::into);
    }
    let farewell = Farewell::of(&arguments);
    signals.leave(farewell.clone(), arguments.shared.clone());
    fault::leave(farewell.clone(), arguments.shared.log_format());
    let mut console = Console::new(&arguments.shared, farewell.clone(), spelling);
    let ended = command::run(&arguments, set, &signals, &mut console);
    let ended = ended.map_err(|trouble| trouble.spelled(&console.spelling));
    let ended = match console.unwritten() {
        Some(failure) => ended.and(Err(failure.into())),
        None => ended,
    };
    let outcome = console.outcome();
    let mut message = Message::of(&ended, (console.last_said(), &outcome));
    if let Some(set) = set.filter(|_| arguments.shared.dir.is_none()) {
        message = message.with_set(set);
    }
    for (event, problem) in farewell.leave(&message, &End::of(&ended, &outcome)) {
        console.warn(event, &problem);
    }
    let exit = match &ended {
        Ok(exit) => *exit,
        Err(trouble) => {
            console.trouble(trouble);
            trouble.exit()
        }
    };
    if let Some((event, problem)) = farewell.deliver() {
        console.warn(event, &problem);
    }
    ExitCode::from(exit.row().code)
}

/// The command line, in our words or in goose's.
fn parsed() -> Result<Arguments, ExitCode> {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    let words: Vec<OsString> = words.collect();
    // A word that is no text is none of goose's.
    let texts: Option<Vec<String>> = words.iter().map(|word| word.to_str().map(str::to_owned)).collect();
    let words = match texts.map_or(habit::Line::Own, |texts| habit::read(&texts)) {
        habit::Line::Own => words,
        habit::Line::Translated(texts) => texts.into_iter().map(OsString::from).collect(),
        habit::Line::Refused(message, help) => return Err(answered(&Failure::new(Exit::Usage, message, help))),
    };
    Arguments::try_parse_from(std::iter::once(program).chain(words)).map_err(|error| refused(&error))
}

/// The answer to a command line that is none.
fn answered(failure: &Failure) -> ExitCode {
    let message = Message::of_exit(Exit::Usage, &failure.message);
    let _nobody_to_tell = Farewell::of_refused().leave(&message, &End::by(Exit::Usage));
    Console::complain(&format!("{}\n", failure.render(false)));
    ExitCode::from(Exit::Usage.row().code)
}

/// clap repeats the argument that it does not understand. One that may hold a password is left out.
fn refused(error: &clap::Error) -> ExitCode {
    let value = |argument: String| match argument.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => value.to_owned(),
        _ => argument,
    };
    let secret = |argument: &String| looks_like_a_connection(argument).is_some() || argument.contains("password");
    let secrets: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| value(argument.to_string_lossy().into_owned()))
        .filter(secret)
        .collect();
    if !error.use_stderr() {
        error.exit();
    }
    let text = secrets.iter().fold(error.to_string(), |text, secret| text.replace(secret.as_str(), "…"));
    let message = Message::of_exit(Exit::Usage, text.trim_end());
    let _nobody_to_tell = Farewell::of_refused().leave(&message, &End::by(Exit::Usage));
    if secrets.is_empty() {
        error.exit();
    }
    Console::complain(&text);
    ExitCode::from(Exit::Usage.row().code)
}
