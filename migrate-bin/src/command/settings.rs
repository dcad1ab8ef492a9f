//! The settings of the project that a command's migrations belong to.

use std::path::{Path, PathBuf};

use migrate_core::config::{self, Config};
use migrate_core::diagnostic::Diagnostic;
use migrate_core::migration::Set;
use migrate_core::report::{Exit, Failure};

use super::migrations::folder;
use crate::arguments::Shared;
use crate::trouble::Trouble;

/// The settings of `--config`, or those found from the migrations upwards; the default where there are none.
///
/// The outer error is a file that was asked for and is not there, the inner one a file that says something wrong.
pub(super) fn settings(shared: &Shared, embedded: &Set) -> Result<Result<Config, Box<Diagnostic>>, Trouble> {
    settings_from(shared, &start(&folder(shared, embedded)))
}

/// The same, looked for from a folder upwards.
pub(super) fn settings_from(shared: &Shared, start: &Path) -> Result<Result<Config, Box<Diagnostic>>, Trouble> {
    let path = match &shared.config {
        Some(path) if path.is_file() => Some(path.clone()),
        Some(path) => {
            let message = format!("there is no file {}", path.display());
            let help = "name the project's `migrate.toml` with `--config`, or leave the option out";
            return Err(Failure::new(Exit::Config, message, help).into());
        }
        None => config::find(start),
    };
    Ok(match path {
        Some(path) => config::read(&path, &shown(&path)),
        None => Ok(Config::default()),
    })
}

/// The folder of the migrations: `--dir` may name one file of it.
pub(super) fn start(migrations: &Path) -> PathBuf {
    match migrations.parent() {
        Some(parent) if migrations.is_file() && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if migrations.is_file() => parent.to_owned(),
        _ => migrations.to_owned(),
    }
}

/// Relative to the working folder where it lies below it, as a person there would write it.
pub(super) fn shown(path: &Path) -> String {
    let working = std::env::current_dir().and_then(|working| working.canonicalize()).unwrap_or_default();
    match path.strip_prefix(working).unwrap_or(path).display().to_string() {
        here if here.is_empty() => ".".to_owned(),
        shown => shown,
    }
}
