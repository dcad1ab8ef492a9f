//! Rebuilds when the folder of migrations changes: `embed!` alone does not notice a new file. And packs the release binary.

fn main() {
    migrate_core::build::watch("../migrations");
    pack_relocations();
}

/// A static binary relocates itself, and takes a quarter of a megabyte to say where. Packed it is a tenth of that; a
/// binary that the system's loader relocates would ask for a loader that can read it (glibc 2.36). In a release
/// a panic ends the process: nothing unwinds, and nobody searches the table of what could be, 80 kB.
fn pack_relocations() {
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    let is_static = set("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "crt-static");
    if is_static && set("CARGO_CFG_TARGET_OS") == "linux" && set("CARGO_CFG_TARGET_ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        if set("PROFILE") == "release" {
            println!("cargo:rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
        }
    }
}
