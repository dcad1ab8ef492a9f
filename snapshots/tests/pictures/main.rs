//! The pictures of every migration and of the command line. `cargo insta review` shows what changed.

#[cfg(test)]
mod command_line;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod scripted;

use std::path::{Path, PathBuf};

use insta::Settings;

/// The folder of migrations that the pictures show.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations")
}

/// insta's settings for one kind of picture, kept in a folder of its own.
fn settings(kind: &str) -> Settings {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join(kind));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}
