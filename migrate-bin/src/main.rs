//! The `migrate` command for folders of goose files: no migrations are built in. A binary with yours is one line, too, as
//! `example.rs` shows.

use std::process::ExitCode;

fn main() -> ExitCode {
    migrate_bin::without_set()
}
