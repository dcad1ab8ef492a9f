//! The `migrate` command as a library: arguments in, words out.
//!
//! A binary with your own migrations is three lines:
//!
//! ```ignore
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

use self::arguments::Arguments;
use self::console::Console;

/// Runs the command line of this process on an embedded set of migrations.
#[must_use]
pub fn main(set: &'static Set) -> ExitCode {
    let arguments = Arguments::parse();
    let mut console = Console::new(&arguments.shared);
    match command::run(&arguments, set, &mut console) {
        Ok(exit) => ExitCode::from(exit.row().code),
        Err(trouble) => {
            console.trouble(&trouble);
            ExitCode::from(trouble.exit().row().code)
        }
    }
}
