//! The `migrate` command with this repository's own migrations. A binary with yours is the same line.

use std::process::ExitCode;

fn main() -> ExitCode {
    migrate_bin::main(migrate_macros::embed!("../../migrations"))
}
