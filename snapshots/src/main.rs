//! A user's own binary, as the README shows it: the `migrate` command with these migrations.

fn main() -> std::process::ExitCode {
    migrate_bin::main(migrate_macros::embed!("../../migrations"))
}
