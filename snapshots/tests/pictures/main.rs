//! The pictures of every migration and of the command line. `cargo insta review` shows what changed.

#[cfg(test)]
mod branches;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod eavesdropper;
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

/// The text of a file.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "test data does not come through the parser's reader")]
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// insta's settings for one kind of picture, kept in a folder of its own.
fn settings(kind: &str) -> Settings {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join(kind));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}
