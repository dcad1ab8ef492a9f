//! Any text as one statement: its commands are read, folded and classified without a panic, on a schema that is known and
//! on one that is not, and each command lies in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migrate_core::catalog::{Catalog, External, Place};
use migrate_core::command::{Command, block, read};
use migrate_core::effect::{Majors, effect, statement};
use migrate_core::migration::{Direction, Version};

const KNOWN: &str = "CREATE TYPE comp AS (a int); CREATE TABLE t (a int PRIMARY KEY, b text, c timestamptz DEFAULT now()); \
    CREATE TABLE u (a int REFERENCES t, s serial) PARTITION BY LIST (a); CREATE INDEX i ON t (b); \
    CREATE MATERIALIZED VIEW m AS SELECT * FROM t; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let commands = read(text);
    for command in &commands {
        let span = command.span;
        assert!(text.get(span.start as usize..span.end as usize).is_some(), "{command:?}");
    }
    let _ = block(text);
    for setup in ["", KNOWN] {
        let mut catalog = Catalog::new(External::default());
        read(setup).iter().for_each(|command| catalog.apply(command, place(command)));
        for command in &commands {
            let _ = effect(command, &catalog, Majors::default());
        }
        let whole = statement(&commands, &mut catalog, place, Majors { min: 15, max: 15 });
        assert!(commands.is_empty() || !whole.verb.is_empty(), "{text}");
        catalog.end_of_transaction();
    }
});

fn place(_: &Command) -> Place {
    Place { version: Version(1), line: 1, direction: Direction::Up, statement: 0 }
}
