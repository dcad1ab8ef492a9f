//! Writes the manual page of `migrate` and one of each command into a folder, for the archive of a release:
//! `cargo run -p migrate-bin --example manual -- FOLDER`.

use std::io::{Error, ErrorKind};

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else {
        return Err(Error::new(ErrorKind::InvalidInput, "name the folder"));
    };
    std::fs::create_dir_all(&folder)?;
    clap_mangen::generate_to(migrate_bin::command_line(), folder)
}
