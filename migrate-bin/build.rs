//! Rebuilds when the folder of migrations changes: `embed!` alone does not notice a new file.

fn main() {
    migrate_core::build::watch("../migrations");
}
