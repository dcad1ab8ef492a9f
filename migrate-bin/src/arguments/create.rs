//! What `create` takes.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// What it does, such as `add_users`
    #[arg(required_unless_present = "from", conflicts_with = "from", value_parser = super::name())]
    pub(crate) name: Option<String>,
    /// Number it after the highest version instead of by the time
    #[arg(short, long, conflicts_with = "from")]
    pub(crate) sequential: bool,
    /// Write the migrations of golang-migrate, dbmate, Flyway or sqlx as goose files, under their own versions
    #[arg(long, value_name = "FILE", num_args = 1.., value_parser = super::path())]
    pub(crate) from: Vec<PathBuf>,
    /// Write the schema of a plain dump (`pg_dump --schema-only`) as a migration: a baseline
    #[arg(long, value_name = "FILE", conflicts_with = "from", value_parser = super::path())]
    pub(crate) from_dump: Option<PathBuf>,
}
