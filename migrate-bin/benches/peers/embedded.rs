//! A program with the thousand migrations built in, as a team ships it: linked statically, by the release profile of this
//! workspace. `--dir` would read and parse a thousand files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::files::File;

/// The release profile is in it.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");

/// The program, built once in a package of its own beside the workspace.
pub(crate) fn program(files: fn() -> Vec<File>, place: fn(&File) -> (String, String)) -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| build(&files(), place))
}

fn build(files: &[File], place: fn(&File) -> (String, String)) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers-embedded");
    for folder in ["src", "migrations"] {
        let _absent = fs::remove_dir_all(root.join(folder));
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in files {
        let (name, text) = place(file);
        fs::write(root.join("migrations").join(name), text).unwrap();
    }
    fs::write(root.join("Cargo.toml"), manifest(workspace)).unwrap();
    fs::copy(workspace.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
    fs::write(root.join("build.rs"), "fn main() {\n    migrate_core::build::watch(\"migrations\");\n}\n").unwrap();
    let main = "fn main() -> std::process::ExitCode {\n    \
                migrate_bin::main(migrate_macros::embed!(\"../migrations\"))\n}\n";
    fs::write(root.join("src/main.rs"), main).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--offline", "--quiet", "--target", &triple()]).current_dir(&root);
    cargo.env("CARGO_TARGET_DIR", root.join("target")).env("RUSTFLAGS", "-C target-feature=+crt-static");
    assert!(cargo.status().expect("cargo starts").success(), "the program with a thousand migrations is built");
    root.join("target").join(triple()).join("release/embedded")
}

/// Of this machine: where a target is named, the flags are not those of procedural macros.
fn triple() -> String {
    let told = Command::new("rustc").args(["--print", "host-tuple"]).output().expect("rustc starts");
    String::from_utf8(told.stdout).expect("a name").trim().to_owned()
}

fn manifest(workspace: &Path) -> String {
    let path = |package: &str| workspace.join(package).display().to_string();
    let profile =
        WORKSPACE.split("[profile.release]").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("the profile");
    format!(
        "[package]\nname = \"embedded\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n\
         migrate-bin = {{ path = {:?}, default-features = false }}\nmigrate-macros = {{ path = {:?} }}\n\
         migrate-core = {{ path = {core:?}, default-features = false }}\n\n[build-dependencies]\n\
         migrate-core = {{ path = {core:?}, default-features = false }}\n\n[profile.release]{profile}\n\n[workspace]\n\
         resolver = \"3\"\n",
        path("migrate-bin"),
        path("migrate-macros"),
        core = path("migrate-core"),
    )
}
