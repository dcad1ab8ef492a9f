//! Where a call of `embed!` stands: what its path is relative to, and how messages write it.
//!
//! The only place that asks the compiler and its environment, so that everything else is a function of its arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migrate_core::build::WATCHED;
use proc_macro2::TokenStream;

/// Reads Rust. The compiler's own reader is many times faster than that of `proc_macro2`, and exists only in a compiler.
pub(crate) type Reader = fn(&str) -> Result<TokenStream, String>;

/// The place of a call.
#[derive(Debug)]
pub(crate) struct Site {
    /// The folder that paths are relative to, absolute.
    pub(crate) base: PathBuf,
    /// The working folder of the compiler, absolute. Cargo makes it the workspace, and writes its paths relative to it.
    pub(crate) working: PathBuf,
    /// The digests that the build script handed on, by variable.
    pub(crate) watched: BTreeMap<String, String>,
    /// What reads the text that the macro writes.
    pub(crate) reader: Reader,
}

/// A folder of migrations, or a file beside it, in every way it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Absolute.
    pub(crate) folder: PathBuf,
    /// As messages write it.
    pub(crate) shown: String,
}

impl Site {
    /// The site of a call in `file`, as the running compiler knows it.
    pub(crate) fn of_compiler(file: Option<&Path>) -> Self {
        let working = std::env::current_dir().unwrap_or_default();
        let manifest = || std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let base = file.and_then(Path::parent).map(Path::to_path_buf).or_else(manifest).unwrap_or_default();
        let watched = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(WATCHED))
            .collect();
        let reader = |text: &str| {
            let read: Result<proc_macro::TokenStream, proc_macro::LexError> = text.parse();
            read.map(TokenStream::from).map_err(|error| error.to_string())
        };
        Self { base: working.join(base), working, watched, reader }
    }

    /// A site in a test, where there is no compiler.
    #[cfg(test)]
    pub(crate) fn of_test(base: &Path, working: &Path) -> Self {
        let reader = |text: &str| text.parse().map_err(|error: proc_macro2::LexError| error.to_string());
        Self { base: base.to_owned(), working: working.to_owned(), watched: BTreeMap::new(), reader }
    }

    /// The folder or file that `path` names here.
    pub(crate) fn resolve(&self, path: &str) -> Place {
        let folder = absolute(&self.base.join(path));
        let relative = |root: &Path| Some(folder.strip_prefix(absolute(root)).ok()?.display().to_string());
        // A caller outside the working folder is one that cargo names by its whole path, as trybuild's cases are:
        // there the way from the caller is shorter, and the same on every machine.
        let shown = relative(&self.working).or_else(|| relative(&self.base));
        let shown = match shown {
            Some(shown) if shown.is_empty() => ".".to_owned(),
            Some(shown) => shown,
            None => folder.display().to_string(),
        };
        Place { folder, shown }
    }
}

/// The path without `..` and links; without `..` alone where there is no such folder.
fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        path.components().fold(PathBuf::new(), |mut clean, component| {
            match component {
                std::path::Component::ParentDir => drop(clean.pop()),
                std::path::Component::CurDir => {}
                other => clean.push(other),
            }
            clean
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(base: &str, working: &str) -> Site {
        Site::of_test(base.as_ref(), working.as_ref())
    }

    #[test]
    fn a_folder_in_the_workspace_is_shown_relative_to_it() {
        let place = site("/no/ws/app/src", "/no/ws").resolve("../../migrations");
        assert_eq!(place, Place { folder: "/no/ws/migrations".into(), shown: "migrations".into() });
    }

    #[test]
    fn a_folder_below_a_caller_outside_the_workspace_is_shown_relative_to_the_caller() {
        assert_eq!(site("/no/other/ui", "/no/ws").resolve("./case").shown, "case");
    }

    #[test]
    fn any_other_folder_is_shown_absolute() {
        assert_eq!(site("/no/ws/src", "/no/ws").resolve("../../elsewhere/m").shown, "/no/elsewhere/m");
        assert_eq!(site("/no/ws/src", "/no/ws").resolve("/abs/m").shown, "/abs/m");
    }

    #[test]
    fn the_workspace_itself_is_a_dot() {
        assert_eq!(site("/no/ws/src", "/no/ws").resolve("..").shown, ".");
    }
}
