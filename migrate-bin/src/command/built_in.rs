//! The migrations that a program has built in, said before anything is done with them: nobody's database is to be migrated
//! by a set that nobody named.

use std::sync::OnceLock;

use migrate_core::migration::Set;
use migrate_core::parse::{Folder, parse};
use migrate_core::report::{Exit, Failure};

use crate::arguments::Shared;
use crate::console::Console;
use crate::environment;

/// The set of a program that has none.
pub(super) fn none() -> &'static Set {
    static NONE: OnceLock<Set> = OnceLock::new();
    NONE.get_or_init(|| {
        parse(Folder { path: String::new(), shown: String::new(), sources: Vec::new(), diagnostics: Vec::new() }).set
    })
}

/// Whether there are no migrations built in.
pub(super) fn is_none(set: &Set) -> bool {
    set.origin.folder.is_empty()
}

/// Says which migrations a command is about, where some are built in; a program that has none needs a folder.
pub(super) fn announce(shared: &Shared, built_in: Option<&Set>, console: &mut Console) -> Result<(), Failure> {
    let Some(set) = built_in else {
        return if shared.dir.is_some() { Ok(()) } else { Err(nothing_named()) };
    };
    let (files, from) = (set.migrations.len(), set.origin.shown.trim_end_matches('/'));
    let files = format!("{files} migration{}", if files == 1 { "" } else { "s" });
    let text = if let Some(dir) = &shared.dir {
        let dir = dir.display();
        format!(
            "migrations: those of {dir}, as `--dir` says; the {files} built into this program ({from}) are left out"
        )
    } else {
        let ignored = environment::variable("GOOSE_MIGRATION_DIR").map_or("", |_| "; GOOSE_MIGRATION_DIR is left out");
        format!("migrations: the {files} built into this program, from {from} ({}){ignored}", set.release)
    };
    console.say("migrations", &text);
    Ok(())
}

fn nothing_named() -> Failure {
    Failure::new(
        Exit::Usage,
        "no migrations are named, and none are built into this program",
        "give `--dir DIR`, the folder of goose files, or set GOOSE_MIGRATION_DIR; a binary with yours built in is one line \
         (README, \"In your own binary\")",
    )
}
