//! What a change of a column's type does to the values that are stored (measured, the same on PostgreSQL 12 to 18).

use crate::catalog::{Catalog, TypeKind};
use crate::command::ColumnType;

/// What a change of type needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Nothing: the values stay as they are, and so do indexes over them.
    Keep,
    /// The values stay, but are sorted in another way: indexes are built anew.
    Resort,
    /// Every row is written anew.
    Rewrite,
}

/// What changing a column from one type to the other needs; `None` where the present type is not known.
pub(super) fn conversion(from: Option<&ColumnType>, to: &ColumnType, catalog: &Catalog) -> Conversion {
    if is_constrained_domain(to, catalog) {
        return Conversion::Rewrite;
    }
    let Some(from) = from else { return Conversion::Rewrite };
    // A domain without constraints is stored, and compared, as the type below it.
    let (from, to) = (catalog.base_of(from), catalog.base_of(to));
    if from == to {
        return Conversion::Keep;
    }
    if from.dimensions != 0 || to.dimensions != 0 {
        return Conversion::Rewrite;
    }
    if catalog.is_in_utc() && is_instant(from) && is_instant(to) && from.name != to.name {
        return if from.modifiers == to.modifiers { Conversion::Keep } else { Conversion::Rewrite };
    }
    scalar(from, to)
}

fn is_instant(kind: &ColumnType) -> bool {
    matches!(kind.name.name.as_str(), "timestamp" | "timestamptz")
}

/// Whether a type is a domain with NOT NULL or a CHECK: PostgreSQL up to 18 looks at every value of such a column.
pub(super) fn is_constrained_domain(kind: &ColumnType, catalog: &Catalog) -> bool {
    kind.dimensions == 0
        && match catalog.type_entry(&kind.name).known().map(|(_, entry)| &entry.kind) {
            Some(TypeKind::Domain { base, constraints, not_null, .. }) => {
                *not_null || !constraints.is_empty() || is_constrained_domain(base, catalog)
            }
            _ => false,
        }
}

fn scalar(from: &ColumnType, to: &ColumnType) -> Conversion {
    let keep_if = |kept: bool| if kept { Conversion::Keep } else { Conversion::Rewrite };
    let wider = || match (from.modifiers.first(), to.modifiers.first()) {
        (_, None) => true,
        (Some(from), Some(to)) => from <= to,
        (None, Some(_)) => false,
    };
    let same_scale = || from.modifiers.get(1).unwrap_or(&0) == to.modifiers.get(1).unwrap_or(&0);
    match (from.name.name.as_str(), to.name.name.as_str()) {
        ("text" | "varchar", "citext") => Conversion::Resort,
        ("varchar", "text") | ("cidr", "inet") => Conversion::Keep,
        ("text", "varchar") => keep_if(to.modifiers.is_empty()),
        ("varchar", "varchar")
        | ("varbit", "varbit")
        | ("timestamp", "timestamp")
        | ("timestamptz", "timestamptz")
        | ("time", "time")
        | ("timetz", "timetz")
        | ("interval", "interval") => keep_if(wider()),
        ("numeric", "numeric") => keep_if(to.modifiers.is_empty() || (wider() && same_scale())),
        // timestamp and timestamptz are stored alike, but only where the session's TimeZone is UTC they mean the same.
        _ => Conversion::Rewrite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{External, Place};
    use crate::command::{Action, read};
    use crate::migration::{Direction, Version};

    fn kind(text: &str) -> ColumnType {
        let commands = read(&format!("CREATE TABLE t (c {text});"));
        let Action::CreateTable(table) = &commands[0].action else { panic!("{commands:?}") };
        table.columns[0].kind.clone().unwrap()
    }

    fn between(from: &str, to: &str) -> Conversion {
        let mut catalog = Catalog::new(External::default());
        let place = Place { version: Version(1), line: 1, direction: Direction::Up, statement: 0 };
        let setup = "CREATE DOMAIN plain AS text; CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);";
        for command in &read(setup) {
            catalog.apply(command, place);
        }
        conversion(Some(&kind(from)), &kind(to), &catalog)
    }

    #[test]
    fn widening_keeps_the_values_and_narrowing_does_not() {
        for (from, to, keeps) in [
            ("varchar(50)", "varchar(100)", true),
            ("varchar(50)", "text", true),
            ("text", "varchar", true),
            ("text", "varchar(500)", false),
            ("varchar(50)", "varchar(20)", false),
            ("int", "bigint", false),
            ("numeric(10,2)", "numeric(12,2)", true),
            ("numeric(10)", "numeric(12,0)", true),
            ("numeric(10,2)", "numeric(12,3)", false),
            ("numeric(10,2)", "numeric", true),
            ("timestamp(3)", "timestamp(6)", true),
            ("timestamp", "timestamp(3)", false),
            ("timestamp", "timestamptz", false),
            ("varchar(50)[]", "text[]", false),
            ("varchar(50)[]", "varchar(50)[]", true),
            ("char(10)", "char(20)", false),
            ("cidr", "inet", true),
            ("json", "jsonb", false),
            ("plain", "text", true),
            ("text", "plain", true),
            ("varchar(5)", "plain", true),
            ("text", "short", false),
        ] {
            let kept = between(from, to) == Conversion::Keep;
            assert_eq!(kept, keeps, "{from} to {to}");
        }
        assert_eq!(between("text", "citext"), Conversion::Resort);
    }
}
