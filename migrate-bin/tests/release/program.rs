//! The release binary, and one like it with a thousand migrations built in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::stage::{permit, skipped_without, workspace};

/// The release binary, or `None` after saying that the scene is skipped.
pub(crate) fn release(scene: &str) -> Option<PathBuf> {
    let named = std::env::var_os("MIGRATE_RELEASE_PROGRAM").map(PathBuf::from).filter(|path| path.is_file());
    skipped_without(named, scene, "MIGRATE_REQUIRE_RELEASE", "the release binary (MIGRATE_RELEASE_PROGRAM)")
}

/// The same program with a thousand migrations of three statements each instead of this repository's own, built like it
/// and with what was compiled for it. Linking it takes as long again, so that only `./test --long` does.
pub(crate) fn thousand(scene: &str) -> Option<&'static Path> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let release = release(scene)?;
    let asked = std::env::var_os("MIGRATE_LONG").map(PathBuf::from);
    skipped_without(asked, scene, "MIGRATE_REQUIRE_LONG", "`--long`")?;
    Some(PROGRAM.get_or_init(|| build(&release)))
}

fn build(release: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("thousand");
    for folder in ["src", "migrations"] {
        let _absent = std::fs::remove_dir_all(root.join(folder));
        std::fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    for version in 1..=1000 {
        let path = root.join(format!("migrations/{version:05}_create_t{version}.sql"));
        std::fs::write(path, migration(version)).expect("a migration");
    }
    let main =
        "fn main() -> std::process::ExitCode {\n    migrate_bin::main(migrate_macros::embed!(\"../migrations\"))\n}\n";
    std::fs::write(root.join("src/main.rs"), main).expect("a file");
    std::fs::write(root.join("build.rs"), "fn main() {\n    migrate_core::build::watch(\"migrations\");\n}\n")
        .expect("a file");
    std::fs::write(root.join("Cargo.toml"), manifest()).expect("a file");
    std::fs::copy(workspace().join("Cargo.lock"), root.join("Cargo.lock")).expect("a file");
    // TARGET-FOLDER/TRIPLE/release/migrate
    let mut folders = release.ancestors().skip(2).map(Path::to_owned);
    let (of_triple, target) = (folders.next().expect("its folder"), folders.next().expect("the target folder"));
    let triple = of_triple.file_name().expect("a triple");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--offline", "--quiet", "--target"]).arg(triple).current_dir(&root);
    cargo.env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", "-C target-feature=+crt-static");
    assert!(cargo.status().expect("cargo starts").success(), "the program with a thousand migrations is built");
    of_triple.join("release/thousand")
}

fn migration(version: u32) -> String {
    format!(
        "-- +goose Up\nCREATE TABLE t{version} (id bigint PRIMARY KEY, name text NOT NULL, created_at timestamptz NOT NULL);\n\
         CREATE INDEX t{version}_name ON t{version} (name);\nINSERT INTO t{version} VALUES ({version}, 'first', now());\n\
         -- +goose Down\nDROP TABLE t{version};\n"
    )
}

/// The release profile is that of the workspace's manifest, word for word.
fn manifest() -> String {
    let path = |package: &str| workspace().join(package).display().to_string();
    let text = crate::stage::text(&workspace().join("Cargo.toml"));
    let profile =
        text.split("[profile.release]").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("the profile");
    format!(
        "[package]\nname = \"thousand\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n\
         migrate-bin = {{ path = {:?}, default-features = false }}\nmigrate-macros = {{ path = {:?} }}\n\
         migrate-core = {{ path = {core:?}, default-features = false }}\n\n[build-dependencies]\n\
         migrate-core = {{ path = {core:?}, default-features = false }}\n\n[profile.release]{profile}\n\n[workspace]\nresolver = \"3\"\n",
        path("migrate-bin"),
        path("migrate-macros"),
        core = path("migrate-core"),
    )
}

/// A copy that everybody may run, in a folder that everybody may look into.
pub(crate) fn install(program: &Path, root: &Path) {
    permit(root, 0o755);
    std::fs::copy(program, root.join("migrate")).expect("a copy");
    permit(&root.join("migrate"), 0o555);
}
