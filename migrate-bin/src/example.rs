//! A user's own binary: the `migrate` command with a folder's migrations built in, here those of the example schema.

use std::process::ExitCode;

fn main() -> ExitCode {
    migrate_bin::main(migrate_macros::embed!("../../migrations"))
}
