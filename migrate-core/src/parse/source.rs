//! The files of a folder: the only place in the library that reads them.
//!
//! Discovery is goose's (goose/spec.md 1.1): direct children `*.sql`, case-sensitive, dot files included.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::Path;

use super::name::version;
use crate::diagnostic::{Code, Diagnostic};
use crate::migration::{Digest, Version};
use crate::parallel;

/// The largest file, in bytes. Spans count in 32 bits, and no server takes more than this in one message.
const LARGEST: u64 = 1 << 30;

/// One file: its name and text, or why it has none.
#[derive(Debug)]
pub struct Source {
    /// The file name, without its folder.
    pub file: String,
    /// The text, or what is wrong with the file as a whole.
    pub text: Result<String, Diagnostic>,
}

/// The migrations of a folder, unparsed.
#[derive(Debug)]
pub struct Folder {
    /// The folder as it is opened.
    pub path: String,
    /// The folder as messages write it.
    pub shown: String,
    /// Its `*.sql` files, ascending by version and name; files without a version first.
    pub sources: Vec<Source>,
    /// What is wrong with the folder itself.
    pub diagnostics: Vec<Diagnostic>,
}

impl Folder {
    /// SHA-256 over the name and the digest of each file, in order. Equal to [`Set::digest_of`] where all are valid.
    ///
    /// [`Set::digest_of`]: crate::migration::Set::digest_of
    #[must_use]
    pub fn digest(&self) -> Digest {
        let text = |source: &Source| Digest::of_text(source.text.as_deref().unwrap_or_default());
        self.digest_of(&self.sources.iter().map(text).collect::<Vec<_>>())
    }

    /// The digest of the folder, from those of its files.
    pub(super) fn digest_of(&self, digests: &[Digest]) -> Digest {
        let files = self.sources.iter().map(|source| source.file.as_bytes()).zip(digests);
        Digest::of_parts(files.flat_map(|(file, digest)| [file, digest.bytes().as_slice()]))
    }
}

/// Reads the `*.sql` files of `path`; `shown` is how messages write the folder.
#[must_use]
pub fn read_folder(path: &Path, shown: &str) -> Folder {
    let mut folder =
        Folder { path: path.display().to_string(), shown: shown.to_owned(), sources: vec![], diagnostics: vec![] };
    let names = match file_names(path) {
        Ok(names) => names,
        Err(error) => {
            folder.diagnostics.push(unreadable_folder(shown, path, &error));
            return folder;
        }
    };
    for entry in parallel::map(&names, |name| entry(path, shown, name)) {
        match entry {
            Some(Ok(source)) => folder.sources.push(source),
            Some(Err(problem)) => folder.diagnostics.push(problem),
            None => {}
        }
    }
    folder.sources.sort_by_cached_key(|source| (version(&source.file).unwrap_or(Version::ZERO), source.file.clone()));
    if folder.sources.is_empty() && folder.diagnostics.is_empty() {
        folder.diagnostics.push(Diagnostic::of_path(
            Code::NoMigrations,
            shown,
            "this folder holds no migration (`*.sql`)",
            "name the folder of your goose files, or write the first one with `migrate create NAME`",
        ));
    }
    folder
}

/// What a name of the folder stands for: a migration, or something that is taken for one; nothing for any other file.
fn entry(folder: &Path, shown: &str, name: &OsStr) -> Option<Result<Source, Diagnostic>> {
    let Some(file) = name.to_str() else { return undecodable_name(shown, name).map(Err) };
    if is_go_migration(file) {
        return Some(Err(go_migration(shown, file)));
    }
    is_sql(file).then(|| {
        let shown = format!("{}/{file}", shown.trim_end_matches('/'));
        Ok(Source { file: file.to_owned(), text: read_text(&folder.join(file), &shown, Pipes::Refused) })
    })
}

/// What nobody knows the end of: a pipe that somebody names is meant, one among the migrations is not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pipes {
    Read,
    Refused,
}

fn too_large(shown: &str) -> Diagnostic {
    Diagnostic::of_path(
        Code::Unreadable,
        shown,
        "this file is larger than 1 GiB",
        "split it into several migrations, or load the data with another tool",
    )
}

fn endless(shown: &str) -> Diagnostic {
    Diagnostic::of_path(
        Code::Unreadable,
        shown,
        "this is no file, but a device, a pipe or a socket: reading it may never end",
        "put a file in its place, or move it elsewhere",
    )
}

/// Reads one file as a source; `shown` is how messages write it.
#[must_use]
pub fn read_file(path: &Path, shown: &str) -> Source {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Source { file, text: read_text(path, shown, Pipes::Read) }
}

fn file_names(path: &Path) -> std::io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "this module is the one that reads files")]
    for entry in std::fs::read_dir(path)? {
        names.push(entry?.file_name());
    }
    names.sort();
    Ok(names)
}

fn read_text(path: &Path, shown: &str, pipes: Pipes) -> Result<String, Diagnostic> {
    let metadata = std::fs::metadata(path).ok();
    let length = metadata.as_ref().filter(|metadata| metadata.is_file()).map_or(0, std::fs::Metadata::len);
    if length > LARGEST {
        return Err(too_large(shown));
    }
    if pipes == Pipes::Refused && metadata.is_some_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return Err(endless(shown));
    }
    let bytes = read_bytes(path, length).map_err(|error| unreadable_file(shown, path, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(too_large(shown));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = bytes[..at].split(|byte| *byte == b'\n').count();
        let looks = if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) { "; it looks like UTF-16" } else { "" };
        Diagnostic::of_path(
            Code::NotUtf8,
            shown,
            format!(
                "this file is not UTF-8 text: see the byte 0x{:02X} on line {line}, byte {} of the file",
                bytes[at],
                at + 1
            ),
            format!("save the file as UTF-8{looks}"),
        )
    })
}

/// `std::fs::read` asks for the length once more, which is a fifth of reading a small file.
fn read_bytes(path: &Path, length: u64) -> std::io::Result<Vec<u8>> {
    // One byte more, so that the end of the file is found without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A name that would count as a migration's, were it text.
fn undecodable_name(shown: &str, name: &std::ffi::OsStr) -> Option<Diagnostic> {
    let name = name.to_string_lossy();
    is_sql(&name).then(|| {
        Diagnostic::of_path(
            Code::BadName,
            format!("{}/{name}", shown.trim_end_matches('/')),
            "this file name is not UTF-8",
            "name it like `00012_add_tasks.sql`, or move it out of the folder",
        )
    })
}

fn unreadable_file(shown: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    if path.is_dir() {
        return Diagnostic::of_path(
            Code::Unreadable,
            shown,
            "this is a folder, and goose takes it for a migration because its name ends in `.sql`",
            "rename the folder, or move it elsewhere",
        );
    }
    Diagnostic::of_path(Code::Unreadable, shown, format!("cannot read this file: {error}"), "check its permissions")
}

fn unreadable_folder(shown: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    let help = "name the folder of your goose files";
    if error.kind() == std::io::ErrorKind::NotFound {
        return Diagnostic::of_path(Code::NoFolder, shown, "this folder does not exist", help);
    }
    if path.is_file() {
        return Diagnostic::of_path(Code::NoFolder, shown, "this is a file, not a folder of migrations", help);
    }
    Diagnostic::of_path(Code::Unreadable, shown, format!("cannot read this folder: {error}"), "check its permissions")
}

#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "goose looks at `*.sql` only, and at `.sql`")]
fn is_sql(name: &str) -> bool {
    name.ends_with(".sql")
}

#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "goose looks at `*.go` only")]
fn is_go_migration(name: &str) -> bool {
    name.ends_with(".go") && !name.ends_with("_test.go") && version(name).is_ok()
}

fn go_migration(shown: &str, name: &str) -> Diagnostic {
    Diagnostic::of_path(
        Code::GoMigration,
        format!("{}/{name}", shown.trim_end_matches('/')),
        "this migration is written in Go, and only your own goose binary can run it",
        "write it as SQL, or move it out of the folder when every database already has it",
    )
}
