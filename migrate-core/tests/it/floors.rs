//! The floors of the library: a module uses only what lies below it. The table is the map for a newcomer.

use std::path::Path;

use crate::shared;

/// Module and floor. Above all of them: `lib.rs`, which exports and supports `embed`.
const FLOORS: &[(&str, u8)] = &[
    ("text", 0),       // spans, lines, columns
    ("parallel", 0),   // work on many files, on all processors
    ("diagnostic", 1), // a problem in the user's files, in words
    ("migration", 2),  // a set of migrations as data
    ("parse", 3),      // goose files → migrations
    ("config", 4),     // migrate.toml → the project's settings
    ("connection", 4), // URL + variables + files' texts → how to reach a database
    ("lock", 4),       // migrate.lock + files → what was changed since they were locked
    ("step", 4),       // statement → what it does to the database
    ("command", 4),    // statement → what its commands ask for
    ("catalog", 5),    // commands → the schema at every version
    ("effect", 6),     // command + catalog → locks, rewrites, scans
    ("lint", 7),       // the rules over all of it
    ("build", 5),      // folder → what cargo watches; set + folder → whether the build is stale
    ("check", 5),      // rules over the steps
    ("history", 5),    // what a database says was applied
    ("plan", 6),       // set + history → what is to run
    ("flight", 7),     // plan → the exact sequence of SQL to send
    ("verdict", 8),    // folder + settings + lock → everything that is wrong, in one answer
    ("review", 8),     // set + findings + proof → what a reviewer reads; base + files → what may not be done
    ("report", 8),     // what happened, in words and JSON
    ("gate", 9),       // set + rows → whether a database is ready for a release
    ("connect", 9),    // settings → an open line to a server
    ("schema", 8),     // catalog rows → all objects of a database as one value
    ("apply", 10),     // the only module that changes a database
    ("verify", 11),    // set + scratch databases → which Downs are proven
];

#[test]
fn every_module_uses_only_lower_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = shared::files_below(&root, "rs");
    let mut uses = 0;
    for file in files {
        let shown = file.strip_prefix(&root).unwrap().with_extension("");
        let module = shown.iter().next().unwrap().to_str().unwrap().to_owned();
        if module == "lib" {
            continue;
        }
        let floor = floor(&module).unwrap_or_else(|| panic!("src/{module}: a module without a floor in this table"));
        let text = shared::text(&file);
        for used in used(&text).filter(|used| *used != module) {
            let below = self::floor(used)
                .unwrap_or_else(|| panic!("{}: crate::{used} is no module of the table", file.display()));
            assert!(below < floor, "{}: {module} (floor {floor}) uses {used} (floor {below})", file.display());
            uses += 1;
        }
    }
    assert!(uses > 10, "only {uses} uses were found: the test reads the source wrongly");
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The modules after each `crate::` of a source, and in each `crate::{…}`, comments aside.
fn used(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1)).map(|rest| {
        assert!(!rest.starts_with('{'), "write one `use crate::module` a module: {rest}");
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn no_source_file_is_longer_than_a_reader_s_patience() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = ["migrate-core", "migrate-macros", "migrate-bin", "migrate-scratch", "snapshots"];
    let files = crates.iter().flat_map(|name| {
        ["src", "tests", "benches"].map(|part| root.join(name).join(part)).into_iter().filter(|part| part.is_dir())
    });
    let files: Vec<_> = files.flat_map(|part| shared::files_below(&part, "rs")).collect();
    assert!(files.len() > 300, "{}", files.len());
    for file in files {
        let lines = shared::text(&file).lines().count();
        assert!(lines <= 400, "{}: {lines} lines", file.display());
    }
}
