//! Whether an expression gives another value for every row (PostgreSQL manual, "Function Volatility Categories").
//!
//! Invariant: a call of a function that is not known counts as volatile.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::catalog::Catalog;
use crate::command::{Expression, Name, Volatility};

/// Functions of `pg_catalog` that have no volatile form: `pg_proc` of PostgreSQL 15 with `provolatile <> 'v'`, without those
/// that only the server calls.
const STEADY: &str = include_str!("steady.txt");

/// Whether the expression calls a function that may be volatile.
pub(super) fn is_volatile(expression: &Expression, catalog: &Catalog) -> bool {
    expression.calls.iter().any(|call| may_vary(call, catalog))
}

/// Expressions that are written like calls.
const CONSTRUCTS: [&str; 4] = ["coalesce", "greatest", "least", "nullif"];

fn may_vary(call: &Name, catalog: &Catalog) -> bool {
    if call.schema.is_none() && CONSTRUCTS.contains(&call.name.as_str()) {
        return false;
    }
    let of_system = call.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
    // The careful answer of several overloads.
    if let Some((_, functions)) = catalog.function(call).known() {
        return functions.iter().any(|function| function.volatility == Volatility::Volatile);
    }
    !(of_system && steady().contains(call.name.as_str()))
}

fn steady() -> &'static BTreeSet<&'static str> {
    static NAMES: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| STEADY.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{External, Place};
    use crate::command::{Action, TableChange, read};
    use crate::migration::{Direction, Version};

    fn volatile(setup: &str, default: &str) -> bool {
        let mut catalog = Catalog::new(External::default());
        let place = Place { version: Version(1), line: 1, direction: Direction::Up, statement: 0 };
        for command in &read(setup) {
            catalog.apply(command, place);
        }
        let commands = read(&format!("ALTER TABLE t ADD COLUMN c text DEFAULT {default};"));
        let Action::AlterTable(alter) = &commands[0].action else { panic!("{commands:?}") };
        let TableChange::AddColumn { column, .. } = &alter.changes[0].1 else { panic!("{commands:?}") };
        is_volatile(column.default.as_ref().unwrap(), &catalog)
    }

    #[test]
    fn what_is_the_same_for_every_row_is_not_volatile() {
        for default in [
            "5",
            "true",
            "'{}'::jsonb",
            "ARRAY[]::text[]",
            "now()",
            "CURRENT_TIMESTAMP",
            "now() - interval '1 day'",
            "length('abc')",
            "pg_catalog.lower('A')",
            "to_char(now(), 'YYYY')",
            "current_setting('app.tenant')",
            "COALESCE(NULL, 'a')",
        ] {
            assert!(!volatile("", default), "{default}");
        }
    }

    #[test]
    fn what_differs_or_is_not_known_is_volatile() {
        for default in
            ["random()", "gen_random_uuid()", "clock_timestamp()", "nextval('s')", "uuidv7()", "nanoid()", "app.f()"]
        {
            assert!(volatile("", default), "{default}");
        }
    }

    #[test]
    fn ones_own_functions_are_what_they_say() {
        let function =
            |words: &str| format!("CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql {words} AS 'BEGIN END';");
        assert!(volatile(&function(""), "f()"));
        assert!(!volatile(&function("STABLE"), "f()"));
        assert!(!volatile(&function("IMMUTABLE"), "f()"));
    }
}
