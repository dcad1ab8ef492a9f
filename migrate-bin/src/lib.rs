//! The `migrate` command as a library: arguments in, words out.
//!
//! A binary with your own migrations is three lines:
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
mod environment;
mod target;

use std::process::ExitCode;

use clap::Parser as _;
use migrate_core::migration::Set;
use migrate_core::report::Exit;

use self::arguments::Arguments;
use self::console::Console;

/// Runs the command line of this process on an embedded set of migrations.
#[must_use]
pub fn main(set: &'static Set) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error),
    };
    let mut console = Console::new(&arguments.shared);
    let ended = command::run(&arguments, set, &mut console);
    let ended = match console.unwritten() {
        Some(failure) => ended.and(Err(failure.into())),
        None => ended,
    };
    match ended {
        Ok(exit) => ExitCode::from(exit.row().code),
        Err(trouble) => {
            console.trouble(&trouble);
            ExitCode::from(trouble.exit().row().code)
        }
    }
}

/// clap repeats the argument that it does not understand. One that may hold a password is left out.
fn refused(error: &clap::Error) -> ExitCode {
    let value = |argument: String| match argument.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => value.to_owned(),
        _ => argument,
    };
    let secret = |argument: &String| argument.contains("://") || argument.contains("password");
    let secrets: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| value(argument.to_string_lossy().into_owned()))
        .filter(secret)
        .collect();
    if secrets.is_empty() || !error.use_stderr() {
        error.exit();
    }
    let text = secrets.iter().fold(error.to_string(), |text, secret| text.replace(secret.as_str(), "…"));
    Console::complain(&text);
    ExitCode::from(Exit::Usage.row().code)
}
