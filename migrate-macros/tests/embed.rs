//! What is embedded is what is read at run time.

use std::path::{Path, PathBuf};

use migrate_core::check;
use migrate_core::migration::{Body, Set, Version};
use migrate_core::parse::read_file;

migrate_macros::embed!(
    /// The project's own migrations.
    mod schema = "../../migrations"
);

migrate_macros::embed!(mod embedded = "embedded");
migrate_macros::embed!(mod variables = "variables", envsub = "goose-3.27", crate = migrate_core);

/// A folder of the package, as the macro writes it.
fn folder(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    path.canonicalize().unwrap_or(path)
}

fn assert_embedded(set: &Set, path: &str) {
    let read = check::folder(&folder(path), "", None).set;
    assert_eq!(set.migrations, read.migrations);
    assert_eq!(set.digest, read.digest);
    assert_eq!(Path::new(set.origin.folder.as_ref()), folder(path));
    assert_eq!(set.release, concat!("migrate-macros ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_set_is_the_same_whether_it_was_embedded_or_read() {
    assert_embedded(&schema::SET, "../migrations");
    assert_embedded(&embedded::SET, "tests/embedded");
    assert_embedded(migrate_macros::embed!("embedded"), "tests/embedded");
}

#[test]
fn every_kind_of_file_is_embedded() {
    let Body::Split { up, down } = &embedded::V1_é_x_y.body else { panic!("not split") };
    assert_eq!(up[0].rewritten_sql(), Some("CREATE TABLE rewritten (\n    id bigint\n);"));
    assert_eq!(down[0].sql(&embedded::V1_é_x_y.text), "DROP TABLE rewritten;");
    assert_eq!(embedded::V00002_index.mode, migrate_core::migration::Mode::NoTransaction);
    assert_eq!(embedded::V003_comment.body, Body::Deferred(None));
    assert_eq!(embedded::V4_nothing.version, embedded::LATEST);
}

#[test]
fn a_set_keeps_the_language_of_its_variables() {
    let body = &variables::V00001_tenant.body;
    assert_eq!(body, &Body::Deferred(Some(migrate_core::migration::Dialect::Goose327)));
}

#[test]
fn messages_write_the_folder_relative_to_the_workspace() {
    assert_eq!(schema::SET.origin.shown, "migrations");
    assert_eq!(embedded::SET.origin.shown, "migrate-macros/tests/embedded");
}

#[test]
fn handles_are_constants() {
    const FIRST: Version = schema::V00001_create_users.version;
    assert_eq!(FIRST, Version(1));
    assert_eq!(schema::SET.latest(), schema::LATEST);
    assert_eq!(schema::SET.digest, schema::SET_DIGEST);
}

/// The profile that the README tells users to copy is the one that this workspace and the bench build with.
#[test]
fn the_readme_s_profile_is_that_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let [manifest, readme] = ["Cargo.toml", "README.md"].map(|file| read_file(&root.join(file), file).text.unwrap());
    let (_, rest) = manifest.split_once("# embed! begin\n").unwrap();
    let (lines, _) = rest.split_once("# embed! end\n").unwrap();
    assert!(lines.lines().count() > 3);
    assert!(readme.contains(&format!("[profile.dev.package]\n{lines}```")), "{lines}");
}
