//! One sentence a rule.

mod by_hand;
mod changing;
mod creating;
mod dropping;
mod looking_up;

use super::*;
use crate::command::{Name, Where, read};
use crate::migration::{Direction, Version};

/// The schema after some SQL.
fn after(sql: &str) -> Catalog {
    on(Catalog::new(External::default()), sql)
}

fn on(mut catalog: Catalog, sql: &str) -> Catalog {
    for (at, command) in read(sql).iter().enumerate() {
        assert_ne!(command.action, crate::command::Action::Opaque, "{sql}");
        catalog.apply(command, place(u32::try_from(at).unwrap() + 1));
    }
    catalog
}

fn place(line: u32) -> Place {
    Place { version: Version(1), line, direction: Direction::Up, statement: line - 1 }
}

fn name(text: &str) -> Name {
    let (schema, name) = text.split_once('.').map_or((None, text), |(schema, name)| (Some(schema.to_owned()), name));
    Name { schema, name: name.to_owned(), span: Where::default() }
}

impl Catalog {
    /// A relation that is known.
    fn the(&self, text: &str) -> &Relation {
        let found = self.relation(&name(text)).known();
        found.unwrap_or_else(|| panic!("{text} among {}", self.all())).1
    }

    /// The names of all relations.
    fn all(&self) -> String {
        self.relations.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

impl Relation {
    /// Columns as `name type` with `!` for NOT NULL and `=` for a default.
    fn shown(&self) -> String {
        let column = |column: &CatalogColumn| {
            let kind = column.kind.as_ref().map_or("?".to_owned(), ToString::to_string);
            let null = if column.not_null { "!" } else { "" };
            format!("{} {kind}{null}{}", column.name, if column.default.is_some() { "=" } else { "" })
        };
        self.columns.iter().map(column).collect::<Vec<_>>().join(", ")
    }

    /// Constraints as `name(columns)`, with `?` when not validated.
    fn rules(&self) -> String {
        let one = |constraint: &CatalogConstraint| {
            format!(
                "{}({}){}",
                constraint.name,
                constraint.columns().join(","),
                if constraint.valid { "" } else { "?" }
            )
        };
        self.constraints.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}
