//! The release binary as an image holds it: how it is linked, what it costs to start, and that it needs nothing of the
//! file system that it runs in.
//!
//! `./test` builds it, which takes minutes, and names it in `MIGRATE_RELEASE_PROGRAM`.

#[cfg(test)]
mod elf;
#[cfg(test)]
mod empty_root;
#[cfg(test)]
#[expect(dead_code, reason = "the cases of tests/faults need more of it")]
#[path = "../faults/names.rs"]
mod names;
#[cfg(test)]
mod program;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/stage.rs"]
mod stage;
#[cfg(test)]
mod start;
