//! The schema as the migrations make it, folded from commands without a database.
//!
//! Floor 5. From [`Command`]s in order to a [`Catalog`]. The world is open: what extensions, DO blocks, dynamic SQL or
//! a baseline may have made is *unknown*, not *absent*. Invariant: nothing that a database may hold is called absent.

pub(crate) mod attachment;
mod fold;
mod lookup;
mod map;
mod object;
mod relations;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use lookup::Lookup;
pub use map::Map;
pub use object::{
    CatalogColumn, CatalogConstraint, Function, IndexDefinition, Place, QualifiedName, Relation, RelationKind,
    TypeEntry, TypeKind, View,
};
pub use relations::Relations;

use crate::command::Command;
use crate::migration::{Direction, Version};

/// What exists outside the migrations, from `migrate.toml`. Names as written there: `auth.users`, `citext`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct External {
    /// Relations.
    pub relations: Vec<String>,
    /// Types.
    pub types: Vec<String>,
    /// Functions.
    pub functions: Vec<String>,
    /// Schemas: everything in them is unknown.
    pub schemas: Vec<String>,
    /// Extensions: what they bring is unknown.
    pub extensions: Vec<String>,
}

/// The schema at one point of the history. Copies share what they have in common.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Tables, views, indexes, sequences: one name space, as in PostgreSQL.
    pub relations: Relations,
    /// Types and domains that a command created; a table's row type is not among them.
    pub types: Map<QualifiedName, TypeEntry>,
    /// Functions, procedures and aggregates by name, all overloads.
    pub functions: Map<QualifiedName, Vec<Function>>,
    /// Schemas that a command created; `public` is always there.
    pub schemas: BTreeMap<String, Place>,
    /// Extensions that a command created.
    pub extensions: BTreeMap<String, Place>,
    /// Roles that a command created, or a body that mentions doing so.
    pub roles: BTreeSet<String>,
    /// Where privileges were first given to tables that are made later (`ALTER DEFAULT PRIVILEGES`).
    pub default_privileges: Option<Place>,
    /// Where unqualified names are looked up and created, as far as it is known; never empty.
    pub search_path: Vec<String>,
    /// Whether something that could not be understood may have made or dropped any object (a DO block with DDL, dynamic
    /// SQL, a function call with unknown effects, an opaque command). From then on no object is absent for certain.
    pub clouded: Option<Place>,
    /// What is declared to exist outside.
    pub external: Arc<External>,
    /// The indexes of each table, so that finding them needs no scan.
    indexes: Map<QualifiedName, BTreeSet<QualifiedName>>,
    /// What the migrations dropped: the one case in which a function, type or schema is known to be absent.
    dropped: Dropped,
    /// Subscriptions that no slot on another server belongs to any more.
    without_slot: BTreeSet<String>,
    /// The session's time zone, where the file that is being folded sets it.
    time_zone: Option<String>,
    /// The search path to go back to when a `SET LOCAL` ends.
    outer_path: Option<Vec<String>>,
}

/// Names of things that the migrations made and dropped.
#[derive(Debug, Clone, Default)]
struct Dropped {
    types: Map<QualifiedName, ()>,
    functions: Map<QualifiedName, ()>,
    schemas: BTreeSet<String>,
}

impl Catalog {
    /// The schema of a new database.
    #[must_use]
    pub fn new(external: External) -> Self {
        Self { search_path: vec!["public".into()], external: Arc::new(external), ..Self::default() }
    }

    /// The schema of a database of which nothing is known but what is declared: anything may exist in it.
    #[must_use]
    pub fn unknown(external: External) -> Self {
        let place = Place { version: Version::ZERO, line: 0, direction: Direction::Up, statement: 0 };
        Self { clouded: Some(place), ..Self::new(external) }
    }

    /// What the schema is after a command that stands at `place`.
    pub fn apply(&mut self, command: &Command, place: Place) {
        self.fold(&command.action, place);
    }

    /// What ends with a transaction: `SET LOCAL search_path`. Callers say it at the end of every migration.
    pub fn end_of_transaction(&mut self) {
        self.time_zone = None;
        if let Some(path) = self.outer_path.take() {
            self.search_path = path;
        }
    }

    /// Whether no slot on another server belongs to a subscription, as far as the migrations say.
    #[must_use]
    pub fn is_without_slot(&self, subscription: &str) -> bool {
        self.without_slot.contains(subscription)
    }

    /// Whether the file has set the session's time zone to UTC.
    #[must_use]
    pub fn is_in_utc(&self) -> bool {
        self.time_zone
            .as_deref()
            .is_some_and(|zone| ["UTC", "GMT", "Etc/UTC"].iter().any(|utc| utc.eq_ignore_ascii_case(zone)))
    }

    /// What ends with a session: the search path goes back to its default, temporary relations vanish.
    pub fn end_of_session(&mut self) {
        self.outer_path = None;
        self.search_path = vec!["public".into()];
        let temporary: Vec<_> = self.relations.keys().filter(|name| name.schema == "pg_temp").cloned().collect();
        for name in temporary {
            self.drop_relation(&name);
        }
    }
}
